"""EDF files as edfio writes them, and with fields changed to what other programs write there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import edfio
import numpy as np

# First byte and width of the fields of the file, then width of those of each signal, which follow one another.
_FIXED = {"date": (168, 8), "hour": (176, 8), "recording": (88, 80), "bytes": (184, 8), "reserved": (192, 44)}
_FIXED |= {"records": (236, 8), "seconds": (244, 8), "version": (0, 8)}
_OF_SIGNALS = {"label": 16, "transducer": 80, "dimension": 8, "pmin": 8, "pmax": 8, "dmin": 8, "dmax": 8}
_OF_SIGNALS |= {"prefiltering": 80, "samples": 8}


def signal(
    frequency: float, seconds: float, label: str = "EEG Cz", seed: int = 0, bdf: bool = False, **words: Any
) -> Any:
    """Noise of some hundred units."""
    data = np.random.default_rng(seed).normal(0, 100, round(frequency * seconds))
    made = edfio.BdfSignal if bdf else edfio.EdfSignal
    return made(data, frequency, label=label, **({"physical_dimension": "uV"} | words))


def write(
    path: Path,
    signals: Sequence[Any],
    annotations: Sequence[tuple[float, float | None, str]] | None = None,
    **words: Any,
) -> Path:
    """A file of edfio's, EDF+C with annotations where they are given."""
    texts = None if annotations is None else [edfio.EdfAnnotation(*each) for each in annotations]
    made = edfio.Bdf if any(isinstance(each, edfio.BdfSignal) for each in signals) else edfio.Edf
    made(signals, annotations=texts, **words).write(path)
    return path


def patch(path: Path, field: str, text: str | bytes, index: int = 0) -> Path:
    """Put a text into a field of the header, of the file or of its signal `index`."""
    content = bytearray(path.read_bytes())
    if field in _FIXED:
        place, width = _FIXED[field]
    else:
        num_signals = int(content[252:256])
        names = list(_OF_SIGNALS)
        width = _OF_SIGNALS[field]
        place = (
            256 + num_signals * sum(_OF_SIGNALS[each] for each in names[: names.index(field)]) + width * index
        )
    raw = text.encode() if isinstance(text, str) else text
    content[place : place + width] = raw.ljust(width)[:width]
    path.write_bytes(content)
    return path


def set_record_times(path: Path, times: Sequence[float | None], discontinuous: bool = True) -> Path:
    """Make each record of an EDF+C file tell another time; None: none."""
    content = bytearray(path.read_bytes())
    count = int(content[252:256])
    samples = [int(content[256 + count * 216 + 8 * i :][:8]) for i in range(count)]
    labels = [bytes(content[256 + 16 * i :][:16]).strip() for i in range(count)]
    where = labels.index(b"EDF Annotations")
    stride = 2 * sum(samples)
    for record, time in enumerate(times):
        place = 256 * (count + 1) + record * stride + 2 * sum(samples[:where])
        area = bytes(content[place : place + 2 * samples[where]])
        _, _, rest = area.partition(b"\x14\x14\x00")
        told = b"" if time is None else f"{time:+.10g}".encode() + b"\x14\x14\x00"
        content[place : place + len(area)] = (told + rest).ljust(len(area), b"\0")[: len(area)]
    path.write_bytes(content)
    return patch(path, "reserved", "EDF+D") if discontinuous else path
