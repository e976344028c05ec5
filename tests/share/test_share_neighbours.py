"""What others put into an exported folder reaches nothing outside of it, and stops nobody."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from shared_workspaces import make_workspace
from waiting import MOST_SECONDS

from seriesview.errors import SeriesviewError
from seriesview.share.checking import verify_folder
from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.folder import read_sums

NOBODY = 65534
SUM = "0" * 40


@pytest.fixture(autouse=True)
def within_a_minute():
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def private(tmp_path):
    folder = tmp_path / "private"
    folder.mkdir()
    for name in ("notes.txt", "old.tmp", "export.json", "journal"):
        (folder / name).write_text("mine")
    return folder


@pytest.fixture
def export(store, uris):
    def to(directory, *names):
        return export_folder(
            plan_export(store, make_workspace(store, uris, *(names or ("short",))), Wish()), store, directory
        )

    return to


def state(folder):
    return {path: path.read_text() for path in folder.iterdir()}


def add_sums(out, *names):
    with (out / "SHA1SUMS").open("a") as file:
        file.writelines(f"{SUM}  {name}\n" for name in names)


def test_nothing_behind_a_symbolic_link_is_removed(export, private, tmp_path):
    out = tmp_path / "out"
    export(out)
    (out / "more").symlink_to(private)
    (out / "alias.txt").symlink_to(private / "notes.txt")
    add_sums(out, "more/notes.txt", "more/old.tmp", "alias.txt")
    before = state(private)
    export(out)
    assert state(private) == before
    assert (out / "alias.txt").is_symlink()
    assert set(read_sums(out)) & {"more/notes.txt", "alias.txt"} == set()


@pytest.mark.parametrize("odd", ["sha1", "sha1/aa", ".seriesview-export", ".seriesview-export/journal"])
def test_nothing_is_written_or_removed_behind_a_symbolic_link(export, private, tmp_path, odd):
    out = tmp_path / "out"
    if odd == ".seriesview-export/journal":
        (out / ".seriesview-export").mkdir(parents=True)
        (out / odd).symlink_to(private / "journal")
    elif odd == "sha1/aa":
        (out / "sha1").mkdir(parents=True)
        for number in range(256):
            (out / "sha1" / f"{number:02x}").symlink_to(private)
        (out / "export.json").write_text(json.dumps({"format": "seriesview-export/1"}))
    else:
        out.mkdir()
        (out / odd).symlink_to(private)
        (out / "export.json").write_text(json.dumps({"format": "seriesview-export/1"}))
    before = state(private)
    with pytest.raises(SeriesviewError):
        export(out)
    assert state(private) == before


def test_a_symbolic_link_is_no_file_of_the_export(export, private, tmp_path):
    out = tmp_path / "out"
    export(out)
    artifact = next(path for path in (out / "sha1").rglob("*") if path.is_file())
    content = artifact.read_bytes()
    (private / "copy").write_bytes(b"x" * len(content))
    artifact.unlink()
    artifact.symlink_to(private / "copy")
    assert verify_folder(out).problems
    export(out)
    assert not artifact.is_symlink()
    assert artifact.read_bytes() == content
    assert (private / "copy").read_bytes() == b"x" * len(content)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
def test_a_list_that_another_user_wrote_gives_no_right_to_remove(export, tmp_path):
    out = tmp_path / "out"
    export(out)
    (out / "notes.txt").write_text("mine")
    add_sums(out, "notes.txt")
    os.chown(out / "SHA1SUMS", NOBODY, NOBODY)
    export(out)
    assert (out / "notes.txt").read_text() == "mine"
    (out / "SHA1SUMS").chmod(0o666)
    add_sums(out, "notes.txt")
    export(out)
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "name", ["export.json", "SHA1SUMS", "index.html", "serve.py", ".seriesview-export/journal", "artifact"]
)
@pytest.mark.parametrize("kind", ["pipe", "folder", "socket"])
def test_odd_files_stop_nobody(export, tmp_path, name, kind):
    out = tmp_path / "out"
    export(out)
    path = out / name
    if name == "artifact":
        path = next(path for path in (out / "sha1").rglob("*") if path.is_file())
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        subprocess.run(
            [
                sys.executable,
                "-c",
                "import os,sys,socket; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind(sys.argv[2])",
                path.parent,
                path.name,
            ],
            check=True,
        )
    for attempt in (lambda: verify_folder(out), lambda: export(out)):
        with suppress(SeriesviewError):
            attempt()


def test_what_a_folder_serves_lies_in_it(export, private, tmp_path):
    out = tmp_path / "out"
    export(out)
    (out / "notes.txt").symlink_to(private / "notes.txt")
    (out / "more").symlink_to(private)
    os.mkfifo(out / "pipe.txt")
    server = subprocess.Popen(
        [sys.executable, out / "serve.py", "--no-browser"], stdout=subprocess.PIPE, text=True
    )
    try:
        address = server.stdout.readline().split()[0]
        assert urllib.request.urlopen(f"{address}index.html").status == 200
        assert urllib.request.urlopen(address).status == 200
        for path in ("notes.txt", "more/notes.txt", "pipe.txt", "more/", "%2e%2e/private/notes.txt"):
            with pytest.raises(urllib.error.HTTPError) as problem:
                urllib.request.urlopen(f"{address}{path}", timeout=MOST_SECONDS)
            assert problem.value.code == 404, path
    finally:
        server.kill()
        server.communicate()
