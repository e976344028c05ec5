"""Chunks of datasets as one job: what comes of each, what is kept, and what is left where the process ends early."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_disks import small_disk_at
from waiting import until

import seriesview
from seriesview.build.results import read_results, write_json
from seriesview.errors import BuildError, ConfigError, StoreError
from seriesview.pipeline.chunk import build_chunk, chunk_configuration
from seriesview.pipeline.marks import Mark, left_behind
from seriesview.pipeline.results import Results, read_failure
from seriesview.readers.binary import BinaryReader

SERIESVIEW = str(Path(sys.executable).parent / "seriesview")
RESULTS, OUT = Path("results"), Path("outcome.json")

Entries = dict[str, dict[str, Any]]


def chunk(entries: Entries, panels: Any = None, storage: str = "storage", **more: Any) -> dict[str, Any]:
    """What became of each dataset, and in which order."""
    words = [f"{name}={entry['path']}" for name, entry in entries.items()]
    pathless = {
        name: {key: value for key, value in entry.items() if key != "path"} for name, entry in entries.items()
    }
    text = json.dumps({"datasets": pathless, "panels": panels or {}}).encode()
    store = {"store": {"storage_dir": storage, "mode": "embedded"}}
    given: dict[str, Any] = {"threads": 2, "say": lambda _: None, **more}
    build_chunk({**chunk_configuration(text, "entries", words), **store}, RESULTS, OUT, **given)
    found: dict[str, Any] = read_results([OUT])[0]["datasets"]
    return found


def states(outcomes: Mapping[str, Any]) -> dict[str, str]:
    return {name: outcome["state"] for name, outcome in outcomes.items()}


def times(kind: str, suffix: str = ".json") -> dict[str, int]:
    """When each result of a kind was written."""
    return {path.stem: path.stat().st_mtime_ns for path in (RESULTS / kind).glob(f"*{suffix}")}


@pytest.fixture
def entries(raw: dict[str, Any], spikes: dict[str, Any]) -> Entries:
    return {"raw": raw, "other": raw | {"base": 32}, "spikes": spikes}


def test_a_chunk_gives_what_a_build_of_the_whole_gives(entries: Entries) -> None:
    panel = {"type": "ContinuousTraces", "series": "raw", "mode": "image"}
    outcomes = chunk(entries, {"raw": panel, "spikes": {}})
    assert states(outcomes) == dict.fromkeys(entries, "built")
    assert [outcome["bytes"] for outcome in outcomes.values()] == [720_000, 720_000, 1600]
    views = [{"label": "All", "panels": [panel]}]
    whole = seriesview.build_workspace(
        {"workspace": "w", "datasets": entries, "views": views}, store="storage", results="whole"
    )
    for name in entries:
        (made, expected) = read_results([RESULTS / f"series/{name}.json", Path(f"whole/series/{name}.json")])
        assert made["uri"] == whole.series[name].uri
        assert {**made, "timing": expected["timing"]} == expected
        picture = Path(f"pictures/{name}.png")
        assert (RESULTS / picture).read_bytes() == ("whole" / picture).read_bytes()
    assert not list((RESULTS / "building").iterdir())


def test_what_is_as_it_was_is_kept_and_what_words_changed_reads_no_samples(
    entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk(entries)
    kinds = ("artifacts", "series", "pictures")

    def written() -> dict[str, dict[str, int]]:
        return {kind: times(kind, ".png" if kind == "pictures" else ".json") for kind in kinds}

    first = written()
    with monkeypatch.context() as patch:
        patch.setattr("seriesview.pipeline.steps.build_artifacts", None)
        assert states(chunk(entries)) == dict.fromkeys(entries, "kept")
        assert written() == first
        entries["raw"]["label"] = "New"
        outcomes = chunk(entries)
        assert states(outcomes) == {"raw": "built", "other": "kept", "spikes": "kept"}
        assert outcomes["raw"]["bytes"] == 0
        second = written()
        changed = {kind: [n for n in entries if second[kind][n] != first[kind][n]] for kind in kinds}
        assert changed == {"artifacts": [], "series": ["raw"], "pictures": ["raw"]}
        # Another panel makes another picture alone.
        chunk(entries, {"other": {"type": "ContinuousTraces", "series": "other", "mode": "image"}})
        third = written()
        changed = {kind: [n for n in entries if third[kind][n] != second[kind][n]] for kind in kinds}
        assert changed == {"artifacts": [], "series": [], "pictures": ["other"]}
    with Path("spikes.csv").open("a") as file:
        file.write("61.0,unit1\n")
    outcomes = chunk(entries)
    assert states(outcomes) == {"raw": "kept", "other": "built", "spikes": "built"}
    # Its panel is another one again.
    assert outcomes["other"]["bytes"] == 0 < outcomes["spikes"]["bytes"]


@pytest.mark.parametrize("threads", [1, 6])
def test_a_library_that_fails_fails_its_dataset_alone(
    entries: Entries, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    read = BinaryReader.open

    def fail(self: Any, path: Path, *more: Any, **keys: Any) -> Any:
        if path.name == "wild.dat":
            raise ZeroDivisionError("in a library\nof somebody")
        if path.name == "vast.dat":
            raise MemoryError
        return read(self, path, *more, **keys)

    monkeypatch.setattr(BinaryReader, "open", fail)
    for name in ("wild", "vast"):
        Path(f"{name}.dat").write_bytes(bytes(120))
        entries = {name: entries["raw"] | {"path": f"{name}.dat", "reader": "binary"}, **entries}
    entries["gone"] = entries["raw"] | {"path": "gone.dat"}
    said: list[str] = []
    outcomes = chunk(entries, threads=threads, say=said.append)
    assert states(outcomes) == {
        "vast": "failed",
        "wild": "failed",
        "raw": "built",
        "other": "built",
        "spikes": "built",
        "gone": "failed",
    }
    assert outcomes["vast"]["error"]["code"] == "no-memory"
    assert outcomes["wild"]["error"]["code"] == "internal-error"
    assert outcomes["wild"]["error"]["message"].startswith("wild.dat: ZeroDivisionError: in a library")
    assert outcomes["gone"]["error"]["message"].startswith("path: gone.dat: no such file")
    assert sorted(line.partition(": ")[2].partition(": ")[2].partition(":")[0] for line in said) == [
        "dataset gone",
        "dataset vast",
        "dataset wild",
    ]
    assert (
        read_failure(RESULTS / "failures", "wild") == "wild.dat: ZeroDivisionError: in a library of somebody"
    )
    assert "in fail" in "".join(json.loads((RESULTS / "failures/wild.json").read_text())["traceback"])
    # What can be built is no failure any more.
    monkeypatch.setattr(BinaryReader, "open", read)
    Path("gone.dat").write_bytes(bytes(120))
    assert set(states(chunk(entries)).values()) == {"built", "kept"}
    assert not list((RESULTS / "failures").iterdir())


def test_a_picture_that_cannot_be_drawn_is_told_and_drawn_again(
    entries: Entries, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("seriesview.pictures.figure.overview", lambda *_, **__: 1 / 0)
        outcomes = chunk({"raw": entries["raw"]})
    assert outcomes["raw"]["state"] == "built"
    assert "could not be drawn (division by zero)" in outcomes["raw"]["picture"]
    write_json(RESULTS / "chunks" / "one" / "raw.json", {"datasets": outcomes})
    assert Results(RESULTS).picture_problems(["raw", "other"]) == {"raw": outcomes["raw"]["picture"]}
    assert Results(RESULTS).picture_problems(["other"]) == {}
    outcomes = chunk({"raw": entries["raw"]})
    assert (outcomes["raw"]["state"], "picture" in outcomes["raw"]) == ("built", False)
    assert states(chunk({"raw": entries["raw"]})) == {"raw": "kept"}


def test_what_the_machine_cannot_do_ends_the_job(entries: Entries, tmp_path: Path) -> None:
    Path("file").write_text("")
    with pytest.raises(StoreError):
        chunk(entries, storage="file/storage")
    (RESULTS / "series").parent.mkdir(exist_ok=True)
    (RESULTS / "series").write_text("")
    with pytest.raises(BuildError, match="series") as caught:
        chunk(entries)
    assert caught.value.code == "results-unusable"
    assert not OUT.exists()
    (RESULTS / "series").unlink()
    with small_disk_at(tmp_path / "disk", "size=16m") as disk:
        with pytest.raises(BuildError) as full:
            chunk(
                {"raw": entries["raw"] | {"full_resolution": "store"}, "spikes": entries["spikes"]},
                storage=str(disk / "storage"),
            )
        assert full.value.code == "no-space"
    assert not OUT.exists()
    assert set(states(chunk(entries)).values()) == {"built"}


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("{", [], "entries: expected JSON"),
        ("[]", [], "entries: expected JSON"),
        ('{"datasets": 7}', [], "entries: expected JSON"),
        ('{"datasets": {"a": {}}}', ["b=x"], "b=x: expected NAME=PATH"),
        ('{"datasets": {"a": {}}}', ["a"], "a: expected NAME=PATH"),
        ('{"datasets": {"a": {}}}', ["a:label=x"], "a:label=x: expected NAME=PATH"),
        ('{"datasets": {"a": {}}}', [], r"entries: datasets\.a"),
        ('{"datasets": {"a": {"dtyp": "int16"}}}', ["a=x"], "dtyp"),
        ('{"datasets": {"a": {}}, "panels": {"a": {"type": "None", "series": "a"}}}', ["a=x"], "type"),
        ('{"datasets": {"a": {}}, "panels": {"a": "x"}}', ["a=x"], r"panels\.a: expected keys"),
        ('{"datasets": {"../../a": {}}}', ["../../a=x"], r"'\.\./\.\.' is no id of a session"),
        ('{"datasets": {"s/../a": {}}}', ["s/../a=x"], r"'s/\.\.' is no id of a session"),
    ],
)
def test_what_is_wrong_with_entries_is_told(text: str, words: list[str], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        chunk_configuration(text.encode(), "entries", words)


def test_paths_come_as_words_alone() -> None:
    text = b'{"datasets": {"a": {"path": "old"}, "b": {}, "c": {"path": "sha1://x/y"}}}'
    words = ["a=x=y: z.dat", "a:timestamps=t=1.npy", "b=d e.dat"]
    found = chunk_configuration(text, "entries", words)["datasets"]
    assert found == {
        "a": {"path": "x=y: z.dat", "timestamps": "t=1.npy"},
        "b": {"path": "d e.dat"},
        "c": {"path": "sha1://x/y"},
    }


PROGRAM = """
import sys
from pathlib import Path
from seriesview.cli.main import main
from seriesview.pipeline import whole_dataset
draw = whole_dataset.draw_if_new
def draw_and_stay(uri, name, *more):
    if name == "other":
        print("there", flush=True)
        sys.stdin.read()
    return draw(uri, name, *more)
whole_dataset.draw_if_new = draw_and_stay
main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_job_that_is_killed_says_where_and_goes_on_with_the_others_first(
    entries: Entries, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("entries.json").write_text(json.dumps({"datasets": entries}))
    words = ["build-chunk", "--entries", "entries.json", "--results", "results", "--out", "outcome.json"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words, "--storage-dir", "storage", "--mode", "embedded"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"
    (mark,) = left_behind(RESULTS / "building", list(entries)).values()
    worker = mark.process
    assert mark.in_words() == f"process {worker} on {mark.host} is at its picture"
    os.killpg(process.pid, number)
    assert process.wait() == (143 if number == signal.SIGTERM else -number)
    until(lambda: not mark.runs, "the process that worked has ended too")
    assert not OUT.exists()
    (mark,) = left_behind(RESULTS / "building", list(entries)).values()
    assert (mark.dataset, mark.step, mark.process, mark.out) == (
        "other",
        "picture",
        worker,
        "outcome.json",
    )
    assert "was killed" in mark.in_words() or "was stopped (SIGTERM)" in mark.in_words()
    assert mark.stopped_by == (None if number == signal.SIGKILL else "SIGTERM")
    assert set(times("series")) == {"raw", "other"}
    assert set(times("pictures", ".png")) == {"raw"}
    order: list[str] = []
    taken = seriesview.pipeline.whole_dataset.made_samples

    def note(dataset: Any, *more: Any) -> Any:
        order.append(dataset.name)
        return taken(dataset, *more)

    monkeypatch.setattr("seriesview.pipeline.whole_dataset.made_samples", note)
    said: list[str] = []
    outcomes = chunk(entries, say=said.append)
    assert order == ["raw", "spikes", "other"]
    assert states(outcomes) == {"raw": "kept", "other": "built", "spikes": "built"}
    assert outcomes["other"]["bytes"] == 0
    assert said == [f"other: {mark.in_words()}; it comes last now"]
    assert not list((RESULTS / "building").iterdir())


def test_marks_that_nobody_can_read_mean_nothing() -> None:
    mark = Mark("a", "samples", 1, "host", 0.0)
    write_json(Path("marks/a.json"), asdict(mark))
    Path("marks/b.json").write_text("{")
    write_json(Path("marks/c.json"), {"dataset": "c"})
    assert left_behind(Path("marks"), ["a", "b", "c", "d"]) == {"a": mark}


def test_the_command_tells_each_failure_in_one_line(entries: Entries) -> None:
    document = {"datasets": {"bad": entries["raw"] | {"channels": 7}, "spikes": entries["spikes"]}}
    words = (
        "--results",
        "results",
        "--out",
        "outcome.json",
        "--storage-dir",
        "storage",
        "--mode",
        "embedded",
    )
    done = subprocess.run(
        [SERIESVIEW, "build-chunk", "--entries", "-", *words],
        input=json.dumps(document),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("seriesview: error: dataset bad: ") == 1
    assert states(read_results([OUT])[0]["datasets"]) == {"bad": "failed", "spikes": "built"}
    strict = subprocess.run(
        [SERIESVIEW, "build-chunk", "--entries", "-", "--strict", *words[:2], *words[4:]],
        input=json.dumps(document),
        capture_output=True,
        text=True,
    )
    assert strict.returncode == 2


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_does_not_grow_with_the_number_of_datasets(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"dtype": "int16", "channels": 1, "sampling_frequency": 100}
    entries = {}
    for number in range(500):
        samples = np.random.default_rng(number).integers(-99, 99, 200).astype("int16")
        samples.tofile(here / f"{number}.dat")
        entries[f"d{number}"] = {"path": f"{number}.dat", **keys}
    # Pictures, and waiting for the disk, would cost most of the time.
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr("seriesview.pictures.figure.overview", lambda *_, **__: bytes(100_000))
    sizes: list[int] = []
    take: Callable[..., Any] = seriesview.pipeline.whole_dataset.made_samples

    def measure(*arguments: Any) -> Any:
        sizes.append(_resident())
        return take(*arguments)

    monkeypatch.setattr("seriesview.pipeline.whole_dataset.made_samples", measure)
    assert set(states(chunk(entries)).values()) == {"built"}
    assert len(sizes) == 500
    assert sizes[-1] - sizes[100] < 20e6


def test_several_jobs_share_the_samples_of_a_session(entries: Entries, tmp_path: Path) -> None:
    name = "rat1/other"
    entry = {key: value for key, value in entries["other"].items() if key != "path"}
    Path("entries.json").write_text(json.dumps({"datasets": {name: entry}}))
    Path("words").write_bytes(os.fsencode(f"{name}={entries['other']['path']}"))
    # As a process of its own: it forks, and a copy of this one would go on with the tests.
    said = [
        SERIESVIEW,
        "build-chunk",
        "--entries",
        "entries.json",
        "--listed",
        "words",
        "--results",
        "results",
    ]
    said += ["--storage-dir", "storage", "--mode", "embedded"]
    for shard in ("0", "1"):
        subprocess.run([*said, "--shard", f"{shard}/2", "--out", shard], check=True)
    Path("shards").write_text("0\n1\n")
    out = str(RESULTS / "artifacts" / f"{name}.json")
    subprocess.run([*said, "--gather", "shards", "--out", out], check=True)
    (outcome,) = chunk({name: entries["other"]}).values()
    assert (outcome["state"], outcome["bytes"]) == ("built", 0)
    Path("words").write_bytes(f"{name}=gone.dat".encode())
    assert subprocess.run([*said, "--shard", "0/2", "--out", "0"]).returncode == 2
    assert "gone.dat: no such file" in str(read_failure(RESULTS / "failures", name))
