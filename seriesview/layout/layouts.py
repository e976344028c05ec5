"""Where the samples of a dataset lie in its file, so that they can be read by byte range."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

Filter = Literal["shuffle", "deflate"]


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


Layout = ContiguousLayout | ChunkedLayout
