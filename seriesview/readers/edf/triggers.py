"""Codes of the Status channel of BDF files: the low 16 bits of its samples (biosemi.com/faq/trigger_signals.htm)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seriesview.readers.edf.header import Header, Signal
from seriesview.readers.edf.int24 import Int24Samples

_BLOCK = 1 << 18
_CODE = 0xFFFF
_MOST_CODES = 1024
_BITS = 16
_MOST_CHANGES = 5_000_000

Changes = tuple[npt.NDArray[np.int64], npt.NDArray[np.uint16], npt.NDArray[np.uint16]]


def status_signal(header: Header) -> Signal | None:
    """The Status channel, or None where there is none."""
    for signal in header.signals:
        if header.sample_bytes == 3 and signal.label.casefold() == "status" and signal.samples_per_record:
            return signal
    return None


def code_changes(header: Header, status: Signal) -> Changes | None:
    """Samples int64 (n,) at which the code changes, the code before and from then on; None where it always does."""
    samples = Int24Samples(header, (status,))
    total = header.num_records * status.samples_per_record
    indices: list[npt.NDArray[np.int64]] = [np.empty(0, np.int64)]
    codes: list[npt.NDArray[np.uint16]] = [np.empty((0, 2), np.uint16)]
    last, found = None, 0
    try:
        for first in range(0, total, _BLOCK):
            block = np.empty((min(_BLOCK, total - first), 1), np.int32)
            samples.read_into(first, block)
            code = (block[:, 0] & _CODE).astype(np.uint16)
            before = np.concatenate([code[:1] if last is None else [last], code[:-1]]).astype(np.uint16)
            changed = np.flatnonzero(code != before)
            last, found = code[-1], found + len(changed)
            if found > _MOST_CHANGES:
                return None
            indices.append(first + changed)
            codes.append(np.stack([before[changed], code[changed]], axis=1))
    finally:
        samples.close()
    both = np.concatenate(codes)
    return np.concatenate(indices), both[:, 0], both[:, 1]


def trigger_events(
    changes: Changes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32], Sequence[str], bool]:
    """Samples (n,) at which triggers begin, the index of each one's label, the labels, and whether these are bits.

    A trigger begins where the code changes to another one than 0; where there are too many codes to be such, lines
    are shown bit by bit, each where it rises.
    """
    indices, before, after = changes
    codes = np.unique(after[after > 0])
    if len(codes) <= _MOST_CODES:
        begins = after > 0
        return (
            indices[begins],
            np.searchsorted(codes, after[begins]).astype(np.uint32),
            [str(code) for code in codes],
            False,
        )
    rising = after & ~before
    found = [(indices[(rising >> bit & 1) > 0], bit) for bit in range(_BITS)]
    used = [(samples, bit) for samples, bit in found if len(samples)]
    return (
        np.concatenate([samples for samples, _ in used]),
        np.repeat(np.arange(len(used)), [len(samples) for samples, _ in used]).astype(np.uint32),
        [f"bit {bit}" for _, bit in used],
        True,
    )
