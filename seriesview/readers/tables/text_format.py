"""How a text table is written, found from its beginning: delimiter, decimal sign, what stands above the data, names.

The delimiter (tab, semicolon, comma, bar or blanks) is the one that splits the lines into equally many cells, most of
them numbers or times. Data begin with the first line whose cells can be numbers or times wherever most lines have
some. The lines just above, as wide as the data and without numbers, are the header: names, names in several levels
that are joined, and units below them. `sep=;` and lines of any kind above it are passed over; `header_lines` says
how many there are in all.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Decision
from seriesview.readers.tables.cells import is_missing, is_number, is_usable, with_point
from seriesview.readers.tables.names import is_time_name, is_unit_of_time, with_unit
from seriesview.readers.tables.text_lines import Lines, is_data_line, read_head
from seriesview.readers.tables.wall_clock import is_clock

MOST_COLUMNS = 16384
_SNIFF_LINES = 200
_SNIFF_CHARACTERS = 1 << 18
# Of wide tables, that many columns tell how all are written.
_TRIED_CELLS = 200
_MOST_HEADER_ROWS = 4
_DELIMITERS = ("\t", ";", ",", "|", " ")
_COMMENTS = "#%"
_SEP_LINE = re.compile(r"\"?sep=(.|\\t)\"?\s*", re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,18}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}[.,]\d{3}")
_SURE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
# Seconds since 1970 of 2000 to 2061, as devices write them.
_EPOCHS = (946_684_800.0, 2_900_000_000.0)


@dataclass(frozen=True)
class TextFormat:
    """One way of writing a table. `names` are the header's, or the columns' numbers where there is none.

    `first_line` is the number of the first line of data, counted from 1. `width` is how many cells a line has.
    `start` (seconds since 1970) and `rate` (Hz) are what a device wrote above its numbers.
    """

    lines: Lines
    delimiter: str
    decimal: str
    width: int
    names: tuple[str, ...]
    has_header: bool
    first_line: int
    start: float | None = None
    rate: float | None = None
    decisions: tuple[Decision, ...] = ()

    def split(self, line: str) -> list[str]:
        """Cells of one line, stripped, quotes removed, decimals with a point."""
        return _split(line, self.delimiter, self.decimal)


def sniff(path: Path, header_lines: int | None = None) -> TextFormat:
    """How the table is written. Raises ReaderError where it is no text, or holds no lines of data."""
    head, lines = read_head(path)
    delimiters: Sequence[str] = _DELIMITERS
    numbered = [(number, line) for number, line in enumerate(head, 1) if is_data_line(line)]
    if numbered and (match := _SEP_LINE.fullmatch(numbered[0][1])):
        delimiters = ("\t" if match[1] == "\\t" else match[1],)
        numbered = numbered[1:]
    if header_lines is not None:
        below = [entry for entry in numbered if entry[0] > header_lines]
        above = [entry for entry in numbered if entry[0] <= header_lines]
    else:
        below, above = numbered, []
    if not below:
        raise ReaderError("no samples: there are no lines of data in this table", file=path)
    _check_width(path, below[0][1], delimiters)
    longest = max(len(line) for _, line in below[:20])
    sample = below[: max(20, min(_SNIFF_LINES, _SNIFF_CHARACTERS // max(1, longest)))]
    delimiter, decimal = _delimiter([line for _, line in sample], delimiters)
    rows = [_split(line, delimiter, decimal) for _, line in sample]
    width = _usual_width(rows)
    start, decisions = (0, []) if header_lines is not None else _data_begin(rows, width)
    device: tuple[float | None, float | None] = (None, None)
    if header_lines is None:
        start, device, said = _device_lines(rows, start)
        decisions = said or decisions
    if start >= len(rows):
        raise ReaderError("no samples: there is a header, but no line of data", file=path)
    above += sample[:start]
    first_line = sample[start][0]
    data = rows[start:]
    names = None if device[1] is not None else _names_above(above, delimiter, width, data)
    if names is None:
        names = _names_in_comment(head[: first_line - 1], delimiter, width)
    elif device[0] is not None:
        names[0] = "time"
    if names is not None and len(names) == width - 1 and width > 2:
        words = f"the header has {width - 1} names for {width} columns: the first column is taken for the rows' names"
        decisions.append(Decision(words, is_guess=True))
    decisions += _doubts(rows[start:], delimiter, decimal)
    return TextFormat(
        lines,
        delimiter,
        decimal,
        width,
        _fitting(names, data, width),
        names is not None,
        first_line,
        *device,
        tuple(decisions),
    )


def _check_width(path: Path, line: str, delimiters: Sequence[str]) -> None:
    widest = max(line.count(delimiter) for delimiter in delimiters)
    if widest >= MOST_COLUMNS:
        raise ReaderError(
            f"{widest + 1} columns are too many for a table of time series (at most {MOST_COLUMNS})",
            file=path,
        )


def _split(line: str, delimiter: str, decimal: str) -> list[str]:
    if '"' in line:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    elif delimiter == " ":
        cells = line.split()
    else:
        cells = line.split(delimiter)
    cells = [cell.strip() for cell in cells]
    return [with_point(cell) for cell in cells] if decimal == "," else cells


def _delimiter(lines: list[str], delimiters: Sequence[str]) -> tuple[str, str]:
    """The delimiter and the decimal sign under which most cells are numbers or times."""
    best: tuple[float, str, str] = (-1.0, delimiters[0], ".")
    for delimiter in delimiters:
        rows = [_split(line, delimiter, ".") for line in lines]
        width = _usual_width(rows)
        fitting = [row for row in rows if len(row) == width]
        may_be_decimal = delimiter != "," or _may_be_decimal(fitting[1:] or fitting)
        for decimal in (".", ",") if may_be_decimal else (".",):
            if width < 2 and len(delimiters) > 1 and (delimiter, decimal) not in ((",", "."), (";", ",")):
                continue
            cells = [cell for row in fitting[1:] or fitting for cell in row[:_TRIED_CELLS]]
            usable = [_is_usable_with(cell, decimal) for cell in cells]
            score = (0.9 + 0.1 * len(fitting) / len(rows)) * sum(usable) / max(1, len(usable)) + 0.1 * (
                width > 1
            )
            # Whole numbers in two columns and one column with decimal commas look alike but for the header.
            data = (
                index
                for index, row in enumerate(rows)
                if all(_is_usable_with(cell, decimal) for cell in row[:_TRIED_CELLS])
            )
            header = max(0, next(data, 1) - 1)
            score += 0.2 * (len(rows[header]) == width and (width > 1 or "," not in lines[header]))
            if score > best[0]:
                best = (score, delimiter, decimal)
    return best[1], best[2]


def _may_be_decimal(rows: list[list[str]]) -> bool:
    """Whether commas within cells that are quoted between commas may be decimal ones, and no thousands."""
    cells = [
        cell for row in rows for cell in row[:_TRIED_CELLS] if "," in cell and is_number(with_point(cell))
    ]
    return not all(_SURE_THOUSANDS.fullmatch(cell) for cell in cells)


def _is_usable_with(cell: str, decimal: str) -> bool:
    if decimal == "," and is_number(cell):
        return "." not in cell
    return is_usable(with_point(cell) if decimal == "," else cell)


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    """How many cells most rows of numbers have, or most rows where there are none; the most of several such numbers."""
    filled = [[cell for cell in row[:_TRIED_CELLS] if cell] for row in rows]
    measured = [
        row
        for row, cells in zip(rows, filled, strict=True)
        if cells and 2 * sum(map(is_usable, cells)) >= len(cells)
    ]
    counts = Counter(len(row) for row in measured or rows)
    return max(counts, key=lambda width: (counts[width], width))


def _first_data_row(rows: list[list[str]], width: int) -> int:
    """The first row that has numbers, times or nothing in all columns in which most rows have numbers or times."""
    fitting = [row for row in rows if len(row) == width]
    # The last half has no header in it; a short table has little else.
    known = fitting[len(fitting) // 2 :] if len(fitting) > 8 else fitting[1:] or fitting
    measured = []
    for column in range(min(width, _TRIED_CELLS)):
        cells = [row[column] for row in known if not is_missing(row[column])]
        if cells and 2 * sum(is_number(cell) or is_clock(cell) for cell in cells) >= len(cells):
            measured.append(column)
    if not measured:
        return 0 if any(map(is_number, rows[0])) else 1
    for index, row in enumerate(rows):
        if len(row) == width and all(is_usable(row[column]) for column in measured) and any(row):
            return index
    return len(rows)


def _data_begin(rows: list[list[str]], width: int) -> tuple[int, list[Decision]]:
    """The first row of data, and a word on a row above it that could be one too."""
    start = _first_data_row(rows, width)
    # An odd cell makes no header of a row below names.
    while 1 < start < len(rows) and len(rows[start - 1]) == len(rows[start - 2]) == width:
        if not any(map(is_number, rows[start - 1])) or any(map(is_number, rows[start - 2])):
            break
        start -= 1
    are_above = 0 < start < len(rows) - 1 and rows[start - 1][0] and rows[start + 1][0]
    if are_above and _are_counts(rows[start], len(rows) - start - 1):
        said = f"the line below the names ({', '.join(filter(None, rows[start]))}) is left out, as it has no time"
        return start + 1, [Decision(said, is_guess=True)]
    below_names = start > 0 and rows[start - 1][0] == ""
    if (below_names or start == 0) and _is_row_of_column_numbers(rows[start:], width, below_names):
        start += 1
    elif not 0 < start < len(rows) or not any(map(is_number, rows[start - 1])):
        return start, []
    cells = ", ".join(rows[start - 1][:3]).lstrip(", ")
    return start, [
        Decision(
            f"the line above the first numbers ({cells}...) is taken for the columns' names", is_guess=True
        )
    ]


def _device_lines(
    rows: list[list[str]], start: int
) -> tuple[int, tuple[float | None, float | None], list[Decision]]:
    """The first row of data behind a device's lines of start and rate, what they say, and a word on it.

    A wristband writes the same start (seconds since 1970) in each column, then the same rate, then numbers; or the
    start in place of the name of the first column, whose times count from it.
    """
    alike = [
        float(row[0]) if is_number(row[0]) and len(set(row)) == 1 else None for row in rows[start : start + 2]
    ]
    if len(alike) == 2 and start + 2 < len(rows) and alike[0] is not None and alike[1] is not None:
        first = rows[start + 2][0]
        is_epoch = _EPOCHS[0] <= alike[0] <= _EPOCHS[1] and is_number(first) and abs(float(first)) < 1e8
        if is_epoch and 0 < alike[1] <= 1e6:
            said = (
                f"the first two lines are taken for a start, {alike[0]:.12g} s since 1970 (UTC), and a rate, "
                f"{alike[1]:g} Hz"
            )
            return start + 2, (alike[0], alike[1]), [Decision(said, is_guess=True)]
    if start == 1 and len(rows[0]) > 1 and is_number(rows[0][0]) and not any(map(is_number, rows[0][1:])):
        epoch = float(rows[0][0])
        if _EPOCHS[0] <= epoch <= _EPOCHS[1]:
            said = f"the first column is taken for times after {epoch:.12g} s since 1970 (UTC), as the first line says"
            rows[0][0] = "time"
            return start, (epoch, None), [Decision(said, is_guess=True)]
    return start, (None, None), []


def _are_counts(row: list[str], least: int) -> bool:
    """Whether a row holds nothing but the same whole number, and none in its first column: how many samples follow."""
    found = set(filter(None, row))
    return (
        not row[0]
        and len(found) == 1
        and all(map(_COUNT.fullmatch, found))
        and int(found.pop()) >= max(2, least)
    )


def _is_row_of_column_numbers(rows: list[list[str]], width: int, below_names: bool) -> bool:
    """Whether a first row of nothing but numbers names the columns, as data frames without names write it."""
    others = [row for row in rows[1:] if len(row) == width]
    if not others or len(rows[0]) != width or width < 2:
        return False
    if not rows[0][0] and all(row[0] for row in others):
        named = [float(cell) for cell in rows[0][1:] if is_number(cell)]
        rises = all(before < after for before, after in pairwise(named))
        return len(named) == width - 1 and (rises or below_names)
    numbers = [str(column) for column in range(width)]
    return rows[0] == numbers and all(any("." in row[column] for row in others) for column in range(width))


def _names_above(
    above: list[tuple[int, str]], delimiter: str, width: int, data: list[list[str]]
) -> list[str] | None:
    """The names in the lines just above the data; None where there are none."""
    rows = [_unquoted(_split(line, delimiter, ".")) for _, line in above[-_MOST_HEADER_ROWS:]]
    header: list[list[str]] = []
    for row in reversed(rows):
        fits = len(row) in (width - 1, width) or (len(row) > width and not any(row[width + 1 :]))
        if not fits or not any(row) or (header and any(is_number(cell) for cell in row)):
            break
        if header and len(row) != len(header[0]):
            break
        header.insert(0, row)
    if len(header) > 1 and _are_counts(header[-1], len(data)):
        header.pop()
    if not header or (width > 1 and len(header[-1]) == 1):
        return None
    index_name = ""
    if len(header) > 1 and header[-1][0] and not any(header[-1][1:]):
        index_name = header.pop()[0]
    units = _units([row for row in header[:-1] if _is_telling(row)], header[-1], data)
    if units is not None:
        header.pop()
    telling = [row for row in header if _is_telling(row)] or header[-1:]
    last = telling[-1]
    if len(set(last)) == len(last) and not all(cell.isdigit() for cell in last[1:]):
        telling = [last]
    names = [" ".join(dict.fromkeys(filter(None, cells))) for cells in zip(*telling, strict=True)]
    is_below_levels = len(telling) > 1 or any(_is_one_level(row) for row in header[:-1])
    if is_below_levels and not (is_time_name(names[0]) or is_unit_of_time(names[0])):
        # Above the numbers of the rows stand the names of the levels.
        names[0] = ""
    names[0] = index_name or names[0]
    if units is not None:
        names = [with_unit(name, unit) for name, unit in zip(names, units, strict=True)]
    return names


def _is_telling(row: list[str]) -> bool:
    """Whether a row of a header tells columns from each other."""
    return (len(set(row[1:])) > 1 or len(row) < 3) and any(row[1:] or row)


def _is_one_level(row: list[str]) -> bool:
    """Whether a row of a header has the same name over all columns, behind that of the level."""
    return len(row) > 2 and len(set(row[1:])) == 1 and bool(row[0]) and bool(row[1]) and row[0] != row[1]


def _units(above: list[list[str]], units: list[str], data: list[list[str]]) -> list[str] | None:
    """The last row of a header, where it holds the units of the names in the rows above it."""
    if not above:
        return None
    names = above[-1]
    if all(not cell or cell[0] + cell[-1] in ("()", "[]") for cell in units):
        return units
    if len(set(names)) < len(names):
        return None
    if any(is_time_name(cell) for cell in units) and not any(is_time_name(cell) for cell in names):
        return None
    words = [column for column, cell in enumerate(units) if cell]
    measured = any(
        column < len(row) and (is_number(row[column]) or is_clock(row[column]))
        for row in data
        for column in words
    )
    return [f"({cell})" if cell else "" for cell in units] if measured else None


def _unquoted(cells: list[str]) -> list[str]:
    """Names without the single quotes that some programs put around them."""
    return [cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == "'" else cell for cell in cells]


def _names_in_comment(head: list[str], delimiter: str, width: int) -> list[str] | None:
    comments = [line for line in head if line.strip()]
    if not comments or width < 2 or is_data_line(comments[-1]):
        return None
    names = _split(comments[-1].strip().lstrip(_COMMENTS).strip(), delimiter, ".")
    return None if len(names) != width or any(is_number(name) for name in names) else names


def _fitting(header: list[str] | None, rows: list[list[str]], width: int) -> tuple[str, ...]:
    """A name for each column; where the header lacks one, the last column is empty or the first are row names."""
    if header is None:
        return tuple(str(column) for column in range(width))
    if len(header) == width - 1 and any(row[-1] for row in rows if len(row) == width):
        return ("", *header)
    return tuple(header[:width]) + ("",) * (width - len(header))


def _doubts(rows: list[list[str]], delimiter: str, decimal: str) -> list[Decision]:
    """What is said of a sign that may separate decimals or thousands."""
    if decimal == "." and delimiter in (",", "\t"):
        return []
    cells = [cell for row in rows for cell in row if is_number(cell) and "." in cell]
    if not cells or not all(_THOUSANDS.fullmatch(cell) for cell in cells) or len(set(cells)) < 3:
        return []
    sign = "comma" if decimal == "," else "point"
    said = f"the {sign} in numbers such as {cells[0].replace('.', decimal)} is taken for a decimal {sign}"
    return [Decision(said, is_guess=True)]
