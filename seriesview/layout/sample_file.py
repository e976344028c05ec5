"""Samples by byte range from the files that a layout describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import RequestError
from seriesview.layout.byte_file import ByteFile
from seriesview.layout.chunked import ChunkedSamples
from seriesview.layout.contiguous import ContiguousSamples
from seriesview.layout.few_open import FewOpen
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, FilesLayout, Layout, RecordsLayout
from seriesview.layout.pieces import PiecesSamples, Samples
from seriesview.layout.records import RecordsSamples
from seriesview.layout.runs import Run, channel_runs

_MOST_OPEN = 8


class SampleFile:
    """Reads samples of a layout, in native byte order; safe from any thread.

    `threads`: how many unpack chunks at the same time. `open_file` opens the files: of several, which may be
    thousands, a few at a time. `reads_ahead`: blocks that are asked for one behind the other come out of large ones
    where one channel follows the other. Raises OSError where the first file cannot be opened; reading, where another
    cannot.
    """

    def __init__(
        self,
        layout: Layout,
        threads: int = 1,
        open_file: Callable[[Path], ByteFile] = ByteFile,
        reads_ahead: bool = True,
    ) -> None:
        self.layout = layout
        self.dtype = layout.dtype.newbyteorder("=")
        self._files = FewOpen(open_file, _MOST_OPEN)
        self._chunked: ChunkedSamples | None = None
        self._samples: Samples | None = None
        self._file: ByteFile | None = None
        self._reads_ahead = reads_ahead
        self._last_piece: tuple[ContiguousLayout | RecordsLayout, ByteFile, Samples] | None = None
        if isinstance(layout, FilesLayout):
            lengths = [piece.num_samples for piece in layout.pieces]
            self._samples = PiecesSamples(lengths, lambda number: self._piece(layout.pieces[number]))
            with self._files.opened(layout.path):
                return
        self._file = open_file(layout.path)
        if isinstance(layout, ChunkedLayout):
            self._chunked = ChunkedSamples(layout, self._file, threads)
        else:
            self._samples = self._plain(layout, self._file)

    @contextmanager
    def _piece(self, layout: ContiguousLayout | RecordsLayout) -> Iterator[Samples]:
        with self._files.opened(layout.path) as file:
            last = self._last_piece
            if last is None or last[0] is not layout or last[1] is not file:
                last = self._last_piece = (layout, file, self._plain(layout, file))
            yield last[2]

    def _plain(self, layout: ContiguousLayout | RecordsLayout, file: ByteFile) -> Samples:
        if isinstance(layout, RecordsLayout):
            return RecordsSamples(layout, file, self._reads_ahead)
        return ContiguousSamples(layout, file, self._reads_ahead)

    @property
    def descriptor(self) -> int:
        """Of the open file, where there is one alone."""
        assert self._file is not None
        return self._file.descriptor

    def read_into(
        self, first_sample: int, out: npt.NDArray[Any], channels: Sequence[int] | None = None
    ) -> None:
        """Fill `out` (n, chosen channels), C-contiguous and of the native-order dtype, with samples from there on.

        Made for passes over many samples: a chunk is kept only while a part of it has not been read. Raises
        RequestError for samples that there are not, IntegrityError for a file that is cut short or damaged.
        """
        self._check(first_sample, first_sample + len(out))
        width = self.layout.num_channels if channels is None else len(channels)
        if out.shape[1:] != (width,) or out.dtype != self.dtype:
            raise ValueError(
                f"block of shape {out.shape} and dtype {out.dtype}, samples of {width} channels and dtype {self.dtype}"
            )
        self._read(first_sample, out, channels, keep=False)

    def read_each_into(
        self, first_samples: Sequence[int], out: npt.NDArray[Any], channels: Sequence[int] | None = None
    ) -> None:
        """As `read_into`, each block of `out` (blocks, n, chosen channels) with samples from its own first one on."""
        for first in (min(first_samples), max(first_samples)):
            self._check(first, first + out.shape[1])
        runs = channel_runs(channels, self.layout.num_channels)
        for first, block in zip(first_samples, out, strict=True):
            self._read_runs(first, block, runs, keep=False)

    def read(
        self, first_sample: int, last_sample: int, channels: Sequence[int] | None = None
    ) -> npt.NDArray[Any]:
        """Samples [first_sample, last_sample) of the chosen channels, in their order (n, channels).

        Made for windows: unpacked chunks are kept for the next one. Raises like `read_into`.
        """
        self._check(first_sample, last_sample)
        count = self.layout.num_channels if channels is None else len(channels)
        out = np.empty((last_sample - first_sample, count), self.dtype)
        self._read(first_sample, out, channels, keep=True)
        return out

    def close(self) -> None:
        """Let go of the file; closing twice does no harm."""
        if self._chunked is not None:
            self._chunked.close()
        if self._file is not None:
            self._file.close()
        self._files.close()

    def __enter__(self) -> SampleFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(
        self, first_sample: int, out: npt.NDArray[Any], channels: Sequence[int] | None, keep: bool
    ) -> None:
        self._read_runs(first_sample, out, channel_runs(channels, self.layout.num_channels), keep)

    def _read_runs(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run], keep: bool) -> None:
        if out.size == 0:
            return
        if self._chunked is not None:
            self._chunked.read_into(first_sample, out, runs, keep)
        elif self._samples is not None:
            self._samples.read_into(first_sample, out, runs)

    def _check(self, first_sample: int, last_sample: int) -> None:
        if not 0 <= first_sample <= last_sample <= self.layout.num_samples:
            raise RequestError(
                f"samples {first_sample} to {last_sample}: {self.layout.path} has samples 0 to "
                f"{self.layout.num_samples}"
            )
