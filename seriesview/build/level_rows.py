"""The levels of a series while they are made: as many of their first rows as there are, for whoever looks on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.build.grid import level_grid
from seriesview.build.plan import SamplesPlan
from seriesview.series.array_info import ArrayInfo
from seriesview.series.arrays import ArrayReader, ArrayWriter, PartCache

if TYPE_CHECKING:
    from seriesview.store import Store

MOST_KEPT_BYTES = 32 << 20
"""Of a series' coarse levels, which are kept in memory; what is finer is read from the packs that are full."""
_CACHE_BYTES = 32 << 20


class LevelRows:
    """The first rows (n, 2, C) of a level that a writer is given; safe in threads beside the one that writes."""

    def __init__(
        self, factor: int, writer: ArrayWriter, info: ArrayInfo, store: Store, cache: PartCache, is_kept: bool
    ) -> None:
        """`info`: the whole level, as it will be; `is_kept`: in memory, so that no pack is waited for."""
        self.factor = factor
        self._writer = writer
        self._pack_rows = info.part_rows * info.pack_parts
        self._packs = _FullPacks(store, info, cache, writer)
        self._kept: npt.NDArray[Any] | None = None
        self._num_kept = 0
        if is_kept and writer.first_row == 0:
            self._kept = np.empty(info.shape, info.dtype)
            writer.on_rows = self._take

    @property
    def num_rows(self) -> int:
        """Rows that there are by now."""
        if self._kept is not None:
            return self._num_kept
        return min(len(self._writer.entries) * self._pack_rows, len(self._packs))

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        """Rows [first, last), all of them among those that there are; the caller does not write into them."""
        return self._packs.read(first, last) if self._kept is None else self._kept[first:last]

    def _take(self, row: int, rows: npt.NDArray[Any]) -> None:
        assert self._kept is not None
        self._kept[row : row + len(rows)] = rows
        self._num_kept = row + len(rows)


class _FullPacks(ArrayReader):
    """An array whose packs a writer has the entries of, in place of pages."""

    def __init__(self, store: Store, info: ArrayInfo, cache: PartCache, writer: ArrayWriter) -> None:
        super().__init__(store, info, cache)
        self._writer = writer

    def entry(self, pack: int) -> bytes:
        return self._writer.entries[pack]


def level_rows(
    store: Store, plan: SamplesPlan, writers: Sequence[ArrayWriter | None]
) -> tuple[LevelRows, ...]:
    """The levels that writers make, the finest first, before they are given anything."""
    found: list[LevelRows] = []
    cache, left = PartCache(_CACHE_BYTES), MOST_KEPT_BYTES
    for factor, writer in reversed(list(zip(plan.level_factors, writers, strict=True))):
        assert writer is not None
        shape = (level_grid(plan.segment_lengths, factor).num_rows, 2, plan.num_channels)
        num_bytes = math.prod(shape) * plan.dtype.itemsize
        info = ArrayInfo(plan.dtype.name, shape, writer.part_rows, writer.pack_parts, (), kind=plan.kind)
        found.append(LevelRows(factor, writer, info, store, cache, is_kept=num_bytes <= left))
        left -= num_bytes
    return tuple(reversed(found))
