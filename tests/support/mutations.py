"""Headers that somebody or something damaged: an error of one line or data, in little memory."""

from __future__ import annotations

import random
import re
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seriesview.errors import SeriesviewError
from seriesview.readers.protocol import Reader, ReadOptions

MUTATIONS = 2000
MOST_BYTES = 200 << 20
_LARGE = (b"0", b"-1", b"99999999", b"4294967295", b"9223372036854775807", b"1e308", b"nan", b"1" * 400)


def mutated(content: bytes, count: int = MUTATIONS) -> Iterator[bytes]:
    """So many changed contents, the same ones each time: bits, bytes, numbers, cuts, insertions, repetitions."""
    for seed in range(count):
        chosen = random.Random(seed)
        data = bytearray(content)
        for _ in range(chosen.choice((1, 1, 2, 5))):
            _change(data, chosen)
        yield bytes(data)


def _change(data: bytearray, chosen: random.Random) -> None:
    at = chosen.randrange(len(data) + 1)
    kind = chosen.randrange(7)
    if kind == 0 and at < len(data):
        data[at] ^= 1 << chosen.randrange(8)
    elif kind == 1 and at < len(data):
        data[at] = chosen.randrange(256)
    elif kind == 2 and (numbers := list(re.finditer(rb"\d+", data))):
        number = chosen.choice(numbers)
        data[number.start() : number.end()] = chosen.choice(_LARGE)
    elif kind == 3:
        data[at : at + 8] = chosen.choice((b"\xff" * 8, b"\0" * 8, b"\x7f" + b"\xff" * 7))
    elif kind == 4:
        del data[at : at + chosen.choice((1, 4, 30, len(data)))]
    elif kind == 5:
        data[at:at] = data[chosen.randrange(len(data) + 1) :][:200]
    else:
        data[at:at] = bytes(chosen.randrange(256) for _ in range(chosen.choice((1, 2, 20))))


def check_survives(reader: Reader, path: Path, changed: Path, count: int = MUTATIONS) -> int:
    """Change the file `changed` so often, and read all that the reader finds in `path`; how often there was data."""
    whole = changed.read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    readable = 0
    for data in mutated(whole, count):
        changed.write_bytes(data)
        if reader.can_read(path):
            readable += _read_all(reader, path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MOST_BYTES, f"{grown} kB more than before"
    changed.write_bytes(whole)
    return readable


def _read_all(reader: Reader, path: Path) -> bool:
    try:
        for candidate in reader.candidates(path):
            if candidate.problem is not None:
                continue
            keys = {key: 1.0 if value is None else value for key, value in candidate.options.items()}
            with reader.open(path, ReadOptions(**{**keys, "type": candidate.type})) as recording:
                if recording.type == "event":
                    times, channels = recording.events()
                    assert np.isfinite(times).all()
                    assert (channels < recording.num_channels).all()
                elif recording.type == "interval":
                    recording.intervals()
                else:
                    count = min(recording.num_samples, max(1, 100_000 // recording.num_channels))
                    out = np.empty((count, recording.num_channels), recording.dtype)
                    recording.read_into(0, out)
                    recording.read_into(recording.num_samples - count, out)
                    if recording.segments is not None:
                        assert sum(each.num_samples for each in recording.segments) == recording.num_samples
    except SeriesviewError as error:
        sentence = str(error)
    else:
        return True
    assert len(sentence) < 5000
    assert "\n" not in sentence
    return False
