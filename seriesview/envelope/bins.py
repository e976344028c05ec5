"""How many bins a segment has at a factor, and which factors become levels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from seriesview.errors import BuildError

MAX_UNREDUCED = 1024
"""A series of at most this many samples has no levels; the coarsest level has at most this many bins."""

RATIO = 4
"""Default ratio of the factors of neighbouring levels."""

_DTYPES = frozenset(
    np.dtype(name)
    for name in (
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
)


def sample_dtype(dtype: DTypeLike) -> np.dtype[np.generic]:
    """The dtype of samples in levels: native byte order, bool as uint8; BuildError where there is none."""
    native = np.dtype(dtype).newbyteorder("=")
    if native == np.dtype(bool):
        return np.dtype(np.uint8)
    if native not in _DTYPES:
        raise BuildError(
            f"samples of dtype {native} cannot be shown: convert them to an integer or float dtype"
        )
    return native


def as_rows(rows: NDArray[Any], dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """Rows as a C-contiguous array (n, *shape) of native `dtype`, copied only where they are not."""
    if rows.dtype == np.dtype(bool):
        rows = rows.view(np.uint8)
    if rows.dtype.newbyteorder("=") != dtype or rows.shape[1:] != shape:
        found, wanted = f"{rows.dtype} {rows.shape}", f"{dtype} (n, {', '.join(map(str, shape))})"
        raise BuildError(f"a block of samples is {found}: it must be {wanted}")
    return np.ascontiguousarray(rows, dtype)


def num_bins(num_samples: int, factor: int) -> int:
    """Closed bins of a segment: max(1, ceil((num_samples - 1) / factor)); 0 for no samples."""
    return max(1, -(-(num_samples - 1) // factor)) if num_samples > 0 else 0


def default_base(num_channels: int) -> int:
    """The factor of the finest level: 64 for up to four channels, 16 for more."""
    return 64 if num_channels <= 4 else 16


def level_factors(
    segment_lengths: Sequence[int], num_channels: int, base: int | None = None, ratio: int = RATIO
) -> tuple[int, ...]:
    """The factors of a series' levels, ascending.

    None for at most 1024 samples in all; else base, base * ratio, ... up to the first level that has at most
    1024 bins in all, or one bin a segment. Raises BuildError for a base or a ratio below 2.
    """
    factor = default_base(num_channels) if base is None else base
    if factor < 2 or ratio < 2:
        raise BuildError(f"base {factor} and ratio {ratio} make no levels: both must be at least 2")
    lengths = [length for length in segment_lengths if length > 0]
    if sum(lengths) <= MAX_UNREDUCED:
        return ()
    factors = [factor]
    while sum(num_bins(length, factor) for length in lengths) > max(MAX_UNREDUCED, len(lengths)):
        factor *= ratio
        factors.append(factor)
    return tuple(factors)
