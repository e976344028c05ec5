"""An exported folder: the same bytes each time, written once, completed after a kill, never more than its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from shared_workspaces import files_of, make_workspace, run
from waiting import MOST_SECONDS, until

from seriesview.errors import SeriesviewError
from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.folder import open_folder, read_description
from seriesview.store import open_store


@pytest.fixture
def export(store, workspace):
    def to(directory, wish=None, uri=workspace):
        return export_folder(plan_export(store, uri, wish or Wish()), store, directory)

    return to


def test_the_same_bytes_each_time_and_nothing_of_this_machine(export, store, place, tmp_path):
    export(tmp_path / "one", Wish(raw=True))
    export(tmp_path / "deep" / "er" / "two", Wish(raw=True))
    one, two = files_of(tmp_path / "one"), files_of(tmp_path / "deep" / "er" / "two")
    assert one == two
    assert {"index.html", "viewer.js", "export.json", "serve.py", "README.txt", "SHA1SUMS"} <= set(one)
    for name, content in one.items():
        for private in (str(place), str(tmp_path), str(Path.home()), os.uname().nodename):
            assert len(private) < 4 or private.encode() not in content, name
    assert not [path for path in (tmp_path / "one").rglob("*") if path.is_symlink() or path.suffix == ".link"]


def test_a_second_export_writes_nothing(export, tmp_path):
    first = export(tmp_path / "out")
    assert first.num_written == len(files_of(tmp_path / "out"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    second = export(tmp_path / "out")
    assert (second.num_written, second.bytes_written, second.num_removed) == (0, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_only_what_changed_is_written_and_what_is_obsolete_removed(export, store, uris, tmp_path):
    out = tmp_path / "out"
    export(out, Wish(raw=True), make_workspace(store, uris, "probe", "short"))
    (out / "notes.txt").write_text("mine")
    mine = out / "sha1" / "aa" / "mine"
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine too")
    done = export(out, Wish(), make_workspace(store, uris, "short"))
    fresh = tmp_path / "fresh"
    export(fresh, Wish(), make_workspace(store, uris, "short"))
    assert files_of(out) == files_of(fresh) | {"notes.txt": b"mine", "sha1/aa/mine": b"mine too"}
    assert done.num_removed > 10
    assert done.num_written == 4  # the workspace's manifest, README.txt, SHA1SUMS, export.json


def test_a_folder_of_others_is_left_alone(export, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x")
    with pytest.raises(SeriesviewError, match="not empty and not an export"):
        export(tmp_path / "thesis")
    assert list(files_of(tmp_path / "thesis")) == ["chapter.tex"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(SeriesviewError, match="choose another folder"):
        export(tmp_path / "file")
    (tmp_path / "pages" / ".git").mkdir(parents=True)
    export(tmp_path / "pages")
    assert read_description(tmp_path / "pages")


def test_two_at_once_do_not_meet(export, tmp_path):
    with open_folder(tmp_path / "out"), pytest.raises(SeriesviewError, match="another export"):
        export(tmp_path / "out")
    export(tmp_path / "out")


def test_names_in_a_list_that_lead_out_of_the_folder_are_not_followed(export, tmp_path):
    out, outside = tmp_path / "out", tmp_path / "outside.txt"
    export(out)
    outside.write_text("x")
    sums = out / "SHA1SUMS"
    sums.write_text(sums.read_text() + f"{'0' * 40}  ../outside.txt\n{'0' * 40}  {outside}\n")
    export(out)
    assert outside.exists()


KILLED = """
import os, signal, sys
from seriesview.share import folder
from seriesview.cli.main import main
left = int(sys.argv.pop(1))
write = folder.ExportFolder._write
def counted(self, *arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, *arguments)
folder.ExportFolder._write = counted
main(sys.argv[1:])
"""


def killed_after(files, *arguments):
    """Run an export that is killed at its n-th file."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(files), *map(str, arguments)], check=False, capture_output=True
    )
    return done.returncode


def test_a_killed_export_is_completed(store, uris, export, tmp_path):
    uri = make_workspace(store, uris, "probe", "spikes")
    reference = tmp_path / "reference"
    total = export(reference, uri=uri).num_written
    expected = files_of(reference)
    for files in (0, 1, total // 2, total - 2, total - 1):
        out = tmp_path / f"out {files}"
        assert killed_after(files, "export", uri, out, "--storage-dir", store.directory) == -signal.SIGKILL
        assert "export.json" not in files_of(out)
        assert "not finished" in run("verify", out, expected=2).stderr
        export(out, uri=uri)
        assert files_of(out) == expected


def test_until_the_end_a_killed_second_export_shows_the_first(store, uris, export, tmp_path):
    first, second = make_workspace(store, uris, "probe"), make_workspace(store, uris, "spikes", "short")
    fresh = tmp_path / "fresh"
    export(fresh, uri=second)
    reference = tmp_path / "reference"
    export(reference, uri=first)
    shutil.copytree(reference, tmp_path / "probed")
    total = export(tmp_path / "probed", uri=second).num_written
    for files in (1, total - 2, total - 1):
        out = tmp_path / f"out {files}"
        export(out, uri=first)
        assert killed_after(files, "export", second, out, "--storage-dir", store.directory) == -signal.SIGKILL
        description = read_description(out)
        assert description == read_description(reference)
        reading = open_store(out, "embedded")
        assert reading.get_json(description["workspace"])["series"][0]["name"] == "probe"
        export(out, uri=second)
        assert files_of(out) == files_of(fresh)


def test_a_full_disk_is_said(store, uris, export, tmp_path):
    """A limit on the size of files stands for a disk that is full."""
    command = (
        f"ulimit -f 200; exec {sys.executable} -m seriesview.cli.main export {uris['probe']} '{tmp_path}/out'"
    )
    done = subprocess.run(
        ["bash", "-c", f"{command} --storage-dir '{store.directory}'"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert len([line for line in done.stderr.splitlines() if "error" in line]) == 1
    export(tmp_path / "out", uri=uris["probe"])
    export(tmp_path / "reference", uri=uris["probe"])
    assert files_of(tmp_path / "out") == files_of(tmp_path / "reference")


def test_a_recording_that_moved_is_named(store, uris, place, tmp_path):
    moved = place / "elsewhere.dat"
    (place / "probe.dat").rename(moved)
    try:
        done = run(
            "export", uris["probe"], tmp_path / "out", "--raw", "--storage-dir", store.directory, expected=2
        )
        assert "probe.dat is gone" in done.stderr
        run("export", uris["probe"], tmp_path / "out", "--storage-dir", store.directory)
    finally:
        moved.rename(place / "probe.dat")
    run("verify", tmp_path / "out")


def test_damage_in_the_store_is_not_shared(store, uris, export, tmp_path):
    copy = tmp_path / "storage"
    shutil.copytree(store.directory, copy)
    part = max((path for path in copy.glob("sha1/??/??/??/*")), key=lambda path: path.stat().st_size)
    part.write_bytes(b"oops" + part.read_bytes()[4:])
    damaged = open_store(copy, "embedded")
    with pytest.raises(SeriesviewError, match="other bytes"):
        export_folder(plan_export(damaged, uris["stored"], Wish(raw=True)), damaged, tmp_path / "out")


def test_the_command_says_what_is_shared(store, workspace, tmp_path):
    out = tmp_path / "out put"
    done = run("export", workspace, out, "--raw-range", "100:101", "--storage-dir", store.directory)
    assert "  probe: samples 65536 to 131072, 786 kB" in done.stdout
    assert (
        "  left out: probe: raw samples 0 to 65536, 131072 to 400000 (not asked for, 4.01 MB)" in done.stdout
    )
    assert re.search(
        r"out put: \d+ files written, .*; look at it with `python3 '.*/out put/serve.py'`", done.stdout
    )
    document = json.loads(run("export", workspace, out, "--json", "--storage-dir", store.directory).stdout)
    assert document["uri"] == read_description(out)["workspace"]
    assert document["left_out"] == read_description(out)["left_out"]
    assert document["files_removed"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the folder to write, or --single-file"),
        (["out", "--single-file", "out.html"], "give the folder to write, or --single-file"),
        (["out", "--raw", "--raw-range", "1:2"], "not both"),
        (["out", "--raw-range", "2:1"], "START:END in seconds"),
        (["out", "--raw-range", "2"], "START:END in seconds"),
        (["out", "--raw-range", "nan:2"], "START:END in seconds"),
        (["out", "--max-size", "big"], "no size; write 500MB"),
        (["out", "--without", "nobody"], "no such series"),
    ],
)
def test_what_makes_no_sense_is_said(store, workspace, tmp_path, arguments, message):
    done = run("export", workspace, *arguments, "--storage-dir", store.directory, expected=2, cwd=tmp_path)
    assert message in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_says_nothing_wrong(store, workspace, tmp_path):
    out = tmp_path / "out"
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "seriesview.cli.main",
            "export",
            workspace,
            out,
            "--raw",
            "--storage-dir",
            store.directory,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        until(lambda: (out / ".seriesview-export").exists() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=MOST_SECONDS)
    assert process.returncode in (0, 130)
    assert b"Traceback" not in errors
    run("export", workspace, out, "--raw", "--storage-dir", store.directory)
    run("verify", out)


def test_an_export_is_read_in_place(store, uris, export, tmp_path):
    out = tmp_path / "out"
    export(out, Wish(raw_ranges=((100.0, 101.0),)), make_workspace(store, uris, "probe"))
    uri = read_description(out)["workspace"]
    said = run("info", uri, "--storage-dir", out).stdout
    assert "raw samples: stored, but left out of this copy: samples 0 to 65536, 131072 to 400000" in said
    assert "values: 65536 rows, 1 part, 1 pack, 786 kB" in said
    series = open_store(out, "embedded").get_json(uri)["series"][0]["uri"]
    window = ["window", series, "--storage-dir", out, "--columns", "10", "--out", tmp_path / "window.npy"]
    run(*window, "--first-sample", "70000", "--samples-per-column", "3")
    done = run(*window, "--first-sample", "7", "--samples-per-column", "3", expected=2)
    assert "rows 0 to 65536 were left out when this copy was made" in done.stderr
    assert not (out / "seriesview").exists()
