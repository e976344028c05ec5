"""Where the samples of a dataset lie in its file, so that they can be read by byte range."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Filter = Literal["shuffle", "deflate"]

LARGE_RECORD_BYTES = 4 << 20
"""Of longer records each channel is read by itself."""


@dataclass(frozen=True)
class ContiguousLayout:
    """Samples at fixed strides: sample i of channel c at `offset + i*row_stride + c*channel_stride`.

    Flat binary, .npy and contiguous HDF5 datasets. Offsets and strides are bytes; `dtype` carries the byte order.
    """

    path: Path
    dtype: np.dtype[np.generic]
    num_samples: int
    num_channels: int
    offset: int
    row_stride: int
    channel_stride: int

    @property
    def is_row_major(self) -> bool:
        """Whether the values of one sample are neighbours and samples follow each other without a gap."""
        itemsize = self.dtype.itemsize
        return self.channel_stride == itemsize and self.row_stride == itemsize * self.num_channels

    @property
    def is_read_forwards(self) -> bool:
        """Whether one sample lies before the next, so that reading some of them passes over a stretch of the file."""
        return (self.num_channels - 1) * self.channel_stride + self.dtype.itemsize <= self.row_stride


@dataclass(frozen=True)
class ChunkedLayout:
    """Samples in chunks of a regular grid over (samples, channels), as HDF5 stores chunked datasets.

    `chunks` is int64 (chunk rows * chunk columns, 2): byte offset and stored size of each chunk, the grid in
    C order; size 0 means that the chunk was never written and holds `fill_value`. `filters` are in the order
    in which they were applied when writing. Chunks at the edges are stored whole.
    """

    path: Path
    dtype: np.dtype[np.generic]
    num_samples: int
    num_channels: int
    chunk_shape: tuple[int, int]
    filters: tuple[Filter, ...]
    chunks: npt.NDArray[np.int64] = field(repr=False, compare=False)
    fill_value: float = 0


@dataclass(frozen=True)
class RecordsLayout:
    """Samples in records of one length, in each record one channel after the other (EDF, blocks of Intan).

    Sample i of channel c at `offset + (i div samples_per_record)*record_stride + channel_offsets[c] +
    (i mod samples_per_record)*itemsize`. With one sample a record: some channels of each row, in any order; with all
    samples in one record: some channels of those that follow one another. The last record may be used in part.
    """

    path: Path
    dtype: np.dtype[np.generic]
    num_samples: int
    offset: int
    record_stride: int
    samples_per_record: int
    channel_offsets: tuple[int, ...]

    @property
    def num_channels(self) -> int:
        """How many channels are read."""
        return len(self.channel_offsets)

    @property
    def extent(self) -> int:
        """Bytes from the first to the last sample of a record that are read."""
        apart = max(self.channel_offsets, default=0) - min(self.channel_offsets, default=0)
        return apart + self.samples_per_record * self.dtype.itemsize

    @property
    def is_read_forwards(self) -> bool:
        """Whether reading some samples passes over a stretch of the file; large records are read channel by channel."""
        return self.extent <= min(self.record_stride, LARGE_RECORD_BYTES)


@dataclass(frozen=True)
class FilesLayout:
    """Samples in several files (or several places of one), which follow one another; same dtype and channels."""

    pieces: tuple[ContiguousLayout | RecordsLayout, ...]

    @property
    def path(self) -> Path:
        """The first file."""
        return self.pieces[0].path

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the samples, with the byte order of the first file."""
        return self.pieces[0].dtype

    @property
    def num_samples(self) -> int:
        """Of all pieces."""
        return sum(piece.num_samples for piece in self.pieces)

    @property
    def num_channels(self) -> int:
        """How many channels are read."""
        return self.pieces[0].num_channels


def files_of(layout: Layout) -> tuple[Path, ...]:
    """Every file that holds samples of a layout, once, in the order of the samples."""
    pieces = layout.pieces if isinstance(layout, FilesLayout) else (layout,)
    return tuple(dict.fromkeys(piece.path for piece in pieces))


Layout = ContiguousLayout | ChunkedLayout | RecordsLayout | FilesLayout
