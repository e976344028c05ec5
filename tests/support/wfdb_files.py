"""Records of WFDB: samples as formats store them, headers as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BITS = {"8": 8, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12, "310": 10, "311": 10}


def noise(count: int, bits: int, seed: int = 0) -> Array:
    """Samples that use all bits, the lowest value, which is none, among them."""
    most = 1 << (bits - 1)
    values = np.random.default_rng(seed).integers(-most, most, count)
    values[: min(3, count)] = [most - 1, -most, -1][: min(3, count)]
    return values


def encoded(fmt: str, samples: Array) -> bytes:
    """Samples (n,), one after another, as a format stores them (signal(5))."""
    values = np.asarray(samples, np.int64)
    if fmt in ("16", "61", "32"):
        return values.astype({"16": "<i2", "61": ">i2", "32": "<i4"}[fmt]).tobytes()
    if fmt in ("80", "160"):
        return (values + (1 << (BITS[fmt] - 1))).astype({"80": "u1", "160": "<u2"}[fmt]).tobytes()
    if fmt == "24":
        return values.astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes()
    out = bytearray()
    if fmt == "212":
        for first, second in np.pad(values, (0, len(values) % 2)).reshape(-1, 2).tolist():
            first, second = first & 0xFFF, second & 0xFFF
            out += bytes([first & 0xFF, (first >> 8) | (second >> 8) << 4, second & 0xFF])
        return bytes(out[: -(-len(values) * 3 // 2)])
    assert fmt == "311"
    for a, b, c in np.pad(values, (0, -len(values) % 3)).reshape(-1, 3).tolist():
        out += ((a & 0x3FF) | (b & 0x3FF) << 10 | (c & 0x3FF) << 20).to_bytes(4, "little")
    return bytes(out)


def write(
    path: Path,
    fmt: str,
    samples: Array,
    *,
    rate: str = "250",
    start: str = "",
    formats: Sequence[str] | None = None,
    gains: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    prefix: bytes = b"",
) -> Path:
    """The header of a record with one file of samples (n, frame); `formats` say more than `fmt`, such as 16x2."""
    path.with_suffix(".dat").write_bytes(prefix + encoded(fmt, samples.reshape(-1)))
    formats = formats or [fmt] * samples.shape[1]
    gains = gains or ["200"] * len(formats)
    labels = labels or [f"lead {n}" for n in range(len(formats))]
    offset = f"+{len(prefix)}" if prefix else ""
    lines = [f"{path.stem} {len(formats)} {rate} {len(samples)} {start}".rstrip()]
    for each, gain, label in zip(formats, gains, labels, strict=True):
        lines.append(f"{path.stem}.dat {each}{offset} {gain} 12 0 0 0 0 {label}")
    header = path.with_suffix(".hea")
    header.write_text("\n".join(lines) + "\n")
    return header
