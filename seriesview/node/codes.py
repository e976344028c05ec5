"""The client-auth code: whoever can read it in the storage directory may use the node."""

import asyncio
import grp
import hmac
import logging
import re
import secrets
import stat
import string
from pathlib import Path

from seriesview.errors import NodeError
from seriesview.node.private_files import write_atomically
from seriesview.store.folders import Folder

CODE_FILE = "client-auth"
PREVIOUS_CODE_FILE = "seriesview-node.previous-code"
ROTATION_SECONDS = 180.0

_MOST_BYTES = 100
_CODE = re.compile(r"[A-Za-z]{12}", re.ASCII)
_log = logging.getLogger("seriesview.node")


class ClientCodes:
    """Writes a new code every three minutes; the current and the previous one are accepted.

    The two codes that a stopped node left are accepted until the next rotation: clients keep a code for a minute,
    and should not notice a restart.
    """

    def __init__(self, directory: Path, group: str | None = None) -> None:
        """Keep codes in `directory`, readable by `group` or, without, by whoever may write there."""
        self._directory = directory
        self._rotated = False
        self._mode, self._group = _readers(directory, group)
        self._accepted = [code for code in (self._read(CODE_FILE), self._read(PREVIOUS_CODE_FILE)) if code]

    @property
    def group(self) -> int | None:
        """The group whose members can read the code; None: the node's own user alone."""
        return self._group

    def rotate(self) -> None:
        """Write a new code; raises OSError."""
        previous = self._accepted[0] if self._accepted else None
        code = "".join(secrets.choice(string.ascii_letters) for _ in range(12))
        # Accepted before it can be read, and the old one on disk before it is replaced.
        self._accepted = [code, *self._accepted[: 1 if self._rotated else 2]]
        if previous is not None:
            write_atomically(self._directory / PREVIOUS_CODE_FILE, previous.encode(), 0o600)
        write_atomically(self._directory / CODE_FILE, code.encode(), self._mode, self._group)
        self._rotated = True

    def accepts(self, code: str) -> bool:
        """Return whether this is the current or the previous code; takes the same time for all wrong ones."""
        given = code.encode(errors="replace")
        matches = [hmac.compare_digest(given, accepted.encode()) for accepted in self._accepted]
        return any(matches)

    async def rotate_forever(self, seconds: float = ROTATION_SECONDS) -> None:
        """Rotate every so many seconds."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.rotate)
            except OSError as error:
                _log.warning("cannot write a new client-auth code: %s", error.strerror)

    def _read(self, name: str) -> str | None:
        try:
            with Folder.at(self._directory) as folder:
                code = folder.read(name, _MOST_BYTES).decode("ascii")
        except (OSError, ValueError):
            return None
        return code if _CODE.fullmatch(code) else None


def _readers(directory: Path, group: str | None) -> tuple[int, int | None]:
    """Return the code file's mode and group."""
    if group is not None:
        try:
            return 0o640, grp.getgrnam(group).gr_gid
        except KeyError as error:
            raise NodeError(f"there is no group {group!r:.80} for the client-auth code") from error
    status = directory.stat()
    if status.st_mode & stat.S_IWGRP:
        return 0o640, status.st_gid
    return 0o600, None
