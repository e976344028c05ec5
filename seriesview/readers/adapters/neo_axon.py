"""Tags and sweeps of ABF files, which neo reads at other places or times than the format's description has them.

Axon Binary File format, versions 1.8 and 2: a tag is an int32 time, 56 characters and two int16.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from seriesview.errors import ReaderError

_TAG_BYTES = 64
_BLOCK_BYTES = 512
_MOST_TAGS = 1 << 20
_FIXED_LENGTH = (2, 5)  # modes of operation


def tags(path: Path, info: Any, rate: float) -> list[tuple[float, str]]:
    """Seconds from the file's start and comment of each tag. Raises ReaderError."""
    if info["fFileVersionNumber"] < 2:
        first, count, unit = info["lTagSectionPtr"], info["lNumTagEntries"], info["fSynchTimeUnit"]
        channels = info["nADCNumChannels"]
    else:
        section = info["sections"]["TagSection"]
        first, count, unit = (
            section["uBlockIndex"],
            section["llNumEntries"],
            info["protocol"]["fSynchTimeUnit"],
        )
        channels = info["sections"]["ADCSection"]["llNumEntries"]
    if not 0 <= count <= _MOST_TAGS:
        raise ReaderError(f"{count} tags, which cannot be", file=path)
    # In units of microseconds, or in samples of any channel.
    tick = unit / 1e6 if unit else 1 / (rate * channels)
    with path.open("rb") as file:
        file.seek(max(0, int(first)) * _BLOCK_BYTES)
        content = file.read(_TAG_BYTES * int(count))
    found = []
    for time, comment in struct.iter_unpack("<i56s4x", content[: len(content) // _TAG_BYTES * _TAG_BYTES]):
        found.append((time * tick, comment.partition(b"\0")[0].decode("latin-1").strip()))
    return found


def sweeps_without_times(
    info: Any, num_samples: int, rate: float
) -> list[tuple[int, int, int, float]] | None:
    """Sweeps of one length, one behind the other, in a file of version 1 that has no table of them.

    Each is the segment in neo, first sample, samples and seconds; None where there is a table, or one sweep.
    """
    if info["fFileVersionNumber"] >= 2 or info["lSynchArraySize"] > 0:
        return None
    count = int(info["lActualEpisodes"])
    if info["nOperationMode"] not in _FIXED_LENGTH or not 1 < count <= num_samples:
        return None
    length = num_samples // count
    return [(0, number * length, length, number * length / rate) for number in range(count)]
