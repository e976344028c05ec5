"""Which dtypes samples can have, and what the configuration may say about channels and rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Recording

_KINDS = {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "b": (1,)}
_SHOWN_CHARACTERS = 100
SUPPORTED = "int8 to int64, uint8 to uint64, float16, float32, float64 and bool"


def unsupported_reason(dtype: np.dtype[Any]) -> str | None:
    """Why samples cannot be of this dtype; None where they can."""
    if dtype.itemsize in _KINDS.get(dtype.kind, ()):
        return None
    return f"samples of dtype {str(dtype)[:_SHOWN_CHARACTERS]} cannot be shown (only {SUPPORTED})"


def stored_dtype(dtype: np.dtype[Any], where: tuple[str, ...]) -> np.dtype[Any]:
    """The dtype as bytes in the file, bool as uint8. Raises ReaderError where samples cannot be of it."""
    reason = unsupported_reason(dtype)
    if reason is not None:
        raise ReaderError(reason, file=where)
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype


def parse_dtype(text: str, where: tuple[str, ...]) -> np.dtype[Any]:
    """The dtype of a configuration's `dtype:` such as int16, >i2 or float32. Raises ReaderError."""
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, SyntaxError):
        raise ReaderError(f"dtype: {text!r} is no dtype; write one of {SUPPORTED}", file=where) from None
    return stored_dtype(dtype, where)


def checked_rate(rate: float | None, path: Path) -> float | None:
    """The rate, if it is usable. Raises ReaderError for zero, negative, infinite and NaN rates."""
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise ReaderError(
            f"sampling_frequency: {rate} Hz is no rate; it must be greater than zero", file=path
        )
    return None if rate is None else float(rate)


def required_rate(options: ReadOptions, path: Path) -> float:
    """The configured rate. Raises ReaderError where there is none, or an unusable one."""
    rate = checked_rate(options.sampling_frequency, path)
    if rate is None:
        raise ReaderError("no rate in this file; set `sampling_frequency:` (Hz) or `timestamps:`", file=path)
    return rate


def turned_guess(shape: tuple[int, ...]) -> Decision:
    """What is to be said where the first dimension of an array of `shape` (samples, channels) is taken for channels."""
    text = (
        f"{shape[0]} samples of {shape[1]} channels, as its first dimension is the shorter one (`order: F`)"
    )
    return Decision(text, is_guess=True)


def make_channels(
    num_channels: int, options: ReadOptions, path: Path, labels: Sequence[str] | None = None
) -> tuple[Channel, ...]:
    """One Channel each; ids are 0, 1, ..., labels the configured ones, else `labels`, else the ids.

    Raises ReaderError where the configuration counts other channels than the file has.
    """
    if options.channels is not None and options.channels != num_channels:
        raise ReaderError(
            f"channels: {options.channels} configured, but the dataset has {num_channels}", file=path
        )
    chosen = options.channel_labels if options.channel_labels is not None else labels
    if chosen is None:
        chosen = [str(index) for index in range(num_channels)]
    if len(chosen) != num_channels:
        raise ReaderError(
            f"channel_labels: {len(chosen)} given, but the dataset has {num_channels} channels", file=path
        )
    return tuple(Channel(id=str(index), label=label) for index, label in enumerate(chosen))


def describe(recording: Recording, options: ReadOptions) -> None:
    """Put the configured unit, scale, offset, limits, session start and start time into a recording with its channels.

    What is configured for all channels takes the place of what each has of its own.
    """
    described = {name: getattr(options, name) for name in ("unit", "scale", "offset", "limits")}
    own: dict[str, Any] = {name: None for name, value in described.items() if value is not None}
    if own:
        recording.channels = tuple(replace(channel, **own) for channel in recording.channels)
    if options.scale is not None:
        recording.scale_problem = None
    recording.unit = options.unit or recording.unit
    recording.scale = recording.scale if options.scale is None else options.scale
    recording.offset = recording.offset if options.offset is None else options.offset
    recording.start_time = recording.start_time if options.start_time is None else options.start_time
    recording.session_start = options.session_start or recording.session_start
