"""What a cell of a text table holds: a number, a time, or nothing."""

from __future__ import annotations

import re

from seriesview.readers.tables.wall_clock import is_clock

_FOR_NOTHING = "nan na n/a null none - -- empty missing #n/a #na <na> nat #value! #div/0!"
_WORDS = ("", *_FOR_NOTHING.split())
MISSING = tuple(
    dict.fromkeys(form for word in _WORDS for form in (word, word.upper(), word.capitalize(), "NaN", "NaT"))
)
_MISSING = frozenset(_WORDS)
NUMBER = r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf|infinity))"
_NUMBER = re.compile(NUMBER)
_LONGEST_NUMBER = 1000


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.lower() in _MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is a number as this reader takes it."""
    # No number of 64 bits is written in more characters, and the pattern takes the square of their count.
    return len(cell) <= _LONGEST_NUMBER and _NUMBER.fullmatch(cell) is not None


def is_usable(cell: str) -> bool:
    """Whether a cell is a number or a time, or says that there is none."""
    return is_number(cell) or is_missing(cell) or is_clock(cell)


def with_point(cell: str) -> str:
    """A number with a decimal comma with a point instead; another cell as it is."""
    pointed = cell.replace(",", ".", 1)
    return pointed if is_number(pointed) else cell
