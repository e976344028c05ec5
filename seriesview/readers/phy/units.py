"""Sorted units as events: a channel for each, called by phy's own number of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.phy.arrays import blocks
from seriesview.readers.phy.sorting import Sorting
from seriesview.readers.phy.spikes import TIMES
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Recording


class UnitsRecording(Recording):
    """The spikes of some clusters; each lies where its template is largest."""

    def __init__(self, path: Path, sorting: Sorting, clusters: list[int], options: ReadOptions) -> None:
        if options.type not in (None, "event"):
            raise ReaderError(f"type: sorted units are events, not {options.type}", file=path)
        self.type = "event"
        self.path = path
        self.source = sorting.folder / TIMES
        self.dtype = np.dtype(np.float64)
        self.sampling_frequency = None
        self.num_samples = sum(sorting.spikes.counts[cluster] for cluster in clusters)
        labels = [str(cluster) for cluster in clusters]
        if options.channel_labels is not None:
            if len(options.channel_labels) != len(labels):
                raise ReaderError(
                    f"channel_labels: {len(options.channel_labels)} given for {len(labels)} units", file=path
                )
            labels = list(options.channel_labels)
        self.channels = tuple(
            _unit(sorting, cluster, label) for cluster, label in zip(clusters, labels, strict=True)
        )
        self.session_start = options.session_start or sorting.clock.session_start
        self.files = sorting.files
        self.clock = sorting.clock.device
        self.decisions = (*sorting.clock.decisions, *sorting.spike_decisions)
        if clusters and all(channel.y is None for channel in self.channels):
            text = "no depths: there are no templates with channel_positions.npy, and no cluster_info.tsv says them"
            self.decisions = (*self.decisions, Decision(text))
        self._sorting, self._clusters = sorting, clusters

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Events have no samples. Raises ReaderError."""
        raise ReaderError("events have no samples to read", file=self.path)

    def events(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32]]:
        """Sorted times (events,) and the index of each into `channels`."""
        sorting = self._sorting
        index_of = np.full(max(sorting.spikes.counts, default=0) + 1, -1, np.int64)
        index_of[self._clusters] = np.arange(len(self._clusters))
        times = np.empty(self.num_samples, np.float64)
        channels = np.empty(self.num_samples, np.uint32)
        filled = 0
        for block in blocks(sorting.num_spikes):
            indices = index_of[np.asarray(sorting.spikes.clusters[block], np.int64)]
            wanted = indices >= 0
            end = filled + int(wanted.sum())
            times[filled:end] = sorting.clock.seconds(sorting.spikes.samples[block][wanted])
            channels[filled:end] = indices[wanted]
            filled = end
        if not sorting.is_sorted:
            order = np.argsort(times, kind="stable")
            times, channels = times[order], channels[order]
        return times, channels


def _unit(sorting: Sorting, cluster: int, label: str) -> Channel:
    """Readers of what can be sorted call a channel by its column."""
    site, column = sorting.site(cluster), sorting.best_channel(cluster)
    best = None if column is None else str(column)
    return Channel(str(cluster), label, group=site.group, x=site.x, y=site.y, best_channel=best)
