"""Recordings that moved are found again by their SHA-1; nothing else is linked, and none is written to."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from closed_port import CLOSED_PORT
from series_builder import store_series
from waiting import MOST_SECONDS

from seriesview.errors import MissingArtifactError
from seriesview.series.series import open_series
from seriesview.store import open_store
from seriesview.store.paths import link_path
from seriesview.workspace.manifest import build_workspace


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "storage", "embedded") as opened:
        yield opened


@pytest.fixture
def old(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    return folder


@pytest.fixture
def new(tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    return folder


def samples(seed, count=300):
    return np.random.default_rng(seed).integers(-100, 100, (count, 2)).astype(np.int16)


def linked(store, path, seed=1):
    return store_series(store, [samples(seed)], samples="link", link_path=path)


def make_workspace(store, *series):
    names = [f"s{n}" for n in range(len(series))]
    document = build_workspace(
        " ".join(names), list(zip(names, series, strict=True)), types=dict.fromkeys(names, "continuous")
    )
    uri = store.put_json(document, name="workspace.json")
    store.record_workspace(uri, "")
    return uri


def relink(store, uri, *places, status=0, prefix=()):
    """What the command finds, and what it says beside that."""
    arguments = ["relink", uri, *map(str, places), "--storage-dir", str(store.directory), "--json"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KACHERY")}
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "seriesview.cli.main", *arguments],
        env=environment | {"KACHERY_DAEMON_PORT": str(CLOSED_PORT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def states(found):
    return [file["state"] for file in found["files"]]


def test_a_file_that_was_moved_and_renamed_is_found(store, old, new):
    moved, stayed = linked(store, old / "raw.dat"), linked(store, old / "other.dat", seed=2)
    workspace = make_workspace(store, moved, stayed)
    target = new / "2024" / "rat 7; renamed.bin"
    target.parent.mkdir()
    (old / "raw.dat").rename(target)
    # Of the same size and even of the same name, but of other bytes.
    samples(3).tofile(new / "raw.dat")
    (new / "short.dat").write_bytes(b"short")
    before = {path: path.stat().st_mtime_ns for path in new.rglob("*")}
    with pytest.raises(MissingArtifactError, match="`seriesview relink"):
        open_series(moved, store).window(0, 3, 5, 4)
    found = relink(store, workspace, new)
    assert states(found) == ["still there", "found"]
    assert [file["path"] for file in found["files"]] == [str(old / "other.dat"), str(target)]
    assert found["files"][1]["old_path"] == str(old / "raw.dat")
    assert store.path(f"sha1://{found['files'][1]['sha1']}/raw.dat") == target
    np.testing.assert_array_equal(open_series(moved, store).values(0, 0, 300), samples(1))
    assert {path: path.stat().st_mtime_ns for path in new.rglob("*")} == before
    assert states(relink(store, workspace, new)) == ["still there"] * 2


def test_what_is_not_found_is_said(store, old, new):
    workspace = make_workspace(store, linked(store, old / "raw.dat"))
    (old / "raw.dat").unlink()
    samples(2).tofile(new / "same_size.dat")
    assert states(relink(store, workspace, new, status=1)) == ["not found"]
    assert relink(store, workspace, new, status=1)["files"][0]["path"] is None


def test_a_file_that_was_appended_to_is_not_it_but_its_copy_is(store, old, new):
    series = linked(store, old / "raw.dat")
    workspace = make_workspace(store, series)
    shutil.copy(old / "raw.dat", new / "backup.dat")
    with (old / "raw.dat").open("ab") as file:
        file.write(b"more")
    assert states(relink(store, workspace, old, status=1)) == ["not found"]
    found = relink(store, workspace, old, new)
    assert found["files"][0]["path"] == str(new / "backup.dat")
    np.testing.assert_array_equal(open_series(series, store).values(0, 0, 300), samples(1))


def test_a_file_that_was_only_touched_is_linked_again(store, old, new):
    series = linked(store, old / "raw.dat")
    os.utime(old / "raw.dat", (1, 1))
    found = relink(store, series, new)
    assert found["files"][0]["path"] == str(old / "raw.dat")
    assert states(relink(store, series, new)) == ["still there"]


def test_workspaces_that_share_a_file_all_have_it_again(store, old, new):
    series = linked(store, old / "raw.dat")
    one = make_workspace(store, series)
    other = make_workspace(store, series, linked(store, old / "other.dat", seed=2))
    for name in ("raw.dat", "other.dat"):
        (old / name).rename(new / name)
    assert states(relink(store, one, new)) == ["found"]
    assert sorted(states(relink(store, other, new))) == ["found", "still there"]


def test_a_link_that_was_lost_is_made_again(store, old, new):
    workspace = make_workspace(store, linked(store, old / "raw.dat"))
    store.flush()
    for link in store.directory.glob("sha1/??/??/??/*.link"):
        link.unlink()
    assert states(relink(store, workspace, new, status=1)) == ["not found"]
    found = relink(store, workspace, old)
    assert found["files"][0]["path"] == str(old / "raw.dat")
    assert link_path(store.directory, found["files"][0]["sha1"]).exists()


def test_a_file_of_which_nothing_is_known_is_not_passed_over(store, old, new):
    series = linked(store, old / "raw.dat")
    workspace = make_workspace(store, series)
    store.close()
    for lost in (*store.directory.glob("sha1/??/??/??/*.link"), *store.directory.glob("seriesview/record/*")):
        lost.unlink()
    found = relink(store, workspace, old, status=1)
    assert states(found) == ["not found"]
    assert found["files"][0]["size"] is None
    with pytest.raises(MissingArtifactError, match="`seriesview relink"):
        open_series(series, store).values(0, 0, 3)


def test_symbolic_links_are_followed_but_not_in_circles(store, old, new, tmp_path):
    workspace = make_workspace(store, linked(store, old / "raw.dat"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (old / "raw.dat").rename(elsewhere / "raw.dat")
    (new / "again").symlink_to(new)
    (new / "nothing").symlink_to(new / "gone")
    (new / "self").symlink_to(new / "self")
    (new / "there").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(new)
    os.mkfifo(new / "pipe")
    found = relink(store, workspace, new)
    assert found["files"][0]["path"] == str(new / "there" / "raw.dat")


def test_folders_that_cannot_be_read_are_named_and_passed_over(store, old, new):
    workspace = make_workspace(store, linked(store, old / "raw.dat"))
    closed = new / "a closed folder"
    closed.mkdir(mode=0)
    same_size = new / "another.dat"
    samples(2).tofile(same_size)
    same_size.chmod(0)
    (old / "raw.dat").rename(new / "raw.dat")
    bounded = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    found = relink(store, workspace, new, prefix=bounded if os.geteuid() == 0 else ())
    assert states(found) == ["found"]
    assert str(closed) in found["unreadable"][0]


def test_a_workspace_that_is_not_there_is_an_error(store, new):
    with pytest.raises(AssertionError, match="`seriesview ls` lists"):
        relink(store, f"sha1://{'0' * 40}/workspace.json", new)
