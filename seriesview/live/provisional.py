"""A provisional link: the samples of a recording that is not built yet, out of its own files."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.source import RecordingIdentity
from seriesview.errors import ReaderError
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.protocol import Recording
from seriesview.series.segment_files import Selection


@dataclass(frozen=True)
class _Covered:
    """A file as it was: no other one has its device and inode, and so many of its bytes are covered."""

    path: str
    device: int
    inode: int
    num_bytes: int

    @classmethod
    def of(cls, path: str) -> _Covered:
        status = os.stat(path)  # noqa: PTH116  (a path of any kind)
        return cls(path, status.st_dev, status.st_ino, 0 if Path(path).is_dir() else status.st_size)

    def check(self) -> None:
        """Raise ReaderError where it is another file by now, or has lost some of these bytes."""
        try:
            now = _Covered.of(self.path)
        except OSError as error:
            raise ReaderError(
                f"it cannot be read any more ({error.strerror})", file=self.path, code="source-gone"
            ) from error
        if (now.device, now.inode) != (self.device, self.inode):
            raise ReaderError(
                "another file has taken its place; view it again", file=self.path, code="source-changed"
            )
        if now.num_bytes < self.num_bytes:
            raise ReaderError(
                f"it has become shorter ({self.num_bytes} bytes then, {now.num_bytes} now); view it again",
                file=self.path,
                code="source-changed",
            )


class ProvisionalLink:
    """Reads samples of an opened recording by their index in the series; safe in threads.

    Once a file was replaced or cut, nothing is read any more, whatever becomes of it.
    """

    def __init__(self, recording: Recording, source: RecordingIdentity, dtype: np.dtype[Any]) -> None:
        """`dtype`: of the series. Raises OSError."""
        self._recording = recording
        self._dtype = dtype
        self._files = [_Covered.of(file.path) for file in source.samples]
        self._lock = threading.Lock()
        self._ended: ReaderError | None = None
        layout = recording.layout
        self._file = None if layout is None else SampleFile(layout, reads_ahead=False)

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C). Raises ReaderError, OSError."""
        self._check()
        if self._file is not None:
            chosen = np.arange(self._recording.num_channels)[channels]
            rows = self._file.read(first, last, chosen.tolist())
        else:
            rows = np.empty((last - first, self._recording.num_channels), self._recording.dtype)
            with self._lock:
                self._recording.read_into(first, rows)
            rows = rows[:, channels]
        # What was read may be another file's.
        self._check()
        return (
            rows.view(self._dtype)
            if self._dtype.itemsize == rows.dtype.itemsize
            else rows.astype(self._dtype)
        )

    def close(self) -> None:
        """Let go of its files."""
        if self._file is not None:
            self._file.close()

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended
        try:
            for file in self._files:
                file.check()
        except ReaderError as error:
            self._ended = error
            raise
