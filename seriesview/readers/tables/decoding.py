"""A whole table decoded once: its numbers and wall-clock times, and what its columns hold, by all of their cells."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seriesview.errors import ReaderError
from seriesview.readers.clocks import ClockError
from seriesview.readers.tables.column_store import Arrays, ColumnStore
from seriesview.readers.tables.names import is_time_name, is_unnamed, may_be_time_name, split_unit
from seriesview.readers.tables.text_table import THOUSANDS
from seriesview.readers.tables.wall_clock import (
    NO_ZONE,
    ClockCells,
    DateOrder,
    date_order,
    is_clock,
    may_mean_two_days,
    parse_clock,
)

NO_TIME = np.iinfo(np.int64).min
_DAY = 86_400_000_000_000
_MOST_CLOCK_BYTES = 64
_TWO_PARTS = r"^\s*\d+:\d\d\s*$"
_MINUTES_AND_SECONDS = r"^\s*\d+:\d\d[.,]\d"
_MINUTES_FIRST = re.compile(r"\s*m+(in)?\s*:\s*s+(ec)?.*", re.IGNORECASE)
_SLASHED = r"^\s*(?P<first>\d{1,2})[-/](?P<second>\d{1,2})[-/](?P<last>\d+)"
_DTYPES = {"double": "float64", "float": "float32", "halffloat": "float16"}
_INT32, _INT64 = np.iinfo(np.int32), np.iinfo(np.int64)

Kind = Literal["numbers", "clock", "text", "nothing"]


class Table(Protocol):
    """Where columns come from: a text, Parquet or Arrow file."""

    path: Path
    names: tuple[str, ...]
    has_header: bool

    def batches(self) -> Iterator[list[Any]]:
        """Columns (arrays of numbers, times or text) of some rows each."""
        ...

    def text(self, index: int) -> list[str]:
        """All cells of a column as text."""
        ...

    def place_of(self, row: int) -> str:
        """Where a row is, for people."""
        ...

    def are_numbers(self, cells: Any) -> Any:
        """Which cells of a text array are numbers, null where a cell is."""
        ...

    def why_not_a_number(self, cell: str) -> str:
        """What is wrong with a cell among numbers."""
        ...


class Column:
    """What the cells of a column are."""

    def __init__(self, index: int, name: str) -> None:
        self.index = index
        self.name = name
        self.numbers = 0
        self.texts = 0
        self.missing = 0
        self.dtypes: set[np.dtype[Any]] = set()
        self.low: Any = None
        self.high: Any = None
        self.rises = self.never_falls = True
        self._is_whole = True
        self.first_text: tuple[int, str] | None = None
        self.clock_cells = 0
        self.is_dated = False
        self.has_two_parts = False
        self._has_minutes_first = _MINUTES_FIRST.fullmatch(split_unit(name)[1] or "") is not None
        self.has_hours = False
        self.order: DateOrder | None = None
        self.clock_problem: tuple[int, str] | None = None
        self._is_watched = is_time_name(name) or may_be_time_name(name) or is_unnamed(name)
        self._last = np.empty(0)

    @property
    def kind(self) -> Kind:
        """Numbers where most cells are; times where all of them are."""
        if self.numbers and self.numbers >= self.texts and (self.texts or self.dtypes):
            return "numbers"
        if self.clock_cells:
            return "clock" if self.clock_problem is None and self.texts == self.clock_cells else "text"
        return "text" if self.texts else "nothing"

    @property
    def is_integer(self) -> bool:
        """Whether all cells are integers, and none is missing."""
        return not self.missing and bool(self.dtypes) and all(dtype.kind in "iu" for dtype in self.dtypes)

    @property
    def has_wide_integers(self) -> bool:
        """Whether whole numbers of some 64 bits are among its numbers that float64 does not hold exactly."""
        return self._is_whole and self.low is not None and 2**53 < max(abs(self.low), abs(self.high)) < 2**70

    def count_numbers(self, values: npt.NDArray[Any]) -> None:
        """Take note of numbers (n,), NaN where there is none."""
        self.dtypes.add(values.dtype)
        known = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        self.numbers += len(known)
        self.missing += len(values) - len(known)
        finite = known[np.isfinite(known)]
        self.rises &= len(finite) == len(known)
        known = finite
        if values.dtype.kind == "f" and self._is_whole:
            self._is_whole = bool((known == np.floor(known)).all())
        self.bound(known)
        if self._is_watched and len(known):
            rises = np.concatenate([self._last, known.astype(np.float64)])
            self.never_falls &= bool((rises[1:] >= rises[:-1]).all())
            self.rises &= bool((rises[1:] > rises[:-1]).all())
            self._last = rises[-1:]

    def note_two_parts(self, known: Any) -> str | None:
        """Take note of times without a date such as 01:30; one that may be minutes and seconds, or None."""
        self._has_minutes_first |= bool(pc.any(pc.match_substring_regex(known, _MINUTES_AND_SECONDS)).as_py())
        short = known.filter(pc.match_substring_regex(known, _TWO_PARTS))
        self.has_two_parts |= len(short) > 0
        return short[0].as_py() if len(short) and self._has_minutes_first else None

    def bound(self, known: npt.NDArray[Any]) -> None:
        """Take note of the lowest and highest of numbers or nanoseconds (n,)."""
        if len(known):
            low, high = known.min().item(), known.max().item()
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)

    @property
    def is_constant(self) -> bool:
        """Whether several numbers or times are all the same."""
        return self.low == self.high and self.numbers + self.clock_cells > 1


class DecodedTable:
    """The numbers and wall-clock times of a table; `columns` say what they are. Raises ReaderError."""

    def __init__(self, table: Table, orders: Mapping[int, DateOrder] | None = None) -> None:
        self.table = table
        self.columns = [Column(index, name) for index, name in enumerate(table.names)]
        self._orders = dict(orders or {})
        self._store = ColumnStore()
        try:
            for batch in table.batches():
                rows = len(batch[0])
                arrays = [
                    self._decoded(column, cells) for column, cells in zip(self.columns, batch, strict=True)
                ]
                self._store.append(rows, arrays)
                del arrays, batch
            self._check()
        except OSError as error:
            self.close()
            raise ReaderError(
                f"{error.strerror or error} (decoded into {tempfile.gettempdir()})", file=table.path
            ) from error
        except BaseException:
            self.close()
            raise

    @property
    def num_rows(self) -> int:
        """Rows of the table."""
        return self._store.num_rows

    def numbers(self, column: int, first_row: int, last_row: int) -> npt.NDArray[Any]:
        """Numbers (last_row - first_row,) of a column, NaN where there is none."""
        pieces = [arrays[0] for _, arrays in self._store.read(column, first_row, last_row) if arrays]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces) if pieces else np.empty(0)

    def clock(self, column: int, first_row: int, last_row: int) -> ClockCells:
        """Wall-clock times (last_row - first_row,) of a column; `shown` is NO_TIME where there is none."""
        pieces = [
            arrays if len(arrays) == 3 else _no_times(len(arrays[0]))
            for _, arrays in self._store.read(column, first_row, last_row)
        ]
        shown, offsets, leap = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
        return ClockCells(shown, offsets, np.full(len(shown), self.columns[column].is_dated), leap)

    def dtype(self, columns: list[int]) -> np.dtype[Any]:
        """The dtype that holds the numbers of all these columns: integers where all are and some dtype has them all.

        Those of text are int32 where they fit.
        """
        chosen = [self.columns[index] for index in columns]
        dtypes = {dtype for column in chosen for dtype in column.dtypes}
        if not all(column.is_integer for column in chosen):
            dtypes = {dtype for dtype in dtypes if dtype.kind == "f"} | (
                {np.dtype(np.float64)} if any(dtype.kind != "f" for dtype in dtypes) else set()
            )
        elif dtypes == {np.dtype(np.int64)}:
            fits = all(_INT32.min <= column.low and column.high <= _INT32.max for column in chosen)
            return np.dtype(np.int32 if fits else np.int64)
        found = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
        if found.kind == "f" and dtypes and all(dtype.kind in "iu" for dtype in dtypes):
            # Signed and unsigned ones of 64 bits, which one dtype may hold all the same.
            low, high = min(column.low for column in chosen), max(column.high for column in chosen)
            return np.dtype(np.int64 if high <= _INT64.max else np.uint64 if low >= 0 else np.float64)
        return found

    def read_into(self, columns: list[int], first_row: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with the numbers of columns from `first_row` on."""
        for position, column in enumerate(columns):
            for begin, arrays in self._store.read(column, first_row, first_row + len(out)):
                at = begin - first_row
                out[at : at + len(arrays[0]), position] = arrays[0]

    def close(self) -> None:
        """Let go of the numbers."""
        self._store.close()

    def _decoded(self, column: Column, cells: Any) -> Arrays:
        if isinstance(cells, pa.ChunkedArray):
            cells = pa.concat_arrays(cells.chunks) if cells.num_chunks != 1 else cells.chunk(0)
        if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            return self._decoded_text(column, cells.cast(pa.string()))
        if pa.types.is_timestamp(cells.type) or pa.types.is_time64(cells.type):
            return self._decoded_times(column, cells)
        values = _as_numpy(cells)
        column.count_numbers(values)
        return (values,)

    def _decoded_times(self, column: Column, cells: Any) -> Arrays:
        column.is_dated = pa.types.is_timestamp(cells.type)
        has_zone = column.is_dated and cells.type.tz is not None
        shown = _as_numpy(cells.cast(pa.int64()).fill_null(NO_TIME))
        return self._clock_arrays(
            column, shown, np.full(len(shown), 0 if has_zone else NO_ZONE), np.zeros(len(shown), bool)
        )

    def _clock_arrays(self, column: Column, shown: Any, offsets: Any, leap: Any) -> Arrays:
        known = shown[shown != NO_TIME]
        column.texts += len(known)
        column.clock_cells += len(known)
        column.missing += len(shown) - len(known)
        column.has_hours |= bool((known % _DAY != 0).any())
        column.bound(known)
        return shown, offsets, leap

    def _decoded_text(self, column: Column, cells: Any) -> Arrays:
        known = cells.drop_null()
        if len(known) == 0:
            column.missing += len(cells)
            return (np.full(len(cells), np.nan),)
        arrays = self._as_clock(column, cells, known) if not column.numbers else None
        if arrays is not None:
            return arrays
        numbers = self.table.are_numbers(cells)
        count = int(pc.sum(numbers).as_py() or 0)
        if column.first_text is None and count < len(known):
            row = pc.index(numbers, False).as_py()
            column.first_text = (self.num_rows + row, cells[row].as_py())
        # A number with signs between its thousands is one that must be written otherwise.
        likely = (
            int(pc.sum(pc.match_substring_regex(known, THOUSANDS)).as_py() or 0) if count < len(known) else 0
        )
        column.numbers += count + likely
        column.texts += len(known) - count
        column.missing += len(cells) - len(known)
        return ()

    def _as_clock(self, column: Column, cells: Any, known: Any) -> Arrays | None:
        """The cells as wall-clock times; None where they are none."""
        example = known[0].as_py()
        if (
            column.clock_problem is not None
            or (column.texts and not column.clock_cells)
            or not is_clock(example)
        ):
            if column.clock_cells and column.clock_problem is None:
                row = pc.index(cells.is_valid(), True).as_py()
                column.clock_problem = (self.num_rows + row, f"{example!r} is no time")
            return None
        if column.first_text is None:
            column.first_text = (self.num_rows + pc.index(cells.is_valid(), True).as_py(), example)
            if may_mean_two_days(example):
                column.order = self._orders.get(column.index) or _order_of(self.table, column.index)
        rows = np.flatnonzero(_are_known(cells))
        try:
            parsed = parse_clock(_as_bytes(known), column.order)
        except ClockError as error:
            column.clock_problem = (self.num_rows + int(rows[error.index or 0]), str(error))
            return None
        column.is_dated = column.is_dated or bool(parsed.dated[0])
        mixed = parsed.dated != column.is_dated
        if mixed.any():
            row = self.num_rows + int(rows[np.argmax(mixed)])
            column.clock_problem = (
                row,
                "a time without a date among others that have one, or the other way round",
            )
            return None
        if not column.is_dated and (short := column.note_two_parts(known)) is not None:
            row = self.num_rows + pc.index(cells, short).as_py()
            column.clock_problem = (
                row,
                f"{short!r} may be hours and minutes; write 00:{short.strip()} for minutes",
            )
            return None
        shown = np.full(len(cells), NO_TIME)
        offsets = np.full(len(cells), NO_ZONE)
        leap = np.zeros(len(cells), np.bool_)
        shown[rows], offsets[rows], leap[rows] = parsed.shown, parsed.offsets, parsed.leap
        return self._clock_arrays(column, shown, offsets, leap)

    def _check(self) -> None:
        """Raise ReaderError for a cell that is no number in a column of numbers."""
        for column in self.columns:
            if column.kind == "numbers" and column.texts and column.first_text is not None:
                row, cell = column.first_text
                raise ReaderError(
                    f"{self.table.place_of(row)}, column {column.name}: {self.table.why_not_a_number(cell)}",
                    file=self.table.path,
                )


def _are_known(cells: Any) -> npt.NDArray[np.bool_]:
    """Which cells of an array are not null."""
    bits = cells.buffers()[0]
    if bits is None:
        return np.ones(len(cells), np.bool_)
    unpacked = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")
    return unpacked[cells.offset : cells.offset + len(cells)].astype(np.bool_)


def _as_numpy(cells: Any) -> npt.NDArray[Any]:
    """The numbers of an array, NaN where it is null. (Its own to_numpy imports pandas, where that is installed.)"""
    dtype = np.dtype(_DTYPES.get(str(cells.type), str(cells.type)))
    if len(cells) == 0:
        return np.empty(0, dtype)
    numbers = np.frombuffer(cells.buffers()[1], dtype)[cells.offset : cells.offset + len(cells)]
    if cells.null_count == 0:
        return numbers
    gaps = ~_are_known(cells)
    numbers = numbers.astype(dtype if dtype.kind == "f" else np.float64)
    numbers[gaps] = np.nan
    return numbers


def _no_times(size: int) -> Arrays:
    return np.full(size, NO_TIME), np.full(size, NO_ZONE), np.zeros(size, np.bool_)


def _order_of(table: Table, index: int) -> DateOrder | None:
    """What a column's dates such as 11/24/2016 mean, by the first that leaves no doubt."""
    for batch in table.batches():
        parts = pc.extract_regex(batch[index], _SLASHED)
        largest = [
            int(pc.max(pc.cast(pc.struct_field(parts, name), pa.int64())).as_py() or 0)
            for name in ("first", "second", "last")
        ]
        if max(largest[:2]) > 12:
            return date_order(largest[0], largest[1], is_short=largest[2] < 100)
    return None


def _as_bytes(cells: Any) -> npt.NDArray[np.bytes_]:
    """A text array without nulls as fixed-size bytes (n,). Raises ClockError where a cell is too long for a time."""
    _, offset_buffer, data_buffer = cells.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[cells.offset : cells.offset + len(cells) + 1]
    lengths = np.diff(offsets)
    if lengths.max() > _MOST_CLOCK_BYTES:
        at = int(np.argmax(lengths))
        raise ClockError(f"{cells[at].as_py()[:40]!r}... is no time", at)
    data = np.frombuffer(data_buffer, np.uint8)[offsets[0] : offsets[-1]]
    matrix = np.zeros((len(cells), max(1, int(lengths.max()))), np.uint8)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = data
    return matrix.view(f"S{matrix.shape[1]}")[:, 0]
