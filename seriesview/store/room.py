"""How much can still be stored: bytes and files, by the file system and by the user's quota where that can be read."""

import ctypes
import os
import struct
from dataclasses import dataclass, replace
from pathlib import Path

from seriesview.store.faults import read_fault

_GET_USER_QUOTA = (0x800007 << 8) - (1 << 32)
_QUOTA = struct.Struct("=8QI")
_QUOTA_BLOCK_BYTES = 1024
_MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Room:
    """Bytes that can still be written and files that can still be made; None where that is not known or has no end."""

    num_bytes: int | None
    num_files: int | None = None
    quota_bytes: bool = False
    """Whether it is the user's quota that leaves no more bytes, not the disk."""
    quota_files: bool = False
    """Whether it is the user's quota that leaves no more files."""

    def within(self, quota: tuple[int | None, int | None]) -> "Room":
        """The room where a quota leaves so many bytes and files; None: it says nothing of them."""
        left_bytes, left_files = quota
        room = self
        if left_bytes is not None and (room.num_bytes is None or left_bytes < room.num_bytes):
            room = replace(room, num_bytes=left_bytes, quota_bytes=True)
        if left_files is not None and (room.num_files is None or left_files < room.num_files):
            room = replace(room, num_files=left_files, quota_files=True)
        return room


def room_in(directory: Path) -> Room:
    """Return the room in a directory, which need not be there yet; raises StoreError."""
    place = directory
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        system = os.statvfs(place)
        device = place.stat().st_dev
    except OSError as error:
        raise read_fault(place, error) from error
    # File systems that make room for files as they need it say that they have 0 of them in all.
    files = system.f_favail if system.f_files else None
    return Room(system.f_bavail * system.f_frsize, files).within(_quota_of(device))


def quota_left(answer: bytes) -> tuple[int | None, int | None]:
    """Bytes and files below the hard limits that `struct if_dqblk` of quotactl(2) tells; None: no limit."""
    most_blocks, _, num_bytes, most_files, _, num_files, *_ = _QUOTA.unpack_from(answer)
    return (
        max(0, most_blocks * _QUOTA_BLOCK_BYTES - num_bytes) if most_blocks else None,
        max(0, most_files - num_files) if most_files else None,
    )


def _quota_of(device: int) -> tuple[int | None, int | None]:
    """What this user's quota leaves on a local disk; network file systems do not tell theirs in this way."""
    source = _mounted_from(device)
    answer = ctypes.create_string_buffer(_QUOTA.size + 8)
    try:
        ask = ctypes.CDLL(None, use_errno=True).quotactl
    except (OSError, AttributeError):
        return None, None
    if source is None or ask(_GET_USER_QUOTA, source, os.geteuid(), answer) != 0:
        return None, None
    return quota_left(answer.raw)


def _mounted_from(device: int) -> bytes | None:
    """The block device of a file system."""
    number = f"{os.major(device)}:{os.minor(device)}".encode()
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:
        return None
    for line in lines:
        words, _, more = line.partition(b" - ")
        if words.split()[2:3] == [number]:
            return more.split()[1].decode("unicode_escape").encode("latin-1")
    return None
