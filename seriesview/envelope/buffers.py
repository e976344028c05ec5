"""Work buffers that vector instructions like."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_CACHE_LINE = 64


def work_buffer(count: int, dtype: DTypeLike) -> NDArray[Any]:
    """An uninitialised array (count,) that begins on a cache line: vectors that straddle two cost twice."""
    size = count * np.dtype(dtype).itemsize
    memory = np.empty(size + _CACHE_LINE, np.uint8)
    first = -memory.ctypes.data % _CACHE_LINE
    return memory[first : first + size].view(dtype)
