"""The reader of BrainVision recordings; any of their files names one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, Layout, RecordsLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.brainvision.as_text import TextFormat, TextSamples, count_samples
from seriesview.readers.brainvision.companions import SAMPLES, companion, header_of, renamed
from seriesview.readers.brainvision.header import Header, read_header
from seriesview.readers.brainvision.markers import Marker, Markers, Timing, read_markers, timing_of
from seriesview.readers.brainvision.text import MARKERS
from seriesview.readers.in_memory import IntervalRecording, as_they_come, labelled_events
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.protocol import Candidate, Channel, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels, required_rate

MARKERS_DATASET = "markers"
INTERVALS_DATASET = "intervals"


@dataclass(frozen=True)
class Found:
    """The files of a recording as they are: where its samples lie, and its markers."""

    header: Header
    samples: Path
    layout: ContiguousLayout | RecordsLayout | None
    """None where they are text."""
    num_samples: int
    num_channels: int
    markers: Markers
    files: tuple[Path, ...]
    decisions: tuple[Decision, ...]

    def timing(self, options: ReadOptions) -> Timing:
        """When its samples were recorded. Raises ReaderError where no rate is known."""
        rate = checked_rate(options.sampling_frequency, self.header.path) or self.header.sampling_frequency
        rate = rate or required_rate(options, self.header.path)
        return timing_of(self.markers.markers, self.num_samples, rate, self.header.segment_points)


def find(path: Path, options: ReadOptions) -> Found:
    """All that the recording at `path` is made of. Raises ReaderError or OSError."""
    header_path = header_of(path)
    if header_path is None:
        raise ReaderError("no BrainVision header (.vhdr) is there that belongs to this file", file=path)
    header = read_header(header_path)
    follow = options.follow_external
    samples = companion(header_path, header.data_file, SAMPLES, follow)
    if samples is None:
        raise ReaderError(
            f"its samples ({(header.data_file or 'not named')[:200]!r}) are not there; put them beside the header",
            file=header_path,
        )
    decisions = [*header.decisions, *renamed(header.data_file, samples, header_path)]
    layout: ContiguousLayout | RecordsLayout | None = None
    if header.text is None:
        layout, said = layout_of(header, samples)
        decisions += said
        num_samples, num_channels = layout.num_samples, layout.num_channels
    else:
        num_samples, num_channels = _samples_of_text(header, header.text, samples), len(header.channels)
    decisions += _said_of_points(header, num_samples)
    markers = Markers()
    files = [header_path, samples]
    marker_path = companion(header_path, header.marker_file, MARKERS, follow)
    if marker_path is not None:
        files.append(marker_path)
        if header.marker_file is not None:
            decisions += renamed(header.marker_file, marker_path, header_path)
        markers = read_markers(marker_path, num_samples)
    elif header.marker_file is not None:
        decisions.append(
            Decision(
                f"its markers ({header.marker_file[:100]!r}) are not there, nor are their dates",
                is_guess=True,
            )
        )
    return Found(header, samples, layout, num_samples, num_channels, markers, tuple(files), tuple(decisions))


def _samples_of_text(header: Header, form: TextFormat, path: Path) -> int:
    count = count_samples(path, form)
    if not count or not header.channels:
        raise ReaderError(
            f"no samples: there is no line with numbers of {len(header.channels)} channels", file=path
        )
    return count


def _said_of_points(header: Header, num_samples: int) -> list[Decision]:
    if header.data_points in (None, num_samples):
        return []
    text = f"the header counts {header.data_points} samples (DataPoints), and {num_samples} are there"
    return [Decision(text, is_guess=True)]


def layout_of(header: Header, path: Path) -> tuple[ContiguousLayout | RecordsLayout, list[Decision]]:
    """Where the samples lie, and what is said where file and header do not agree. Raises ReaderError."""
    itemsize, stored = header.dtype.itemsize, header.stored_channels
    size = path.stat().st_size
    available = max(0, size - header.data_offset - header.trailer_size)
    decisions: list[Decision] = []
    if header.is_multiplexed:
        row = itemsize * stored
        num_samples, left_over = divmod(available, row)
        if left_over:
            decisions.append(
                Decision(f"{left_over} bytes behind the last whole sample are left out", is_guess=True)
            )
        channels = len(header.channels)
        row_stride, channel_stride = row, itemsize
    else:
        num_samples, channels = _vectorized(header, available, decisions)
        row_stride, channel_stride = itemsize, header.channel_offset + num_samples * itemsize
    if num_samples == 0 or channels == 0:
        raise ReaderError(
            f"no samples: its {size} bytes do not hold one of {len(header.channels)} channels", file=path
        )
    if header.is_multiplexed and channels < stored:
        offsets = tuple(channel * itemsize for channel in range(channels))
        return (
            RecordsLayout(path, header.dtype, num_samples, header.data_offset, row_stride, 1, offsets),
            decisions,
        )
    layout = ContiguousLayout(
        path=path,
        dtype=header.dtype,
        num_samples=num_samples,
        num_channels=channels,
        offset=header.data_offset + (0 if header.is_multiplexed else header.channel_offset),
        row_stride=row_stride,
        channel_stride=channel_stride,
    )
    return layout, decisions


def _vectorized(header: Header, available: int, decisions: list[Decision]) -> tuple[int, int]:
    """Samples of each channel where one channel follows the other, and how many channels are whole."""
    itemsize, count = header.dtype.itemsize, len(header.channels)
    num_samples = header.data_points
    if num_samples is None:
        num_samples, left_over = divmod(
            max(0, available - header.channel_offset * header.stored_channels),
            itemsize * header.stored_channels,
        )
        text = f"no DataPoints in the header: {num_samples} samples, as the size of the file says"
        decisions.append(Decision(text, is_guess=bool(left_over)))
        return num_samples, count
    whole = min(count, available // (header.channel_offset + num_samples * itemsize))
    if whole < count:
        decisions.append(
            Decision(
                f"the file was cut off: of {count} channels, which follow one another, the first {whole} are whole; "
                "the others are left out",
                is_guess=True,
            )
        )
    return num_samples, whole


class BrainVisionRecording(LaidOutRecording):
    """The samples."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        found = find(path, options)
        timing = found.timing(options)
        self.type = "continuous"
        self.path = path
        self.layout: Layout | None = found.layout
        self.source = found.samples
        self.files = found.files
        self.dtype = found.header.dtype.newbyteorder("=")
        self.num_samples = found.num_samples
        self.sampling_frequency = timing.sampling_frequency
        self.segments = timing.segments
        self.session_start = timing.session_start
        known = found.header.channels[: found.num_channels]
        named = make_channels(len(known), options, path, [channel.label for channel in known])
        self.channels = tuple(replace(old, label=new.label) for old, new in zip(known, named, strict=True))
        self.unit = known[0].unit or ""
        self.decisions = (*found.decisions, *timing.decisions)
        describe(self, options)
        if found.layout is not None:
            self._samples = SampleFile(found.layout)
        elif found.header.text is not None:
            self._samples = TextSamples(found.samples, found.header.text, found.num_samples)


def _label(marker: Marker, channels: tuple[Channel, ...]) -> str:
    """What a marker is called, with the channel that it is about."""
    if 0 < marker.channel <= len(channels):
        return f"{marker.label} ({channels[marker.channel - 1].label})"
    return marker.label


def open_markers(path: Path, options: ReadOptions) -> Recording:
    """Markers of one sample as events, those of more as intervals, by the clock of the samples. Raises ReaderError."""
    found = find(path, options)
    timing = found.timing(options)
    as_intervals = options.dataset == INTERVALS_DATASET
    chosen = [marker for marker in found.markers.markers if (marker.size > 1) == as_intervals]
    labels = [_label(marker, found.header.channels) for marker in chosen]
    first = np.array([marker.sample for marker in chosen], np.int64)
    moved = 0.0 if options.start_time is None else options.start_time - timing.segments[0].start_time
    times = timing.times(first) + moved
    recording: Recording
    if as_intervals:
        last = first + np.array([marker.size - 1 for marker in chosen], np.int64)
        ends = timing.times(last, behind=1) + moved
        recording = IntervalRecording(path, np.column_stack([times, ends]), labels, options)
    else:
        # In the order in which they come first: the numbers of stimuli are no order.
        recording = labelled_events(path, times, labels, options, as_they_come)
    recording.files = found.files
    recording.session_start = recording.session_start or timing.session_start
    recording.decisions = (*found.markers.decisions, *timing.decisions)
    return recording


class BrainVisionReader:
    """Reader of BrainVision files: .vhdr, and .eeg, .dat, .avg, .seg, .vmrk that have one."""

    name = "brainvision"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins like a header or markers, or holds the samples of a header beside it."""
        try:
            return header_of(path) is not None
        except (OSError, ValueError):
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """The samples, and markers as events and as intervals where there are any. Raises ReaderError."""
        try:
            found = find(path, ReadOptions())
        except ReaderError as error:
            return [Candidate(None, "continuous", "?", (), None, None, {}, str(error.without(str(path))))]
        samples = Candidate(
            None,
            "continuous",
            str(found.header.dtype.newbyteorder("=")),
            (found.num_samples, found.num_channels),
            found.header.sampling_frequency,
            found.header.channels[0].unit,
            {},
            role="eeg",
        )
        spans = sum(marker.size > 1 for marker in found.markers.markers)
        instants = len(found.markers.markers) - spans
        listed = [samples]
        if instants:
            listed.append(
                Candidate(
                    MARKERS_DATASET, "event", "float64", (instants,), None, None,
                    {"dataset": MARKERS_DATASET}, role="markers",
                )
            )  # fmt: skip
        if spans:
            listed.append(
                Candidate(
                    INTERVALS_DATASET, "interval", "float64", (spans,), None, None,
                    {"dataset": INTERVALS_DATASET}, role="annotations",
                )
            )  # fmt: skip
        return listed

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the samples, or with `dataset` markers or intervals. Raises ReaderError."""
        kinds = {None: "continuous", MARKERS_DATASET: "event", INTERVALS_DATASET: "interval"}
        kind = kinds.get(options.dataset)
        if kind is None:
            raise ReaderError(
                f"dataset: there is no {options.dataset!r}; leave it out for the samples, or write "
                f"{MARKERS_DATASET} or {INTERVALS_DATASET}",
                file=path,
            )
        if options.type not in (None, kind):
            raise ReaderError(f"type: this is {kind}, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: samples of BrainVision have a rate; leave it out", file=path)
        return BrainVisionRecording(path, options) if kind == "continuous" else open_markers(path, options)
