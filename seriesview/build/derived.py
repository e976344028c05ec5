"""A recording that is made of another one by steps, computed block by block as it is read."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.dataset import Dataset
from seriesview.build.first_manifest import provisional_manifest
from seriesview.build.made import MadeRecording
from seriesview.build.plan import Resolution, plan_samples
from seriesview.build.series import described
from seriesview.build.source import identify_recording
from seriesview.envelope.bins import sample_dtype
from seriesview.errors import BuildError, FormatError
from seriesview.readers import protocol
from seriesview.readers.protocol import Recording, Segment
from seriesview.series.computed import Blocks
from seriesview.series.manifest import ChannelInfo, SeriesManifest
from seriesview.series.traits import channels_after, traits_of
from seriesview.steps.documents import parse_steps
from seriesview.steps.plan import DerivedPlan
from seriesview.steps.planning import plan_steps
from seriesview.steps.spectrogram import SpectrogramPlan, plan_spectrogram
from seriesview.steps.spectrogram_keys import parse_spectrogram
from seriesview.store import Store

_MOST_THREADS = 4
_BLOCKS_AHEAD = 2
"""Of each thread."""
_BLOCKS_BEHIND = 2 * _MOST_THREADS
"""That are kept of what something else is made of."""

SCREEN_COLUMNS = 2048
SCREEN_SAMPLES = 4_000_000
"""Of all channels, margins with them, that a screen takes at most whose samples are computed when it is looked at."""
BLOCK_SAMPLES = 16_000_000
"""That a block takes, which is computed for it."""
_FEW = "its samples are few"


def derived_recording(dataset: Dataset, source: Dataset, recording: Recording, store: Store) -> Recording:
    """What the dataset's steps make of the recording of its source. Raises SeriesviewError where they cannot.

    Nothing is read but the source's timestamps, where it has no rate of its own.
    """
    try:
        manifest, resolution = _manifest_of(source, recording, store)
        traits = traits_of(manifest)
    except FormatError as error:
        raise BuildError(f"from: {source.own_name}: {error.sentence}") from error
    segments = [Segment(each.start_time, each.num_samples) for each in manifest.segments]
    made = recording
    told: dict[str, Any] = {"steps": (), "coefficients": (), "left_out_channels": ()}
    if dataset.steps or dataset.spectrogram is None:
        plan = plan_steps(parse_steps(list(dataset.steps)), traits)
        told = {
            "steps": tuple(plan.steps),
            "coefficients": plan.coefficients,
            "left_out_channels": tuple(manifest.channels[number].id for number in plan.left_out),
        }
        channels = tuple(map(_channel, channels_after(plan, manifest)))
        reason = _why_not_computed(plan, manifest, resolution)
        made = after_steps = DerivedRecording(recording, plan, segments, channels, told, reason)
        traits, segments = plan.output, list(after_steps.segments or ())
    if dataset.spectrogram is None:
        return made
    spectrum = plan_spectrogram(parse_spectrogram(dict(dataset.spectrogram)), traits)
    labels = zip(spectrum.output.labels, spectrum.output.units, strict=True)
    channels = tuple(protocol.Channel(id=label, label=label, unit=unit) for label, unit in labels)
    left_out = (made.channels[number].id for number in spectrum.left_out)
    told["left_out_channels"] = tuple(dict.fromkeys((*told["left_out_channels"], *left_out)))
    told["spectrogram"] = {**spectrum.spectrogram, "frequencies": list(spectrum.frequencies)}
    return DerivedRecording(made, spectrum, segments, channels, told, _FEW)


def _manifest_of(source: Dataset, recording: Recording, store: Store) -> tuple[SeriesManifest, Resolution]:
    """What the source's manifest says, without arrays, and where its samples are."""
    if recording.type in ("event", "interval"):
        raise FormatError(f"a series of type {recording.type} has no signal that steps could take")
    size = identify_recording(recording).size
    plan = plan_samples(recording, source, size, may_link=store.takes_links)
    nothing = (None,) * recording.num_channels
    return described(provisional_manifest(source, recording, plan, nothing), source), plan.resolution


def _why_not_computed(plan: DerivedPlan, source: SeriesManifest, resolution: Resolution) -> str | None:
    """Why samples are better stored than computed whenever they are looked at; None where they are not."""
    if resolution == "omit":
        return "the samples of what it is made of are left out"
    if plan.output.sampling_frequency != source.sampling_frequency:
        return _FEW
    num_channels = max(source.num_channels, len(plan.output.labels))
    for rows, most, what in (
        (SCREEN_COLUMNS, SCREEN_SAMPLES, "a screen"),
        (plan.block_samples, BLOCK_SAMPLES, "a block"),
    ):
        needed = (rows + 2 * plan.margin) * num_channels
        if needed > most:
            return f"{what} of its samples takes {needed} of its source's, more than {most}"
    return None


class DerivedRecording(MadeRecording):
    """Computes blocks in threads, ahead of who reads them."""

    type = "continuous"
    _blocks_behind: int = 0

    def __init__(
        self,
        source: Recording,
        plan: DerivedPlan | SpectrogramPlan,
        segments: Sequence[Segment],
        channels: tuple[protocol.Channel, ...],
        derivation: Mapping[str, Any],
        why_not_computed: str | None,
    ) -> None:
        """`segments` are those of the source; `derivation` lacks what the plan says of blocks."""
        self.made_of = source
        if isinstance(source, DerivedRecording):
            # Blocks are computed from stretches that overlap, by threads of which each may be before the others.
            source._blocks_behind = _BLOCKS_BEHIND
        self._blocks = Blocks(plan, [segment.num_samples for segment in segments])
        self._source_dtype = sample_dtype(np.dtype(source.dtype))
        self.path = source.path
        self.files = source.files
        self.clock = source.clock
        self.dtype = plan.output.dtype
        self.sampling_frequency = plan.output.sampling_frequency
        self.has_means = isinstance(plan, SpectrogramPlan)
        delay = plan.delay if isinstance(plan, SpectrogramPlan) else 0.0
        starts = [segment.start_time + delay for segment in segments]
        self.segments = tuple(map(Segment, starts, self._blocks.lengths))
        self.num_samples = sum(self._blocks.lengths)
        said = {key: {getattr(channel, key) for channel in channels} for key in ("unit", "scale", "offset")}
        # What is the same of all stands once.
        common = {key: found.pop() for key, found in said.items() if len(found) == 1 and None not in found}
        none: dict[str, Any] = dict.fromkeys(common)
        self.channels = tuple(replace(channel, **none) for channel in channels)
        self.unit, self.scale = common.get("unit", ""), common.get("scale", 1.0)
        self.offset = common.get("offset", 0.0)
        self.preferred_rows = plan.block_samples
        self.why_not_computed = why_not_computed
        self.derivation = {**derivation, "margin": plan.margin, "block_samples": plan.block_samples}
        self._counts: dict[tuple[int, int], tuple[int, int]] = {}
        self._reading = threading.Lock()
        self._num_threads = min(_MOST_THREADS, len(os.sched_getaffinity(0)))
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: OrderedDict[tuple[int, int], Future[npt.NDArray[Any]]] = OrderedDict()

    def in_words(self) -> str | None:
        """How many of the samples that were computed are not what the steps say; None where all are."""
        clipped, moved = (
            (sum(found) for found in zip(*self._counts.values(), strict=True)) if self._counts else (0, 0)
        )
        told = [f"{clipped} samples do not fit into {self.dtype} and were clipped"] if clipped else []
        told += [f"{moved} would be what stands for no value and were moved by one step"] if moved else []
        return "; ".join(told) or None

    def unpack_with(self, threads: int) -> None:
        """Let so many threads compute."""
        self._num_threads = max(1, threads)
        self.made_of.unpack_with(threads)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        self._blocks.read_into(first_sample, out, self._block)

    def close(self) -> None:
        """Let go of the threads; the file is whoever's opened it."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        if isinstance(self.made_of, DerivedRecording):
            self.made_of.close()

    def _block(self, segment: int, number: int) -> npt.NDArray[Any]:
        """A block, and those after it begun."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._num_threads, thread_name_prefix="compute")
        wanted: tuple[int, int] | None = (segment, number)
        most = 1 + _BLOCKS_AHEAD * self._num_threads
        for _ in range(most):
            if wanted is None:
                break
            if wanted not in self._under_way:
                self._under_way[wanted] = self._pool.submit(self._compute, *wanted)
            self._under_way.move_to_end(wanted)
            wanted = self._blocks.after(*wanted)
        found = self._under_way[segment, number]
        while len(self._under_way) > most + self._blocks_behind:
            self._under_way.popitem(last=False)[1].cancel()
        return found.result()

    def _compute(self, segment: int, number: int) -> npt.NDArray[Any]:
        first, last = self._blocks.span(segment, number)
        samples = np.empty((last - first, self.made_of.num_channels), self.made_of.dtype)
        with self._reading:
            self.made_of.read_into(first, samples)
        if samples.dtype != self._source_dtype:
            samples = samples.view(self._source_dtype)
        made = self._blocks.compute(segment, number, samples)
        self._counts[segment, number] = (made.clipped, made.moved)
        return made.values


def _channel(channel: ChannelInfo) -> protocol.Channel:
    """A channel as readers say it."""
    said: Mapping[str, Any] = {field.name: getattr(channel, field.name) for field in fields(protocol.Channel)}
    missing = channel.missing
    told = None if missing is None else protocol.Missing(missing.values, missing.below, missing.above)
    return protocol.Channel(**{**said, "missing": told})
