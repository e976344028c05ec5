"""One phy or Kilosort folder: its spikes, its clusters and what they are called. Nothing is ever written to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.phy.arrays import StoredArray, blocks, stored_vector
from seriesview.readers.phy.clock import SampleClock, clock_of
from seriesview.readers.phy.clusters import Clusters, read_clusters
from seriesview.readers.phy.params import Params, read_params
from seriesview.readers.phy.sites import NOWHERE, Site, Sites
from seriesview.readers.protocol import Decision
from seriesview.readers.spikeglx.streams import Stream

TIMES = "spike_times.npy"
_CLUSTERS, _TEMPLATES = "spike_clusters.npy", "spike_templates.npy"
_MOST_CLUSTERS = 1 << 20
_MOST_PAIRS = 1 << 23
GOOD = "good"
# What views leave out unless it is named.
HIDDEN = ("mua", "noise")


def is_sorting(folder: Path) -> bool:
    """Whether a folder has the spikes of phy or Kilosort."""
    return (folder / TIMES).is_file() and any((folder / name).is_file() for name in (_CLUSTERS, _TEMPLATES))


class Sorting:
    """The spikes of a folder, in the order in which they are stored.

    `streams` are those of the run that it belongs to, `likely` the one that it is taken for sorted from where
    dat_path does not say. Raises ReaderError where its arrays contradict each other.
    """

    def __init__(
        self,
        folder: Path,
        rate: float | None = None,
        streams: Sequence[Stream] = (),
        likely: Stream | None = None,
    ) -> None:
        self.folder = folder
        self.params: Params = read_params(folder)
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
        self.tables: Clusters = read_clusters(folder)
        self.clock: SampleClock = clock_of(folder, self.params, rate, streams, likely)

    @property
    def num_spikes(self) -> int:
        """Spikes of all clusters."""
        return len(self.samples)

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything in the folder that decides what units there are, when they fire and where they lie."""
        names = (
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
        params = [self.params.path] if self.params.path else []
        metas = self.clock.stream.metas if self.clock.stream else ()
        return (
            *(path for name in names if (path := self.folder / name).is_file()),
            *params,
            *self.tables.files,
            *metas,
        )

    @cached_property
    def counts(self) -> dict[int, int]:
        """Spikes of each cluster that has any, by its number; all spikes are read."""
        found = np.zeros(0, np.int64)
        for _, numbers in self._numbers(self.clusters):
            found = _added(found, np.bincount(numbers))
        return {int(cluster): int(found[cluster]) for cluster in np.flatnonzero(found)}

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """Clusters by what they are called, good ones first, then unsorted ones."""
        found: dict[str, list[int]] = {}
        for cluster in self.counts:
            found.setdefault(self.tables.label(cluster), []).append(cluster)
        order = [GOOD, "unsorted", *sorted(found.keys() - {GOOD, "unsorted", *HIDDEN}), *HIDDEN]
        return {label: found[label] for label in order if label in found}

    @cached_property
    def sites(self) -> Sites:
        """Where channels and templates lie."""
        return Sites(self.folder)

    @cached_property
    def main_templates(self) -> dict[int, int]:
        """The template of most spikes of each cluster, which people may have merged and split; all spikes are read."""
        clusters = sorted(self.counts)
        if self.templates is None or self.templates is self.clusters or not clusters:
            return {cluster: cluster for cluster in clusters}
        most = max(int(numbers.max()) for _, numbers in self._numbers(self.templates)) + 1
        if most * len(clusters) > _MOST_PAIRS:
            return {cluster: cluster for cluster in clusters}
        row_of = np.zeros(clusters[-1] + 1, np.int64)
        row_of[clusters] = np.arange(len(clusters))
        pairs = np.zeros(most * len(clusters), np.int64)
        for (_, numbers), (_, templates) in zip(
            self._numbers(self.clusters), self._numbers(self.templates), strict=True
        ):
            found = np.bincount(row_of[numbers] * most + templates)
            pairs[: len(found)] += found
        best = pairs.reshape(-1, most).argmax(axis=1)
        return {cluster: int(template) for cluster, template in zip(clusters, best, strict=True)}

    def site(self, cluster: int) -> Site:
        """Where a cluster lies: at its template's best channel, else where cluster_info.tsv says."""
        best = self.sites.best_channels
        template = self.main_templates[cluster]
        channel = int(best[template]) if best is not None and template < len(best) else NOWHERE
        if channel == NOWHERE and cluster in self.tables.channels:
            known = self.sites.map
            rows = [] if known is None else np.flatnonzero(known == self.tables.channels[cluster]).tolist()
            channel = rows[0] if rows else NOWHERE
        site = self.sites.site(channel)
        if site.y is None and cluster in self.tables.depths:
            return Site(site.group, site.x, self.tables.depths[cluster])
        return site

    @property
    def is_sorted(self) -> bool:
        """Whether spikes are stored in order of time; all are looked at."""
        return self._looked_at[0]

    @property
    def spike_decisions(self) -> tuple[Decision, ...]:
        """What is to be said of times: spikes before the recording, behind it, or not in order; all are looked at."""
        return self._looked_at[1]

    @cached_property
    def _looked_at(self) -> tuple[bool, tuple[Decision, ...]]:
        before = behind = 0
        is_sorted, last = True, -np.inf
        length = self.clock.num_samples
        for block in blocks(self.num_spikes):
            numbers = np.asarray(self.samples[block], np.float64)
            if not np.isfinite(numbers).all():
                raise ReaderError("a spike has no finite time", file=self.folder / TIMES)
            before += int((numbers < 0).sum())
            behind += 0 if length is None else int((numbers >= length).sum())
            is_sorted = is_sorted and bool(numbers[0] >= last and (np.diff(numbers) >= 0).all())
            last = numbers[-1]
        texts = [
            f"{before} spikes lie before the recording's first sample" if before else "",
            f"{behind} spikes lie behind the recording's last sample" if behind else "",
            "" if is_sorted else "spikes are not stored in order of time: they are sorted",
        ]
        return is_sorted, tuple(Decision(text, is_warning=True) for text in texts if text)

    def _numbers(self, array: StoredArray) -> Iterator[tuple[slice, npt.NDArray[np.int64]]]:
        """Numbers of clusters or templates, a block of spikes at a time."""
        for block in blocks(self.num_spikes):
            numbers = np.asarray(array[block])
            whole = numbers.astype(np.int64)
            if not (np.isfinite(numbers).all() and (whole == numbers).all()):
                raise ReaderError("a cluster's number is no whole number", file=self.folder / _CLUSTERS)
            if whole.min() < 0 or whole.max() >= _MOST_CLUSTERS:
                raise ReaderError(
                    f"clusters must have numbers from 0 to {_MOST_CLUSTERS - 1}", file=self.folder
                )
            yield block, whole


def _added(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    found = longer.astype(np.int64)
    found[: len(shorter)] += shorter
    return found
