"""Storing through a daemon with kachery-client, where its storage directory cannot be written from here."""

import os
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from seriesview.errors import StoreError, one_line
from seriesview.store.faults import write_fault
from seriesview.store.folders import Folder
from seriesview.store.paths import artifact_path, open_parent
from seriesview.store.staging import StagedFile
from seriesview.store.uris import parse_uri

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Seconds between tries: a race loses some stores, and the client remembers a failed probe for 10 s."""

_NAME = "file.dat"
"""The client does not encode names in its URIs; only the hash of its answer matters here."""


class ClientWriter:
    """Hands files to the daemon; each call is repeated until it worked, since storing twice is harmless."""

    def __init__(self, directory: Path, address: str, pauses: Sequence[float] = PAUSES) -> None:
        self.directory = directory
        self._address = address
        self._pauses = pauses

    def put(self, data: memoryview, sha1: str) -> bool:
        """Store bytes whose hash is known; returns whether they had to be sent. Raises StoreError."""
        if self._holds(sha1, len(data)):
            return False
        try:
            with tempfile.NamedTemporaryFile(prefix="seriesview-") as file:
                file.write(data)
                file.flush()
                self.put_file(Path(file.name), sha1, len(data))
        except OSError as error:
            raise write_fault(Path(tempfile.gettempdir()), error) from error
        return True

    def stage(self) -> StagedFile:
        """Open a file of this machine for what is to be sent; raises OSError."""
        folder = Folder.at(Path(tempfile.gettempdir()))
        name = f"seriesview-{secrets.token_hex(8)}.tmp"
        return StagedFile(folder, name, folder.create_file(name, os.O_RDWR, 0o600))

    def put_file(self, path: Path, sha1: str, size: int) -> None:
        """Send a file whose hash is known; raises StoreError."""
        import kachery_client  # costs a third of a second, and most stores never need it

        if size == 0:
            raise StoreError(f"{path} is empty: a kachery daemon cannot store an empty file over HTTP")
        self._retry(lambda: kachery_client.store_file(str(path), basename=_NAME), sha1, f"store {path}")
        if not self._holds(sha1, size):
            raise StoreError(
                f"{self._address} took {path} but it is not in {self.directory}; "
                "is that the daemon's directory?"
            )

    def link_file(self, path: Path, sha1: str) -> None:
        """Have the daemon link a file; raises StoreError."""
        import kachery_client

        self._retry(lambda: kachery_client.link_file(str(path), basename=_NAME), sha1, f"link {path}")

    def _retry(self, call: Callable[[], str], sha1: str, what: str) -> None:
        problem: Exception | None = None
        for pause in (*self._pauses, None):
            try:
                found = parse_uri(call())[0]
            except Exception as error:  # kachery-client raises bare Exception and, for the race, TypeError
                problem = error
            else:
                if found != sha1:
                    raise StoreError(f"cannot {what}: it changed while it was being read; try again")
                return
            _forget_auth_code()
            if pause is not None:
                time.sleep(pause)
        reason = one_line(problem)
        raise StoreError(
            f"the kachery daemon at {self._address} failed {len(self._pauses) + 1} times to {what}: "
            f"{reason:.300}; see its log, or set the store's mode to embedded"
        )

    def _holds(self, sha1: str, size: int) -> bool:
        try:
            path = artifact_path(self.directory, sha1)
            with open_parent(self.directory, path) as folder:
                status = folder.find(path.name)
            return status is not None and status.st_size == size
        except OSError:
            return False


def _forget_auth_code() -> None:
    """Make kachery-client read client-auth again: it keeps a code for 60 s, a restarted daemon does not."""
    from kachery_client import _daemon_connection

    reset = getattr(_daemon_connection, "_reset_client_auth_code", None)
    if reset is not None:
        reset()
