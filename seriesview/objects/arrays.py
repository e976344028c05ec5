"""numpy arrays, and what becomes one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.objects.clocks import clock_of
from seriesview.objects.held import HeldRecording, Told, channels_named, described


def recording_of_array(array: npt.NDArray[Any], name: str, told: Told) -> HeldRecording:
    """Samples of one channel (n,), or of several (n, C); along another axis where `time_axis` says so.

    Raises ReaderError where it is not clear which axis is time.
    """
    if array.ndim not in (1, 2):
        raise ReaderError(
            f"{name}: an array of shape {array.shape}; (samples,) or (samples, channels) is expected"
        )
    if told.time_axis not in (None, 0, 1, -1, -2):
        raise ReaderError(f"{name}: time_axis is {told.time_axis!r:.40}; 0 or 1 is expected")
    if array.ndim == 2:
        if told.time_axis is None and array.shape[1] > array.shape[0] > 1:
            raise ReaderError(
                f"{name}: an array of shape {array.shape} would be {array.shape[0]} samples of "
                f"{array.shape[1]} channels; say which axis is time: time_axis=0 or time_axis=1"
            )
        array = array.T if told.time_axis in (1, -1) else array
    rows = filled(array, name)
    labels = ["" if rows.ndim == 1 else index for index in range(1 if rows.ndim == 1 else rows.shape[1])]
    channels = channels_named(labels, told, name)
    clock = clock_of(told, name)
    held = HeldRecording(name, lambda first, last: rows[first:last], rows.dtype, len(rows), channels, clock)
    return described(held, told)


def filled(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """The array with NaN where it is masked. Raises ReaderError for masked integers, which know no NaN."""
    if not isinstance(array, np.ma.MaskedArray) or not np.ma.is_masked(array):
        return np.asarray(array)
    if array.dtype.kind != "f":
        raise ReaderError(
            f"{name}: masked values of dtype {array.dtype} cannot be told apart from others; give .astype(float), or "
            ".filled(VALUE) of a value that stands for none"
        )
    whole: npt.NDArray[Any] = array.filled(np.nan)
    return whole
