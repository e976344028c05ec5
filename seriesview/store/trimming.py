"""Keeping a cache within bounds: what was written longest ago goes first, and is fetched again when it is asked for."""

from __future__ import annotations

import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

CACHE_BYTES = 50 << 30
"""At most so much is kept, and never more than half of what the disk has free for it."""
_LEFT = 0.8


class Trimming:
    """Counts what is added to a cache, and makes room in it when that is much. Safe in threads."""

    def __init__(self, directory: Path, most_bytes: int = CACHE_BYTES) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._left = 0

    def added(self, num_bytes: int) -> None:
        """So many bytes were added."""
        with self._lock:
            self._left -= num_bytes
            if self._left >= 0:
                return
            with suppress(OSError):
                self._left = self._trim()

    def _trim(self) -> int:
        """Remove what is too much; how many bytes may be added before this is done again."""
        files = []
        for folder, _, names in os.walk(self._directory / "sha1"):
            if Path(folder).name == "seriesview-staging":
                continue
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118
                with suppress(OSError):
                    status = os.stat(path, follow_symlinks=False)  # noqa: PTH116
                    files.append((status.st_mtime, status.st_size, path))
        held = sum(size for _, size, _ in files)
        most = min(self._most_bytes, (shutil.disk_usage(self._directory).free + held) // 2)
        if held > most:
            for _, size, path in sorted(files):
                if held <= _LEFT * most:
                    break
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
                    held -= size
        return max(0, most - held) // 2
