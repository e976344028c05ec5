"""Storing the times of samples, and of each level's bins, where a series has times of its own."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from seriesview.build.grid import level_grid, values_grid
from seriesview.build.plan import SamplesPlan, timestamp_blocks
from seriesview.readers.protocol import Recording
from seriesview.series.arrays import ArrayWriter, finish_arrays
from seriesview.series.manifest import ArrayInfo
from seriesview.series.packs import PartPool
from seriesview.store import Store


def write_timestamps(
    recording: Recording, plan: SamplesPlan, store: Store
) -> tuple[dict[int, ArrayInfo], ArrayInfo]:
    """Store all timestamps, and for each level the times of its bins' first samples."""
    lengths = plan.segment_lengths
    with ExitStack() as stack:
        pool = stack.enter_context(PartPool(store))
        everything = ArrayWriter(store, np.float64, (), pool=pool)
        writers = {factor: ArrayWriter(store, np.float64, (), pool=pool) for factor in plan.level_factors}
        grids = {factor: level_grid(lengths, factor) for factor in plan.level_factors}
        segment_firsts = values_grid(lengths)
        first = 0
        for block in timestamp_blocks(recording):
            everything.append(block)
            last = first + len(block)
            for segment in range(segment_firsts.locate(first)[0], len(lengths)):
                begin = segment_firsts.first_row(segment)
                if begin >= last:
                    break
                low, high = max(first, begin) - begin, min(last, begin + lengths[segment]) - begin
                inside = block[begin + low - first : begin + high - first]
                for factor, writer in writers.items():
                    bins_first = -(-low // factor)
                    bins_last = min(-(-high // factor), grids[factor].rows_of_segment(segment))
                    if bins_first < bins_last:
                        writer.append(inside[bins_first * factor - low :: factor][: bins_last - bins_first])
            first = last
        timestamps, *times = finish_arrays([everything, *writers.values()])
        return dict(zip(writers, times, strict=True)), timestamps
