"""Lines of a table in blocks, and their cells as numbers: a fast path for plain lines, an exact one for odd lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.csv_columns import TimeColumn
from seriesview.readers.csv_dialect import Dialect, is_data_line, is_missing, is_number

_BLOCK_BYTES = 1 << 20
_CLOCK_BYTES = 48
_INT64 = np.iinfo(np.int64)
_MISSING_WORD = re.compile(r"(?<![^\s,;])(?:NA|N/A|null|None|na|NULL)(?![^\s,;])")


@dataclass(frozen=True)
class TextBlock:
    """Whole lines of a table, joined by newlines; `first_line` is the number of the first, from 1 on."""

    text: str
    first_line: int
    is_last: bool

    def data_lines(self) -> Iterator[tuple[int, str]]:
        """Number and text of each line of data."""
        for number, line in enumerate(self.text.split("\n"), self.first_line):
            if is_data_line(line):
                yield number, line

    def line_number(self, row: int) -> int:
        """Number of the line that holds the block's row `row`."""
        return next(number for index, (number, _) in enumerate(self.data_lines()) if index == row)


def text_blocks(path: Path, dialect: Dialect) -> Iterator[TextBlock]:
    """The table's lines of data, about 1 MiB at a time."""
    with path.open("rb") as file:
        file.seek(dialect.data_offset)
        line = dialect.data_line
        rest = b""
        while True:
            piece = file.read(_BLOCK_BYTES)
            is_last = len(piece) < _BLOCK_BYTES
            whole, newline, rest = (rest + piece).rpartition(dialect.newline)
            if is_last:
                whole, rest = whole + newline + rest, b""
            elif not newline:
                continue
            text = _decode(whole)
            text = text.replace("\r", "\n" if dialect.newline == b"\r" else "")
            yield TextBlock(text, line, is_last)
            line += text.count("\n") + 1
            if is_last:
                return


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


@dataclass(frozen=True)
class Rows:
    """Values int64 or float64 (n, C); times float64 (n,) as written, bytes (n,) of wall-clock times, or None."""

    values: npt.NDArray[Any]
    times: npt.NDArray[Any] | None


class BlockParser:
    """Turns lines into rows: integers as long as every value so far was written as one, else float64."""

    def __init__(
        self,
        path: Path,
        dialect: Dialect,
        time: TimeColumn | None,
        columns: Sequence[int],
        allow_truncated: bool = False,
    ) -> None:
        self.all_integers = True
        self._path = path
        self._dialect = dialect
        self._time = time
        self._columns = list(columns)
        self._allow_truncated = allow_truncated
        self._used = [*([time.index] if time is not None else []), *self._columns]

    def parse(self, block: TextBlock) -> Rows:
        """Rows of a block. Raises ReaderError that names line and column of a cell that is not a number."""
        rows = self._parse_fast(block.text)
        if rows is None and _MISSING_WORD.search(block.text):
            rows = self._parse_fast(_MISSING_WORD.sub("nan", block.text))
        return self._parse_exactly(block) if rows is None else rows

    def _parse_fast(self, text: str) -> Rows | None:
        """Rows as numpy reads them; None where some line is odd."""
        lines = self._plain_lines(text)
        if lines is None:
            return None
        if not lines:
            return self._empty()
        for dtype in (np.int64, np.float64) if self.all_integers else (np.float64,):
            try:
                rows = self._load(lines, dtype, '"' in text)
            except ValueError:
                continue
            self.all_integers = dtype is np.int64
            return rows
        return None

    def _empty(self) -> Rows:
        times = None if self._time is None else np.empty(0, "S1" if self._time.is_clock else np.float64)
        return Rows(np.empty((0, len(self._columns)), np.int64), times)

    def _plain_lines(self, text: str) -> list[str] | None:
        """Lines of data for numpy; None where some of them may not be as wide as they should be."""
        delimiter = self._dialect.delimiter
        if self._dialect.decimal == ",":
            text = text.replace(",", ".")
        if delimiter != " ":
            text = _fill_empty_cells(text, delimiter)
        lines = [line for line in text.split("\n") if line]
        if any(sign in text for sign in ("#", "%", "\n ", "\n\t")) or text[:1].isspace():
            lines = [line for line in lines if is_data_line(line)]
            text = "\n".join(lines)
        if delimiter == " " or '"' in text:
            return lines
        return lines if text.count(delimiter) == (self._dialect.width - 1) * len(lines) else None

    def _load(self, lines: list[str], dtype: type[np.int64] | type[np.float64], quoted: bool) -> Rows:
        delimiter = None if self._dialect.delimiter == " " else self._dialect.delimiter
        fields: Any = dtype
        if self._time is not None:
            time_dtype = f"S{_CLOCK_BYTES}" if self._time.is_clock else np.float64
            fields = np.dtype([("time", time_dtype), ("values", dtype, (len(self._columns),))])
        loaded = np.loadtxt(
            lines,
            dtype=fields,
            delimiter=delimiter,
            usecols=self._used,
            comments=None,
            quotechar='"' if quoted else None,
            ndmin=2 if self._time is None else 1,
        )
        if self._time is None:
            return Rows(loaded, None)
        return Rows(np.ascontiguousarray(loaded["values"]), np.ascontiguousarray(loaded["time"]))

    def _parse_exactly(self, block: TextBlock) -> Rows:
        values: list[list[float]] = []
        times: list[Any] = []
        lines = list(block.data_lines())
        for index, (number, line) in enumerate(lines):
            try:
                cells = self._cells(number, line)
                row = [self._value(number, column, cells[column]) for column in self._columns]
                if self._time is not None:
                    times.append(self._time_cell(number, cells[self._time.index]))
            except ReaderError:
                if self._allow_truncated and block.is_last and index == len(lines) - 1:
                    break
                raise
            values.append(row)
        self.all_integers = self.all_integers and all(
            isinstance(value, int) and _INT64.min <= value <= _INT64.max for row in values for value in row
        )
        dtype = np.int64 if self.all_integers else np.float64
        table = np.array(values, dtype).reshape(len(values), len(self._columns))
        if self._time is None:
            return Rows(table, None)
        return Rows(table, np.array(times, np.bytes_ if self._time.is_clock else np.float64))

    def _cells(self, number: int, line: str) -> list[str]:
        cells = self._dialect.split(line)
        while len(cells) > self._dialect.width and not cells[-1]:
            cells.pop()
        if len(cells) <= max(self._used) or len(cells) > self._dialect.width:
            raise ReaderError(
                f"{self._path}: line {number} has {len(cells)} columns, but the table has {self._dialect.width}"
            )
        return cells

    def _value(self, number: int, column: int, cell: str) -> float:
        if is_missing(cell):
            return float("nan")
        if not is_number(cell):
            name = self._dialect.names[column]
            raise ReaderError(f"{self._path}: line {number}, column {name}: {cell!r} is not a number")
        try:
            return int(cell)
        except ValueError:
            return float(cell)

    def _time_cell(self, number: int, cell: str) -> Any:
        assert self._time is not None
        if self._time.is_clock:
            return cell.encode("latin-1", "replace")
        return float(self._value(number, self._time.index, cell))


def _fill_empty_cells(text: str, delimiter: str) -> str:
    """The text with `nan` between delimiters that follow each other, and at the ends of lines."""
    double = delimiter * 2
    if double in text:
        filled = f"{delimiter}nan{delimiter}"
        text = text.replace(double, filled).replace(double, filled)
    if f"{delimiter}\n" in text:
        text = text.replace(f"{delimiter}\n", f"{delimiter}nan\n")
    if f"\n{delimiter}" in text:
        text = text.replace(f"\n{delimiter}", f"\nnan{delimiter}")
    if text.startswith(delimiter):
        text = f"nan{text}"
    return f"{text}nan" if text.endswith(delimiter) else text
