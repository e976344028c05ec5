"""Open folders, and what is reached through them: folders and regular files, by way of no symbolic link.

Whoever may write to a shared directory can put a symbolic link, a pipe or a device where a file or a folder is
expected, at any moment. A path is looked up anew each time it is used; an open folder stays the one that it is.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_PATH = getattr(os, "O_PATH", os.O_RDONLY)
_FOLDER = _PATH | os.O_DIRECTORY | os.O_CLOEXEC
# A pipe in the place of a file would make opening wait for a writer.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OddFileError(OSError):
    """Something else stands where a regular file or a folder is expected; it was neither followed nor read."""


class Folder:
    """A folder that is held open; `path` is for messages. Close it, or use it in a `with` statement."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Take over an open descriptor; `at` and `enter` make folders."""
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def at(cls, path: Path) -> Folder:
        """Open a folder that the user named, by whatever links; raises OSError."""
        return cls(path, os.open(path, _FOLDER))

    def enter(self, *names: str) -> Folder:
        """Open a folder below this one; raises OSError, and OddFileError at a symbolic link."""
        folder = Folder(self.path, os.dup(self.descriptor))
        for name in names:
            try:
                inner = folder._inner(name)
            finally:
                folder.close()
            folder = inner
        return folder

    def enter_link(self, name: str) -> Folder:
        """As `enter`, and follow a symbolic link of this name where its maker can be relied upon.

        That is this user, root, or the owner of this folder where the folder behind it is that owner's as well.
        """
        try:
            return self._inner(name)
        except OddFileError:
            link = os.open(name, _PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.descriptor)
            try:
                status = os.fstat(link)
                if not stat.S_ISLNK(status.st_mode):
                    raise
                behind = os.open(os.readlink("", dir_fd=link), _FOLDER, dir_fd=self.descriptor)
            finally:
                os.close(link)
            folder = Folder(self.path / name, behind)
            owner = status.st_uid
            is_owners = owner == self.status().st_uid == folder.status().st_uid
            if owner not in (os.geteuid(), 0) and not is_owners:
                folder.close()
                raise
            return folder

    def make(self, name: str, mode: int) -> bool:
        """Make a folder, unless something of this name is there; returns whether it did. Raises OSError."""
        try:
            os.mkdir(name, mode, dir_fd=self.descriptor)
        except FileExistsError:
            return False
        return True

    def status(self) -> os.stat_result:
        """Return what the system says of the folder."""
        return os.fstat(self.descriptor)

    def names(self) -> list[str]:
        """Return the names in it, sorted; raises OSError."""
        descriptor = self.open_itself()
        try:
            with os.scandir(descriptor) as entries:
                return sorted(entry.name for entry in entries)
        finally:
            os.close(descriptor)

    def find(self, name: str) -> os.stat_result | None:
        """Return what the system says of a regular file, None where there is none; raises OSError."""
        try:
            status = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return status if stat.S_ISREG(status.st_mode) else None

    def open_file(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open a regular file that is there, and return its descriptor; raises OSError, OddFileError."""
        try:
            descriptor = os.open(name, flags | _FILE, dir_fd=self.descriptor)
        except OSError as error:
            # A link; a pipe that nobody reads, or a socket.
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
                raise self._odd(name, "file") from error
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._odd(name, "file")
        return descriptor

    def create_file(self, name: str, flags: int, mode: int) -> int:
        """Make a file that is not there, and return its descriptor; raises OSError."""
        return os.open(name, flags | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=self.descriptor)

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return a regular file's bytes, cut off behind `most_bytes`; raises OSError."""
        with open(self.open_file(name), "rb") as file:  # noqa: PTH123
            return file.read(most_bytes)

    def rename(self, name: str, to: Folder, new_name: str) -> None:
        """Move what has a name, a symbolic link itself too, replacing what had the new one; raises OSError."""
        os.rename(name, new_name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)

    def unlink(self, name: str) -> None:
        """Remove a name, a symbolic link itself too; raises OSError."""
        os.unlink(name, dir_fd=self.descriptor)

    def remove_empty(self, name: str) -> bool:
        """Remove a folder; returns whether it was empty and could be removed."""
        try:
            os.rmdir(name, dir_fd=self.descriptor)
        except OSError:
            return False
        return True

    def open_itself(self) -> int:
        """Return a descriptor that can also be listed, synced, and given other rights; raises OSError."""
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self.descriptor)

    def close(self) -> None:
        """Let go of it; closing twice does no harm."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with suppress(OSError):
            self.close()

    def _inner(self, name: str) -> Folder:
        try:
            descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise self._odd(name, "folder") from error
            raise
        return Folder(self.path / name, descriptor)

    def _odd(self, name: str, expected: str) -> OddFileError:
        words = f"no {expected} is there, but something else, such as a symbolic link, that is not followed"
        return OddFileError(
            errno.ENOTDIR if expected == "folder" else errno.EINVAL, words, str(self.path / name)
        )
