"""How much can still be stored: bytes and files of the file system, and of the quota where it tells."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disks import small_disk_at

from seriesview.errors import StoreError
from seriesview.store import open_store
from seriesview.store.room import Room, quota_left, room_in


@pytest.fixture
def few_files(tmp_path: Path) -> Iterator[Path]:
    """A file system of 40 files and folders."""
    with small_disk_at(tmp_path / "a disk", "size=4m,nr_inodes=40") as disk:
        yield disk


def test_room_is_that_of_the_place_where_the_directory_will_be(few_files: Path) -> None:
    room = room_in(few_files / "not" / "there" / "yet")
    assert room.num_files is not None
    assert 30 <= room.num_files < 40
    assert 0 < room.num_bytes <= 4 << 20
    (few_files / "one").touch()
    assert room_in(few_files).num_files == room.num_files - 1
    system = os.statvfs(few_files.parent)
    assert room_in(few_files.parent).num_bytes == pytest.approx(system.f_bavail * system.f_frsize, rel=0.2)


def test_where_no_more_files_can_be_made_that_is_said(few_files: Path) -> None:
    store = open_store(few_files / "storage", "embedded")

    def fill() -> None:
        for number in range(40):
            store.put_part(b"%d" % number)

    with pytest.raises(StoreError, match="no room for more files"):
        fill()
    assert store.room().num_bytes > 1 << 20


def answer(
    blocks: int = 0, soft: int = 0, used: int = 0, files: int = 0, soft_files: int = 0, used_files: int = 0
) -> bytes:
    """What quotactl(2) gives: struct if_dqblk."""
    return struct.pack("=8QI4x", blocks, soft, used, files, soft_files, used_files, 0, 0, 63)


def test_a_quota_is_read_by_its_hard_limits() -> None:
    assert quota_left(answer()) == (None, None)
    assert quota_left(answer(blocks=100, soft=1, used=2400)) == (100 * 1024 - 2400, None)
    assert quota_left(answer(blocks=1, used=5000, files=7, used_files=3)) == (0, 4)


def test_the_tighter_of_disk_and_quota_counts() -> None:
    room = Room(1000, 10)
    assert room.within((None, None)) == room
    assert room.within((2000, 20)) == room
    assert room.within((500, None)) == Room(500, 10, quota_bytes=True)
    assert room.within((500, 3)) == Room(500, 3, quota_bytes=True, quota_files=True)
    assert Room(1000).within((None, 3)) == Room(1000, 3, quota_files=True)
