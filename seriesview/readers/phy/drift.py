"""The drift map of a sorting: depth and amplitude of every spike over time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.phy.arrays import stored_array, stored_vector
from seriesview.readers.phy.sites import NOWHERE
from seriesview.readers.phy.sorting import Sorting
from seriesview.readers.phy.spikes import TIMES
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Recording

Floats = npt.NDArray[np.float32]
# Takes numbers of spikes as stored, as a slice or an index array.
DepthOf = Callable[[Any], Floats]


def depths_of(sorting: Sorting) -> tuple[DepthOf, str] | None:
    """The depth of spikes (um), and where it is from; None where nothing says any. Raises ReaderError."""
    positions, count = stored_array(sorting.folder / "spike_positions.npy"), sorting.num_spikes
    if positions is not None and positions.ndim == 2 and positions.shape[1] >= 2 and len(positions) == count:
        return lambda chosen: np.asarray(positions[chosen, 1], np.float32), "spike_positions.npy"
    by_channel = _by_best_channel(sorting)
    if by_channel is None:
        return None
    by_features = _by_features(sorting, by_channel)
    if by_features is not None:
        return by_features, "the centre of mass of pc_features.npy"
    return by_channel, "the best channel of each spike's template"


def _by_best_channel(sorting: Sorting) -> DepthOf | None:
    best, positions = sorting.spikes.sites.best_channels, sorting.spikes.sites.positions
    if best is None or positions is None:
        return None
    is_known = (best != NOWHERE) & (best < len(positions))
    depths = np.full(len(best) + 1, np.nan, np.float32)
    depths[:-1][is_known] = positions[best[is_known], 1]
    templates = sorting.spikes.clusters if sorting.spikes.templates is None else sorting.spikes.templates
    last = len(best)

    def depth(chosen: Any) -> Floats:
        numbers = np.asarray(templates[chosen], np.int64)
        found: Floats = depths[np.where((numbers >= 0) & (numbers < last), numbers, last)]
        return found

    return depth


def _by_features(sorting: Sorting, otherwise: DepthOf) -> DepthOf | None:
    """By the squares of each channel's first component, those below 0 left out."""
    features = stored_array(sorting.folder / "pc_features.npy")
    channels = stored_array(sorting.folder / "pc_feature_ind.npy")
    positions, templates = sorting.spikes.sites.positions, sorting.spikes.templates
    if features is None or channels is None or positions is None or templates is None:
        return None
    if features.ndim != 3 or len(features) != sorting.num_spikes or channels.ndim != 2 or 0 in channels.shape:
        return None
    if features.shape[2] != channels.shape[1] or features.shape[1] == 0 or channels.size > 1 << 26:
        return None
    near = channels[:].astype(np.int64)
    is_channel = (near >= 0) & (near < len(positions))
    depths = np.where(is_channel, positions[np.where(is_channel, near, 0), 1], 0.0)

    def depth(chosen: Any) -> Floats:
        numbers = np.asarray(templates[chosen], np.int64)
        is_known = (numbers >= 0) & (numbers < len(near))
        rows = np.where(is_known, numbers, 0)
        weights = np.maximum(np.asarray(features[chosen, 0, :], np.float64), 0.0) ** 2
        weights *= is_channel[rows] & is_known[:, None]
        total = weights.sum(axis=1)
        has_weight = (total > 0) & np.isfinite(total)
        found = otherwise(chosen).copy()
        centres = (weights * depths[rows]).sum(axis=1)
        found[has_weight] = (centres[has_weight] / total[has_weight]).astype(np.float32)
        return found

    return depth


class DriftRecording(Recording):
    """Samples (spikes, 2): depth in um and amplitude as the sorter gave it, at the time of each spike."""

    def __init__(self, path: Path, sorting: Sorting, options: ReadOptions) -> None:
        if options.type not in (None, "discrete"):
            raise ReaderError(f"type: a drift map is a discrete series, not {options.type}", file=path)
        found = depths_of(sorting)
        if found is None:
            raise ReaderError("no depths of spikes: there are no positions or templates", file=path)
        self._depth, told = found
        amplitudes = stored_vector(sorting.folder / "amplitudes.npy")
        self._amplitudes = (
            amplitudes if amplitudes is not None and len(amplitudes) == sorting.num_spikes else None
        )
        self.type = "discrete"
        self.path = path
        self.source = sorting.folder / TIMES
        self.dtype = np.dtype(np.float32)
        self.sampling_frequency = None
        self.num_samples = sorting.num_spikes
        channels = [Channel("0", "depth", unit="um")]
        if self._amplitudes is not None:
            channels.append(Channel("1", "amplitude"))
        self.channels = tuple(channels)
        self.session_start = options.session_start or sorting.clock.session_start
        self.clock = sorting.clock.device
        extra = ("spike_positions.npy", "pc_features.npy", "pc_feature_ind.npy")
        self.files = (
            *sorting.files,
            *(place for name in extra if (place := sorting.folder / name).is_file()),
        )
        self.decisions = (
            *sorting.clock.decisions,
            *sorting.spike_decisions,
            Decision(f"depth of each spike from {told}; amplitudes are the sorter's, in its own unit"),
        )
        self._sorting = sorting

    @cached_property
    def _order(self) -> npt.NDArray[np.int64] | None:
        """Numbers of the spikes in order of time; None where they are stored so."""
        if self._sorting.is_sorted:
            return None
        return np.argsort(self._sorting.spikes.samples[:], kind="stable")

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, channels) with depths and amplitudes from spike `first_sample` on, in order of time."""
        chosen = self._chosen(first_sample, first_sample + len(out))
        out[:, 0] = self._depth(chosen)
        if self._amplitudes is not None:
            out[:, 1] = self._amplitudes[chosen]

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times of spikes (last_sample - first_sample,)."""
        return self._sorting.clock.seconds(
            self._sorting.spikes.samples[self._chosen(first_sample, last_sample)]
        )

    def _chosen(self, first: int, last: int) -> Any:
        return slice(first, last) if self._order is None else self._order[first:last]
