"""What building a dataset will take: decided from headers and timestamps, before any sample is read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from seriesview.build.dataset import Dataset
from seriesview.build.grid import RowGrid, level_grid, moments_grid
from seriesview.build.made import MadeRecording
from seriesview.build.missing import missing_of_recording, missing_values_of
from seriesview.build.room import Need
from seriesview.build.timeline import MAX_TIME_SHIFT, SegmentTimes, Timeline, analyse_timestamps
from seriesview.envelope.bins import MAX_UNREDUCED, RATIO, default_base, level_factors
from seriesview.envelope.missing import Missing, MissingValues
from seriesview.envelope.moments import MOMENTS_FACTOR, moments_dtype
from seriesview.errors import BuildError, ReaderError
from seriesview.layout.layouts import ChunkedLayout, FilesLayout, Layout, RecordsLayout
from seriesview.layout.remote_path import is_remote
from seriesview.readers.protocol import Recording, Segment
from seriesview.series.array_info import Kind
from seriesview.series.packing import num_files

TIMESTAMPS_BLOCK = 1 << 18

Resolution = Literal["link", "store", "omit", "compute"]

_MOST_BYTES_OF_LINKS = 8 << 20
"""A backend reads manifests of up to twice as much."""

MOST_AROUND = 16
"""Samples that are a smaller part of the stretch of file that they lie in are copied, where nothing else is said: the
copy takes little, and reading the link would take so many times as long."""


@dataclass(frozen=True)
class SamplesPlan:
    """How a series of samples is built: its segments, factors, what is missing, and where full resolution comes from.

    `channel_missing` has an entry for each channel, None where that of the series stands for it.
    """

    dtype: np.dtype[Any]
    num_channels: int
    timeline: Timeline
    base: int
    ratio: int
    level_factors: tuple[int, ...]
    moments_factors: tuple[int, ...]
    resolution: Resolution
    missing: Missing | None = None
    channel_missing: tuple[Missing | None, ...] = ()
    kind: Kind | None = None
    """Of levels and values, where levels are not lows and highs."""

    @property
    def missing_values(self) -> MissingValues | None:
        """Which values are missing in each channel, or None where none is."""
        return missing_values_of(self.missing, self.channel_missing, self.dtype)

    @property
    def segment_lengths(self) -> list[int]:
        """Samples of each segment."""
        return [segment.num_samples for segment in self.timeline.segments]

    @property
    def num_samples(self) -> int:
        """Samples of all segments."""
        return sum(self.segment_lengths)

    @property
    def alignment(self) -> int:
        """Samples after which a bin of the base and one of the moments begin together."""
        return int(np.lcm(self.base, MOMENTS_FACTOR))

    @property
    def base_grid(self) -> RowGrid:
        """Rows of the base factor, whether or not that level is kept."""
        return level_grid(self.segment_lengths, self.base)

    @property
    def finest_moments_grid(self) -> RowGrid:
        """Rows of the finest moments."""
        return moments_grid(self.segment_lengths, MOMENTS_FACTOR)

    @property
    def bytes_to_read(self) -> int:
        """Bytes of the samples."""
        return self.num_samples * self.num_channels * self.dtype.itemsize

    @property
    def need(self) -> Need:
        """Bytes of all arrays, and how many artifacts they are."""
        arrays = list(self._arrays())
        return Need(
            sum(np.dtype(dtype).itemsize * math.prod(shape) for dtype, shape in arrays),
            sum(num_files(dtype, shape) for dtype, shape in arrays),
        )

    def _arrays(self) -> Iterator[tuple[npt.DTypeLike, tuple[int, ...]]]:
        lengths, channels = self.segment_lengths, self.num_channels
        is_irregular = self.timeline.sampling_frequency is None
        for factor in self.level_factors:
            rows = level_grid(lengths, factor).num_rows
            yield self.dtype, (rows, 2, channels)
            if is_irregular:
                yield np.float64, (rows,)
        for factor in self.moments_factors:
            yield moments_dtype(self.dtype), (moments_grid(lengths, factor).num_rows, 3, channels)
        if self.resolution == "store":
            yield self.dtype, (self.num_samples, channels)
        if is_irregular:
            yield np.float64, (self.num_samples,)


def sample_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Dtype of the artifacts: the samples' own; bool is kept as uint8."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")


def moments_level_factors(segment_lengths: Sequence[int]) -> tuple[int, ...]:
    """1024 and on, each four times the one before, up to the first with at most 1024 bins or one a segment."""
    factors = [MOMENTS_FACTOR]
    limit = max(MAX_UNREDUCED, len(segment_lengths))
    while moments_grid(segment_lengths, factors[-1]).num_rows > limit:
        factors.append(factors[-1] * RATIO)
    return tuple(factors)


def timestamp_blocks(recording: Recording) -> Iterator[npt.NDArray[np.float64]]:
    """The recording's timestamps, (n,) a block."""
    for first in range(0, recording.num_samples, TIMESTAMPS_BLOCK):
        yield recording.timestamps(first, min(first + TIMESTAMPS_BLOCK, recording.num_samples))


def timeline_of(recording: Recording, dataset: Dataset, read_timestamps: bool = True) -> Timeline:
    """Segments of a recording and their times; without `read_timestamps` one segment of unknown times."""
    start = dataset.options.start_time
    if recording.sampling_frequency is not None or not read_timestamps:
        rate = recording.sampling_frequency
        known = _known_segments(recording)
        moved = 0.0 if start is None else start - known[0].start_time
        segments: list[SegmentTimes] = []
        first_sample = 0
        for segment in known:
            begin, count = segment.start_time + moved, segment.num_samples
            end = begin + count / rate if rate else begin
            segments.append(SegmentTimes(begin, end, first_sample, count))
            first_sample += count
        return Timeline(rate, tuple(segments), 0.0)
    try:
        timeline = analyse_timestamps(
            lambda: timestamp_blocks(recording),
            dataset.max_gap_seconds,
            max_time_shift=MAX_TIME_SHIFT if dataset.max_time_shift is None else dataset.max_time_shift,
        )
    except BuildError as error:
        named = dataset.options.dataset
        raise error.within(str(recording.path), *([named] if named else [])) from error
    if start is not None:
        raise BuildError(
            "start_time: this recording has timestamps of its own; drop `start_time`, or drop the timestamps"
        )
    return timeline


def _known_segments(recording: Recording) -> tuple[Segment, ...]:
    """The segments that the reader tells, else one. Raises ReaderError where they cannot be those of its samples."""
    if recording.segments is None:
        return (Segment(recording.start_time, recording.num_samples),)
    known = tuple(segment for segment in recording.segments if segment.num_samples)
    told = sum(segment.num_samples for segment in known)
    if told != recording.num_samples or any(segment.num_samples < 0 for segment in known):
        raise ReaderError(
            f"its segments are told to have {told} samples, and there are {recording.num_samples}",
            file=recording.path,
        )
    if recording.sampling_frequency is None:
        return known
    sample = 1 / recording.sampling_frequency
    end = -math.inf
    for number, segment in enumerate(known):
        # What is told in whole samples of another clock may overlap by a part of one.
        if not segment.start_time > end - sample:
            raise ReaderError(
                f"segment {number} begins at {segment.start_time:.9g} s, before the end of the one before it "
                f"({end:.9g} s): its parts were recorded by different clocks, or are out of order",
                file=recording.path,
            )
        end = segment.start_time + segment.num_samples * sample
    return known


def why_not_linkable(recording: Recording, layout: Layout | None) -> str | None:
    """The reason why samples cannot be read from the file as it is, or None where they can."""
    if is_remote(recording.path):
        return "it is on another machine"
    if layout is None:
        return "its samples are compressed or converted in a way that cannot be read by byte range"
    if isinstance(layout, FilesLayout) and _bytes_to_say(layout) > _MOST_BYTES_OF_LINKS:
        return f"its samples lie in {len(layout.pieces)} pieces, too many to name in a manifest"
    if recording.dtype.kind == "b" and isinstance(layout, ChunkedLayout):
        return "its samples are booleans in chunks"
    return None


def _bytes_to_say(layout: FilesLayout) -> int:
    """About what a manifest takes to say where the samples lie."""
    return sum(
        250 + (len(piece.channel_offsets) * 8 if isinstance(piece, RecordsLayout) else 0)
        for piece in layout.pieces
    )


def choose_resolution(recording: Recording, dataset: Dataset, file_bytes: int, may_link: bool) -> Resolution:
    """Where full resolution comes from. Raises BuildError where a link was asked for and cannot be."""
    if dataset.full_resolution in ("store", "omit"):
        return "store" if dataset.full_resolution == "store" else "omit"
    if not may_link:
        if dataset.full_resolution == "link":
            raise BuildError(
                "full_resolution: link: the store is in a bucket, and a link leads to a file of one machine; set "
                "`full_resolution: store`, or `omit`"
            )
        return "store"
    layout = recording.layout
    reason = why_not_linkable(recording, layout)
    if dataset.full_resolution == "link":
        if reason is not None:
            raise BuildError(
                f"full_resolution: {recording.path}: cannot be linked: {reason}; use `full_resolution: store`"
            )
        return "link"
    if is_remote(recording.path):
        return "omit"
    if reason is not None or layout is None:
        return "store"
    held, spanned = _bytes_of(layout)
    is_most_of_it = 2 * spanned >= file_bytes and held * MOST_AROUND >= spanned
    return "link" if is_most_of_it else "store"


def resolution_of_made(recording: MadeRecording, dataset: Dataset) -> Resolution:
    """Where samples come from that are made of others. Raises BuildError where they cannot be computed."""
    if dataset.full_resolution in ("store", "omit"):
        return "store" if dataset.full_resolution == "store" else "omit"
    reason = recording.why_not_computed
    if dataset.full_resolution == "compute" and reason is not None:
        raise BuildError(f"full_resolution: compute: {reason}; use `full_resolution: store`")
    return "compute" if reason is None else "store"


def _bytes_of(layout: Layout) -> tuple[int, int]:
    """Bytes that samples take in their files, and those from the first to the last of them."""
    if isinstance(layout, FilesLayout):
        pieces = [_bytes_of(piece) for piece in layout.pieces]
        return sum(held for held, _ in pieces), sum(spanned for _, spanned in pieces)
    if isinstance(layout, ChunkedLayout):
        stored = int(layout.chunks[:, 1].sum())
        return stored, stored
    itemsize = layout.dtype.itemsize
    held = layout.num_samples * layout.num_channels * itemsize
    if isinstance(layout, RecordsLayout):
        records = -(-layout.num_samples // layout.samples_per_record)
        return held, max(0, records - 1) * layout.record_stride + layout.extent
    apart = (layout.num_channels - 1) * layout.channel_stride
    return held, max(0, layout.num_samples - 1) * layout.row_stride + apart + itemsize


def plan_samples(
    recording: Recording,
    dataset: Dataset,
    file_bytes: int,
    read_timestamps: bool = True,
    may_link: bool = True,
) -> SamplesPlan:
    """Plan of a continuous or discrete series. Raises ReaderError or BuildError where it cannot be built.

    `may_link`: whether the store takes links; one that does not gets all samples, unless they are to be left out.
    """
    if recording.num_samples == 0:
        raise ReaderError("there are no samples in it", file=recording.path)
    timeline = timeline_of(recording, dataset, read_timestamps)
    lengths = [segment.num_samples for segment in timeline.segments]
    channels = recording.num_channels
    ratio = dataset.ratio or RATIO
    dtype = sample_dtype(recording.dtype)
    missing, channel_missing = missing_of_recording(recording, dataset.options.missing, dtype)
    return SamplesPlan(
        dtype=dtype,
        num_channels=channels,
        timeline=timeline,
        base=dataset.base or default_base(channels),
        ratio=ratio,
        level_factors=level_factors(lengths, channels, dataset.base, ratio),
        moments_factors=moments_level_factors(lengths),
        resolution=choose_resolution(recording, dataset, file_bytes, may_link)
        if not isinstance(recording, MadeRecording)
        else resolution_of_made(recording, dataset),
        missing=missing,
        channel_missing=tuple(channel_missing),
        kind="means" if recording.has_means else None,
    )
