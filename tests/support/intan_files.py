"""Intan's stimulation recordings (.rhs), in the three ways in which its program saves them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def _text(words: str) -> bytes:
    encoded = words.encode("utf-16-le")
    return struct.pack("<I", len(encoded)) + encoded


def rhs_header(channels: int, stim_step: float = 1e-6) -> bytes:
    """Of `channels` electrodes A-000, ... called site 0, ..., with their DC, and digital inputs 1 and 6."""
    head = struct.pack("<Ihhf", 0xD69127AC, 3, 0, 20000.0)
    head += struct.pack("<hffffffff", 1, *[1.0] * 8) + struct.pack(
        "<hffhhfff", 0, 0, 0, 0, 0, stim_step, 0, 0
    )
    head += _text("") * 3 + struct.pack("<hh", 1, 0) + _text("n/a") + struct.pack("<h", 2)
    head += _text("Port A") + _text("A") + struct.pack("<3h", 1, channels, channels)
    head += b"".join(_channel(f"A-{at:03}", f"site {at}", at, 0) for at in range(channels))
    head += _text("Digital In") + _text("DIN") + struct.pack("<3h", 1, 2, 0)
    return head + _channel("DIGITAL-IN-01", "lick", 0, 5) + _channel("DIGITAL-IN-06", "cue", 5, 5)


def _channel(native: str, custom: str, order: int, kind: int) -> bytes:
    numbers = struct.pack("<11hff", order, order, kind, 1, order, 0, 0, 0, 0, 0, 0, 1e5, 0)
    return _text(native) + _text(custom) + numbers


def write_rhs(path: Path, amplifier: Array, dc: Array, stim: Array, digital: Array) -> None:
    """All in one file: uint16 (n, C) each, digital words (n,), n a multiple of 128."""
    data = rhs_header(amplifier.shape[1])
    for first in range(0, len(amplifier), 128):
        data += np.arange(first, first + 128, dtype="<i4").tobytes()
        for values in (amplifier, dc, stim):
            data += values[first : first + 128].T.astype("<u2").tobytes()
        data += digital[first : first + 128].astype("<u2").tobytes()
    path.write_bytes(data)


def write_rhs_by_channel(folder: Path, amplifier: Array, dc: Array, digital: Array) -> None:
    """One file a channel, those of DC in another order than the channels."""
    folder.mkdir()
    (folder / "info.rhs").write_bytes(rhs_header(amplifier.shape[1]))
    np.arange(len(amplifier), dtype="<i4").tofile(folder / "time.dat")
    for at in reversed(range(amplifier.shape[1])):
        dc[:, at].astype("<u2").tofile(folder / f"dc-A-{at:03}.dat")
        (amplifier[:, at].astype(np.int32) - 32768).astype("<i2").tofile(folder / f"amp-A-{at:03}.dat")
    for line in (0, 5):
        ((digital >> line) & 1).astype("<u2").tofile(folder / f"board-DIGITAL-IN-{line + 1:02}.dat")
