"""SpikeGLX files: headers as the program writes them, with samples beside them that a test knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def write_stream(folder: Path, stem: str, samples: Array, keys: dict[str, object]) -> Path:
    """The .bin and .meta of int16 samples (n, channels), words included; returns the .bin.

    Keys of None are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.bin"
    samples.astype("<i2").tofile(path)
    said: dict[str, object] = {
        "fileCreateTime": "2024-05-06T07:08:09",
        "fileName": f"D:/data/{stem}.bin",
        "fileSizeBytes": path.stat().st_size,
        "firstSample": 0,
        "nSavedChans": samples.shape[1],
        "snsSaveChanSubset": "all",
        **keys,
    }
    lines = [f"{key}={value}" for key, value in said.items() if value is not None]
    path.with_suffix(".meta").write_text("\n".join(lines) + "\n", newline="\r\n")
    return path


def ap_keys(
    channels: int, gains: Sequence[tuple[int, int]] | None = None, **more: object
) -> dict[str, object]:
    """Of a Neuropixels 1.0 probe's AP file with a sync word; `gains` of AP and LF for each channel."""
    gains = gains or [(500, 250)] * channels
    entries = "".join(f"({index} 0 0 {ap} {lf} 1)" for index, (ap, lf) in enumerate(gains))
    return {
        "typeThis": "imec",
        "imSampRate": 30000.25,
        "imAiRangeMax": 0.6,
        "imDatPrb_pn": "NP1000",
        "imDatPrb_type": 0,
        "acqApLfSy": f"{channels},{channels},1",
        "snsApLfSy": f"{channels},0,1",
        "~imroTbl": f"(0,{channels}){entries}",
        "~snsChanMap": channel_map([f"AP{index}" for index in range(channels)] + ["SY0"]),
        "~snsGeomMap": "(NP1000,1,0,70)"
        + "".join(
            f"(0:{(27, 11)[row % 2] + 32 * (index % 2)}:{20 * row}:1)"
            for index in range(channels)
            for row in [index // 2]
        ),
        **more,
    }


def np2_keys(channels: int, shanks: int = 4, **more: object) -> dict[str, object]:
    """Of a Neuropixels 2.0 probe with its gain in the header."""
    entries = "".join(f"({index} {index % shanks} 0 0 {index // shanks})" for index in range(channels))
    geometry = "".join(
        f"({index % shanks}:{27 + 32 * ((index // shanks) % 2)}:{15 * (index // (2 * shanks))}:{int(index != 1)})"
        for index in range(channels)
    )
    return {
        "typeThis": "imec",
        "imSampRate": 30000,
        "imAiRangeMax": 0.62,
        "imMaxInt": 2048,
        "imChan0apGain": 100,
        "imDatPrb_pn": "NP2013",
        "imDatPrb_type": 2013,
        "acqApLfSy": f"{channels},0,1",
        "snsApLfSy": f"{channels},0,1",
        "~imroTbl": f"(2013,{channels}){entries}",
        "~snsChanMap": channel_map([f"AP{index}" for index in range(channels)] + ["SY0"]),
        "~snsGeomMap": f"(NP2013,4,250,70){geometry}",
        **more,
    }


def ni_keys(counts: tuple[int, int, int, int], **more: object) -> dict[str, object]:
    """Of a nidq file with so many MN, MA and XA channels and digital words, 8 lines acquired."""
    names = [
        f"{kind}{index}"
        for kind, count in zip(("MN0C", "MA0C", "XA", "XD"), counts, strict=True)
        for index in range(count)
    ]
    joined = ",".join(map(str, counts))
    return {
        "typeThis": "nidq",
        "niSampRate": 25000.5,
        "niAiRangeMax": 5,
        "niMNGain": 200,
        "niMAGain": 2,
        "niXDBytes1": 1,
        "niXDChans1": "0:7",
        "acqMnMaXaDw": joined,
        "snsMnMaXaDw": joined,
        "~snsChanMap": channel_map(names),
        **more,
    }


def channel_map(names: Sequence[str]) -> str:
    """A table of names in the order of the file, shown in another one."""
    last = len(names) - 1
    return f"({len(names)},0,1)" + "".join(
        f"({name};{index}:{last - index})" for index, name in enumerate(names)
    )


def square(samples: int, half_period: int, bit: int = 6, first: int = 0) -> Array:
    """A word (samples,) in which one bit is low, then high, each for so many samples."""
    return (((np.arange(samples) + first) // half_period) % 2 << bit).astype(np.int16)
