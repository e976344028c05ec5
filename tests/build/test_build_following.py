"""Following files that another process writes: the same series as of a build from nothing, whenever it was killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import open_ephys_folders
import pytest
from open_ephys_folders import Stream, write
from spikeglx_files import ap_keys, write_stream
from waiting import until
from written_files import Writer

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import Dataset, dataset_from_config
from seriesview.build.followed import Following
from seriesview.build.following import follow_samples
from seriesview.build.level_rows import LevelRows
from seriesview.errors import SeriesviewError
from seriesview.store import open_store

CHANNELS = 6
ROW = 2 * CHANNELS
RATE = 1000.0


@pytest.fixture(autouse=True)
def _small_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 1 << 12)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 << 12)


@pytest.fixture
def samples() -> Any:
    return np.random.default_rng(1).integers(-999, 999, (200_000, CHANNELS)).astype(np.int16)


class Looking:
    """Hears of what is followed."""

    def __init__(self) -> None:
        self.num_samples = 0
        self.rows: Sequence[LevelRows] = ()
        self.is_written = False
        self.problem: str | None = None

    def levels(self, dataset: str, levels: Sequence[LevelRows]) -> None:
        self.rows = levels

    def grew(self, dataset: str, num_samples: int, behind: int) -> None:
        if not behind:
            self.num_samples = num_samples

    def written(self, dataset: str, problem: str | None = None) -> None:
        self.is_written, self.problem = True, problem


def dataset(path: Path, **more: Any) -> Dataset:
    config = {"path": str(path), "reader": "binary", "dtype": "int16", "channels": CHANNELS}
    return dataset_from_config("raw", {**config, "sampling_frequency": RATE, **more})


class Followed(threading.Thread):
    """A build that follows, in a thread."""

    def __init__(self, recording: Dataset, place: Path, idle_seconds: float = 1000.0) -> None:
        super().__init__(daemon=True)
        self.looking = Looking()
        self.following = Following(idle_seconds, beside=True)
        self.error: BaseException | None = None
        self.made: Any = None
        self.said: list[str] = []
        store = open_store(place / "store", "embedded")
        self._job = Job(
            store, place / "raw.jsonl", report=lambda step: self.said.append(step.text), watch=self.looking
        )
        self._recording = recording
        self.start()

    def run(self) -> None:
        try:
            follow_samples(self._recording, self._job, self.following, is_built=False)
            self.made = build_artifacts(self._recording, self._job)
        except BaseException as error:
            self.error = error

    def reads(self, num_samples: int) -> None:
        """Wait until so many samples were read."""
        until(lambda: self.error or self.looking.num_samples >= num_samples, "samples are read")
        assert self.error is None, self.error

    def ended(self) -> Any:
        """What was made."""
        self.join()
        if self.error is not None:
            raise self.error
        return self.made


def from_nothing(recording: Dataset, place: Path) -> Any:
    return build_artifacts(recording, Job(open_store(place / "other", "embedded"), place / "other.jsonl"))


@pytest.mark.parametrize("how", ["link", "store", "omit"])
def test_the_end_gives_the_series_of_a_build_from_nothing(tmp_path: Path, samples: Any, how: str) -> None:
    path = tmp_path / "raw.dat"
    recording = dataset(path, full_resolution=how)
    content = samples.tobytes()
    # A header, and pieces that end within samples.
    ends = [ROW * 40 + 5, ROW * 3_000 + 1, ROW * 50_000 + 7, ROW * 50_001, len(content)]
    with Writer(path) as writer:
        writer.write(content[: ends[0]])
        followed = Followed(recording, tmp_path)
        for begin, end in pairwise(ends):
            writer.write(content[begin:end])
            followed.reads(end // ROW)
            # Every whole bin is there, of every level.
            for level in followed.looking.rows:
                count = (end // ROW - 1) // level.factor
                assert level.num_rows >= count
                shown = level.read(max(count - 700, 0), count)
                for number, bins in enumerate(shown[-3:], start=count - len(shown[-3:])):
                    part = samples[number * level.factor : (number + 1) * level.factor + 1]
                    assert (bins == [part.min(axis=0), part.max(axis=0)]).all()
        followed.following.end()
        made = followed.ended()
    assert followed.looking.is_written
    assert made["manifest"] == from_nothing(recording, tmp_path)["manifest"]


def test_it_ends_where_nothing_comes_any_more(tmp_path: Path, samples: Any) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(samples[:5000].tobytes())
    recording = dataset(path)
    assert (
        Followed(recording, tmp_path, 0.3).ended()["manifest"]
        == from_nothing(recording, tmp_path)["manifest"]
    )


def cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(ROW * 1000)


def replace(path: Path) -> None:
    content = path.read_bytes()
    path.rename(path.with_suffix(".old"))
    path.write_bytes(content * 2)


@pytest.mark.parametrize(
    ("act", "words"),
    [(cut, "it has become shorter (60000 bytes then, 12000 now)"), (replace, "another file has taken its place"),
     (Path.unlink, "it cannot be read any more (No such file or directory)")],
)  # fmt: skip
def test_a_file_that_is_cut_or_replaced_is_named_and_followed_no_more(
    tmp_path: Path, samples: Any, act: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(samples[:5000].tobytes())
    followed = Followed(dataset(path), tmp_path)
    followed.reads(5000)
    act(path)
    with pytest.raises(SeriesviewError) as caught:
        followed.ended()
    assert str(caught.value).startswith(f"dataset raw: {path}: {words}")
    assert followed.looking.problem is not None
    assert words in followed.looking.problem


@pytest.mark.parametrize("follows_again", [True, False])
def test_what_was_killed_goes_on_from_its_packs(tmp_path: Path, samples: Any, follows_again: bool) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(samples[:10_000].tobytes())
    recording = dataset(path)
    store = open_store(tmp_path / "store", "embedded")
    job = Job(store, tmp_path / "raw.jsonl", report=lambda _: None)
    told, tells = os.pipe()
    process = os.fork()
    if process == 0:
        looking = Looking()
        looking.grew = lambda _, count, __: os.write(tells, f"{count}\n".encode())  # type: ignore
        killed = Job(store, job.ledger, report=lambda _: None, watch=looking)
        follow_samples(recording, killed, Following(1000.0, beside=True), is_built=False)
        os._exit(0)
    with os.fdopen(told) as counts:
        for end in range(20_000, 120_001, 10_000):
            with path.open("ab") as file:
                file.write(samples[end - 10_000 : end].tobytes())
            assert any(int(line) == end for line in counts)
        os.kill(process, signal.SIGKILL)
    os.close(tells)
    os.waitpid(process, 0)
    with path.open("ab") as file:
        file.write(samples[120_000:].tobytes())
    lines = job.ledger.read_bytes().splitlines()
    if follows_again:
        followed = Followed(recording, tmp_path, 0.3)
        made = followed.ended()
        assert any("that were read before are hashed" in each for each in followed.said)
    else:
        made = build_artifacts(recording, job)
    assert made["manifest"] == from_nothing(recording, tmp_path)["manifest"]
    # Its packs were not noted again: they were known.
    packs = [line for line in job.ledger.read_bytes().splitlines() if line.startswith(b'["')]
    assert len(packs) == len(set(packs))
    assert {line for line in lines[1:] if line.startswith(b'["')} & set(packs)


def test_packs_of_other_bytes_are_not_taken_up(tmp_path: Path, samples: Any) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(samples.tobytes())
    recording = dataset(path)
    first = Followed(recording, tmp_path)
    first.reads(len(samples))
    cut(path)
    with pytest.raises(SeriesviewError):
        first.ended()
    # The same file, written again.
    with path.open("r+b") as file:
        file.write((samples[::-1]).tobytes())
    made = Followed(recording, tmp_path, 0.3).ended()
    assert made["manifest"] == from_nothing(recording, tmp_path)["manifest"]


def test_spikeglx_is_followed_and_its_meta_read_again_at_the_end(tmp_path: Path, samples: Any) -> None:
    samples = samples[:60_000]
    # A probe's file of four channels and the sync word, which is left out by the stride.
    path = write_stream(
        tmp_path, "run_g0_t0.imec0.ap", samples[:1000, :5], {**ap_keys(4), "fileSizeBytes": 0}
    )
    recording = dataset_from_config("ap", {"path": str(path), "reader": "spikeglx"})
    followed = Followed(recording, tmp_path)
    followed.reads(1000)
    with Writer(path) as writer:
        writer.write(np.ascontiguousarray(samples[1000:, :5]).tobytes())
    followed.reads(len(samples))
    write_meta = path.with_suffix(".meta")
    write_meta.write_text(
        write_meta.read_text().replace("fileSizeBytes=0", f"fileSizeBytes={path.stat().st_size}")
    )
    followed.following.end()
    made = followed.ended()
    assert made["manifest"] == from_nothing(recording, tmp_path)["manifest"]
    assert made["manifest"]["segments"][0]["num_samples"] == len(samples)
    assert not any("fileSizeBytes" in note for note in made["manifest"].get("notes", ()))


@pytest.mark.parametrize("has_gap", [False, True])
def test_open_ephys_is_followed_and_its_clock_read_again_at_the_end(
    tmp_path: Path, samples: Any, has_gap: bool
) -> None:
    numbers = np.arange(1000, 1000 + 60_000)
    numbers[40_000:] += 300 * has_gap
    samples = samples[:60_000]
    place = tmp_path / "Record Node 101" / "experiment1" / "recording1"
    begun = Stream("Source-100.Data", samples[:1000], RATE, numbers=numbers[:1000])
    write(place, open_ephys_folders.Recording([begun]))
    folder = place / "continuous" / begun.folder
    recording = dataset_from_config("oe", {"path": str(place), "reader": "open_ephys"})
    followed = Followed(recording, tmp_path)
    followed.reads(1000)
    with Writer(folder / "continuous.dat") as writer:
        writer.write(samples[1000:].tobytes())
    followed.reads(len(samples))
    np.save(folder / "sample_numbers.npy", numbers)
    np.save(folder / "timestamps.npy", numbers / RATE)
    followed.following.end()
    made = followed.ended()
    assert made["manifest"] == from_nothing(recording, tmp_path)["manifest"]
    assert len(made["manifest"]["segments"]) == 1 + has_gap
