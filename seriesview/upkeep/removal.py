"""Removing artifacts that seriesview stored, so that whoever stores one of them again at that moment keeps it.

Others may write to a shared storage directory: what is removed is reached through open folders and by hashes alone, and
no symbolic link is followed.
"""

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import StoreError
from seriesview.store.faults import write_fault
from seriesview.store.folders import Folder
from seriesview.store.paths import artifact_path, enter_storage, link_path, open_parent, staging_directory
from seriesview.store.permissions import sharing_of
from seriesview.store.record import recorded_since
from seriesview.store.stored import stored_file

_PREFIX = "removed-"
_ASIDE = re.compile(r"([0-9a-f]{40})(\.link)?", re.ASCII)


@dataclass(frozen=True)
class Removed:
    """How many files were removed, their bytes, how many were wanted again, and how many could not be removed."""

    num_files: int
    num_bytes: int
    num_kept: int
    num_failed: int


def remove_artifacts(directory: Path, sha1s: Iterable[str], known: dict[str, int]) -> Removed:
    """Remove artifacts; `known` bytes of each file of the record were read when it was decided that nobody wants them.

    Needs the lock of `removing`. Raises StoreError where nothing can be removed, FormatError.
    """
    name = f"{_PREFIX}{secrets.token_hex(8)}"
    moved: list[tuple[str, Path]] = []
    failed = files = kept = size = 0
    try:
        with _staging(directory) as staging:
            sharing = sharing_of(directory)
            staging.make(name, sharing.new_directory_mode())
            with staging.enter(name) as trash:
                sharing.adopt_folder(trash)
                for sha1 in sha1s:
                    found = stored_file(directory, sha1)
                    for path in (artifact_path(directory, sha1), link_path(directory, sha1)):
                        outcome = found and _set_aside(directory, path, trash, found.st_uid)
                        failed += outcome is False
                        if outcome:
                            moved.append((sha1, path))
                # A writer records an artifact before it looks whether it is there.
                wanted = recorded_since(directory, known)
                for sha1, path in moved:
                    status = trash.find(path.name)
                    if sha1 in wanted or status is None:
                        _put_back(directory, trash, path)
                        kept += 1
                        continue
                    trash.unlink(path.name)
                    size += status.st_size
                    files += 1
                    _remove_empty_parents(directory, path)
            staging.remove_empty(name)
    except OSError as error:
        raise StoreError(
            f"not everything can be removed: {str(write_fault(directory, error)).partition(': ')[2]}"
        ) from error
    return Removed(files, size, kept, failed)


def undo_unfinished(directory: Path) -> None:
    """Put back what a killed removal had set aside; needs the lock of `removing`. Raises StoreError."""
    try:
        with _staging(directory) as staging:
            for name in staging.names():
                if not name.startswith(_PREFIX):
                    continue
                # What another user's rights do not let be put back waits for that user's next removal.
                with suppress(OSError), staging.enter(name) as trash:
                    for aside in trash.names():
                        match = _ASIDE.fullmatch(aside)
                        if match is not None and trash.find(aside) is not None:
                            place = link_path if match[2] else artifact_path
                            with suppress(OSError):
                                _put_back(directory, trash, place(directory, match[1]))
                staging.remove_empty(name)
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_fault(directory, error) from error


def _staging(directory: Path) -> Folder:
    with Folder.at(directory) as root:
        return enter_storage(root, staging_directory(directory).relative_to(directory).parts)


def _set_aside(directory: Path, path: Path, trash: Folder, owner: int) -> bool | None:
    """Move a regular file of a user into `trash`; None where there is none, False where it cannot be moved."""
    try:
        with open_parent(directory, path) as folder:
            status = folder.find(path.name)
            if status is None or status.st_uid != owner:
                return None
            folder.rename(path.name, trash, path.name)
    except FileNotFoundError:
        return None
    except OSError:
        return False
    return True


def _put_back(directory: Path, trash: Folder, path: Path) -> None:
    """Move a file back to its place, unless one is there again; raises OSError."""
    with Folder.at(directory) as root:
        sharing = sharing_of(directory)
        names = path.relative_to(directory).parts[:-1]
        for depth in range(1, len(names)):
            with enter_storage(root, names[:depth]) as above:
                if above.make(names[depth], sharing.new_directory_mode()):
                    with above.enter(names[depth]) as made:
                        sharing.adopt_folder(made)
        with enter_storage(root, names) as folder:
            if folder.find(path.name) is None:
                trash.rename(path.name, folder, path.name)
            else:
                trash.unlink(path.name)


def _remove_empty_parents(directory: Path, path: Path) -> None:
    for place in list(path.parents)[:3]:
        with suppress(OSError), open_parent(directory, place) as above:
            if not above.remove_empty(place.name):
                return
