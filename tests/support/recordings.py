"""Recordings whose every sample a test knows, and what is built of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from built_series import built

from seriesview.store import Store
from seriesview.workspace.manifest import build_workspace, view_from_config

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Recording:
    """A continuous series and where it came from."""

    name: str
    uri: str
    segments: list[Array]
    """Stored samples (n, C) of each."""
    starts: list[float]
    """Seconds."""
    rate: float | None
    times: list[Array] = field(default_factory=list)
    """Irregular: of each segment's samples, seconds."""
    scale: float = 1.0
    offset: float = 0.0
    channels: tuple[str, ...] = ()


@dataclass
class Builder:
    """Builds series into a store."""

    store: Store
    directory: Path

    def series(self, name: str, path: Path, **config: Any) -> str:
        return str(built(self.store, path, name, **config)["uri"])

    def regular(
        self,
        name: str,
        segments: Sequence[Array],
        rate: float = 1000.0,
        gaps: Sequence[float] = (),
        chunks: tuple[int, int] | None = None,
        **config: Any,
    ) -> Recording:
        """Segments at one rate, `gaps` seconds apart; config is the dataset's, such as full_resolution."""
        starts = [0.0]
        for segment, gap in zip(segments, gaps, strict=False):
            starts.append(starts[-1] + len(segment) / rate + gap)
        path = self.directory / f"{name}.h5"
        times = [
            start + np.arange(len(segment)) / rate for start, segment in zip(starts, segments, strict=True)
        ]
        with h5py.File(path, "w") as file:
            options: dict[str, Any] = {} if chunks is None else {"compression": "gzip", "shuffle": True}
            file.create_dataset("data", data=np.concatenate(segments), chunks=chunks, **options)
            file["times"] = np.concatenate(times)
        words = {"timestamps": "/times"} if len(segments) > 1 else {"sampling_frequency": rate}
        uri = self.series(name, path, dataset="/data", **words, **config)
        manifest = self.store.get_json(uri)
        assert [segment["num_samples"] for segment in manifest["segments"]] == [len(s) for s in segments]
        return Recording(
            name,
            uri,
            list(segments),
            [segment["start_time"] for segment in manifest["segments"]],
            manifest["sampling_frequency"],
            scale=manifest["scale"],
            offset=manifest["offset"],
            channels=tuple(channel["id"] for channel in manifest["channels"]),
        )

    def irregular(self, name: str, samples: Array, times: Array, **config: Any) -> Recording:
        """Samples (n, C) at times (n,), seconds."""
        path = self.directory / f"{name}.h5"
        with h5py.File(path, "w") as file:
            file["data"], file["times"] = samples, times
        uri = self.series(name, path, dataset="/data", timestamps="/times", **config)
        manifest = self.store.get_json(uri)
        assert manifest["sampling_frequency"] is None
        counts = np.cumsum([segment["num_samples"] for segment in manifest["segments"]])[:-1]
        return Recording(
            name,
            uri,
            np.split(samples, counts),
            [segment["start_time"] for segment in manifest["segments"]],
            None,
            np.split(times, counts),
            manifest["scale"],
            manifest["offset"],
            tuple(channel["id"] for channel in manifest["channels"]),
        )

    def changed(self, recording: Recording, **words: Any) -> Recording:
        """The same samples under a manifest with other words, such as session_start."""
        uri = self.store.put_json(self.store.get_json(recording.uri) | words, name="series.json")
        return replace(recording, uri=uri)

    def workspace(
        self, label: str, panels: Sequence[tuple[str, str, str]], more: Sequence[tuple[str, str]] = ()
    ) -> str:
        """URI of a workspace with one view of panels (type, name, URI), and `more` series (name, URI)."""
        series = {name: uri for _, name, uri in panels} | dict(more)
        kinds = {name: self.store.get_json(uri)["type"] for name, uri in series.items()}
        view = view_from_config(
            {
                "label": label,
                "panels": [{"type": kind, "series": name, "label": name} for kind, name, _ in panels],
            }
        )
        document = build_workspace(label, list(series.items()), [view], types=kinds)
        return str(self.store.put_json(document, name="workspace.json"))


def noise(random: np.random.Generator, count: int, channels: int, dtype: str) -> Array:
    """Samples (count, channels) of a dtype: slow waves, noise, and spikes of full height."""
    times = np.arange(count)[:, None]
    waves = np.sin(times / 300 * (1 + np.arange(channels)) * 0.7) * 0.4 + random.normal(
        0, 0.08, (count, channels)
    )
    waves[random.integers(0, count, count // 400), random.integers(0, channels, count // 400)] *= 4
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (waves * 1000).astype(kind)
    most = min(np.iinfo(kind).max, 2**40)
    middle = 0 if kind.kind == "i" else most // 2
    return np.clip(np.round(waves * most * 0.45) + middle, np.iinfo(kind).min, np.iinfo(kind).max).astype(
        kind
    )


def with_holes(samples: Array, random: np.random.Generator) -> Array:
    """Floating-point samples with NaN: single ones, stretches, and whole stretches of all channels."""
    holed = samples.copy()
    count, channels = samples.shape
    holed[random.integers(0, count, count // 20), random.integers(0, channels, count // 20)] = np.nan
    for _ in range(6):
        first = int(random.integers(0, count))
        holed[first : first + int(random.integers(2, count // 10)), int(random.integers(0, channels))] = (
            np.nan
        )
    first = int(random.integers(0, count // 2))
    holed[first : first + count // 8] = np.nan
    return holed
