"""Seeing any contiguous buffer as bytes without copying it."""

from typing import Any

import numpy as np
import numpy.typing as npt

_EXPECTED = "a C-contiguous buffer is expected (bytes, bytearray, memoryview or a contiguous array)"

BytesLike = bytes | bytearray | memoryview | npt.NDArray[Any]
"""What can be stored: anything that holds its bytes in one piece, in C order."""


def byte_view(data: BytesLike) -> memoryview:
    """Return the bytes of `data` as a one-dimensional view, no copy; TypeError for scattered data."""
    if isinstance(data, np.ndarray):
        if not data.flags.c_contiguous:
            raise TypeError(_EXPECTED)
        return np.asarray(data).reshape(-1).view(np.uint8).data
    view = memoryview(data)
    if not view.c_contiguous:
        raise TypeError(_EXPECTED)
    return np.frombuffer(view, np.uint8).data if view.nbytes else memoryview(b"")
