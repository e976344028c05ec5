"""A recording that a Python object holds, read from it by stretches of samples."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Channel, Decision, Recording
from seriesview.readers.sample_types import unsupported_reason

Read = Callable[[int, int], npt.NDArray[Any]]
"""Samples (n, C), or (n,) of one channel, of a half-open range of sample indices."""

_ADVICE = {
    "c": "give its .real, .imag or numpy.abs()",
    "O": "give an array of numbers, not of Python objects",
    "M": "dates are times: give them as times=",
    "m": "durations are times: give them as times=",
}


@dataclass(frozen=True)
class Told:
    """What the user says of an object; None where the object, or nobody, says it."""

    sampling_frequency: float | None = None
    times: Any = None
    time_axis: int | None = None
    label: str | None = None
    unit: str | None = None
    scale: float | None = None
    offset: float | None = None
    start_time: float | None = None
    session_start: str | None = None
    channel_labels: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Raises ReaderError for what is no number or no text."""
        for word in ("scale", "offset", "start_time"):
            value = getattr(self, word)
            is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if value is not None and not (is_number and np.isfinite(value)):
                raise ReaderError(f"{word} is {value!r:.40}; a finite number is expected")
        if self.scale == 0:
            raise ReaderError(
                "scale is 0, with which every value would be the same; another number is expected"
            )
        for word in ("label", "unit", "session_start"):
            value = getattr(self, word)
            if not isinstance(value, str | None):
                said = "; give its isoformat()" if hasattr(value, "isoformat") else ""
                raise ReaderError(f"{word} is {value!r:.60}; a text is expected{said}")


@dataclass(frozen=True)
class Clock:
    """When samples were taken: a rate, or a time for each, float64 (n,), in seconds from `session_start`."""

    rate: float | None
    times: npt.NDArray[np.float64] | None = None
    start_time: float = 0.0
    session_start: str | None = None
    decisions: tuple[Decision, ...] = ()


class HeldRecording(Recording):
    """Samples of an object, in its own dtype; booleans are 0 and 1."""

    def __init__(
        self,
        name: str,
        read: Read,
        dtype: npt.DTypeLike,
        num_samples: int,
        channels: Sequence[Channel],
        clock: Clock,
        *,
        unit: str = "",
        scale: float = 1.0,
        offset: float = 0.0,
        label: str | None = None,
        decisions: Sequence[Decision] = (),
    ) -> None:
        """Raises ReaderError for values that are no numbers, and where there are no samples."""
        self.path = Path(name)
        self.dtype = stored_dtype(np.dtype(dtype), name)
        if num_samples == 0 or not channels:
            raise ReaderError(f"{name}: there are no samples in it")
        if clock.times is not None and len(clock.times) != num_samples:
            raise ReaderError(f"{name}: {len(clock.times)} times for {num_samples} samples")
        self.type = "continuous"
        self.num_samples = int(num_samples)
        self.channels = tuple(channels)
        self.sampling_frequency = clock.rate
        self.start_time = float(clock.start_time)
        self.session_start = clock.session_start
        self.unit, self.scale, self.offset, self.label = unit, scale, offset, label
        self.decisions = (*clock.decisions, *decisions)
        self._read = read
        self._times = clock.times

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        rows = self._read(first_sample, first_sample + len(out))
        out[...] = np.asarray(rows).reshape(out.shape)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,)."""
        assert self._times is not None
        return self._times[first_sample:last_sample]


def stored_dtype(dtype: np.dtype[Any], name: str) -> np.dtype[Any]:
    """The dtype in which values are stored. Raises ReaderError where they are no numbers."""
    reason = unsupported_reason(dtype)
    if reason is not None:
        raise ReaderError(f"{name}: {reason}; {_ADVICE.get(dtype.kind, 'convert them')}")
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")


def channels_named(labels: Sequence[Any], told: Told, name: str) -> tuple[Channel, ...]:
    """Channels with these labels, or with those that are told. Raises ReaderError for too few of them."""
    if told.channel_labels is not None:
        if len(told.channel_labels) != len(labels):
            raise ReaderError(
                f"{name}: channel_labels: {len(told.channel_labels)} given for {len(labels)} channels"
            )
        labels = told.channel_labels
    texts = [str(label) for label in labels]
    ids = (
        texts if len(set(texts)) == len(texts) and all(texts) else [str(index) for index in range(len(texts))]
    )
    return tuple(Channel(one, text) for one, text in zip(ids, texts, strict=True))


def described(recording: HeldRecording, told: Told) -> HeldRecording:
    """The recording with what is told in place of what the object says."""
    if told.start_time is not None and recording.sampling_frequency is None:
        raise ReaderError(
            f"{recording.path}: start_time: its samples have times of their own; drop start_time, or give "
            "sampling_frequency"
        )
    for word in ("unit", "session_start", "start_time"):
        if getattr(told, word) is not None:
            setattr(recording, word, getattr(told, word))
    if told.scale is not None or told.offset is not None:
        recording.scale = 1.0 if told.scale is None else told.scale
        recording.offset = 0.0 if told.offset is None else told.offset
        recording.channels = tuple(
            replace(channel, scale=None, offset=None) for channel in recording.channels
        )
    if told.unit is not None:
        recording.channels = tuple(replace(channel, unit=None) for channel in recording.channels)
    return recording


def is_loaded(module: str, *names: str) -> tuple[type, ...]:
    """The classes of a module that some part of this process has imported; empty where none has."""
    loaded = sys.modules.get(module)
    found = [getattr(loaded, name, None) for name in names]
    return tuple(kind for kind in found if isinstance(kind, type))
