"""kachery's links: a hash that is kept in a file outside the storage directory.

Whoever may write to a shared storage directory can make links there, to files that only another of its users can
read. So a link that another user made leads only to what that user could have read.
"""

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from seriesview.errors import (
    MissingArtifactError,
    artifact_damaged,
    source_changed,
    source_gone,
    source_not_permitted,
    source_unreadable,
)
from seriesview.store.faults import read_fault
from seriesview.store.paths import link_path, open_parent
from seriesview.store.permissions import readable_by
from seriesview.store.reading import opened_path

_MOST_BYTES = 1 << 16
_OPENING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True)
class Link:
    """Which file has the bytes, and the size and modification time that prove it is still the same."""

    path: Path
    size: int
    mtime: float
    maker: int | None = field(default=None, compare=False)
    """The user who made it; None: this one."""
    group: int | None = field(default=None, compare=False)
    """The group that its maker is known to be in."""
    sha1: str | None = field(default=None, compare=False)
    """The hash that it stands for; None where that is not known, for messages."""

    def to_bytes(self) -> bytes:
        """Return the link file's content, as kachery writes it."""
        link = {
            "path": str(self.path),
            "manifestSha1": None,
            "stat": {"size": self.size, "mtime": self.mtime},
            "_writingProcess": "seriesview",
        }
        return json.dumps(link, separators=(",", ":")).encode("ascii")

    def check(self) -> Path:
        """Return the linked file's path; raises MissingArtifactError where it moved, changed or is not to be read."""
        os.close(self.open())
        return self.path

    def leads_to_it(self) -> bool:
        """Return whether the linked file is there, unchanged, and to be read."""
        try:
            self.check()
        except MissingArtifactError:
            return False
        return True

    def open(self) -> int:
        """Open the linked file; errors as `check`."""
        try:
            descriptor = os.open(self.path, _OPENING)
        except FileNotFoundError as error:
            raise source_gone(self.path, self.sha1) from error
        except OSError as error:
            raise source_unreadable(self.path, self.sha1, error.strerror or str(error)) from error
        try:
            self.check_opened(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def check_opened(self, descriptor: int) -> None:
        """Raise MissingArtifactError unless an open file is the one that the link says."""
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            change = "it is no longer a file"
        elif status.st_size != self.size:
            change = f"size was {self.size}, is {status.st_size}"
        elif status.st_mtime != self.mtime:
            change = f"modification time was {self.mtime!r}, is {status.st_mtime!r}"
        else:
            is_trusted = self.maker in (None, os.geteuid(), 0, status.st_uid)
            if not is_trusted and not readable_by(opened_path(descriptor, self.path), self.group):
                raise source_not_permitted(self.path, self.sha1, self.maker)
            return
        raise source_changed(self.path, self.sha1, change)


def link_to(path: Path, size: int, mtime: float) -> Link:
    """Return a link to `path`, made absolute without following symbolic links, as kachery does."""
    return Link(Path(os.path.abspath(path)), size, mtime)  # noqa: PTH100  (Path.absolute keeps "..")


def read_link(directory: Path, sha1: str) -> Link | None:
    """Return what the link file of a hash says, None where there is none; raises IntegrityError, StoreError."""
    path = link_path(directory, sha1)
    try:
        with open_parent(directory, path) as folder:
            descriptor = folder.open_file(path.name)
            with open(descriptor, "rb") as file:  # noqa: PTH123
                made = os.fstat(descriptor)
                text = file.read(_MOST_BYTES)
        shared = directory.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise read_fault(path, error) from error
    try:
        link = json.loads(text)
        size, mtime, target = link["stat"]["size"], link["stat"]["mtime"], link["path"]
        if not (type(size) is int and type(mtime) in (int, float) and type(target) is str):
            raise TypeError
        if not target.startswith("/") or "\0" in target:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise artifact_damaged(path, "is not a kachery link", sha1) from error
    # Only members can write to a directory that is not everybody's, whatever group their files have there.
    is_members = made.st_gid == shared.st_gid and not shared.st_mode & stat.S_IWOTH
    return Link(Path(target), size, mtime, made.st_uid, shared.st_gid if is_members else None, sha1)
