"""Where units lie on the probe: the channel on which the template of each is largest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.phy.arrays import stored_array, stored_vector

_TEMPLATES_AT_ONCE = 32
_MOST_CHANNELS = 1 << 14
NOWHERE = -1


@dataclass(frozen=True)
class Site:
    """Of a unit: its shank and its place in micrometres, None where the folder does not say."""

    group: str | None
    x: float | None
    y: float | None


class Sites:
    """The channels of a sorted recording, those that were sorted, and the best one of each template.

    Raises ReaderError for arrays that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        positions = stored_array(folder / "channel_positions.npy")
        is_placed = positions is not None and positions.ndim == 2 and positions.shape[1] >= 2
        self.positions = None if positions is None or not is_placed else positions[:, :2].astype(np.float64)
        self.map = _small(folder / "channel_map.npy")
        self.shanks = _small(folder / "channel_shanks.npy")
        if self.shanks is None:
            self.shanks = _small(folder / "channel_groups.npy")

    def site(self, channel: int) -> Site:
        """Place of the `channel`-th channel that was sorted."""
        if channel < 0:
            return Site(None, None, None)
        placed = self.positions is not None and channel < len(self.positions)
        x, y = self.positions[channel] if self.positions is not None and placed else (np.nan, np.nan)
        has_shank = self.shanks is not None and channel < len(self.shanks)
        shank = f"{self.shanks[channel]:g}" if self.shanks is not None and has_shank else None
        return Site(shank, *(float(each) if np.isfinite(each) else None for each in (x, y)))

    @cached_property
    def best_channels(self) -> npt.NDArray[np.int64] | None:
        """The channel on which each template is largest, from peak to trough (templates,); None without templates."""
        templates = stored_array(self._folder / "templates.npy")
        if templates is None or templates.ndim != 3 or 0 in templates.shape:
            return None
        count, _, channels = templates.shape
        sparse = stored_array(self._folder / "template_ind.npy") or stored_array(
            self._folder / "templates_ind.npy"
        )
        if channels > _MOST_CHANNELS:
            raise ReaderError(f"templates of {channels} channels are too many", file=self._folder)
        unwhiten = self._unwhitening(channels)
        found = np.full(count, NOWHERE, np.int64)
        for first in range(0, count, _TEMPLATES_AT_ONCE):
            with np.errstate(all="ignore"):
                some = np.asarray(templates[first : first + _TEMPLATES_AT_ONCE], np.float32)
                largest = np.ptp(some if unwhiten is None else some @ unwhiten, axis=1)
            best = np.argmax(np.where(np.isfinite(largest), largest, -1), axis=1)
            found[first : first + len(best)] = np.where(largest.max(axis=1) > 0, best, NOWHERE)
        if sparse is not None and sparse.shape == (count, channels):
            rows = np.asarray(sparse[np.arange(count), np.maximum(found, 0)], np.int64)
            found = np.where(found == NOWHERE, NOWHERE, rows)
        return found

    def _unwhitening(self, channels: int) -> npt.NDArray[np.float32] | None:
        """Templates are those of whitened samples: multiplied with this they are those of the recording."""
        matrix = stored_array(self._folder / "whitening_mat_inv.npy")
        if matrix is None or matrix.shape != (channels, channels) or channels < 2:
            return None
        values = matrix[:].astype(np.float32)
        return values if np.isfinite(values).all() else None


def _small(path: Path) -> npt.NDArray[Any] | None:
    array = stored_vector(path)
    if array is not None and len(array) > _MOST_CHANNELS:
        raise ReaderError(f"{len(array)} channels are too many", file=path)
    return None if array is None else array[:]
