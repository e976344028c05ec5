"""Chunks of an XDF file, looked at before pyxdf takes room for all the samples that they say they hold.

After the XDF 1.0 specification of the Lab Streaming Layer (sccn/xdf on GitHub).
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO

from seriesview.errors import ReaderError

_HEADER, _SAMPLES = 2, 3
_MOST_CHANNELS = 16384
_MOST_HEADER = 16 << 20
# The last chunk of a recording that was cut off says more than is there.
_MOST_CUT = 64 << 20
_COUNT = re.compile(rb"<channel_count>\s*(\d{1,9})\s*</channel_count>")


def check_chunks(path: Path) -> None:
    """Raise ReaderError where a chunk says that it holds more samples than fit into it."""
    size = path.stat().st_size
    channels: dict[int, int] = {}
    with path.open("rb") as file:
        at = 4
        while at < size:
            file.seek(at)
            length = _length(file)
            begin = file.tell()
            content = file.read(6)
            if length is None or length < 2 or len(content) < 6:
                return
            tag, stream = struct.unpack("<HI", content)
            if length > max(size - begin, _MOST_CUT):
                raise _damaged(path, at)
            if tag == _HEADER:
                found = _COUNT.search(file.read(min(length, _MOST_HEADER)))
                channels[stream] = int(found[1]) if found else 0
                if not 1 <= channels[stream] <= _MOST_CHANNELS:
                    raise _damaged(path, at)
            elif tag == _SAMPLES:
                count = _length(file)
                # A value takes a byte at least, and so does what stands for the time of a sample.
                if count is None or stream not in channels or count * (channels[stream] + 1) > length:
                    raise _damaged(path, at)
            at = begin + length


def _length(file: BinaryIO) -> int | None:
    """A number behind the count of its bytes, 1, 4 or 8; None where there is none."""
    count = file.read(1)
    if count not in (b"\1", b"\4", b"\x08"):
        return None
    number = file.read(count[0])
    return int.from_bytes(number, "little") if len(number) == count[0] else None


def _damaged(path: Path, at: int) -> ReaderError:
    return ReaderError(f"the chunk at byte {at} is damaged; copy the file again", file=path)
