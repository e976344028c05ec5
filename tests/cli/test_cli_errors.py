"""What users do wrong is answered in one line and with status 2."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from seriesview.series.arrays import ArrayWriter
from seriesview.series.manifest import ChannelInfo, EventsInfo, SegmentInfo, SeriesManifest
from seriesview.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    return open_store(tmp_path / "storage", "embedded")


@pytest.fixture
def samples(store: Store) -> str:
    values = np.arange(2000, dtype=np.int16).reshape(1000, 2)
    with ArrayWriter(store, values.dtype, (2,)) as writer:
        writer.append(values)
        array = writer.finish()
    manifest = SeriesManifest(
        type="continuous",
        dtype="int16",
        channels=(ChannelInfo("a", "a"), ChannelInfo("b", "b")),
        segments=(SegmentInfo(0.0, 10.0, 1000),),
        sampling_frequency=100.0,
        values=array,
    )
    return store.put_json(manifest.to_json_dict(), "series.json")


@pytest.fixture
def events(store: Store) -> str:
    arrays = []
    for column in (np.array([1.0, 2.0]), np.zeros(2, np.uint32)):
        with ArrayWriter(store, column.dtype, ()) as writer:
            writer.append(column)
            arrays.append(writer.finish())
    manifest = SeriesManifest(
        type="event",
        dtype="float64",
        channels=(ChannelInfo("0", "0"),),
        segments=(SegmentInfo(1.0, 2.0, 2),),
        sampling_frequency=None,
        events=EventsInfo(*arrays),
    )
    return store.put_json(manifest.to_json_dict(), "series.json")


def run(tmp_path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "seriesview.cli.main", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def refusal(tmp_path: Path, *arguments: str) -> str:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("seriesview: error: ").strip()


def test_a_window_that_cannot_be_written_is_refused(tmp_path: Path, samples: str) -> None:
    message = refusal(tmp_path, "window", samples, "--storage-dir", "storage", "--out", "nowhere/x.npz")
    assert message == "nowhere/x.npz: cannot be written (No such file or directory); choose another --out"


def test_a_window_of_events_is_refused(tmp_path: Path, events: str) -> None:
    message = refusal(tmp_path, "window", events, "--storage-dir", "storage")
    assert message == "a series of type event has no samples; `seriesview plot` draws it"


def test_a_window_past_the_end_is_refused(tmp_path: Path, samples: str) -> None:
    for more in ([], ["--samples-per-column", "1"], ["--samples-per-column", "20"]):
        message = refusal(
            tmp_path, "window", samples, "--storage-dir", "storage", "--first-sample", "1000", *more
        )
        assert message == "first_sample 1000 is not in segment 0, which has 1000 samples"


def test_channels_may_be_separated_by_blanks_too(tmp_path: Path, samples: str) -> None:
    done = run(tmp_path, "window", samples, "--storage-dir", "storage", "--channels", "b, a")
    assert done.returncode == 0
    assert "(10" in done.stdout
    assert run(
        tmp_path, "plot", samples, "--storage-dir", "storage", "--channels", "a, b", "--out", "x.png"
    ).stdout


def test_a_workspace_in_place_of_a_series_is_named(tmp_path: Path, store: Store) -> None:
    uri = store.put_json(
        {"format": "seriesview-workspace/1", "label": "w", "series": [], "views": []}, "w.json"
    )
    for command in (["window"], ["plot", "--out", "x.png"]):
        message = refusal(tmp_path, *command, uri, "--storage-dir", "storage")
        assert message == "this is a workspace, not a series; `seriesview info` lists its series"


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path, "demo-data", "file/below", "--no-heart") == "file/below: Not a directory"
    shown = run(tmp_path, "--traceback", "demo-data", "file/below", "--no-heart")
    assert shown.returncode == 2
    assert "Traceback" in shown.stderr


def test_a_build_where_nothing_can_be_written_says_what_it_writes_and_where(tmp_path: Path) -> None:
    (tmp_path / "raw.dat").write_bytes(bytes(64))
    (tmp_path / "config.yaml").write_text(
        "store: {storage_dir: ks}\n"
        "datasets: {raw: {path: raw.dat, dtype: int16, channels: 2, sampling_frequency: 10}}\n"
    )
    (tmp_path / ".snakemake").write_text("")
    message = refusal(tmp_path, "build")
    assert message.startswith(f"{tmp_path}: File exists; a build writes .snakemake/ and its results")
    assert message.endswith("`--directory DIR`")


@pytest.mark.parametrize("command", ["info", "verify", "forget"])
def test_a_pipe_in_the_place_of_a_result_is_not_waited_for(tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "x.json")
    (tmp_path / "storage").mkdir()
    assert "no regular file" in refusal(tmp_path, command, "x.json", "--storage-dir", "storage")
