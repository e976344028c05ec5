"""One phy or Kilosort folder: its spikes, its clusters and what they are called. Nothing is ever written to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from seriesview.readers.phy.clock import SampleClock, clock_of
from seriesview.readers.phy.clusters import Clusters, read_clusters
from seriesview.readers.phy.params import Params, read_params
from seriesview.readers.phy.sites import NOWHERE, Site
from seriesview.readers.phy.spikes import ARRAYS, Spikes, spikes_of
from seriesview.readers.protocol import Decision
from seriesview.readers.spikeglx.streams import Stream

GOOD = "good"
# What views leave out unless it is named.
HIDDEN = ("mua", "noise")


class Sorting:
    """The spikes of a folder with the words of people and the time of the recording.

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
        self.spikes: Spikes = spikes_of(folder)
        self.tables: Clusters = read_clusters(folder)
        self.clock: SampleClock = clock_of(folder, self.params, rate, streams, likely)

    @property
    def num_spikes(self) -> int:
        """Spikes of all clusters."""
        return len(self.spikes.samples)

    @property
    def files(self) -> tuple[Path, ...]:
        """Everything that decides what units there are, when they fire and where they lie."""
        params = [self.params.path] if self.params.path else []
        metas = self.clock.stream.metas if self.clock.stream else ()
        arrays = (path for name in ARRAYS if (path := self.folder / name).is_file())
        return (*arrays, *params, *self.tables.files, *metas)

    @cached_property
    def groups(self) -> dict[str, list[int]]:
        """Clusters by what they are called, good ones first, then unsorted ones."""
        found: dict[str, list[int]] = {}
        for cluster in self.spikes.counts:
            found.setdefault(self.tables.label(cluster), []).append(cluster)
        order = [GOOD, "unsorted", *sorted(found.keys() - {GOOD, "unsorted", *HIDDEN}), *HIDDEN]
        return {label: found[label] for label in order if label in found}

    def best_channel(self, cluster: int) -> int | None:
        """Column of the recording on which a cluster is largest: by its template, else as cluster_info.tsv says."""
        row, numbers = self._row(cluster), self.spikes.sites.map
        if row == NOWHERE:
            return self.tables.channels.get(cluster)
        if numbers is None or row >= len(numbers) or not np.isfinite(numbers[row]):
            return None
        column = int(numbers[row])
        return column if column == numbers[row] and column >= 0 else None

    def site(self, cluster: int) -> Site:
        """Where a cluster lies: at its best channel, else where cluster_info.tsv says."""
        site = self.spikes.sites.site(self._row(cluster))
        if site.y is None and cluster in self.tables.depths:
            return Site(site.group, site.x, self.tables.depths[cluster])
        return site

    def _row(self, cluster: int) -> int:
        """Number of a cluster's best channel among those that were sorted; NOWHERE where nothing says it."""
        sites = self.spikes.sites
        best = sites.best_channels
        template = self.spikes.main_templates[cluster]
        channel = int(best[template]) if best is not None and template < len(best) else NOWHERE
        if channel == NOWHERE and cluster in self.tables.channels:
            rows = (
                []
                if sites.map is None
                else np.flatnonzero(sites.map == self.tables.channels[cluster]).tolist()
            )
            channel = rows[0] if rows else NOWHERE
        return channel

    @property
    def is_sorted(self) -> bool:
        """Whether spikes are stored in order of time."""
        return self.spikes.order(self.clock.num_samples).is_sorted

    @property
    def spike_decisions(self) -> tuple[Decision, ...]:
        """What is to be said of times: spikes before the recording, behind it, or not in order."""
        order = self.spikes.order(self.clock.num_samples)
        texts = [
            f"{order.before} spikes lie before the recording's first sample" if order.before else "",
            f"{order.behind} spikes lie behind the recording's last sample" if order.behind else "",
            "" if order.is_sorted else "spikes are not stored in order of time: they are sorted",
        ]
        return tuple(Decision(text) for text in texts if text)
