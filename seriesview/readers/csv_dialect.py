"""How a text table is written: its delimiter, decimal sign, comments and header, found from its beginning.

The delimiter (tab, semicolon, comma or blanks) is the one that splits the lines into equally many cells, most of
them numbers or times. A decimal comma is looked for where the delimiter is not a comma. The header is the first
line that is no comment, if it has text above numbers or is of nothing but text; or the last comment line before the
data, if it has as many cells. A second header line of units, in brackets or not, is joined to the first.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.csv_clock import is_clock

_SNIFF_BYTES = 1 << 16
_MOST_SNIFF_BYTES = 1 << 24
_SNIFF_LINES = 100
_DELIMITERS = ("\t", ";", ",", " ")
_COMMENTS = ("#", "%")
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|infinity)", re.IGNORECASE)
_UNITS = re.compile(r"\s*(?:[(\[].*[)\]])?\s*")
_EMPTY_NAMES = re.compile(r"|Unnamed: \d+")


@dataclass(frozen=True)
class Dialect:
    """One way of writing a table. `names` are the header's, or the columns' numbers where there is none.

    `data_offset` is the byte where the first line of data begins, `data_line` its number, counted from 1.
    `width` is how many cells a line usually has, `sample_rows` are the cells of the first lines of data.
    """

    delimiter: str
    decimal: str
    newline: bytes
    width: int
    names: tuple[str, ...]
    has_header: bool
    data_offset: int
    data_line: int
    sample_rows: tuple[tuple[str, ...], ...]

    def split(self, line: str) -> list[str]:
        """Cells of one line, stripped, quotes removed, decimals with a point."""
        return _split(line, self.delimiter, self.decimal)

    def column_cells(self, column: int) -> list[str]:
        """Cells of a column in the first lines of data that are not empty."""
        return [row[column] for row in self.sample_rows if column < len(row) and not is_missing(row[column])]


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.lower() in _MISSING


def is_number(cell: str) -> bool:
    """Whether a cell is a number as this reader takes it."""
    return _NUMBER.fullmatch(cell) is not None


def is_utf16(head: bytes) -> bool:
    """Whether a file that begins so is text that must be written in UTF-8 first."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def is_data_line(line: str) -> bool:
    """Whether a line is neither blank nor a comment."""
    return not (line.isspace() or not line or line.lstrip().startswith(_COMMENTS))


def sniff(path: Path) -> Dialect:
    """How the table is written. Raises ReaderError where it is no text, or holds no lines of data."""
    head, newline = _head(path)
    offset = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    lines: list[tuple[int, str]] = []
    for raw in head[offset:].split(newline):
        lines.append((offset, _decode(raw.removesuffix(b"\r"))))
        offset += len(raw) + len(newline)
    data = [number for number, (_, line) in enumerate(lines) if is_data_line(line)]
    if not data:
        raise ReaderError(f"{path}: no samples: there are no lines of data in this table")
    texts = [lines[number][1] for number in data[: _SNIFF_LINES + 2]]
    delimiter, decimal = _delimiter(texts)
    header, used = _header(texts, delimiter, decimal)
    rows = [tuple(_split(text, delimiter, decimal)) for text in texts[used:]]
    if not rows:
        raise ReaderError(f"{path}: no samples: there is a header, but no line of data")
    width = _usual_width(rows)
    if header is None:
        comments = [line for _, line in lines[: data[0]] if line.strip()]
        header = _commented_header(comments, delimiter, width)
    first = data[used]
    return Dialect(
        delimiter=delimiter,
        decimal=decimal,
        newline=newline,
        width=width,
        names=_names(header, rows, width),
        has_header=header is not None,
        data_offset=lines[first][0],
        data_line=first + 1,
        sample_rows=tuple(rows),
    )


def _names(header: list[str] | None, rows: list[tuple[str, ...]], width: int) -> tuple[str, ...]:
    """A name for each column; where the header lacks one, the last column is empty or the first are row names."""
    if header is None:
        return tuple(str(column) for column in range(width))
    if len(header) == width - 1 and any(row[-1] for row in rows if len(row) == width):
        return ("", *header)
    return tuple(header[:width]) + ("",) * (width - len(header))


def _head(path: Path) -> tuple[bytes, bytes]:
    """Whole lines from the file's beginning, and what ends a line."""
    size = _SNIFF_BYTES
    while True:
        with path.open("rb") as file:
            head = file.read(size)
        if is_utf16(head):
            raise ReaderError(f"{path}: written in UTF-16; save it as UTF-8")
        if b"\0" in head:
            raise ReaderError(f"{path}: not a text file; set `reader:` if it is something else")
        newline = b"\r" if b"\r" in head and b"\n" not in head else b"\n"
        if len(head) < size:
            return head, newline
        if head.count(newline) > 2:
            return head[: head.rindex(newline)], newline
        if size >= _MOST_SNIFF_BYTES:
            raise ReaderError(f"{path}: its lines are too long for a table")
        size *= 4


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _split(line: str, delimiter: str, decimal: str) -> list[str]:
    if '"' in line:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    elif delimiter == " ":
        cells = line.split()
    else:
        cells = line.split(delimiter)
    cells = [cell.strip() for cell in cells]
    if decimal == ",":
        cells = [_with_point(cell) for cell in cells]
    return cells


def _with_point(cell: str) -> str:
    pointed = cell.replace(",", ".", 1)
    return pointed if is_number(pointed) else cell


def _delimiter(lines: list[str]) -> tuple[str, str]:
    """The delimiter and the decimal sign under which most cells are numbers or times."""
    best: tuple[float, str, str] = (-1.0, ",", ".")
    for delimiter in _DELIMITERS:
        for decimal in (".", ",") if delimiter != "," else (".",):
            rows = [_split(line, delimiter, decimal) for line in lines]
            width = _usual_width(rows)
            if width < 2 and not (delimiter == "," or (delimiter == ";" and decimal == ",")):
                continue
            cells = [cell for row in rows[1:] or rows for cell in row]
            score = sum(_is_usable(cell) for cell in cells) / max(1, len(cells))
            # Whole numbers in two columns and one column with decimal commas look alike but for the header.
            score += 0.01 * (width > 1) + 0.02 * (len(rows[0]) == width)
            if score > best[0]:
                best = (score, delimiter, decimal)
    return best[1], best[2]


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    """How many cells most rows have; the most of several such numbers."""
    counts = Counter(len(row) for row in rows)
    return max(counts, key=lambda width: (counts[width], width))


def _is_usable(cell: str) -> bool:
    return is_number(cell) or is_missing(cell) or is_clock(cell)


def _header(texts: list[str], delimiter: str, decimal: str) -> tuple[list[str] | None, int]:
    """The header's names, or None, and how many lines it takes."""
    rows = [_split(text, delimiter, decimal) for text in texts]
    if not _is_header(rows[0], rows[1:]):
        return None, 0
    names = _unquoted(_split(texts[0], delimiter, "."))
    if len(texts) > 1:
        units = _unquoted(_split(texts[1], delimiter, "."))
        if len(units) == len(names) and any(units):
            if all(_UNITS.fullmatch(unit) for unit in units):
                return [f"{name} {unit}".strip() for name, unit in zip(names, units, strict=True)], 2
            if _are_units(rows[1], rows[2:]):
                return [
                    f"{name} ({unit})" if unit else name for name, unit in zip(names, units, strict=True)
                ], 2
    return names, 1


def _unquoted(cells: list[str]) -> list[str]:
    """Names without the single quotes that some programs put around them."""
    return [cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == "'" else cell for cell in cells]


def _are_units(second: list[str], others: list[list[str]]) -> bool:
    """Whether a row below the names is of nothing but words and empty cells, and numbers come under its words."""
    words = [column for column, cell in enumerate(second) if cell]
    if any(_is_usable(second[column]) for column in words):
        return False
    return _has_numbers_in(words, others)


def _is_header(first: list[str], others: list[list[str]]) -> bool:
    """Whether the first row names columns: it has text above numbers, or is of nothing but text."""
    text = [column for column, cell in enumerate(first) if not _is_usable(cell)]
    if not text:
        return False
    if not any(is_number(cell) or is_clock(cell) for cell in first):
        return True
    return _has_numbers_in(text, others)


def _has_numbers_in(columns: list[int], rows: list[list[str]]) -> bool:
    """Whether some of these columns have a number or a time in some row."""
    return any(
        column < len(row) and (is_number(row[column]) or is_clock(row[column]))
        for row in rows
        for column in columns
    )


def _commented_header(comments: list[str], delimiter: str, width: int) -> list[str] | None:
    if not comments or width < 2:
        return None
    names = _split(comments[-1].strip().lstrip("".join(_COMMENTS)).strip(), delimiter, ".")
    if len(names) != width or any(is_number(name) for name in names):
        return None
    return names


def is_unnamed(name: str) -> bool:
    """Whether a column has no name of its own, as the row numbers that other programs write."""
    return _EMPTY_NAMES.fullmatch(name) is not None
