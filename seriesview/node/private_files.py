"""Small files that belong to the node alone, replaced as a whole."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from seriesview.errors import NodeError


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


def check_private(path: Path) -> None:
    """Raise NodeError where a secret file can be read by anybody but its owner."""
    try:
        status = path.stat()
    except OSError as error:
        raise NodeError(f"cannot read {path}: {error.strerror}") from error
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise NodeError(f"{path} holds a secret and others may read it; run: chmod 600 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise NodeError(f"{path} holds a secret and belongs to another user; make your own")
