"""A provisional link: the samples of a recording that is not built yet, out of its own files."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.growing import OPEN_END, Covered
from seriesview.build.source import RecordingIdentity
from seriesview.errors import ReaderError
from seriesview.layout.growing import with_samples
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.protocol import Recording
from seriesview.series.segment_files import Selection


class ProvisionalLink:
    """Reads samples of an opened recording by their index in the series; safe in threads.

    Once a file was replaced or cut, nothing is read any more, whatever becomes of it. It may grow.
    """

    def __init__(
        self, recording: Recording, source: RecordingIdentity, dtype: np.dtype[Any], is_open: bool = False
    ) -> None:
        """`dtype`: of the series; `is_open`: samples are read that were not there yet. Raises OSError, ReaderError."""
        self._recording = recording
        self._dtype = dtype
        self._files = [Covered.of(file.path) for file in source.samples]
        self._lock = threading.Lock()
        self._ended: ReaderError | None = None
        layout = recording.layout
        if layout is not None and is_open:
            layout = with_samples(layout, OPEN_END)
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
            self._files = [file.now() for file in self._files]
        except ReaderError as error:
            self._ended = error
            raise
