"""What `seriesview info` says of series that the tutorial does not have."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seriesview.series.arrays import ArrayWriter
from seriesview.series.manifest import ChannelInfo, IntervalsInfo, Missing, SegmentInfo, SeriesManifest
from seriesview.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    return open_store(tmp_path / "storage", "embedded")


def info(store: Store, manifest: SeriesManifest) -> list[str]:
    uri = store.put_json(manifest.to_json_dict(), "series.json")
    command = [
        sys.executable,
        "-m",
        "seriesview.cli.main",
        "info",
        uri,
        "--storage-dir",
        str(store.directory),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_channels_that_mean_something_else_than_the_series_are_pointed_out(store: Store) -> None:
    channels = (
        ChannelInfo("a", "a", scale=2e-7),
        ChannelInfo("b", "b", scale=4e-7),
        ChannelInfo("c", "c", unit="mV"),
    )
    manifest = SeriesManifest(
        type="continuous",
        dtype="int16",
        channels=channels,
        segments=(SegmentInfo(0.0, 10.0, 1000),),
        sampling_frequency=100.0,
        unit="V",
        scale=1e-7,
    )
    said = info(store, manifest)
    assert "physical value = stored * 1e-07 + 0 V" in said
    assert "  of its own: scale in 2 channels (2e-07 to 4e-07), unit in 1 channel" in said


def test_intervals_are_told_by_their_labels(store: Store) -> None:
    arrays = []
    for column in (np.array([[1.0, 2.0]]), np.zeros(1, np.uint32)):
        with ArrayWriter(store, column.dtype, column.shape[1:]) as writer:
            writer.append(column)
            arrays.append(writer.finish())
    manifest = SeriesManifest(
        type="interval",
        dtype="float64",
        channels=(),
        segments=(SegmentInfo(1.0, 2.0, 1),),
        sampling_frequency=None,
        intervals=IntervalsInfo(*arrays, ("go", "stop")),
    )
    said = info(store, manifest)
    assert said[1] == "interval series: 1 interval, dtype float64"
    assert "labels: go, stop" in said
    assert not any(line.startswith("channels") for line in said)


def test_what_is_missing_is_said(store: Store) -> None:
    manifest = SeriesManifest(
        type="continuous",
        dtype="int16",
        channels=(ChannelInfo("a", "a"), ChannelInfo("b", "b", missing=Missing((7,)))),
        segments=(SegmentInfo(0.0, 10.0, 1000),),
        sampling_frequency=100.0,
        missing=Missing((-9999,), above=4000),
    )
    said = info(store, manifest)
    assert "missing: stored values -9999, above 4000 stand for none" in said
    assert "missing of their own: in 1 channel" in said
