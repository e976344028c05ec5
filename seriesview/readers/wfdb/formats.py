"""How samples are stored in signal files (WFDB Applications Guide, signal(5))."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16] | npt.NDArray[np.int32]


@dataclass(frozen=True)
class Format:
    """One format: bits of a sample, its dtype in the file where it lies plain, and what is subtracted from that.

    The lowest value of so many bits stands for a sample that is missing.
    """

    bits: int
    dtype: str | None
    bias: int = 0

    @property
    def invalid(self) -> int:
        """The sample that stands for none."""
        return -(1 << (self.bits - 1))

    def num_bytes(self, samples: int) -> int:
        """Bytes that so many samples take, from the beginning of a group on."""
        return samples * self.bits // 8 + (1 if samples * self.bits % 8 else 0)

    def num_samples(self, num_bytes: int) -> int:
        """Samples that so many bytes hold."""
        return num_bytes * 8 // self.bits


OWN = {
    16: Format(16, "<i2"),
    32: Format(32, "<i4"),
    61: Format(16, ">i2"),
    80: Format(8, "u1", 128),
    160: Format(16, "<u2", 32768),
    212: Format(12, None),
}
"""Formats that are read here."""

LIBRARYS = {24: -(1 << 23), 310: -512, 311: -512, 508: -128, 516: -(1 << 15), 524: -(1 << 23)}
"""Formats that the WFDB library reads, and what of each stands for a missing sample.

Not format 8, of differences from one sample to the next: it cannot be read from the middle on.
"""


def bits_of(number: int) -> int:
    """Bits of a sample of a format."""
    return OWN[number].bits if number in OWN else (-LIBRARYS[number]).bit_length()


def unpacked(content: Bytes, kind: Format) -> Samples:
    """Samples of whole bytes of a file, which begin with a group of two in a format of 12 bits."""
    if kind.dtype is None:
        return _of_12_bits(content)
    plain = content.view(kind.dtype)
    if kind.bits == 32:
        return plain.astype(np.int32, copy=False)
    return (plain.astype(np.int32) - kind.bias).astype(np.int16) if kind.bias else plain.astype(np.int16)


def _of_12_bits(content: Bytes) -> npt.NDArray[np.int16]:
    """Two samples in three bytes; the middle one holds the upper bits of both."""
    groups = -(-len(content) // 3)
    padded = content
    if len(content) % 3:
        padded = np.zeros(3 * groups, np.uint8)
        padded[: len(content)] = content
    first, second = (
        np.ndarray((groups,), "<i2", padded.data, byte, (3,)).astype(np.int16) for byte in range(2)
    )
    out = np.empty((groups, 2), np.int16)
    # The sign comes from the uppermost of 16 bits.
    first <<= 4
    np.right_shift(first, 4, out=out[:, 0])
    upper = second & 0xF0
    upper <<= 8
    second >>= 4
    second &= 0x0FF0
    second |= upper
    np.right_shift(second, 4, out=out[:, 1])
    return out.reshape(-1)
