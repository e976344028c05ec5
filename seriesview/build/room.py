"""Whether what a build will write fits into the store."""

from __future__ import annotations

from dataclasses import dataclass

from seriesview.errors import BuildError
from seriesview.store.room import Room
from seriesview.terms import bytes_in_words

# Beside the artifacts come manifests, pages and results; a full disk is noticed before it is full.
_FREE_MARGIN_BYTES = 16 << 20
_FREE_MARGIN_FILES = 256


@dataclass(frozen=True)
class Need:
    """Bytes of artifacts to be written, and how many artifacts they are."""

    num_bytes: int
    num_artifacts: int

    @property
    def num_files(self) -> int:
        """Files and folders that this makes at most: two folders an artifact, in 256 that artifacts share."""
        return 3 * self.num_artifacts + _FREE_MARGIN_FILES

    def __add__(self, other: Need) -> Need:
        return Need(self.num_bytes + other.num_bytes, self.num_artifacts + other.num_artifacts)

    def shared_by(self, jobs: int) -> Need:
        """The share of one of so many jobs."""
        return Need(self.num_bytes // jobs, -(-self.num_artifacts // jobs))

    def without(self, other: Need) -> Need:
        """What is left where so much of it is there already."""
        return Need(
            max(0, self.num_bytes - other.num_bytes), max(0, self.num_artifacts - other.num_artifacts)
        )


NOTHING = Need(0, 0)


def fits(need: Need, room: Room) -> bool:
    """Whether so much, and what comes beside it, can be written."""
    return _bytes_fit(need, room) and _files_fit(need, room)


def ensure_room(need: Need, room: Room, where: str) -> None:
    """Raise BuildError where so much does not fit into a store."""
    if room.num_bytes is not None and not _bytes_fit(need, room):
        has = "your disk quota leaves only {}" if room.quota_bytes else "only {} are free"
        raise BuildError(
            f"{where}: {bytes_in_words(need.num_bytes)} are to be written, and {bytes_in_words(_FREE_MARGIN_BYTES)} "
            f"kept free, but {has.format(bytes_in_words(room.num_bytes))}; free some room, set store.storage_dir to a "
            "larger disk, or use full_resolution: omit or link",
            code="no-space",
        )
    if not _files_fit(need, room):
        has = "your disk quota leaves only {}" if room.quota_files else "the file system has room for only {}"
        raise BuildError(
            f"{where}: up to {need.num_files} files and folders are to be made, but {has.format(room.num_files)}; "
            "remove files there that are not needed, or set store.storage_dir to another disk",
            code="no-space",
        )


def room_in_words(room: Room) -> str:
    """The room, for people."""
    if room.num_bytes is None:
        return "without bounds"
    files = "" if room.num_files is None else f" and {room.num_files} files"
    quota = " (your disk quota)" if room.quota_bytes or room.quota_files else ""
    return f"{bytes_in_words(room.num_bytes)}{files}{quota}"


def _bytes_fit(need: Need, room: Room) -> bool:
    free = room.num_bytes
    return free is None or need.num_bytes <= 0 or need.num_bytes + _FREE_MARGIN_BYTES <= free


def _files_fit(need: Need, room: Room) -> bool:
    return need.num_artifacts <= 0 or room.num_files is None or need.num_files <= room.num_files
