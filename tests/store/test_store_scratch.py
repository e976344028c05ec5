"""Scratch: packs are written on a machine's own disk, and come whole into the store."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disks import small_disk_at

from seriesview.errors import IntegrityError, StoreError
from seriesview.store import Store, open_store
from seriesview.store.packs import StagedPack
from seriesview.store.scratch import Scratch

CONTENT = os.urandom(3_000_000)
SHA1 = hashlib.sha1(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "scratch").mkdir()
    return open_store(tmp_path / "storage", "embedded")


@pytest.fixture
def pack(store: Store, tmp_path: Path) -> Iterator[StagedPack]:
    with store.writing_first_on(str(tmp_path / "scratch")):
        pack = store.stage_pack()
        pack.write(memoryview(CONTENT[1_000_000:]), 1_000_000)
        pack.write(memoryview(CONTENT[:1_000_000]), 0)
        yield pack
        pack.discard()
    assert not list((tmp_path / "scratch").iterdir())


def staged(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "scratch").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    (file,) = folder.iterdir()
    return file


def test_a_pack_comes_whole_into_the_store(store: Store, pack: StagedPack, tmp_path: Path) -> None:
    assert staged(tmp_path).stat().st_size == len(CONTENT)
    assert not list((tmp_path / "storage").rglob("*.tmp"))
    pack.keep(SHA1, len(CONTENT))
    assert store.get_bytes(f"sha1://{SHA1}/pack") == CONTENT
    assert not list((tmp_path / "storage").rglob("*.tmp"))


def test_what_a_disk_gives_back_otherwise_is_no_artifact(
    store: Store, pack: StagedPack, tmp_path: Path
) -> None:
    with staged(tmp_path).open("r+b") as file:
        file.write(bytes([CONTENT[0] ^ 1]))
    with pytest.raises(IntegrityError, match="is not what was written there"):
        pack.keep(SHA1, len(CONTENT))
    assert not store.exists(f"sha1://{SHA1}/pack")
    assert not list((tmp_path / "storage").rglob("*.tmp"))


def test_full_scratch_is_named(store: Store, tmp_path: Path) -> None:
    with small_disk_at(tmp_path / "small", "size=1m") as disk, store.writing_first_on(str(disk)):
        store.check_writable()
        pack = store.stage_pack()
        told = f"scratch {disk}/.*No space left on device; free some space there"
        with pytest.raises(StoreError, match=told) as caught:
            pack.write(memoryview(CONTENT), 0)
        pack.discard()
    assert caught.value.code == "no-space"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("$SERIESVIEW_NOT_SET/x", "is not set here"),
        ("/nowhere", "No such file"),
        ("/proc", "scratch /proc: "),
    ],
)
def test_scratch_that_is_not_there_is_told(store: Store, place: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason), store.writing_first_on(place):
        pass


def test_what_others_left_is_removed_and_what_lives_stays(tmp_path: Path) -> None:
    own = Scratch(str(tmp_path))
    ended = tmp_path / f"{socket.gethostname()}-{2**22 + 1}-00.seriesview"
    elsewhere = tmp_path / f"other-host-{2**22 + 1}-00.seriesview"
    theirs = tmp_path / "precious"
    link = tmp_path / f"{socket.gethostname()}-{2**22 + 1}-01.seriesview"
    for folder in (ended, elsewhere, theirs):
        folder.mkdir()
        (folder / "file").touch()
    link.symlink_to(theirs)
    other = Scratch(str(tmp_path))
    assert not ended.exists()
    assert all(path.exists() for path in (own.path, other.path, elsewhere, theirs / "file", link))
    for scratch in (own, other):
        scratch.remove()
        assert not scratch.path.exists()
