"""Signals that have a unit, a scale and a type each, as the channels of a recording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from seriesview.readers.protocol import Missing, ReadOptions, Recording
from seriesview.readers.sample_types import describe, make_channels

_BEGINNING = re.compile(r"(EEG|EOG|EMG|ECG|EKG|RESP|TEMP|SEEG|ECOG|DBS|MEG)\b", re.IGNORECASE)
_BIDS = {"EKG": "ECG", "MEG": "MEGOTHER"}


@dataclass(frozen=True)
class Measured:
    """What a file says of one signal: physical value = stored * scale + offset."""

    label: str
    unit: str
    scale: float
    offset: float
    type: str | None = None
    missing: Missing | None = None
    limits: tuple[float, float] | None = None


def set_channels(recording: Recording, signals: Sequence[Measured], options: ReadOptions) -> None:
    """Give a recording its channels, and what the configuration says; what all have alike is the recording's."""
    labels = [signal.label for signal in signals]
    plain = make_channels(len(signals), options, recording.path, labels)
    alike: dict[str, Any] = {}
    for word in ("unit", "scale", "offset", "missing"):
        told = [getattr(signal, word) for signal in signals]
        if all(one == told[0] for one in told[1:]):
            setattr(recording, word, told[0])
            alike[word] = None
    recording.channels = tuple(
        replace(
            channel,
            id=unique,
            type=signal.type,
            limits=signal.limits,
            **{
                "unit": signal.unit,
                "scale": signal.scale,
                "offset": signal.offset,
                "missing": signal.missing,
                **alike,
            },
        )
        for channel, unique, signal in zip(plain, unique_ids(labels), signals, strict=True)
    )
    describe(recording, options)


def unique_ids(labels: Sequence[str]) -> list[str]:
    """The labels, each that was there before with a number behind it."""
    taken = set(labels)
    found: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for label in labels:
        name = label
        while name in found or (name != label and name in taken):
            numbers[label] = numbers.get(label, 1) + 1
            name = f"{label} ({numbers[label]})"
        found[name] = None
    return list(found)


def type_by_label(label: str) -> str | None:
    """What a signal measures, as BIDS has it, by the standard beginning of its label."""
    found = _BEGINNING.match(label)
    return None if found is None else _BIDS.get(found[1].upper(), found[1].upper())
