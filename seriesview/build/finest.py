"""The arrays that are made straight from samples, and what is known of them before samples are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.grid import RowGrid, level_grid, moments_grid, values_grid
from seriesview.build.plan import SamplesPlan
from seriesview.envelope.moments import MOMENTS_FACTOR, moments_dtype
from seriesview.errors import FormatError, IntegrityError, MissingArtifactError
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import ArrayInfo, SeriesManifest
from seriesview.series.packing import pack_digest, pack_parts, part_digests, part_rows
from seriesview.store import Store

FinestPacks = dict[str, list[bytes]]
"""Entries of packs, by the name of their array."""


@dataclass(frozen=True)
class FinestArray:
    """An array that is made straight from samples."""

    name: str
    grid: RowGrid
    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]

    @property
    def part_rows(self) -> int:
        """Rows of a full part."""
        return part_rows(self.dtype, self.row_shape)

    @property
    def pack_parts(self) -> int:
        """Parts of a full pack."""
        return pack_parts(self.dtype, self.row_shape)

    @property
    def pack_rows(self) -> int:
        """Rows of a full pack."""
        return self.part_rows * self.pack_parts

    @property
    def pack_bytes(self) -> int:
        """Bytes of a full pack."""
        return self.pack_rows * self.row_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return int(np.prod(self.row_shape)) * self.dtype.itemsize

    def stored_parts(
        self, store: Store, num_rows: int, entries: Sequence[bytes]
    ) -> Iterator[npt.NDArray[Any]]:
        """Yield the first rows (num_rows, *row_shape) part by part out of their packs, which have these entries."""
        for entry in entries:
            start = 0
            for digest in part_digests(entry):
                size = min(self.part_rows, num_rows) * self.row_bytes
                part = store.get_chunk(digest, pack_digest(entry), start, start + size)
                yield (rows := np.frombuffer(part, self.dtype).reshape(-1, *self.row_shape))
                start += size
                num_rows -= len(rows)


def finest_arrays(plan: SamplesPlan) -> list[FinestArray | None]:
    """The finest level, the finest moments and the values; None for what is not kept."""
    channels = plan.num_channels
    level = FinestArray("level", plan.base_grid, plan.dtype, (2, channels))
    moments = FinestArray("moments", plan.finest_moments_grid, moments_dtype(plan.dtype), (3, channels))
    values = FinestArray("values", values_grid(plan.segment_lengths), plan.dtype, (channels,))
    return [
        level if plan.level_factors else None,
        moments,
        values if plan.resolution == "store" else None,
    ]


@dataclass(frozen=True)
class KnownRows:
    """The first rows of a finest array, which an earlier build stored: `packs` are the entries of the full packs that
    hold some of them, and behind those there may be more, in a pack that was the last."""

    num_rows: int
    packs: tuple[bytes, ...]
    _reader: ArrayReader

    def rows(self, first: int) -> Iterator[npt.NDArray[Any]]:
        """Those from row `first` on, part by part."""
        if first < self.num_rows:
            for _, rows in self._reader.spans(first, self.num_rows):
                yield rows


def known_rows(store: Store, earlier: SeriesManifest, plan: SamplesPlan) -> dict[str, KnownRows]:
    """Rows that are as an earlier build of the first of these samples stored them, by the name of their array.

    Of a segment that went on the last bins may have to be made again: they lack samples. What is no longer in the store
    is not known, nor what lies behind it; nor is anything of series too short for levels, whose segments' ranges come
    from samples.
    """
    if not plan.level_factors:
        return {}
    lengths = [segment.num_samples for segment in earlier.segments]
    last = len(lengths) - 1
    grown = plan.segment_lengths[last] - lengths[last]

    def whole(grid: RowGrid, of_last: int) -> int:
        return grid.first_row(last) + of_last if grown else grid.num_rows

    arrays: dict[str, tuple[ArrayInfo, int]] = {}
    for level in earlier.levels:
        if level.factor == plan.base:
            # A bin is closed: it needs the first sample of the next.
            num_rows = whole(level_grid(lengths, plan.base), (lengths[last] - 1) // plan.base)
            arrays["level"] = level.array, num_rows
    for moments in earlier.moments:
        if moments.factor == MOMENTS_FACTOR:
            num_rows = whole(moments_grid(lengths, MOMENTS_FACTOR), lengths[last] // MOMENTS_FACTOR)
            arrays["moments"] = moments.array, num_rows
    if isinstance(earlier.values, ArrayInfo):
        arrays["values"] = earlier.values, sum(lengths)
    found = {name: _stored(store, info, num_rows) for name, (info, num_rows) in arrays.items()}
    return {name: rows for name, rows in found.items() if rows.num_rows}


def _stored(store: Store, info: ArrayInfo, num_rows: int) -> KnownRows:
    """As many of the array's first rows as are in the store."""
    reader = ArrayReader(store, info)
    pack_rows = info.part_rows * info.pack_parts
    packs: list[bytes] = []
    for pack in range(-(-num_rows // pack_rows)):
        try:
            entry = reader.entry(pack)
            is_there = store.has_pack(pack_digest(entry), info.pack_bytes(pack))
        except (MissingArtifactError, IntegrityError, FormatError):
            is_there = False
        if not is_there:
            num_rows = pack * pack_rows
            break
        packs.append(entry)
    return KnownRows(num_rows, tuple(packs[: num_rows // pack_rows]), reader)
