"""The spikes of one folder, and what can be said of them alone; kept while the files stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.phy.arrays import StoredArray, blocks, stored_vector
from seriesview.readers.phy.sites import Sites

TIMES = "spike_times.npy"
_CLUSTERS, _TEMPLATES = "spike_clusters.npy", "spike_templates.npy"
ARRAYS = (
    TIMES,
    _CLUSTERS,
    _TEMPLATES,
    "amplitudes.npy",
    "templates.npy",
    "template_ind.npy",
    "templates_ind.npy",
    "whitening_mat_inv.npy",
    "channel_map.npy",
    "channel_positions.npy",
    "channel_shanks.npy",
    "channel_groups.npy",
)
_MOST_CLUSTERS = 1 << 20
_MOST_PAIRS = 1 << 23


def is_sorting(folder: Path) -> bool:
    """Whether a folder has the spikes of phy or Kilosort."""
    return (folder / TIMES).is_file() and any((folder / name).is_file() for name in (_CLUSTERS, _TEMPLATES))


class Order(NamedTuple):
    """How spikes lie in time: whether they are stored in order, and how many lie outside of the recording."""

    is_sorted: bool
    before: int
    behind: int


class Spikes:
    """Sample, cluster and template of each spike, as stored. Raises ReaderError where they contradict each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        samples = stored_vector(folder / TIMES)
        clusters = stored_vector(folder / _CLUSTERS)
        templates = stored_vector(folder / _TEMPLATES)
        if clusters is None:
            clusters = templates
        if samples is None or clusters is None:
            raise ReaderError(f"no {TIMES} with {_CLUSTERS} or {_TEMPLATES} in it", file=folder)
        for name, array in ((_CLUSTERS, clusters), (_TEMPLATES, templates)):
            if array is not None and len(array) != len(samples):
                raise ReaderError(f"{name} has {len(array)} spikes, {TIMES} {len(samples)}", file=folder)
        self.samples, self.clusters, self.templates = samples, clusters, templates
        self._orders: dict[int | None, Order] = {}

    @cached_property
    def sites(self) -> Sites:
        """Where channels and templates lie."""
        return Sites(self.folder)

    @cached_property
    def counts(self) -> dict[int, int]:
        """Spikes of each cluster that has any, by its number; all spikes are read."""
        found = np.zeros(0, np.int64)
        for numbers in self._numbers(self.clusters):
            more = np.bincount(numbers)
            longer, shorter = (found, more) if len(found) >= len(more) else (more, found)
            longer[: len(shorter)] += shorter
            found = longer
        return {int(cluster): int(found[cluster]) for cluster in np.flatnonzero(found)}

    @cached_property
    def main_templates(self) -> dict[int, int]:
        """The template of most spikes of each cluster, which people may have merged and split; all spikes are read."""
        clusters = sorted(self.counts)
        if self.templates is None or self.templates is self.clusters or not clusters:
            return {cluster: cluster for cluster in clusters}
        most = max(int(numbers.max()) for numbers in self._numbers(self.templates)) + 1
        if most * len(clusters) > _MOST_PAIRS:
            return {cluster: cluster for cluster in clusters}
        row_of = np.zeros(clusters[-1] + 1, np.int64)
        row_of[clusters] = np.arange(len(clusters))
        pairs = np.zeros(most * len(clusters), np.int64)
        for numbers, templates in zip(
            self._numbers(self.clusters), self._numbers(self.templates), strict=True
        ):
            found = np.bincount(row_of[numbers] * most + templates)
            pairs[: len(found)] += found
        best = pairs.reshape(-1, most).argmax(axis=1)
        return {cluster: int(template) for cluster, template in zip(clusters, best, strict=True)}

    def order(self, length: int | None) -> Order:
        """How spikes lie in a recording of so many samples, None where that is not known; all are read."""
        if length not in self._orders:
            self._orders[length] = self._look(length)
        return self._orders[length]

    def _look(self, length: int | None) -> Order:
        before = behind = 0
        is_sorted, last = True, -np.inf
        for block in blocks(len(self.samples)):
            numbers = self.samples[block].astype(np.float64)
            if not np.isfinite(numbers).all():
                raise ReaderError("a spike has no finite time", file=self.folder / TIMES)
            before += int((numbers < 0).sum())
            behind += 0 if length is None else int((numbers >= length).sum())
            is_sorted = is_sorted and bool(numbers[0] >= last and (np.diff(numbers) >= 0).all())
            last = numbers[-1]
        return Order(is_sorted, before, behind)

    def _numbers(self, array: StoredArray) -> Iterator[npt.NDArray[np.int64]]:
        """Numbers of clusters or templates, a block of spikes at a time."""
        for block in blocks(len(self.samples)):
            numbers = array[block]
            with np.errstate(invalid="ignore"):
                whole = numbers.astype(np.int64)
            if not (np.isfinite(numbers).all() and (whole == numbers).all()):
                raise ReaderError("the number of a cluster or template is no whole one", file=array.path)
            if whole.min() < 0 or whole.max() >= _MOST_CLUSTERS:
                raise ReaderError(
                    f"clusters must have numbers from 0 to {_MOST_CLUSTERS - 1}", file=array.path
                )
            yield whole


def spikes_of(folder: Path) -> Spikes:
    """The spikes of a folder. Raises ReaderError."""
    stamps = []
    for name in ARRAYS:
        try:
            status = (folder / name).stat()
        except OSError:
            continue
        stamps.append((name, status.st_mtime_ns, status.st_size, status.st_ino))
    return _kept(folder, tuple(stamps))


# Every dataset of a run's folder is found by opening all of them.
@lru_cache(maxsize=16)
def _kept(folder: Path, _stamps: tuple[tuple[str, int, int, int], ...]) -> Spikes:
    return Spikes(folder)
