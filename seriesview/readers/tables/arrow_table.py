"""Parquet, Arrow (IPC files and streams) and Feather tables: columns that have their types already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seriesview.errors import ReaderError, one_line
from seriesview.readers.signatures import ARROW_FILE, FEATHER_1, PARQUET

_MOST_COLUMNS = 16384
_BATCH_CELLS = 1 << 20


class ArrowTable:
    """The columns of a file; those that are nested, and texts, are text."""

    has_header = True

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._head = file.read(8)
        schema = self._said(self._schema)
        if len(schema.names) > _MOST_COLUMNS:
            raise ReaderError(
                f"{len(schema.names)} columns are too many for a table of time series (at most {_MOST_COLUMNS})",
                file=path,
            )
        self.names = tuple(schema.names)

    def batches(self) -> Iterator[list[Any]]:
        """Columns of some rows each. Raises ReaderError for a file that is damaged."""
        rows = max(1024, _BATCH_CELLS // max(1, len(self.names)))
        try:
            for batch in self._batches(rows):
                for first in range(0, batch.num_rows, rows):
                    yield [_plain(column) for column in batch.slice(first, rows).columns]
        except (pa.ArrowException, OSError, EOFError) as error:
            raise self._damaged(error) from error

    def text(self, index: int) -> list[str]:
        """All cells of a column as text."""
        cells = [batch.column(index).to_pylist() for batch in self._batches(_BATCH_CELLS)]
        return ["" if cell is None else str(cell) for piece in cells for cell in piece]

    def place_of(self, row: int) -> str:
        """Where a row is, for people."""
        return f"row {row}"

    def are_numbers(self, cells: Any) -> Any:
        """Which cells of a text array are numbers: none, since numbers have a type of their own."""
        return pc.if_else(pc.is_null(cells), None, False)

    def why_not_a_number(self, cell: str) -> str:
        """What is wrong with a cell among numbers."""
        return f"{cell!r} is not a number"

    def _said(self, call: Any) -> Any:
        try:
            return call()
        except (pa.ArrowException, OSError, EOFError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> ReaderError:
        return ReaderError(f"cannot be read: {one_line(error, 200)}", file=self.path)

    def _schema(self) -> Any:
        if self._head.startswith(PARQUET):
            import pyarrow.parquet as pq

            return pq.read_schema(self.path)
        if self._head.startswith(FEATHER_1):
            raise ReaderError(
                "a Feather file of version 1; write it again as version 2, Parquet or CSV", file=self.path
            )
        source = pa.memory_map(str(self.path))
        return (pa.ipc.open_file if self._head.startswith(ARROW_FILE) else pa.ipc.open_stream)(source).schema

    def _batches(self, rows: int) -> Iterator[Any]:
        if self._head.startswith(PARQUET):
            import pyarrow.parquet as pq

            with pq.ParquetFile(self.path) as file:
                yield from file.iter_batches(batch_size=rows)
            return
        source = pa.memory_map(str(self.path))
        if self._head.startswith(ARROW_FILE):
            file = pa.ipc.open_file(source)
            for index in range(file.num_record_batches):
                yield file.get_batch(index)
            return
        yield from pa.ipc.open_stream(source)


def _plain(column: Any) -> Any:
    """Numbers, times in nanoseconds, or text."""
    type_ = column.type
    if pa.types.is_dictionary(type_):
        column = column.dictionary_decode()
        type_ = column.type
    if pa.types.is_boolean(type_):
        return column.cast(pa.uint8())
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return column
    if pa.types.is_decimal(type_):
        return column.cast(pa.float64())
    if pa.types.is_date(type_):
        return column.cast(pa.timestamp("ms")).cast(pa.timestamp("ns"))
    if pa.types.is_timestamp(type_):
        return column.cast(pa.timestamp("ns", tz=type_.tz))
    if pa.types.is_time(type_):
        return column.cast(pa.time64("us" if pa.types.is_time32(type_) else type_.unit)).cast(pa.time64("ns"))
    if pa.types.is_duration(type_):
        return pc.divide(column.cast(pa.duration("ns")).cast(pa.int64()).cast(pa.float64()), 1e9)
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return column.cast(pa.string())
    return pa.array([None if cell is None else str(cell)[:60] for cell in column.to_pylist()], pa.string())
