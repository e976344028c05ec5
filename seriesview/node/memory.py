"""Keeping the memory that uploads pass through, instead of giving it back after each block."""

import ctypes
from contextlib import suppress

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3


def keep_freed_memory(most_kept: int = 2**24, largest: int = 2**22) -> None:
    """Have malloc keep up to `most_kept` free bytes, and use them for blocks up to `largest` bytes.

    glibc otherwise returns each block of 256 kB to the kernel and takes it anew, a page at a time, which costs as
    much time as all else in receiving a file. Other C libraries are left as they are.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_TRIM_THRESHOLD, most_kept)
        mallopt(_M_MMAP_THRESHOLD, largest)
