"""The workflow, run by the real Snakemake on small recordings, as users run it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from closed_port import CLOSED_PORT
from waiting import MOST_SECONDS, until

from seriesview.pipeline import drawing
from seriesview.store import open_store

ROOT = Path(__file__).parent.parent.parent
SNAKEFILE = ROOT / "workflow" / "Snakefile"


def environment() -> dict[str, str]:
    hidden = ("KACHERY_STORAGE_DIR", "KACHERY_DAEMON_PORT")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "KACHERY_DAEMON_PORT": str(CLOSED_PORT),
    }


def run(directory: Path, *command: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=directory, env=environment(), capture_output=True, text=True)
    if status is not None:
        assert done.returncode == status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def serve(directory: Path, *command: str) -> None:
    """Start a command that stays, and stop it when it has printed its link."""
    variables = environment()
    del variables["KACHERY_DAEMON_PORT"]
    staying = subprocess.Popen(command, cwd=directory, env=variables, stdout=subprocess.PIPE, text=True)
    try:
        assert staying.stdout is not None
        assert staying.stdout.readline().startswith("http://")
    finally:
        staying.terminate()
        staying.communicate(timeout=MOST_SECONDS)


def snakemake(directory: Path, *arguments: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
    base = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--configfile", "config.yaml"]
    return run(directory, *base, *arguments, status=status)


def build(directory: Path, *arguments: str, status: int | None = 0) -> subprocess.CompletedProcess[str]:
    return run(directory, "seriesview", "build", *arguments, status=status)


def flat(
    directory: Path, name: str, channels: int = 6, samples: int = 40_000, seed: int = 0
) -> dict[str, Any]:
    values = np.random.default_rng(seed).normal(0, 300, (samples, channels)).astype("int16")
    values.tofile(directory / name)
    return {
        "path": name,
        "reader": "binary",
        "dtype": "int16",
        "channels": channels,
        "sampling_frequency": 1000,
    }


def write_config(directory: Path, datasets: dict[str, Any], **more: Any) -> None:
    content = {"workspace": "test", "store": {"storage_dir": "kachery storage"}, "datasets": datasets} | more
    (directory / "config.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def workspace(directory: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((directory / "results" / "workspace.json").read_text())
    return content


@pytest.fixture
def here(tmp_path: Path) -> Path:
    directory = tmp_path / "a directory"
    directory.mkdir()
    return directory


def test_a_build_from_nothing_to_pictures_with_spaces_in_every_path(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "my data").mkdir()
    first = flat(here, "my data/raw one.dat")
    write_config(here, {"raw": first, "scattered": first | {"scatter": 3, "label": "raw"}})
    done = build(here, "--cores", "2")
    assert "to read 960 kB, to write " in done.stdout
    assert workspace(here)["uri"] in done.stdout
    assert "results/pictures/index.html" in done.stdout
    for picture in ("raw.png", "scattered.png"):
        assert (here / "results" / "pictures" / picture).read_bytes().startswith(b"\x89PNG")
    one, other = (
        json.loads((here / f"results/series/{name}.json").read_text()) for name in ("raw", "scattered")
    )
    assert one["uri"] == other["uri"]
    assert set(one) >= {"uri", "manifest", "source", "timing"}
    assert one["timing"].keys() == {"seconds", "bytes", "bytes_reduced"}
    run(here, "seriesview", "verify", "results/workspace.json")
    # A picture of another version of the drawing is drawn again, and nothing else is done.
    made = (here / "results/artifacts/raw.json").stat().st_mtime_ns
    picture = here / "results/pictures/raw.png"
    drawn = picture.read_bytes()
    with monkeypatch.context() as patch, open_store(here / "kachery storage", "embedded") as store:
        patch.setattr(drawing, "PICTURE_VERSION", 0)
        drawing.write_picture(one["uri"], "raw", {}, store, picture)
    assert picture.read_bytes() != drawn
    again = build(here, "--cores", "2")
    assert "2 built already, 0 to build" in again.stdout
    assert picture.read_bytes() == drawn
    assert (here / "results/artifacts/raw.json").stat().st_mtime_ns == made


def test_file_names_that_mean_something_to_snakemake_or_the_shell_are_names_all_the_same(here: Path) -> None:
    nasty = here / "50 % #1 {name} 'ü' $(id)\nsecond line"
    nasty.mkdir()
    names = ["{name}.dat", "{x}.dat", "a{b,c}*?[1].dat", '"; $HOME `id` \\n.dat']
    datasets = {f"d{number}": flat(nasty, name, seed=number) for number, name in enumerate(names)}
    write_config(nasty, datasets | {"scattered": datasets["d1"] | {"scatter": 2, "label": "d1"}})
    build(nasty, "--cores", "2")
    uris = [json.loads((nasty / f"results/series/{name}.json").read_text())["uri"] for name in datasets]
    assert len(set(uris)) == len(names)
    assert json.loads((nasty / "results/series/scattered.json").read_text())["uri"] == uris[1]
    flat(nasty, "{x}.dat", seed=9)
    build(nasty, "--cores", "2")
    assert json.loads((nasty / "results/series/d1.json").read_text())["uri"] != uris[1]
    run(nasty, "seriesview", "verify", "results/workspace.json")


def test_plain_snakemake_and_seriesview_build_give_the_same_workspace(here: Path, tmp_path: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")}, results="made of/it")
    snakemake(here, "--cores", "all")
    assert not (here / "results").exists()
    assert "made of/it/workspace.json" in build(here).stdout
    other = tmp_path / "other"
    other.mkdir()
    write_config(other, {"raw": flat(other, "raw.dat")})
    build(other, "--cores", "1")
    assert json.loads((here / "made of/it/workspace.json").read_text())["uri"] == workspace(other)["uri"]


def test_a_dry_run_says_what_is_read_and_written_and_does_nothing(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")})
    for done in (snakemake(here, "-n"), build(here, "-n")):
        assert "to read 480 kB, to write" in done.stderr
        assert "free " in done.stderr
    assert not (here / "results").exists()
    assert not (here / "kachery storage").exists()


def test_lint_is_clean(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")})
    snakemake(here, "--lint")


def test_the_report_has_a_picture_and_a_row_for_each_series(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat"), "more": flat(here, "more.dat", 2)})
    build(here, "--cores", "2", "--report", "report.zip")
    shutil.unpack_archive(here / "report.zip", here / "unpacked")
    names = {path.name for path in (here / "unpacked").rglob("*")}
    assert {"raw.png", "more.png", "series.html"} <= names
    (table,) = (here / "unpacked").rglob("series.html")
    assert "<td>raw</td>" in table.read_text()
    assert "<td>more</td>" in table.read_text()


def test_new_words_read_no_samples_again(here: Path) -> None:
    dataset = flat(here, "raw.dat")
    write_config(here, {"raw": dataset})
    build(here)
    artifacts = here / "results" / "artifacts" / "raw.json"
    made = artifacts.stat().st_mtime_ns
    views = [{"label": "v", "panels": [{"type": "ContinuousTraces", "series": "raw"}]}]
    write_config(here, {"raw": dataset | {"label": "New", "unit": "mV", "scale": 2.0}}, views=views)
    build(here)
    assert artifacts.stat().st_mtime_ns == made
    assert json.loads((here / "results/series/raw.json").read_text())["manifest"]["label"] == "New"
    assert workspace(here)["manifest"]["views"][0]["label"] == "v"


def test_a_changed_recording_is_built_again(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")})
    build(here)
    before = workspace(here)["uri"]
    flat(here, "raw.dat", seed=1)
    build(here)
    assert workspace(here)["uri"] != before


def test_artifacts_that_were_lost_are_built_again(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")})
    build(here)
    before = workspace(here)["uri"]
    shutil.rmtree(here / "kachery storage")
    build(here)
    assert workspace(here)["uri"] == before
    run(here, "seriesview", "verify", "results/workspace.json")
    shutil.rmtree(here / "kachery storage")
    planned = snakemake(here, "-n")
    assert "nothing of what was built is in embedded store in" in planned.stderr
    assert "rule chunk:" in planned.stdout + planned.stderr
    snakemake(here, "--cores", "2")
    run(here, "seriesview", "verify", "results/workspace.json")
    done = snakemake(here, "-n")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_directory_that_was_moved_links_its_recordings_again(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat"), "more": flat(here, "more.dat", 2)})
    build(here)
    moved = here.rename(here.with_name("moved"))
    run(moved, "seriesview", "verify", "results/workspace.json", status=1)
    build(moved)
    run(moved, "seriesview", "verify", "results/workspace.json")


def test_what_is_made_of_others_is_built_after_them_in_jobs_of_its_own_where_those_are(here: Path) -> None:
    steps = [{"highpass": 50}]
    datasets = {
        "on_shared": {"from": "shared", "steps": [{"absolute": True}]},
        "shared": {"from": "raw", "steps": steps, "scatter": 2, "label": "High"},
        "small": {"from": "raw", "steps": steps},
        "raw": flat(here, "raw.dat"),
    }
    write_config(here, datasets)
    build(here, "--cores", "2")
    found = {
        name: json.loads((here / "results" / "series" / f"{name}.json").read_text()) for name in datasets
    }
    made_of = {name: (each["manifest"].get("from") or {}).get("uri") for name, each in found.items()}
    raw, shared = found["raw"]["uri"], found["shared"]["uri"]
    assert made_of == {"on_shared": shared, "shared": raw, "small": raw, "raw": None}
    jobs = {
        path.relative_to(here / "results" / "chunks").as_posix()
        for path in here.glob("results/chunks/*/*.json")
    }
    # Whatever has the recording's size is together with it.
    assert jobs == {"one/on_shared.json", "one/shared.json", "some/0-of-1.json"}
    datasets["on_shared"]["steps"] = [{"highpass": 60}]
    write_config(here, datasets)
    planned = build(here, "-n").stdout
    assert re.search(r"^chunk +1$", planned, re.MULTILINE)
    assert not re.search(r"^(shard|gather) ", planned, re.MULTILINE)


def test_one_bad_dataset_stops_nothing_before_it_is_named(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat"), "gone": flat(here, "raw.dat") | {"path": "gone.dat"}})
    done = build(here, status=2)
    assert done.stderr.strip().startswith("seriesview: error: dataset gone: path: gone.dat: no such file")
    assert "Traceback" not in done.stderr
    assert not (here / "results" / "artifacts").exists()


def test_keep_going_builds_the_rest_and_says_what_is_missing(here: Path) -> None:
    good = flat(here, "raw.dat")
    short = flat(here, "short.dat") | {"channels": 7}
    write_config(here, {"gone": good | {"path": "gone.dat"}, "raw": good, "short": short})
    done = build(here, "--keep-going", status=1)
    assert "dataset gone: path: gone.dat: no such file" in done.stderr
    assert "dataset short: " in done.stderr
    found = workspace(here)["manifest"]
    assert [entry["name"] for entry in found["series"]] == ["raw"]
    assert [entry["name"] for entry in found["missing"]] == ["gone", "short"]
    assert "no such file" in found["missing"][0]["error"]
    good_again = good | {"path": "gone.dat"}
    flat(here, "gone.dat", seed=3)
    write_config(here, {"gone": good_again, "raw": good})
    build(here)
    assert "missing" not in workspace(here)["manifest"]


def test_snakemake_alone_also_keeps_going(here: Path) -> None:
    good = flat(here, "raw.dat")
    write_config(here, {"gone": good | {"path": "gone.dat"}, "raw": good})
    done = snakemake(here, "--cores", "2", "--keep-going", status=1)
    assert "seriesview: error: dataset gone: path: gone.dat: no such file" in done.stderr
    assert (here / "results/series/raw.json").is_file()


def test_every_configuration_error_is_listed_by_both(here: Path) -> None:
    write_config(here, {"raw": {"path": 3, "chanels": 1}, "b c": {"path": "x"}})
    for done in (build(here, status=2), snakemake(here, "-n", status=1)):
        for text in (
            "datasets.raw.path: expected a text that is not empty, found 3",
            "unknown key chanels",
            "found 'b c'",
        ):
            assert text in done.stdout + done.stderr


def test_a_killed_build_started_again_gives_the_same_workspace(here: Path, tmp_path: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat", 8, 3_000_000) | {"full_resolution": "store"}})
    other = tmp_path / "undisturbed"
    other.mkdir()
    for name in ("config.yaml", "raw.dat"):
        shutil.copy(here / name, other / name)
    build(other)
    process = subprocess.Popen(
        ["seriesview", "build"],
        cwd=here,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    until(
        lambda: any(path.stat().st_size for path in (here / "results/ledger").glob("*.jsonl")),
        process=process,
    )
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (path / "cwd").resolve() == here and int(path.name) != os.getpid():
                os.kill(int(path.name), signal.SIGKILL)
        except (OSError, PermissionError):
            continue
    process.wait()
    build(here)
    assert workspace(here)["uri"] == workspace(other)["uri"]


def test_an_interrupted_build_leaves_no_process_behind(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat", 32, 2_000_000) | {"full_resolution": "store"}})
    process = subprocess.Popen(
        ["seriesview", "build"], cwd=here, env=environment(), stdout=subprocess.DEVNULL
    )
    until(lambda: any((here / "results/ledger").glob("*.jsonl")), process=process)
    process.send_signal(signal.SIGINT)
    assert process.wait(300) == 130
    until(lambda: not any(is_in(path, here) for path in Path("/proc").glob("[0-9]*")))
    build(here)


def is_in(process: Path, directory: Path) -> bool:
    try:
        return (process / "cwd").resolve() == directory
    except OSError:
        return False


def test_two_builds_in_one_directory_are_refused(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat", 32, 2_000_000) | {"full_resolution": "store"}})
    process = subprocess.Popen(
        ["seriesview", "build"], cwd=here, env=environment(), stdout=subprocess.DEVNULL
    )
    until(lambda: is_locked(here / "results" / "seriesview.lock"), process=process)
    # However long the second one takes to start.
    process.send_signal(signal.SIGSTOP)
    assert "another build is running here" in build(here, status=2).stderr
    process.send_signal(signal.SIGCONT)
    assert process.wait() == 0


def is_locked(path: Path) -> bool:
    """Whether a process holds a lock on a file."""
    return path.exists() and f":{path.stat().st_ino} " in Path("/proc/locks").read_text()


def test_the_workflow_serves_as_a_module(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")})
    (here / "outer.yaml").write_text(
        yaml.safe_dump({"recordings": yaml.safe_load((here / "config.yaml").read_text())})
    )
    (here / "Snakefile").write_text(
        f"""
configfile: "outer.yaml"

module seriesview:
    snakefile: {str(SNAKEFILE)!r}
    config: config["recordings"]

use rule * from seriesview as views_*

rule mine:
    default_target: True
    input: "results/workspace.json"
    output: "mine.txt"
    shell: "cp {{input}} {{output}}"
"""
    )
    run(here, sys.executable, "-m", "snakemake", "--cores", "2")
    assert json.loads((here / "mine.txt").read_text())["uri"].startswith("sha1://")


def test_a_full_store_is_named_before_anything_is_read(here: Path) -> None:
    dataset = flat(here, "raw.dat") | {"full_resolution": "store"}
    with (here / "raw.dat").open("ab") as file:
        file.truncate(12 * 10**12)
    write_config(here, {"raw": dataset})
    done = build(here, status=2)
    assert "TB are to be written" in done.stderr
    assert "free some room" in done.stderr


def test_a_recording_given_by_its_kachery_uri_is_built(here: Path) -> None:
    from seriesview.store import open_store

    dataset = flat(here, "raw.dat")
    with open_store(here / "kachery storage", "embedded") as store:
        uri = store.put_file(here / "raw.dat")
    write_config(here, {"raw": dataset, "stored": dataset | {"path": uri, "label": "raw"}})
    build(here)
    one, other = (
        json.loads((here / f"results/series/{name}.json").read_text()) for name in ("raw", "stored")
    )
    assert one["manifest"]["levels"] == other["manifest"]["levels"]
    assert other["manifest"]["values"]["link"]["uri"] == uri


def test_a_date_that_is_not_quoted_keeps_its_time_of_day(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")})
    with (here / "config.yaml").open("a") as file:
        file.write("    session_start: 2024-03-30T23:05:00+01:00\n")
    build(here)
    manifest = json.loads((here / "results/series/raw.json").read_text())["manifest"]
    assert manifest["session_start"] == "2024-03-30T23:05:00+01:00"


def test_the_commands_that_a_build_prints_work_whatever_its_configuration_is_called(here: Path) -> None:
    write_config(here, {"raw": flat(here, "raw.dat")})
    (here / "config.yaml").rename(here / "mine.yaml")
    (here / "elsewhere").mkdir()
    (here / "raw.dat").rename(here / "elsewhere" / "raw.dat")
    done = build(here, "mine.yaml", "--directory", "elsewhere")
    before, _, commands = done.stdout.partition("next, in elsewhere:\n")
    assert before
    for line in commands.splitlines():
        command = shlex.split(line)
        if command[1] == "serve":
            serve(here / "elsewhere", *command)
        else:
            run(here / "elsewhere", *command)
    assert "seriesview serve " in commands
    assert (here / "elsewhere" / "plot.png").is_file()
