"""Builds in this process: what `seriesview build` gives, without Snakemake."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml

import seriesview
from seriesview.build.progress import BuildStep
from seriesview.build.results import read_results
from seriesview.pipeline.locking import build_lock

SERIESVIEW = str(Path(sys.executable).parent / "seriesview")


def by_snakemake(config: dict[str, Any], directory: Path, *options: str, status: int = 0) -> dict[str, Any]:
    """What results/workspace.json holds once `seriesview build` has run in a directory."""
    (directory / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [SERIESVIEW, "build", "--cores", "2", *options]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    (result,) = read_results([directory / "results" / "workspace.json"])
    return result


def test_it_gives_the_workspace_that_snakemake_gives_what_is_missing_too(
    config: dict[str, Any], here: Path
) -> None:
    config["datasets"]["gone"] = config["datasets"]["raw"] | {"path": "gone.dat"}
    config["datasets"]["short"] = config["datasets"]["raw"] | {"channels": 7}
    expected = by_snakemake(config, here, "--keep-going", status=1)
    built = seriesview.build_workspace(config, store=here / "other", keep_going=True)
    assert built.uri == expected["uri"]
    assert built.label == "rat7"
    assert list(built.series) == ["raw", "spread", "spikes"]
    assert list(built.missing) == ["gone", "short"]
    assert built.missing["gone"].startswith("path: gone.dat: no such file")
    assert built.open().names == tuple(built.series)
    assert built.series["spread"].open().manifest.unit == "mV"
    # Only the store was written, and nothing beside it.
    assert built.results is None
    assert {path.name for path in here.iterdir()} >= {"other"}
    in_results = seriesview.build_workspace(here / "config.yaml", results=here / "own", keep_going=True)
    assert in_results.uri == expected["uri"]
    names = {str(path.relative_to(here / "results")) for path in (here / "results").rglob("*.json")}
    own = {str(path.relative_to(here / "own")) for path in (here / "own").rglob("*.json")}
    assert own <= names
    assert {name for name in names if name.startswith(("series/", "artifacts/", "workspace"))} <= own
    assert (here / "own" / "pictures" / "spikes.png").read_bytes().startswith(b"\x89PNG")
    assert (here / "own" / "pictures" / "index.html").is_file()


def test_snakemake_goes_on_from_its_results_and_takes_none_that_say_something_else(
    config: dict[str, Any], here: Path
) -> None:
    first = by_snakemake(config, here)
    made = (here / "results/artifacts/raw.json").stat().st_mtime_ns
    config["datasets"]["raw"]["label"] = "New"
    config["workspace"] = "other"
    changed = seriesview.build_workspace(config, results="results")
    assert changed.uri != first["uri"]
    assert changed.series["raw"].open().manifest.label == "New"
    # No samples were read for that.
    assert (here / "results/artifacts/raw.json").stat().st_mtime_ns == made
    assert by_snakemake(config, here)["uri"] == changed.uri
    # Snakemake itself would take what it built at first for up to date.
    config["datasets"]["raw"].pop("label")
    config["workspace"] = "rat7"
    assert by_snakemake(config, here)["uri"] == first["uri"]
    config["datasets"]["raw"]["base"] = 32
    samples = seriesview.build_workspace(config, results="results")
    config["datasets"]["raw"].pop("base")
    assert by_snakemake(config, here)["uri"] == first["uri"] != samples.uri


def test_what_is_built_is_not_built_again_and_what_was_lost_is(config: dict[str, Any], here: Path) -> None:
    def read(**more: Any) -> tuple[str, int]:
        steps: list[BuildStep] = []
        uri = seriesview.build_workspace(config, progress=steps.append, **more).uri
        return uri, sum(step.done_bytes is not None for step in steps)

    uri, steps = read()
    assert steps > 0
    assert read() == (uri, 0)
    config["datasets"]["raw"]["scale"] = 0.5
    other, steps = read()
    assert (other != uri, steps) == (True, 0)
    # However its path is written.
    config["datasets"]["raw"]["path"] = str(here / "raw.dat")
    assert read() == (other, 0)
    shutil.rmtree(here / "storage")
    again, steps = read()
    assert (again, steps > 0) == (other, True)
    seriesview.build_workspace(config).open().series("raw").values(0, 0, 10)


def test_a_picture_that_is_drawn_again_comes_into_the_report(
    config: dict[str, Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = [here / "results" / folder / "raw.png" for folder in ("pictures", "report/pictures")]
    with monkeypatch.context() as patch:
        patch.setattr("seriesview.pictures.figure.overview", lambda *_, **__: 1 / 0)
        seriesview.build_workspace(config, results="results")
    failed, reported = (picture.read_bytes() for picture in pictures)
    assert failed == reported
    seriesview.build_workspace(config, results="results")
    drawn, reported = (picture.read_bytes() for picture in pictures)
    assert failed != drawn == reported


def test_a_killed_build_goes_on_where_it_was(here: Path) -> None:
    samples = np.random.default_rng(3).integers(-3000, 3000, (3_000_000, 8)).astype("int16")
    samples.tofile(here / "long.dat")
    keys = {"dtype": "int16", "channels": 8, "sampling_frequency": 1000, "full_resolution": "store"}
    program = (
        "import sys, seriesview\n"
        "from seriesview.build.ledger import Ledger\n"
        "add = Ledger.add\n"
        "def add_and_stay(*arguments):\n"
        "    add(*arguments)\n"
        "    print('noted', flush=True)\n"
        "    sys.stdin.read()\n"
        "Ledger.add = add_and_stay\n"
        f"seriesview.build_workspace('long.dat', store='storage', **{keys!r})\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "noted\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    steps: list[BuildStep] = []
    again = seriesview.build_workspace("long.dat", store="storage", progress=steps.append, **keys)
    told = next(step.text for step in steps if "to write" in step.text)
    whole: list[BuildStep] = []
    undisturbed = seriesview.build_workspace("long.dat", store="undisturbed", progress=whole.append, **keys)
    assert again.uri == undisturbed.uri
    # What was in the store need not be written again.
    assert (
        told.splitlines()[2] != next(step.text for step in whole if "to write" in step.text).splitlines()[2]
    )


def test_recordings_give_the_workspace_of_the_configuration_that_init_writes(
    raw: dict[str, Any], spikes: dict[str, Any], here: Path
) -> None:
    np.save(here / "lfp.npy", np.random.default_rng(4).normal(size=(3000, 2)))
    files = ["lfp.npy", "spikes.csv"]
    subprocess.run([SERIESVIEW, "init", *files], check=True, capture_output=True)
    text = (here / "config.yaml").read_text().replace("sampling_frequency:  #", "sampling_frequency: 500  #")
    written = yaml.safe_load(text)
    built = seriesview.build_workspace(
        [Path(file) for file in files], workspace="lfp", store="storage", sampling_frequency=500
    )
    # The id that init gives a workspace is its own; one without is called by its name.
    assert len(written.pop("id")) == 16
    assert built.open().manifest.id == "lfp"
    assert built.uri == seriesview.build_workspace(written, store="storage").uri
    with pytest.raises(seriesview.ReaderError, match=r"sampling_frequency=\.\.\."):
        seriesview.build_workspace("lfp.npy", store="storage")
    with pytest.raises(seriesview.ConfigError, match="unknown key chanels"):
        seriesview.build_workspace("raw.dat", store="storage", chanels=6)
    with pytest.raises(seriesview.ConfigError, match="not recordings"):
        seriesview.build_workspace(written, sampling_frequency=500)


def test_what_cannot_be_built_is_named_before_anything_is_read(config: dict[str, Any], here: Path) -> None:
    config["datasets"] |= {name: config["datasets"]["raw"] | {"path": f"{name}.dat"} for name in ("a", "b")}
    with pytest.raises(seriesview.ConfigError, match=r"dataset a: path: a\.dat.*\n.*b\.dat"):
        seriesview.build_workspace(config)
    assert not any((here / "storage").rglob("?" * 40))
    del config["datasets"]["raw"], config["datasets"]["spread"], config["datasets"]["spikes"], config["views"]
    with pytest.raises(seriesview.ConfigError, match="dataset b"):
        seriesview.build_workspace(config, keep_going=True)
    with pytest.raises(seriesview.ConfigError, match=r"datasets\.raw\.path: .*3"):
        seriesview.build_workspace({"datasets": {"raw": {"path": 3}}})


def test_the_id_of_a_workspace_outlives_its_name(config: dict[str, Any], here: Path) -> None:
    config["id"] = "7f3a"
    expected = by_snakemake(config, here)
    assert expected["manifest"]["id"] == "7f3a"
    built = seriesview.build_workspace(config, results=here / "results")
    assert built.uri == expected["uri"]
    renamed = seriesview.build_workspace(config | {"workspace": "rat 7, day 2"}, results=here / "results")
    assert renamed.uri != built.uri
    assert renamed.open().manifest.id == "7f3a"
    other = seriesview.build_workspace(config | {"id": "8b"}, results=here / "results")
    assert other.open().manifest.id == "8b"


def test_how_many_cores_there_are_changes_nothing(config: dict[str, Any], here: Path) -> None:
    uris = {
        seriesview.build_workspace(config, store=here / f"store {cores}", cores=cores).uri
        for cores in (1, 2, 6)
    }
    assert len(uris) == 1


def test_one_that_fails_while_it_is_read_stops_the_others_or_is_missing(
    config: dict[str, Any], here: Path
) -> None:
    # Its header is as it should be.
    with h5py.File("cut.h5", "w") as file:
        samples = np.random.default_rng(5).integers(-9, 9, (40_000, 4)).astype("int16")
        file.create_dataset("lfp", data=samples, chunks=(10_000, 4), compression="gzip")
        last = file["lfp"].id.get_chunk_info(3).byte_offset
    with Path("cut.h5").open("r+b") as damaged:
        damaged.seek(last)
        damaged.write(bytes(50))
    config["datasets"]["cut"] = {"path": "cut.h5", "sampling_frequency": 1000}
    for cores in (1, 6):
        with pytest.raises(seriesview.SeriesviewError, match=r"(?i)dataset cut: .*cut\.h5"):
            seriesview.build_workspace(config, cores=cores)
    built = seriesview.build_workspace(config, keep_going=True)
    assert list(built.missing) == ["cut"]
    assert not built.missing["cut"].lower().startswith("dataset")
    assert list(built.series) == ["raw", "spread", "spikes"]


def test_one_build_at_a_time_in_a_folder_of_results(config: dict[str, Any], here: Path) -> None:
    with build_lock(here / "results"), pytest.raises(seriesview.BuildError, match="another build is running"):
        seriesview.build_workspace(config, results="results")


def test_a_job_that_writes_by_another_name_of_the_folder_is_waited_for(here: Path) -> None:
    (here / "results").mkdir()
    (here / "link").symlink_to("results")
    program = "import sys; print(flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", program, "seriesview", "build-chunk", "--results", "link"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as job:
        assert job.stdout is not None
        job.stdout.readline()
        with pytest.raises(seriesview.BuildError, match=f"process {job.pid}"), build_lock(here / "results"):
            pass


def test_a_snakemake_that_somebody_left_running_is_waited_for(here: Path) -> None:
    (here / "results").mkdir()
    program = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
    # As with nohup, its shell has ended.
    script = '"$0" -c "$1" snakemake <&3 & exit'
    with subprocess.Popen(
        ["sh", "-c", f"exec 3<&0; {script}", sys.executable, program],
        cwd=here,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as shell:
        assert shell.stdout is not None
        process = int(shell.stdout.readline())
        shell.wait()
        with pytest.raises(seriesview.BuildError, match=f"process {process}"), build_lock(here / "results"):
            pass


def test_one_dataset_is_the_series_that_a_workspace_has_of_it(
    config: dict[str, Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = seriesview.build_workspace(config, results="results")
    # Who builds it now knows nothing of that.
    monkeypatch.setenv("XDG_STATE_HOME", str(here / "another's state"))
    raw = dict(config["datasets"]["raw"])
    steps: list[BuildStep] = []
    series = seriesview.build_dataset(
        Path(raw.pop("path")), name="raw", store="storage", out="raw.json", progress=steps.append, **raw
    )
    assert series.uri == workspace.series["raw"].uri
    written, expected = read_results([Path("raw.json"), Path("results/series/raw.json")])
    assert {**written, "timing": expected["timing"]} == expected
    assert (series.name, series.type, series.num_bytes) == ("raw", "continuous", 720_000)
    assert series.source == here / "raw.dat"
    assert max(step.done_bytes or 0 for step in steps) == 720_000
    assert series.store.directory.samefile("storage")
    named = seriesview.build_dataset(
        "raw.dat", store="storage", dtype="int16", channels=6, sampling_frequency=10
    )
    assert named.name == "raw"
    with pytest.raises(seriesview.SeriesviewError, match=r"gone\.dat"):
        seriesview.build_dataset("gone.dat", store="storage")
    assert json.loads(Path("raw.json").read_text())["uri"] == series.uri
