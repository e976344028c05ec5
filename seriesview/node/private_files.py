"""Small files that belong to the node alone, replaced as a whole."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from seriesview.errors import NodeError
from seriesview.store.folders import Folder

_MOST_BYTES = 1 << 26


def write_atomically(path: Path, data: bytes, mode: int, group: int | None = None) -> None:
    """Replace a file, on disk on return; it never has more rights than `mode`. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            rest = data
            while rest:
                # On a disk that is nearly full a part may be written.
                rest = rest[os.write(descriptor, rest) :]
            if group is not None:
                os.fchown(descriptor, -1, group)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.rename(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(directory)
    finally:
        os.close(directory)


def read_secret(path: Path) -> bytes:
    """Return the bytes of a secret file; NodeError where anybody but its owner can read it, or it is another user's."""
    try:
        # A pipe in the place of a file would make opening wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise NodeError(f"cannot read {path}: {error.strerror}") from error
    with open(descriptor, "rb") as file:  # noqa: PTH123
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NodeError(f"cannot read {path}: it is not a file; remove it")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise NodeError(f"{path} holds a secret and others may read it; run: chmod 600 {path}")
        if status.st_uid not in (os.geteuid(), 0):
            raise NodeError(f"{path} holds a secret and belongs to another user; make your own")
        return file.read(_MOST_BYTES)


def read_own(path: Path) -> bytes:
    """Return the bytes of a file of a storage directory that others than the node must not have written.

    Raises NodeError, FileNotFoundError.
    """
    try:
        with Folder.at(path.parent) as folder:
            descriptor = folder.open_file(path.name)
            with open(descriptor, "rb") as file:  # noqa: PTH123
                status = os.fstat(descriptor)
                # Root may look after another user's node.
                owners = {0, os.geteuid()} if os.geteuid() else {0, folder.status().st_uid}
                if status.st_uid not in owners or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                    raise NodeError(
                        f"{path} belongs to another user, or others may write to it; remove it, or run: "
                        f"chmod 600 {path}"
                    )
                return file.read(_MOST_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NodeError(f"cannot read {path}: {error.strerror}") from error


def open_lock(path: Path) -> int:
    """Open, or make, the file whose lock says who changes `path`; raises OSError."""
    name = f"{path.name}.lock"
    with Folder.at(path.parent) as folder:
        try:
            return folder.create_file(name, os.O_RDWR, 0o600)
        except FileExistsError:
            return folder.open_file(name, os.O_RDWR)


def check_own_folder(path: Path) -> None:
    """Raise NodeError unless a folder is this user's, no symbolic link, and nobody else may write to it."""
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NodeError(f"{path} is not a folder; remove it")
    if status.st_uid != os.geteuid():
        raise NodeError(f"{path} belongs to another user; remove it, or choose another --storage-dir")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NodeError(f"others may write to {path}; run: chmod 700 {path}")
