"""Small files of Micromed and TDT, laid out as neo's raw readers describe the formats."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_ZONES = [
    "ORDER",
    "LABCOD",
    "NOTE",
    "FLAGS",
    "TRONCA",
    "IMPED_B",
    "IMPED_E",
    "MONTAGE",
    "COMPRESS",
    "AVERAGE",
    "HISTORY",
    "DVIDEO",
    "EVENT_A",
    "EVENT_B",
    "TRIGGER",
]
_TSQ = np.dtype(
    [
        ("size", "<i4"),
        ("evtype", "<i4"),
        ("evname", "S4"),
        ("channel", "<u2"),
        ("sortcode", "<u2"),
        ("timestamp", "<f8"),
        ("offset", "<i8"),
        ("dataformat", "<i4"),
        ("frequency", "<f4"),
    ]
)


def write_micromed(path: Path, samples: Array, units: list[int], notes: list[tuple[int, str]]) -> None:
    """A .TRC of header version 4 at 256 Hz: uint16 samples (n, C) around 32768, +-3200 units of each channel's code."""
    channels = samples.shape[1]
    zones = {
        "ORDER": np.arange(channels, dtype="<u2").tobytes(),
        "LABCOD": b"".join(
            struct.pack(
                "<2x6s6siiiiih8xH", f"C{at}".encode(), b"G2", 0, 65535, 32768, -3200, 3200, unit, 4
            ).ljust(128, b"\0")
            for at, unit in enumerate(units)
        ),
        "NOTE": b"".join(struct.pack("<I40s", at, text.encode()) for at, text in notes),
        "TRONCA": bytes(800),
        "TRIGGER": struct.pack("<IH", 256, 1) + struct.pack("<IH", 700, 2),
        "EVENT_A": struct.pack("<III", 1, 100, 300),
    }
    header, body = bytearray(640), b""
    header[:10] = b"* MICROMED"
    struct.pack_into("bbbbbb", header, 128, 5, 3, 121, 10, 20, 30)
    header[175] = 4
    for number, name in enumerate(_ZONES):
        content = zones.get(name, bytes(12))
        called = name.replace("_", " ") if name.startswith("EVENT") else name
        struct.pack_into(
            "<8sII", header, 176 + 16 * number, called.encode().ljust(8), 640 + len(body), len(content)
        )
        body += content
    struct.pack_into("<IHHHH", header, 138, 640 + len(body), channels, 2 * channels, 64, 2)
    path.write_bytes(bytes(header) + body + samples.astype("<u2").tobytes())


def write_tdt(folder: Path, samples: Array, began: float = 1.6e9) -> Path:
    """A block with a store Wav1 of float32 samples (n, C), n a multiple of 256, and ticks; returns its .tsq."""
    rate, points = 24414.0625 / 8, 256
    folder.mkdir(parents=True)
    rows: list[tuple[Any, ...]] = [(0, 0x8801, b"", 0, 0, began - 1, 0, 0, 0)]
    rows.append((0, 0x8801, b"\x01", 0, 0, began, 0, 0, 0))
    data = b""
    for block in range(len(samples) // points):
        for channel in range(samples.shape[1]):
            piece = samples[block * points : (block + 1) * points, channel].astype("<f4").tobytes()
            at = began + block * points / rate
            rows.append((points + 10, 0x8101, b"Wav1", channel + 1, 0, at, len(data), 0, rate))
            data += piece
    rows += [(0, 0x101, b"Tick", 0, 0, began + number / 4, number, 4, 0) for number in range(3)]
    rows.append((0, 0x8801, b"\x02", 0, 0, began + len(samples) / rate, 0, 0, 0))
    stores = [("Wav1", 0x8101, samples.shape[1], points, 0, rate), ("Tick", 0x101, 1, 1, 4, 0)]
    names = ("StoreName", "TankEvType", "NumChan", "NumPoints", "DataFormat", "SampleFreq")
    blocks = []
    for store in stores:
        said = dict(zip(names, store, strict=True)) | {
            "HeadName": store[0],
            "Enabled": 1,
            "CircType": 0,
            "StrobeMode": 0,
        }
        blocks.append("".join(f"NAME={name};TYPE=L;VALUE={value};\r\n" for name, value in said.items()))
    stem = f"tank_{folder.name}"
    np.array(rows, _TSQ).tofile(folder / f"{stem}.tsq")
    (folder / f"{stem}.tev").write_bytes(data)
    (folder / f"{stem}.tdx").write_bytes(b"")
    (folder / f"{stem}.Tbk").write_text("[STOREHDRITEM]".join(blocks) + "[USERNOTEDELIMITER]", newline="")
    return folder / f"{stem}.tsq"
