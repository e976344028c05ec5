"""Removing artifacts that seriesview stored, so that whoever stores one of them again at that moment keeps it."""

import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import StoreError
from seriesview.store.layout import artifact_path, link_path, staging_directory
from seriesview.store.record import recorded_since

_PREFIX = "removed-"


@dataclass(frozen=True)
class Removed:
    """How many files were removed, their bytes, how many were wanted again, and how many could not be removed."""

    num_files: int
    num_bytes: int
    num_kept: int
    num_failed: int


def stored_bytes(directory: Path, sha1: str) -> int | None:
    """Return the bytes that an artifact takes in the store, its link's if it is linked; None where it is not there."""
    for path in (artifact_path(directory, sha1), link_path(directory, sha1)):
        with suppress(OSError):
            return path.lstat().st_size
    return None


def remove_artifacts(directory: Path, sha1s: Iterable[str], known: dict[Path, int]) -> Removed:
    """Remove artifacts; `known` bytes of each file of the record were read when it was decided that nobody wants them.

    Needs the lock of `removing`. Raises StoreError where nothing can be removed.
    """
    trash = staging_directory(directory) / f"{_PREFIX}{secrets.token_hex(8)}"
    moved: list[tuple[str, Path, Path]] = []
    failed = 0
    try:
        trash.mkdir(parents=True)
    except OSError as error:
        raise StoreError(f"nothing can be removed from {directory}: {error.strerror}") from error
    for sha1 in sha1s:
        for path in (artifact_path(directory, sha1), link_path(directory, sha1)):
            try:
                path.rename(trash / path.name)
            except FileNotFoundError:
                continue
            except OSError:
                failed += 1
                continue
            moved.append((sha1, path, trash / path.name))
    # A writer records an artifact before it looks whether it is there.
    wanted = recorded_since(directory, known)
    files = kept = size = 0
    for sha1, path, aside in moved:
        if sha1 in wanted:
            _put_back(aside, path)
            kept += 1
            continue
        size += aside.lstat().st_size
        aside.unlink()
        files += 1
        for parent in list(path.parents)[:3]:
            with suppress(OSError):
                parent.rmdir()
    with suppress(OSError):
        trash.rmdir()
    return Removed(files, size, kept, failed)


def undo_unfinished(directory: Path) -> None:
    """Put back what a killed removal had set aside; needs the lock of `removing`."""
    for trash in staging_directory(directory).glob(f"{_PREFIX}*"):
        for aside in trash.iterdir():
            sha1 = aside.name[:40]
            is_link = aside.name.endswith(".link")
            _put_back(aside, link_path(directory, sha1) if is_link else artifact_path(directory, sha1))
        with suppress(OSError):
            trash.rmdir()


def _put_back(aside: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.replace(aside, path)  # noqa: PTH105
