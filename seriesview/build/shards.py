"""Spreading one dataset over several jobs: which parts each shard makes, and how they come together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from seriesview.build.grid import RowGrid


@dataclass(frozen=True)
class Shard:
    """Job `index` (from 0) of `count` that share a dataset."""

    index: int
    count: int

    def rows(self, grid: RowGrid, part_rows: int, segment_lengths: list[int]) -> tuple[int, int]:
        """Half-open range of the array's rows that this shard makes: whole parts, by where their samples begin."""
        first, last = (self._first_part(boundary, grid, part_rows, segment_lengths) for boundary in (0, 1))
        return min(first * part_rows, grid.num_rows), min(last * part_rows, grid.num_rows)

    def samples(self, num_samples: int) -> tuple[int, int]:
        """Half-open range of the series' samples of which this shard takes typical ones."""
        return self.index * num_samples // self.count, (self.index + 1) * num_samples // self.count

    def _first_part(self, boundary: int, grid: RowGrid, part_rows: int, segment_lengths: list[int]) -> int:
        num_parts = -(-grid.num_rows // part_rows)
        position = self.index + boundary
        if position == 0 or position == self.count:
            return 0 if position == 0 else num_parts
        segment_firsts = [0, *accumulate(segment_lengths)]
        wanted = segment_firsts[-1] * position // self.count

        def first_sample(part: int) -> int:
            segment, sample = grid.locate(part * part_rows)
            return segment_firsts[segment] + sample

        low, high = 0, num_parts
        while low < high:
            middle = (low + high) // 2
            if first_sample(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low


WHOLE = Shard(0, 1)
