"""Samples that are computed from those of the series' source, block by block, as its levels were when it was built."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.errors import RequestError
from seriesview.layout.pieces import Pieces
from seriesview.series.arrays import PartCache
from seriesview.series.manifest import SeriesManifest, read_series_manifest
from seriesview.series.segment_files import Selection
from seriesview.series.traits import traits_of

if TYPE_CHECKING:
    from seriesview.steps.plan import DerivedPlan
    from seriesview.steps.spectrogram import SpectrogramPlan
    from seriesview.steps.storing import Counted
    from seriesview.store import Store

_LOCKS = 4
_MOST_BLOCK_BYTES = 1 << 30
"""In memory, of what a block is computed from: no plan of a build asks for as much."""
_MOST_MARGINS = 16
"""Samples of both margins of a block for each of its own: no plan of a build asks for as many."""


class ReadRows(Protocol):
    """Gives samples [first, last) of a whole series (n, C)."""

    def __call__(self, first: int, last: int, /) -> npt.NDArray[Any]:
        """Read them."""
        ...


class Blocks:
    """The blocks that a derived series is computed in, from the samples of its source.

    There are `block_samples` in each, the plan's where it is None.
    """

    def __init__(
        self,
        plan: DerivedPlan | SpectrogramPlan,
        source_lengths: Sequence[int],
        block_samples: int | None = None,
    ) -> None:
        self._plan = plan
        self.block_samples = block_samples or plan.block_samples
        self.lengths = [plan.outputs_of(length) for length in source_lengths]
        self._source_lengths = list(source_lengths)
        self._source_firsts = np.cumsum([0, *source_lengths]).tolist()
        self._segments = Pieces(self.lengths)

    def read_into(
        self, first: int, out: npt.NDArray[Any], block: Callable[[int, int], npt.NDArray[Any]]
    ) -> None:
        """Fill `out` (n, C) with samples from `first` of the series on, out of `block(segment, number)`."""
        rows = self.block_samples
        for segment, begin, count, done in self._segments.parts(first, len(out)):
            end = begin + count
            for number in range(begin // rows, -(-end // rows)):
                low, high = max(begin, number * rows), min(end, (number + 1) * rows)
                out[done + low - begin : done + high - begin] = block(segment, number)[
                    low - number * rows : high - number * rows
                ]

    def after(self, segment: int, number: int) -> tuple[int, int] | None:
        """The block that follows; None behind the last."""
        if (number + 1) * self.block_samples < self.lengths[segment]:
            return segment, number + 1
        later = (each for each in range(segment + 1, len(self.lengths)) if self.lengths[each])
        following = next(later, None)
        return None if following is None else (following, 0)

    def span(self, segment: int, number: int) -> tuple[int, int]:
        """Samples [first, last) of the whole source that a block is computed from."""
        start, end = self._rows(segment, number)
        first, last = self._plan.input_span(start, end, self._source_lengths[segment])
        return self._source_firsts[segment] + first, self._source_firsts[segment] + last

    def compute(self, segment: int, number: int, samples: npt.NDArray[Any]) -> Counted:
        """A block (n, C) from the samples of its span, and how many of its samples were clipped or moved."""
        start, end = self._rows(segment, number)
        length = self._source_lengths[segment]
        first, _ = self._plan.input_span(start, end, length)
        return self._plan.compute_counted(samples, first, length, start, end)

    def _rows(self, segment: int, number: int) -> tuple[int, int]:
        start = number * self.block_samples
        return start, min(start + self.block_samples, self.lengths[segment])


class ComputedSamples:
    """Samples that are stored nowhere; the source is opened when the first are asked for."""

    def __init__(
        self,
        store: Store,
        manifest: SeriesManifest,
        cache: PartCache,
        open_samples: Callable[[Store, SeriesManifest, PartCache], Any],
    ) -> None:
        self._store = store
        self._manifest = manifest
        self._cache = cache
        self._open_samples = open_samples
        self._source: Any = None
        self._blocks: Blocks | None = None
        self._opening = threading.Lock()
        self._computing = [threading.Lock() for _ in range(_LOCKS)]
        self._token = secrets.token_bytes(12)

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C)."""
        blocks = self._opened()
        num_channels = self._manifest.num_channels
        dtype = np.dtype(self._manifest.dtype)
        self._cache.will_read((last - first) * num_channels * dtype.itemsize, at_once=True)
        out = np.empty((last - first, num_channels), dtype)
        blocks.read_into(first, out, self._block)
        return out[:, channels]

    def close(self) -> None:
        """Let go of the source's files."""
        with self._opening:
            if self._source is not None:
                self._source.close()
            self._source = self._blocks = None

    def _block(self, segment: int, number: int) -> npt.NDArray[Any]:
        blocks = self._opened()
        key = b"%b:%d:%d" % (self._token, segment, number)
        dtype = np.dtype(self._manifest.dtype)
        # Whoever looks at one place asks for the same block in several threads.
        with self._computing[number % _LOCKS]:
            found = self._cache.get(key)
            if found is None:
                first, last = blocks.span(segment, number)
                samples = self._source.read(first, last, slice(None))
                made = blocks.compute(segment, number, samples).values
                found = np.ascontiguousarray(made, dtype).view(np.uint8)
                self._cache.put(key, found)
        return found.view(dtype)

    def _opened(self) -> Blocks:
        """The blocks, with the source open. Raises MissingArtifactError, RequestError."""
        with self._opening:
            if self._blocks is None:
                manifest = self._manifest
                source = source_of(self._store, manifest)
                plan = plan_of(manifest, source)
                samples = self._open_samples(self._store, source, self._cache)
                if samples is None:
                    raise RequestError(
                        f"its samples are computed from those of {source.label or 'its source'}, which were left out",
                        code="no-samples",
                    )
                self._source = samples
                lengths = [each.num_samples for each in source.segments]
                self._blocks = Blocks(plan, lengths, manifest.block_samples)
            return self._blocks


def source_of(store: Store, manifest: SeriesManifest) -> SeriesManifest:
    """The manifest of what a series is derived from. Raises RequestError where it is not named, StoreError."""
    if manifest.source is None:
        raise RequestError("it does not say what it was derived from", code="no-samples")
    return store.get_parsed(manifest.source.uri, read_series_manifest)


def plan_of(manifest: SeriesManifest, source: SeriesManifest) -> DerivedPlan:
    """How the samples of a derived series are computed. Raises SeriesviewError where its steps cannot be taken."""
    from seriesview.steps.documents import parse_steps
    from seriesview.steps.planning import plan_steps

    traits = traits_of(source)
    plan = plan_steps(parse_steps(list(manifest.steps or ())), traits, manifest.coefficients)
    lengths = [plan.outputs_of(segment.num_samples) for segment in source.segments]
    if lengths != [segment.num_samples for segment in manifest.segments]:
        raise RequestError("its segments are not those that its steps make of its source", code="no-samples")
    output = plan.output
    if (output.dtype.name, output.num_channels) != (manifest.dtype, manifest.num_channels):
        raise RequestError("its samples are not what its steps make of its source", code="no-samples")
    block = (
        (manifest.block_samples or plan.block_samples) * traits.sampling_frequency / output.sampling_frequency
    )
    if 2 * plan.margin > _MOST_MARGINS * block:
        raise RequestError("its blocks are too small to be computed one by one", code="too-large")
    longest = max((segment.num_samples for segment in source.segments), default=0)
    if min(block + 2 * plan.margin, longest) * plan.most_channels * 8 > _MOST_BLOCK_BYTES:
        raise RequestError("its blocks are too large to be computed", code="too-large")
    return plan
