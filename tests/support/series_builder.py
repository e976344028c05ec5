"""Series stored for tests, every number computed the slow and obvious way; small parts, so that spans cross them."""

import hashlib
import math
from dataclasses import replace

import numpy as np

from seriesview.envelope.columns import columns_from_samples
from seriesview.envelope.missing import MissingValues
from seriesview.envelope.missing_reduce import moment_reducer
from seriesview.series.arrays import describe_array
from seriesview.series.manifest import (
    ChannelInfo,
    ContiguousLink,
    EventsInfo,
    LevelInfo,
    MomentsInfo,
    SegmentInfo,
    SeriesManifest,
)


def lowest_highest(samples):
    """(2, C) of samples (n, C): NaN ignored, 0.0 for -0.0."""
    result = np.empty((2, samples.shape[1]), samples.dtype)
    for channel in range(samples.shape[1]):
        numbers = [
            value for value in samples[:, channel] if not (samples.dtype.kind == "f" and np.isnan(value))
        ]
        result[0, channel] = min(numbers) if numbers else np.nan
        result[1, channel] = max(numbers) if numbers else np.nan
    return result + np.zeros((), samples.dtype) if samples.dtype.kind == "f" else result


def closed_bins(samples, factor, missing=None):
    """Envelope (bins, 2, C) of a segment's closed bins."""
    if missing is not None:
        return columns_from_samples(samples, factor, missing)
    count = max(1, math.ceil((len(samples) - 1) / factor))
    return np.stack([lowest_highest(samples[b * factor : (b + 1) * factor + 1]) for b in range(count)])


def bins_of_means(samples, factor):
    """Bins (bins, 2, C) of a segment: means and numbers of the samples that are there."""
    count = max(1, math.ceil((len(samples) - 1) / factor))
    bins = np.zeros((count, 2, samples.shape[1]), samples.dtype)
    samples = samples[: max(1, len(samples) - 1)]
    for b in range(count):
        for channel, values in enumerate(samples[b * factor : (b + 1) * factor].T):
            numbers = [float(value) for value in values if not math.isnan(value)]
            bins[b, :, channel] = [math.fsum(numbers) / len(numbers) if numbers else math.nan, len(numbers)]
    return bins


def half_open_moments(samples, factor, missing=None):
    """Moments (bins, 3, C) of a segment."""
    if missing is not None:
        reducer = moment_reducer(samples.dtype, samples.shape[1], factor, missing)
        return np.concatenate([reducer.add(samples), reducer.finish()])
    exact = samples.dtype.kind in "iu" and samples.dtype.itemsize <= 2
    rows = []
    for begin in range(0, len(samples), factor):
        columns = []
        for values in samples[begin : begin + factor].T:
            if exact:
                numbers = [int(value) for value in values]
                columns.append([len(numbers), sum(numbers), sum(n * n for n in numbers)])
            else:
                numbers = [float(value) for value in values if math.isfinite(value)]
                mean = math.fsum(numbers) / len(numbers) if numbers else 0.0
                columns.append([len(numbers), mean, math.fsum((n - mean) ** 2 for n in numbers)])
        rows.append(np.array(columns).T)
    return np.stack(rows).astype(np.int64 if exact else np.float64)


def store_rows(store, rows, part_rows=7, pack_parts=3):
    """An array stored in parts of `part_rows` rows, `pack_parts` of them a pack."""
    rows = np.ascontiguousarray(rows)
    pack_rows = part_rows * pack_parts
    entries = []
    for first in range(0, len(rows), pack_rows):
        pack = rows[first : first + pack_rows]
        parts = [pack[i : i + part_rows].tobytes() for i in range(0, len(pack), part_rows)]
        entries.append(store.put_part(pack) + b"".join(hashlib.sha1(part).digest() for part in parts))
    return describe_array(store, rows.dtype, rows.shape, part_rows, pack_parts, entries)


def store_series(
    store,
    segments,
    factors=(4, 16, 64),
    moments=(8, 32),
    samples="store",
    rate=10.0,
    timestamps=None,
    link_path=None,
    part_rows=7,
    missing=None,
    kind=None,
):
    """URI of a series of these segments (n, C); samples: store, omit or link (into the file `link_path`).

    `missing` has an entry for each channel, None where nothing is.
    """
    dtype = segments[0].dtype
    absent = None if missing is None else MissingValues(dtype, missing)
    together = np.concatenate(segments)
    values = None
    if samples == "store":
        values = replace(store_rows(store, together, part_rows), kind=kind)
    elif samples == "link":
        link_path.write_bytes(b"header!!" + together.tobytes())
        row = together.dtype.itemsize * together.shape[1]
        values = ContiguousLink(store.hash_and_link(link_path), 8, row, together.dtype.itemsize)
    starts = [100.0 * number for number in range(len(segments))]
    first_times = None if timestamps is None else [np.asarray(times) for times in timestamps]
    levels = []
    for factor in factors:
        times = None
        if first_times is not None:
            firsts = [t[: (max(1, math.ceil((len(t) - 1) / factor))) * factor : factor] for t in first_times]
            times = store_rows(store, np.concatenate(firsts), part_rows)
        bins = np.concatenate(
            [
                bins_of_means(segment, factor) if kind else closed_bins(segment, factor, absent)
                for segment in segments
            ]
        )
        levels.append(LevelInfo(factor, replace(store_rows(store, bins, part_rows), kind=kind), times))
    manifest = SeriesManifest(
        type="continuous",
        dtype=dtype.name,
        channels=tuple(
            ChannelInfo(f"ch{c}", f"Channel {c}", missing=missing and missing[c])
            for c in range(together.shape[1])
        ),
        segments=tuple(
            SegmentInfo(
                start if timestamps is None else float(first_times[number][0]),
                start + len(segment) / rate if timestamps is None else float(first_times[number][-1]),
                len(segment),
            )
            for number, (start, segment) in enumerate(zip(starts, segments, strict=True))
        ),
        sampling_frequency=rate if timestamps is None else None,
        timestamps=None if timestamps is None else store_rows(store, np.concatenate(first_times), part_rows),
        values=values,
        levels=tuple(levels),
        moments=tuple(
            MomentsInfo(
                factor,
                store_rows(
                    store, np.concatenate([half_open_moments(s, factor, absent) for s in segments]), part_rows
                ),
            )
            for factor in moments
        ),
    )
    return store.put_json(manifest.to_json_dict(), name="series.json")


def store_events(store, times, channels, num_channels, part_rows=7):
    """URI of an event series."""
    manifest = SeriesManifest(
        type="event",
        dtype="float64",
        channels=tuple(ChannelInfo(f"unit{c}", f"Unit {c}") for c in range(num_channels)),
        segments=(SegmentInfo(float(times[0]), float(times[-1]), len(times)),) if len(times) else (),
        sampling_frequency=None,
        events=EventsInfo(
            store_rows(store, np.asarray(times, np.float64), part_rows),
            store_rows(store, np.asarray(channels, np.uint32), part_rows),
        ),
    )
    return store.put_json(manifest.to_json_dict(), name="series.json")
