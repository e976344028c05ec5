"""A snapshot of one series that is being built: exact wherever there are levels, or samples enough to read."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.dataset import Dataset, undescribed
from seriesview.build.first_manifest import provisional_manifest
from seriesview.build.grid import level_grid
from seriesview.build.growing import while_growing, with_last_segment
from seriesview.build.level_rows import LevelRows
from seriesview.build.opening import opened_recording
from seriesview.build.plan import SamplesPlan, plan_samples
from seriesview.build.series import described
from seriesview.build.source import identify_recording
from seriesview.build.typical import Typical, typical_of
from seriesview.envelope.columns import columns_from_bins, columns_from_samples, empty_hull
from seriesview.errors import RequestError
from seriesview.layout.remote_path import is_remote
from seriesview.live.provisional import ProvisionalLink
from seriesview.series.arrays import PartCache
from seriesview.series.hulls import Pyramid
from seriesview.series.manifest import SegmentInfo, SeriesManifest
from seriesview.series.segment_files import Selection
from seriesview.series.series import Series
from seriesview.series.windows import num_columns
from seriesview.store import Store

MOST_VALUES = 1 << 24
"""Samples times channels that are read for one window."""
_MOST_AT_ONCE = 1 << 21
"""Of them that are in memory at once."""
_MOST_ROWS = 1 << 16
_MOST_LEVEL_VALUES = 1 << 23
"""Rows of a level, and values in them, that are read for one window, where coarser ones are not made yet."""
_MOST_TIMESTAMPS = 1 << 24
"""That are read before the page shows anything, to see whether they are equally far apart."""
_TYPICAL_SECONDS = 0.25
_TYPICAL_STRETCHES = 64
_TYPICAL_SAMPLES = 256
_PREVIEW_SECONDS = 1.0
_STRETCHES = 1024
_STRETCH_SAMPLES = 32
"""Of each stretch that are looked at."""


@dataclass(frozen=True)
class SnapshotWindow:
    """`columns` of those that were asked for, the first ones, and their envelope (columns, 2, C), or with one sample a
    column their samples (columns + 1, C). `factor`: of the level that was read, 1: samples."""

    columns: int
    factor: int
    rows: npt.NDArray[Any]


@dataclass(frozen=True)
class Preview:
    """What a few samples of equal stretches of a recording are like, so that it does not look like silence.

    `rows` (stretches, 2, C): the lowest and highest of those that were looked at, lowest above highest where none was;
    `samples` of each stretch, counted over all segments.
    """

    samples: int
    rows: npt.NDArray[Any]


@dataclass(frozen=True)
class _Extent:
    """What follows from how many samples there are: the manifest and the plan, rows before each segment, by factor."""

    manifest: SeriesManifest
    plan: SamplesPlan
    rows: Mapping[int, Sequence[int]]
    samples: Pyramid
    """Without levels, read through the link."""

    @classmethod
    def of(cls, manifest: SeriesManifest, plan: SamplesPlan, store: Store, link: ProvisionalLink) -> _Extent:
        rows = {factor: _first_rows(plan.segment_lengths, factor) for factor in plan.level_factors}
        return cls(manifest, plan, rows, Pyramid(store, manifest, link, PartCache()))


class Snapshot:
    """What there is of a continuous series of samples at equal distances, before and while it is built, or written."""

    def __init__(
        self, name: str, extent: _Extent, store: Store, link: ProvisionalLink, opened: ExitStack, grows: bool
    ) -> None:
        self.name = name
        self._now = extent
        self._store = store
        self._link = link
        self._opened = opened
        self._grows = grows
        self._levels: Sequence[LevelRows] = ()
        self._series: Series | None = None

    @classmethod
    def open(cls, dataset: Dataset, store: Store, grows: bool = False) -> Snapshot | None:
        """A snapshot of nothing but samples; None of what has none at equal distances, or is on another machine.

        `grows`: the recording is still written. Raises SeriesviewError, OSError.
        """
        if dataset.source is not None:
            # What is typical of it only all of its samples tell, and each has to be computed.
            return None
        with ExitStack() as stack:
            opened_as = undescribed(while_growing(dataset) if grows else dataset)
            recording = stack.enter_context(opened_recording(opened_as, store))
            is_long = recording.sampling_frequency is None and recording.num_samples > _MOST_TIMESTAMPS
            if recording.type != "continuous" or is_long:
                return None
            source = identify_recording(recording)
            if not source.samples or any(is_remote(file.path) for file in source.samples):
                return None
            plan = plan_samples(recording, dataset, source.size)
            if plan.timeline.sampling_frequency is None:
                return None
            link = ProvisionalLink(recording, source, plan.dtype, is_open=grows)
            stack.callback(link.close)
            found = provisional_manifest(undescribed(dataset), recording, plan, _typical(plan, link))
            extent = _Extent.of(described(found, dataset), plan, store, link)
            return cls(dataset.name, extent, store, link, stack.pop_all(), grows)

    def grow(self, num_samples: int) -> None:
        """Have it end with so many samples of the recording; what is typical of it stays."""
        plan, manifest = self._now.plan, self._now.manifest
        count = num_samples - sum(plan.segment_lengths[:-1])
        if count <= plan.segment_lengths[-1]:
            return
        plan = with_last_segment(plan, count)
        last = plan.timeline.segments[-1]
        segments = (*manifest.segments[:-1], SegmentInfo(last.start_time, last.end_time, last.num_samples))
        self._now = _Extent.of(replace(manifest, segments=segments), plan, self._store, self._link)

    def end_growing(self) -> None:
        """It is written: its last column may be a short one."""
        self._grows = False

    @property
    def manifest(self) -> SeriesManifest:
        """What the series will say of itself, but for its arrays."""
        return self._now.manifest

    @property
    def level_factors(self) -> tuple[int, ...]:
        """Of the levels that it will have."""
        return self._now.plan.level_factors

    @property
    def duration(self) -> float:
        """Seconds of all samples."""
        return self._now.plan.num_samples / (self.manifest.sampling_frequency or 1.0)

    @property
    def reached(self) -> tuple[float, float]:
        """Up to which time, in the series' own seconds, levels are made, and the part of its samples before that."""
        now = self._now
        total = now.plan.num_samples
        covered = (self._covered(now, level) for level in self._levels if level.factor in now.rows)
        sample = total if self._series is not None else min(max(covered, default=0), total)
        part = sample / total
        segments = now.manifest.segments
        for segment in segments:
            if sample <= segment.num_samples:
                return segment.start_time + sample / (now.manifest.sampling_frequency or 1.0), part
            sample -= segment.num_samples
        return segments[-1].end_time, part

    @staticmethod
    def _covered(now: _Extent, level: LevelRows) -> int:
        """Samples of all segments, from the first on, whose bins a level has."""
        num_rows, rows = level.num_rows, now.rows[level.factor]
        segment = max(bisect_right(rows, num_rows) - 1, 0)
        lengths = now.plan.segment_lengths
        if segment >= len(lengths):
            return now.plan.num_samples
        return sum(lengths[:segment]) + min((num_rows - rows[segment]) * level.factor, lengths[segment])

    def use_levels(self, levels: Sequence[LevelRows]) -> None:
        """Read from levels that are being made."""
        self._levels = levels

    def use_series(self, series: Series) -> None:
        """Read from the series, which is built now."""
        self._series = series
        self._levels = ()

    def close(self) -> None:
        """Let go of its files."""
        self._opened.close()
        if self._series is not None:
            self._series.close()

    def window(
        self,
        segment: int,
        first_sample: int,
        samples_per_column: int,
        columns: int,
        channels: Sequence[str] | None,
    ) -> SnapshotWindow:
        """As many of the columns as can be told exactly, from the first one on. Raises SeriesviewError, OSError."""
        now = self._now
        lengths = now.plan.segment_lengths
        if not (0 <= segment < len(lengths) and 0 <= first_sample < lengths[segment]):
            raise RequestError(f"there is no sample {first_sample} in segment {segment}")
        if samples_per_column < 1 or columns < 1:
            raise RequestError("at least one column of one sample can be asked for")
        chosen = self._chosen(channels)
        columns = num_columns(lengths[segment], first_sample, samples_per_column, columns)
        if self._grows and samples_per_column > 1 and segment == len(lengths) - 1:
            # A column that is not whole would not stay as it is.
            columns = min(columns, (lengths[segment] - 1 - first_sample) // samples_per_column)
            if not columns:
                return SnapshotWindow(0, 1, self._nothing(now, chosen))
        last = min(first_sample + columns * samples_per_column, lengths[segment] - 1)
        if samples_per_column == 1:
            self._check_size(last + 1 - first_sample)
            values = np.array(now.samples.read_samples(segment, first_sample, last + 1, chosen), order="C")
            return SnapshotWindow(len(values) - 1, 1, values)
        if self._series is not None:
            rows = self._series.window(segment, first_sample, samples_per_column, columns, channels)
            return SnapshotWindow(len(rows), self._series.factor_used(first_sample, samples_per_column), rows)
        best = self._from_levels(now, segment, first_sample, samples_per_column, columns, chosen)
        if best is not None and best.columns == columns:
            return best
        if best is None or (last + 1 - first_sample) * now.plan.num_channels <= MOST_VALUES:
            self._check_size(last + 1 - first_sample)
            at_once = max(_MOST_AT_ONCE // (samples_per_column * now.plan.num_channels), 1)
            pieces = [
                now.samples.from_samples(
                    segment,
                    first_sample + column * samples_per_column,
                    samples_per_column,
                    min(at_once, columns - column),
                    chosen,
                )
                for column in range(0, columns, at_once)
            ]
            rows = np.concatenate(pieces)
            return SnapshotWindow(len(rows), 1, rows)
        return best

    def preview(self) -> Preview:
        """A strided reading, of at most a second. Raises SeriesviewError, OSError."""
        now = self._now
        total, channels = now.plan.num_samples, slice(0, now.plan.num_channels)
        step = max(-(-total // _STRETCHES), 1)
        count = -(-total // step)
        rows = empty_hull(count, now.plan.num_channels, now.plan.dtype)
        began = time.monotonic()
        missing = now.samples.missing_of(channels)
        for number in _scattered(count):
            first = number * step
            samples = self._link.read(first, min(first + _STRETCH_SAMPLES, first + step, total), channels)
            if len(samples) > 1:
                rows[number] = columns_from_samples(samples, len(samples), missing)[0]
            if time.monotonic() - began > _PREVIEW_SECONDS:
                break
        return Preview(step, rows)

    def _check_size(self, num_samples: int) -> None:
        if num_samples * self._now.plan.num_channels > 8 * MOST_VALUES:
            raise RequestError(
                f"{num_samples} samples at once are too many while this is built", code="too-large"
            )

    def _chosen(self, channels: Sequence[str] | None) -> Selection:
        if channels is None:
            return slice(0, self._now.plan.num_channels)
        index = {channel.id: number for number, channel in enumerate(self.manifest.channels)}
        try:
            return np.array([index[each] for each in channels], np.intp)
        except KeyError as error:
            raise RequestError(f"there is no channel {str(error.args[0])!r:.60}") from error

    @staticmethod
    def _nothing(now: _Extent, channels: Selection) -> npt.NDArray[Any]:
        return np.empty((0, 2, len(np.arange(now.plan.num_channels)[channels])), now.plan.dtype)

    def _from_levels(
        self,
        now: _Extent,
        segment: int,
        first_sample: int,
        samples_per_column: int,
        columns: int,
        channels: Selection,
    ) -> SnapshotWindow | None:
        """The most columns that a level gives, the coarsest one that gives so many; None where none divides them."""
        length = now.plan.segment_lengths[segment]
        if first_sample and first_sample == length - 1:
            return None
        fits = [x for x in now.plan.level_factors if not (samples_per_column % x or first_sample % x)]
        if not fits:
            return None
        made = {level.factor: level for level in self._levels}
        most = min(_MOST_ROWS, max(_MOST_LEVEL_VALUES // (2 * now.plan.num_channels), 1))
        found: tuple[int, LevelRows, int, int] | None = None
        for level in (made[factor] for factor in reversed(fits) if factor in made):
            first_row, end_row = now.rows[level.factor][segment : segment + 2]
            per_column, first_bin = samples_per_column // level.factor, first_sample // level.factor
            wanted = min(first_bin + columns * per_column, end_row - first_row)
            last_bin = min(max(level.num_rows - first_row, first_bin), wanted)
            whole = (
                columns
                if last_bin == wanted
                else min((last_bin - first_bin) // per_column, most // per_column)
            )
            if found is None or whole > found[0]:
                last_bin = min(first_bin + whole * per_column, wanted)
                found = whole, level, first_row + first_bin, first_row + last_bin
            if whole == columns:
                break
        if found is None or not found[0]:
            return SnapshotWindow(0, fits[-1], self._nothing(now, channels))
        _, level, first, last = found
        missing = now.samples.missing_of(channels)
        bins = level.read(first, last)[:, :, channels]
        rows = columns_from_bins(bins, samples_per_column // level.factor, missing)
        return SnapshotWindow(len(rows), level.factor, np.ascontiguousarray(rows, now.plan.dtype))


def _scattered(count: int) -> list[int]:
    """The numbers below `count`, so ordered that wherever one stops they lie all over."""
    bits = max(count - 1, 1).bit_length()
    return sorted(range(count), key=lambda number: int(f"{number:0{bits}b}"[::-1], 2))


def _first_rows(lengths: Sequence[int], factor: int) -> list[int]:
    grid = level_grid(lengths, factor)
    return [*(grid.first_row(segment) for segment in range(len(lengths))), grid.num_rows]


def _typical(plan: SamplesPlan, link: ProvisionalLink) -> list[Typical | None]:
    """What is typical of each channel, by stretches all over the recording, as many as can be read in no time."""
    began, total = time.monotonic(), plan.num_samples
    count = min(_TYPICAL_SAMPLES, total)
    pieces = []
    for number in _scattered(_TYPICAL_STRETCHES):
        first = number * (total - count) // max(_TYPICAL_STRETCHES - 1, 1)
        pieces.append(link.read(first, first + count, slice(0, plan.num_channels)))
        if time.monotonic() - began > _TYPICAL_SECONDS:
            break
    return typical_of(np.concatenate(pieces), plan.missing_values)
