"""Writing results of tasks without waiting for the disk, and without ever serving a torn one.

A result can be computed again, and waiting for the disk would take longer than most tasks. So a result has its final
name before it is on disk, and a marker beside it until it is. Bytes that were written survive the end of the process;
after the machine went down, which a new boot ID shows, the results that still have markers are discarded.
"""

import os
import queue
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

from seriesview.store.staging import StagedFile
from seriesview.store.writer import AtomicWriter

MARKERS_DIRECTORY = ".unsynced-results"
"""No channel can have this name."""
SYNC_SECONDS = 60.0
"""How long after a result was written it is synced: by then the system has usually done so by itself."""

_SEPARATOR = "~"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ResultWriter(AtomicWriter):
    """Writes files below `directory`, which are on disk a while later."""

    def __init__(self, directory: Path) -> None:
        """Discard what the machine's end left half written; where boots cannot be told apart, write synced."""
        super().__init__(directory)
        self._markers: Path | None = None
        self._written: queue.SimpleQueue[tuple[float, Path] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        with suppress(OSError):
            self._markers = self._take_over(_BOOT_ID.read_text("ascii").strip())

    def publish(self, staged: StagedFile, target: Path) -> None:
        """Give a staged file its final name, replacing what had it; raises OSError."""
        if self._markers is None:
            super().publish(staged, target)
            return
        name = str(target.relative_to(self.directory)).replace("/", _SEPARATOR)
        marker = self._markers / f"{name}{_SEPARATOR}{secrets.token_hex(8)}"
        # Before the rename: file systems keep the order of names even where they lose contents.
        try:
            os.link(staged.path, marker)  # a name costs less than a file
        except OSError:
            os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self.give_name(staged, target)
        self._later(marker)

    def close(self) -> None:
        """Stop the thread; what is not synced stays marked."""
        self._stop.set()
        self._written.put(None)
        if self._thread is not None:
            self._thread.join()

    def _take_over(self, boot_id: str) -> Path:
        """Return the folder of this boot's markers; results marked in an earlier boot are discarded."""
        markers = self.directory / MARKERS_DIRECTORY
        current = markers / boot_id
        current.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in markers.iterdir():
            for marker in folder.iterdir():
                if folder == current:
                    self._later(marker)
                else:
                    self._target(marker).unlink(missing_ok=True)
                    marker.unlink()
            if folder != current:
                folder.rmdir()
        return current

    def _target(self, marker: Path) -> Path:
        return self.directory / marker.name.rpartition(_SEPARATOR)[0].replace(_SEPARATOR, "/")

    def _later(self, marker: Path) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._sync_forever, name="node-results", daemon=True)
                self._thread.start()
        self._written.put((time.monotonic() + SYNC_SECONDS, marker))

    def _sync_forever(self) -> None:
        while (entry := self._written.get()) is not None:
            due, marker = entry
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            with suppress(OSError):
                self._sync(marker)

    def _sync(self, marker: Path) -> None:
        target = self._target(marker)
        depth = len(target.relative_to(self.directory).parts)
        with suppress(FileNotFoundError):
            for path in (target, *list(target.parents)[:depth]):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        marker.unlink(missing_ok=True)

    def _note_unsynced(self, path: Path) -> None:
        """Directories are synced with what is in them."""
        if self._markers is None:
            super()._note_unsynced(path)
