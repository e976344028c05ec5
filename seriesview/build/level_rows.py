"""The levels of a series while they are made: as many of their first rows as there are, for whoever looks on."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

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
Keeps = Literal["all", "rest", "nothing"]
"""Of a level's rows in memory: `rest` is what is in no full pack yet."""


class Watcher(Protocol):
    """Looks on while datasets are built, in their threads."""

    def levels(self, dataset: str, levels: Sequence[LevelRows]) -> None:
        """The levels of a dataset begin to be made."""

    def grew(self, dataset: str, num_samples: int, behind: int) -> None:
        """A dataset that is followed has so many samples now, of which the last ones, `behind`, were not read yet."""

    def written(self, dataset: str, problem: str | None = None) -> None:
        """A dataset is followed no more: it is written, and will be built, or there is a problem with its file."""


class LevelRows:
    """The first rows (n, 2, C) of a level that a writer is given; safe in threads beside the one that writes."""

    def __init__(
        self, factor: int, writer: ArrayWriter, info: ArrayInfo, store: Store, cache: PartCache, keeps: Keeps
    ) -> None:
        """`info`: the whole level, as it will be; `keeps` in memory: what is there is no pack that is waited for."""
        self.factor = factor
        self._writer = writer
        self._pack_rows = info.part_rows * info.pack_parts
        self._packs = _FullPacks(store, info, cache, writer)
        self._keeps = keeps
        self._info = info
        self._lock = threading.Lock()
        # Rows in blocks of a part's length, by their number.
        self._kept: dict[int, npt.NDArray[Any]] = {}
        self._num_kept = 0
        if keeps != "nothing":
            writer.on_rows = self._take

    @property
    def num_rows(self) -> int:
        """Rows that there are by now."""
        return max(self._num_kept, self._num_packed)

    @property
    def _num_packed(self) -> int:
        return min(self._writer.num_packs * self._pack_rows, len(self._packs))

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        """Rows [first, last), all of them among those that there are; the caller does not write into them."""
        size = self._info.part_rows
        with self._lock:
            blocks = {number: self._kept.get(number) for number in range(first // size, -(-last // size))}
        pieces = []
        for number, block in blocks.items():
            low, high = max(first, number * size), min(last, (number + 1) * size)
            pieces.append(
                self._packs.read(low, high)
                if block is None
                else block[low - number * size : high - number * size]
            )
        if not pieces:
            return np.empty((0, *self._info.shape[1:]), self._info.dtype)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _take(self, row: int, rows: npt.NDArray[Any]) -> None:
        size, taken = self._info.part_rows, 0
        while taken < len(rows):
            number, begin = divmod(row + taken, size)
            count = min(size - begin, len(rows) - taken)
            block = self._kept.get(number)
            if block is None:
                block = np.empty((min(size, self._info.shape[0]), *self._info.shape[1:]), self._info.dtype)
                with self._lock:
                    self._kept[number] = block
            block[begin : begin + count] = rows[taken : taken + count]
            taken += count
        self._num_kept = row + len(rows)
        if self._keeps == "all":
            return
        with self._lock:
            for number in [each for each in self._kept if (each + 1) * size <= self._num_packed]:
                del self._kept[number]


class _FullPacks(ArrayReader):
    """An array whose packs a writer has the entries of, in place of pages."""

    def __init__(self, store: Store, info: ArrayInfo, cache: PartCache, writer: ArrayWriter) -> None:
        super().__init__(store, info, cache)
        self._writer = writer

    def entry(self, pack: int) -> bytes:
        return self._writer.entry(pack)


def level_rows(
    store: Store, plan: SamplesPlan, writers: Sequence[ArrayWriter | None], is_open: bool = False
) -> tuple[LevelRows, ...]:
    """The levels that writers make, the finest first, before they are given anything.

    `is_open`: their end is not known, and of each what is in no full pack is kept in memory.
    """
    found: list[LevelRows] = []
    cache, left = PartCache(_CACHE_BYTES), MOST_KEPT_BYTES
    for factor, writer in reversed(list(zip(plan.level_factors, writers, strict=True))):
        assert writer is not None
        shape = (level_grid(plan.segment_lengths, factor).num_rows, 2, plan.num_channels)
        num_bytes = math.prod(shape) * plan.dtype.itemsize
        info = ArrayInfo(plan.dtype.name, shape, writer.part_rows, writer.pack_parts, (), kind=plan.kind)
        is_kept = num_bytes <= left and writer.first_row == 0
        keeps: Keeps = "rest" if is_open else "all" if is_kept else "nothing"
        found.append(LevelRows(factor, writer, info, store, cache, keeps))
        left -= num_bytes
    return tuple(reversed(found))
