"""Small stored series of every type, made of arrays by the definition of the format."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seriesview.series.array_info import Kind
from seriesview.series.arrays import ArrayWriter
from seriesview.series.manifest import (
    ChannelInfo,
    CountsInfo,
    EventsInfo,
    IntervalsInfo,
    LevelInfo,
    SegmentInfo,
    SeriesManifest,
)
from seriesview.series.series import Series
from seriesview.store import open_store


class SeriesMaker:
    """Stores series in a directory and opens them."""

    def __init__(self, directory: Any) -> None:
        self.store = open_store(directory, "embedded")

    def array(self, rows: Any) -> Any:
        with ArrayWriter(self.store, rows.dtype, rows.shape[1:]) as writer:
            writer.append(np.ascontiguousarray(rows))
            return writer.finish()

    def sampled(
        self,
        segments: Sequence[tuple[float, Any]],
        rate: float,
        *,
        factors: Sequence[int] = (),
        with_samples: bool = True,
        channels: Sequence[ChannelInfo] | None = None,
        kind: Kind | None = None,
        **fields: Any,
    ) -> Series:
        """A continuous series of segments [(start_time, samples (n, C))]."""
        dtype = segments[0][1].dtype
        count = segments[0][1].shape[1]
        levels = [
            LevelInfo(factor, self.array(np.concatenate([_bins(samples, factor) for _, samples in segments])))
            for factor in factors
        ]
        manifest = SeriesManifest(
            type="continuous",
            dtype=dtype.name,
            channels=tuple(channels or (ChannelInfo(f"c{n}", f"ch {n}") for n in range(count))),
            segments=tuple(
                SegmentInfo(start, start + len(samples) / rate, len(samples)) for start, samples in segments
            ),
            sampling_frequency=rate,
            values=replace(self.array(np.concatenate([s for _, s in segments])), kind=kind)
            if with_samples
            else None,
            levels=tuple(levels),
            **fields,
        )
        return Series(manifest, self.store)

    def irregular(self, times: Any, values: Any, **fields: Any) -> Series:
        """A discrete series with times of its own."""
        manifest = SeriesManifest(
            type="discrete",
            dtype=values.dtype.name,
            channels=tuple(ChannelInfo(f"c{n}", f"ch {n}") for n in range(values.shape[1])),
            segments=(SegmentInfo(float(times[0]), float(times[-1]), len(times)),),
            sampling_frequency=None,
            values=self.array(values),
            timestamps=self.array(times),
            **fields,
        )
        return Series(manifest, self.store)

    def events(self, times: Any, channels: Any, count: int, bin_seconds: float | None = None) -> Series:
        """An event series, with one count level where `bin_seconds` is given."""
        counts = []
        if bin_seconds is not None:
            bins = np.floor((times - times[0]) / bin_seconds).astype(int)
            table = np.zeros((bins.max() + 1, count), np.uint32)
            np.add.at(table, (bins, channels), 1)
            counts.append(CountsInfo(bin_seconds, float(times[0]), self.array(table)))
        manifest = SeriesManifest(
            type="event",
            dtype="float64",
            channels=tuple(ChannelInfo(f"u{n}", f"unit {n}") for n in range(count)),
            segments=(SegmentInfo(float(times[0]), float(times[-1]), len(times)),) if len(times) else (),
            sampling_frequency=None,
            events=EventsInfo(self.array(times), self.array(channels.astype(np.uint32))),
            counts=tuple(counts),
        )
        return Series(manifest, self.store)

    def intervals(self, times: Any, labels: Sequence[str]) -> Series:
        """An interval series."""
        names = tuple(dict.fromkeys(labels))
        indices = np.array([names.index(label) for label in labels], np.uint32)
        manifest = SeriesManifest(
            type="interval",
            dtype="float64",
            channels=(ChannelInfo("0", "intervals"),),
            segments=(SegmentInfo(float(times.min()), float(times.max()), len(times)),),
            sampling_frequency=None,
            intervals=IntervalsInfo(self.array(times), self.array(indices), names),
        )
        return Series(manifest, self.store)


def _bins(samples: Any, factor: int) -> Any:
    count = max(1, -(-(len(samples) - 1) // factor))
    pieces = [samples[b * factor : (b + 1) * factor + 1] for b in range(count)]
    return np.stack([np.stack([piece.min(axis=0), piece.max(axis=0)]) for piece in pieces])


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    return SeriesMaker(tmp_path_factory.mktemp("kachery-storage"))
