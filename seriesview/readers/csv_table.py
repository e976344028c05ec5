"""A whole table decoded once: its numbers are kept in memory while they are few, else in a temporary file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.csv_blocks import BlockParser, Rows, TextBlock, text_blocks
from seriesview.readers.csv_clock import ClockError, WallClock, parse_clock
from seriesview.readers.csv_columns import TimeColumn
from seriesview.readers.csv_dialect import Dialect

_MEMORY_BYTES = 1 << 25
_PIECE_ROWS = 1 << 16
_INT32 = np.iinfo(np.int32)


class RowStore:
    """Rows (n, width) of int64 or float64, in order; up to 32 MiB in memory, beyond that in a file without a name."""

    def __init__(self, dtype: type[np.int64] | type[np.float64], width: int) -> None:
        self.num_rows = 0
        self._dtype = np.dtype(dtype)
        self._width = width
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Add rows (n, width)."""
        data = np.ascontiguousarray(rows, self._dtype).reshape(-1).view(np.uint8).data
        if self._file is None and len(self._memory) + len(data) > _MEMORY_BYTES:
            self._file = tempfile.TemporaryFile(prefix="seriesview-")  # noqa: SIM115
            self._file.write(self._memory)
            self._memory = bytearray()
        if self._file is None:
            self._memory += data
        else:
            self._file.write(data)
            self._file.flush()
        self.num_rows += len(rows)

    def read(self, first_row: int, last_row: int) -> npt.NDArray[Any]:
        """Rows [first_row, last_row), (n, width)."""
        row_bytes = self._width * self._dtype.itemsize
        begin, length = first_row * row_bytes, (last_row - first_row) * row_bytes
        data: bytes | bytearray
        if self._file is None:
            data = self._memory[begin : begin + length]
        else:
            data = os.pread(self._file.fileno(), length, begin)
        return np.frombuffer(data, self._dtype).reshape(last_row - first_row, self._width)

    def as_floats(self) -> RowStore:
        """The same rows as float64; this store is closed."""
        floats = RowStore(np.float64, self._width)
        for first in range(0, self.num_rows, _PIECE_ROWS):
            floats.append(self.read(first, min(first + _PIECE_ROWS, self.num_rows)))
        self.close()
        return floats

    def close(self) -> None:
        """Let go of the rows."""
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True)
class TimeOrigin:
    """What a time of 0 s stands for: nanoseconds since 1970 UTC, and the zone, where it is known."""

    nanoseconds: int
    zone: tzinfo | None


class TimeAxis:
    """Turns the cells of a time column into seconds; wall-clock times count from the first one."""

    def __init__(self, path: Path, column: TimeColumn, zone: ZoneInfo | None) -> None:
        self.origin: TimeOrigin | None = None
        self._path = path
        self._column = column
        self._clock = WallClock(zone)

    def seconds(self, cells: npt.NDArray[Any], block: TextBlock) -> npt.NDArray[np.float64]:
        """Seconds (n,) of the cells (n,) of a block. Raises ReaderError that names line and column."""
        if not self._column.is_clock:
            scaled: npt.NDArray[np.float64] = cells * self._column.multiplier / self._column.divisor
            return scaled
        try:
            nanoseconds = self._clock.add(parse_clock(cells))
        except ClockError as error:
            line = block.line_number(error.index)
            raise ReaderError(f"{self._path}: line {line}, column {self._column.name}: {error}") from error
        if self._clock.first is None:
            return np.empty(0)
        if self.origin is None:
            first, zone = self._clock.first
            # Whole microseconds, which is what ISO 8601 dates of Python have.
            self.origin = TimeOrigin(first // 1000 * 1000, zone)
        return _in_seconds(nanoseconds - self.origin.nanoseconds)


def _in_seconds(nanoseconds: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    # int64 nanoseconds have more digits than float64; microseconds of 285 years do not.
    whole, rest = np.divmod(nanoseconds, 1000)
    seconds: npt.NDArray[np.float64] = whole / 1e6
    return seconds + rest / 1e9 if rest.any() else seconds


class DecodedTable:
    """The numbers of a table: values (n, C) and, where it has a time column, times in seconds (n,).

    `dtype`: int32 where every value is written as an integer (no point, no exponent, none missing) and fits, int64
    where one needs more, else float64.
    """

    def __init__(
        self,
        path: Path,
        dialect: Dialect,
        columns: Sequence[int],
        time: TimeColumn | None = None,
        zone: ZoneInfo | None = None,
        allow_truncated: bool = False,
    ) -> None:
        self.axis = None if time is None else TimeAxis(path, time, zone)
        self._path = path
        self._time = time
        self._values = RowStore(np.int64, len(columns))
        self._times = RowStore(np.float64, 1)
        self._last: tuple[float, TextBlock, int] | None = None
        parser = BlockParser(path, dialect, time, columns, allow_truncated)
        fits = True
        try:
            for block in text_blocks(path, dialect):
                were_integers = parser.all_integers
                rows = parser.parse(block)
                if were_integers and not parser.all_integers:
                    self._values = self._values.as_floats()
                fits = fits and _fits_int32(rows)
                self._append(rows, block)
        except OSError as error:
            self.close()
            raise ReaderError(f"{path}: {error.strerror} (decoded into {tempfile.gettempdir()})") from error
        except BaseException:
            self.close()
            raise
        self.num_samples = self._values.num_rows
        integers = np.int32 if fits else np.int64
        self.dtype: np.dtype[Any] = np.dtype(integers if parser.all_integers else np.float64)

    def _append(self, rows: Rows, block: TextBlock) -> None:
        self._values.append(rows.values)
        if self.axis is None or rows.times is None or len(rows.times) == 0:
            return
        seconds = self.axis.seconds(rows.times, block)
        self._check_order(seconds, block)
        self._times.append(seconds[:, None])

    def _check_order(self, seconds: npt.NDArray[np.float64], block: TextBlock) -> None:
        finite = np.isfinite(seconds)
        assert self._time is not None
        where = f"{self._path}: column {self._time.name}"
        if not finite.all():
            row = int(np.argmin(finite))
            raise ReaderError(
                f"{where}: line {block.line_number(row)} (row {self._times.num_rows + row}) has no time; "
                "every row needs one"
            )
        before = seconds[0] if self._last is None else self._last[0]
        back = np.diff(seconds, prepend=before) < 0
        if back.any():
            row = int(np.argmax(back))
            earlier = float(seconds[row - 1]) if row else float(before)
            if row == 0 and self._last is not None:
                line = self._last[1].line_number(self._last[2])
            else:
                line = block.line_number(row - 1)
            raise ReaderError(
                f"{where}: time goes back from {earlier!r} s in line {line} to {float(seconds[row])!r} s in line "
                f"{block.line_number(row)} (row {self._times.num_rows + row}); {self._what_to_do()}"
            )
        self._last = (float(seconds[-1]), block, len(seconds) - 1)

    def _what_to_do(self) -> str:
        """What may be wrong where time goes back."""
        if self.axis is None or self.axis.origin is None or self.axis.origin.zone is not None:
            return "sort the table by time"
        return "sort the table by time, or set `timezone:` if the clock was put back there"

    def read_into(self, first_row: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with values from `first_row` on."""
        for begin in range(0, len(out), _PIECE_ROWS):
            piece = out[begin : begin + _PIECE_ROWS]
            piece[...] = self._values.read(first_row + begin, first_row + begin + len(piece))

    def times(self, first_row: int, last_row: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_row - first_row,)."""
        return self._times.read(first_row, last_row)[:, 0]

    def close(self) -> None:
        """Let go of the numbers."""
        self._values.close()
        self._times.close()


def _fits_int32(rows: Rows) -> bool:
    values = rows.values
    return len(values) == 0 or bool(values.min() >= _INT32.min and values.max() <= _INT32.max)
