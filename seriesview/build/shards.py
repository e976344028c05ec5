"""Spreading one dataset over several jobs: which packs each shard makes, and how they come together."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from seriesview.build.grid import RowGrid


@dataclass(frozen=True)
class Shard:
    """Job `index` (from 0) of `count` that share a dataset."""

    index: int
    count: int

    def covers(self, moments: RowGrid, pack_rows: int, segment_lengths: list[int]) -> tuple[int, int]:
        """Half-open range of the series' samples that this shard covers: shards meet where a pack of moments begins."""
        num_samples = sum(segment_lengths)

        def meeting(position: int) -> int:
            if position == self.count:
                return num_samples
            wanted = num_samples * position // self.count
            return first_sample(
                first_pack(wanted, moments, pack_rows, segment_lengths), moments, pack_rows, segment_lengths
            )

        return meeting(self.index), meeting(self.index + 1)

    def samples(self, num_samples: int) -> tuple[int, int]:
        """Half-open range of the series' samples of which this shard takes typical ones."""
        return self.index * num_samples // self.count, (self.index + 1) * num_samples // self.count


def rows_of_packs(
    samples: tuple[int, int], grid: RowGrid, pack_rows: int, segment_lengths: list[int]
) -> tuple[int, int]:
    """Half-open range of the array's rows in the packs whose samples begin within [first, last)."""
    first, last = (first_pack(sample, grid, pack_rows, segment_lengths) * pack_rows for sample in samples)
    return min(first, grid.num_rows), min(last, grid.num_rows)


def first_pack(sample: int, grid: RowGrid, pack_rows: int, segment_lengths: list[int]) -> int:
    """The array's first pack that begins with this sample of the series or a later one; how many there are if none."""
    packs = range(-(-grid.num_rows // pack_rows))
    return bisect_left(packs, sample, key=lambda pack: first_sample(pack, grid, pack_rows, segment_lengths))


def first_sample(pack: int, grid: RowGrid, pack_rows: int, segment_lengths: list[int]) -> int:
    """The sample of the series with which a pack begins; behind the last pack: how many samples there are."""
    segment, sample = grid.locate(pack * pack_rows)
    return sum(segment_lengths[:segment]) + sample


WHOLE = Shard(0, 1)
