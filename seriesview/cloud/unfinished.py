"""Uploads that were begun and are not finished, kept on disk, so that another process goes on with them.

What is kept of an upload gives the right to write its object: the files are this user's alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEPT_BYTES = 32 * 1024 * 1024
"""Of larger objects: smaller ones are soon sent again."""
KEPT_SECONDS = 6 * 24 * 3600.0
"""Google ends a session after a week."""

_MOST_CHARACTERS = 10_000


class UnfinishedUpload:
    """One upload, which no other process uses meanwhile. `session` is what the service calls it by, if it was begun."""

    def __init__(self, path: Path | None = None, descriptor: int | None = None) -> None:
        self._path = path
        self._descriptor = descriptor
        self.session = None if descriptor is None else _read(descriptor)

    def keep(self, session: str) -> bool:
        """Note that the upload was begun; False where nothing can be noted, so that nobody will go on with it."""
        self.session = session
        if self._descriptor is None:
            return False
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps({"session": session}).encode(), 0)
        except OSError:
            return False
        return True

    def forget(self) -> None:
        """Note that there is nothing to go on with."""
        self.session = None
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
        self._path = self._descriptor = None


@contextmanager
def unfinished_upload(num_bytes: int, *what: str) -> Iterator[UnfinishedUpload]:
    """The upload of so many bytes that these words tell from all others.

    Where it cannot be kept, or another process is about it, it is as if it was never begun.
    """
    path = descriptor = None
    if num_bytes > KEPT_BYTES:
        # There may be no home, or one that cannot be written.
        with suppress(OSError, RuntimeError):
            name = hashlib.sha256(json.dumps([num_bytes, *what]).encode()).hexdigest()
            path = _prepared_directory() / f"{name}.json"
            descriptor = _locked(path)
    kept = UnfinishedUpload(path if descriptor is not None else None, descriptor)
    try:
        yield kept
    finally:
        if kept.session is None:
            kept.forget()
        if descriptor is not None:
            os.close(descriptor)


def _prepared_directory() -> Path:
    """The folder of this user's unfinished uploads, without what is too old to go on with."""
    named = os.environ.get("XDG_STATE_HOME", "")
    # Only absolute paths count.
    state = Path(named) if named.startswith("/") else Path("~/.local/state").expanduser()
    directory = state / "seriesview" / "uploads"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    oldest = time.time() - KEPT_SECONDS
    for path in directory.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()
    return directory


def _locked(path: Path) -> int | None:
    """The descriptor of a file that is locked as long as it is open; None where another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever finished with it meanwhile has removed it.
        if os.stat(path).st_ino == os.fstat(descriptor).st_ino:  # noqa: PTH116
            return descriptor
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _read(descriptor: int) -> str | None:
    try:
        found = json.loads(os.pread(descriptor, _MOST_CHARACTERS, 0))
    except (OSError, ValueError, RecursionError):
        return None
    session = found.get("session") if isinstance(found, dict) else None
    return session if isinstance(session, str) and session else None
