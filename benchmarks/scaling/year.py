"""A manifest of very many parts: opening it, a window anywhere in it, and what it reaches.

The parts that are looked at are there and are checked; of all others there are only SHA-1s, made at random.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from pathlib import Path

import numpy as np

from benchmarks.measuring import amount, print_table
from seriesview.series.array_info import ArrayInfo
from seriesview.series.arrays import ArrayWriter, describe_array
from seriesview.series.manifest import ChannelInfo, LevelInfo, SegmentInfo, SeriesManifest
from seriesview.series.packing import DIGEST_BYTES, num_parts, pack_parts, part_rows
from seriesview.series.series import Series, open_series
from seriesview.store import Store, open_store
from seriesview.upkeep.garbage import Reach

CHANNELS, RATE = 32, 30_000.0
COLUMNS = 1500
PLACES = 8
_FACTORS = tuple(16 * 4**step for step in range(16))


def real_entry(store: Store, row_shape: tuple[int, ...], num_rows: int, first: int = 0) -> bytes:
    """The entry of a pack that is in the store, with so many rows, whose values begin with `first`."""
    rows = np.arange(first, first + num_rows).astype("<i2").reshape(-1, *[1] * len(row_shape))
    with ArrayWriter(store, "int16", row_shape) as writer:
        writer.append(np.broadcast_to(rows, (num_rows, *row_shape)))
        writer.flush()
        return writer.entries[0]


def level_of(store: Store, num_bins: int, looked_at: set[int]) -> ArrayInfo:
    """A level whose packs have SHA-1s at random, but for those that are looked at, and for the last if it is short."""
    row_shape = (2, CHANNELS)
    rows, parts_a_pack = part_rows("int16", row_shape), pack_parts("int16", row_shape)
    parts = num_parts(num_bins, rows)
    packs = num_parts(parts, parts_a_pack)
    random = np.random.default_rng(packs)
    entries = []
    for pack in range(packs):
        parts_here = min(parts_a_pack, parts - pack * parts_a_pack)
        is_full = (pack + 1) * rows * parts_a_pack <= num_bins
        if not is_full and packs == 1:
            entries.append(real_entry(store, row_shape, num_bins))
        elif is_full and pack in looked_at:
            entries.append(real_entry(store, row_shape, rows * parts_a_pack, pack + 1))
        else:
            entries.append(random.bytes((1 + parts_here) * DIGEST_BYTES))
    return describe_array(store, "int16", (num_bins, *row_shape), rows, parts_a_pack, entries)


def synthetic_series(store: Store, parts: int) -> tuple[str, list[int]]:
    """URI of a series whose finest level has so many parts, and samples at which there are real packs of it."""
    row_shape = (2, CHANNELS)
    rows, parts_a_pack = part_rows("int16", row_shape), pack_parts("int16", row_shape)
    bins = parts * rows
    packs = parts // parts_a_pack
    places = sorted({packs * place // PLACES for place in range(PLACES)})
    num_samples = bins * _FACTORS[0] + 1
    levels = []
    for factor in _FACTORS:
        count = max(1, -(-(num_samples - 1) // factor))
        levels.append(LevelInfo(factor, level_of(store, count, set(places) if factor == 16 else set())))
        if count <= 1024:
            break
    manifest = SeriesManifest(
        type="continuous",
        dtype="int16",
        channels=tuple(ChannelInfo(str(number), str(number)) for number in range(CHANNELS)),
        segments=(SegmentInfo(0.0, num_samples / RATE, num_samples),),
        sampling_frequency=RATE,
        levels=tuple(levels),
    )
    uri = store.put_json(manifest.to_json_dict(), "series.json")
    return uri, [place * parts_a_pack * rows * _FACTORS[0] for place in places]


def window_seconds(series: Series, first_sample: int, samples_per_column: int) -> float:
    """Seconds of the processor for a window."""
    began = time.process_time()
    found = series.window(0, first_sample, samples_per_column, COLUMNS)
    assert found.shape[1:] == (2, CHANNELS)
    assert len(found)
    return time.process_time() - began


def print_year(directory: Path, parts: int) -> None:
    """Print what a series of so many parts takes."""
    with open_store(directory / "year", "embedded") as store:
        uri, places = synthetic_series(store, parts)
        gc.collect()
        tracemalloc.start()
        began = time.process_time()
        series = open_series(uri, store=store)
        opening = time.process_time() - began
        with series:
            manifest = series.manifest
            fine, wide = 6 * _FACTORS[0], 4 * manifest.levels[-1].factor
            overview = window_seconds(series, 0, wide)
            cold = [window_seconds(series, place, fine) for place in places]
            warm = [window_seconds(series, place, fine) for place in places[-1:] * PLACES]
            held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        began = time.process_time()
        reached = Reach(store).of([uri.partition("//")[2].partition("/")[0]])
        reaching = time.process_time() - began
        arrays = [level.array for level in manifest.levels]
        pages = {page for array in arrays for page in array.pages}
        samples = manifest.segments[0].num_samples
        stored = sum(array.num_bytes for array in arrays)
        print_table(
            ("a series of", f"{arrays[0].num_parts:,} parts of its finest level"),
            [
                ["32 channels of int16 at 30 kHz", f"{samples / RATE / 86400:,.0f} days"],
                ["samples; levels", f"{samples * 2 * CHANNELS / 1e12:,.2f} TB; {stored / 1e12:,.2f} TB"],
                [
                    "packs; pages that list them",
                    f"{sum(array.num_packs for array in arrays):,}; {len(pages):,}",
                ],
                [
                    "bytes of a page; of all",
                    f"{store.size(arrays[0].pages[0]):,}; {sum(map(store.size, pages)) / 1e6:,.1f} MB",
                ],
                ["bytes of the manifest", f"{store.size(uri):,}"],
                ["opening it, the first series of a process", f"{1000 * opening:.1f} ms"],
                ["a window of the whole", f"{1000 * overview:.1f} ms"],
                [
                    f"windows at {len(cold)} places, each with a page and a part that were not read before: median",
                    f"{1000 * float(np.median(cold)):.1f} ms",
                ],
                ["the same place again", f"{1000 * float(np.median(warm)):.1f} ms"],
                ["memory of Python and numpy meanwhile", f"{held / 1e6:.0f} MB"],
                [
                    "finding all that it reaches, as `gc` does",
                    f"{reaching:.1f} s, {amount(len(reached))} artifacts",
                ],
            ],
        )
