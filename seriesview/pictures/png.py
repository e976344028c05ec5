"""Pixels as a PNG file, without smoothing or loss, and a note that travels in one.

Of PNG (third edition) 5.3 (chunks), 9.2 (filter type 0 in every row: what is drawn in whole columns and single colours
does not get smaller by another) and 11.3.3.2 (tEXt).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">IIBBBBB")
_LEVEL = 4
_KEYWORD = b"seriesview\0"


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """The PNG file of pixels (height, width, 3): the same bytes for the same pixels."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = _HEADER.pack(width, height, 8, 2, 0, 0, 0)
    packed = zlib.compressobj(_LEVEL, memLevel=9)
    content = packed.compress(rows.data) + packed.flush()
    return b"".join([_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", content), _chunk(b"IEND", b"")])


def with_note(picture: bytes, note: str) -> bytes:
    """A PNG file that `png` made, with a note of ASCII behind its header."""
    place = _header_end()
    return picture[:place] + _chunk(b"tEXt", _KEYWORD + note.encode("ascii")) + picture[place:]


def note_of(start: bytes) -> str | None:
    """The note in a PNG file, of which the first bytes are enough that hold it; None where there is none."""
    place = _header_end()
    length, kind = start[place : place + 4], start[place + 4 : place + 8]
    content = start[place + 8 :][: int.from_bytes(length, "big")]
    if not start.startswith(_SIGNATURE) or kind != b"tEXt" or not content.startswith(_KEYWORD):
        return None
    return content.removeprefix(_KEYWORD).decode("ascii", "replace")


def _header_end() -> int:
    return len(_SIGNATURE) + 12 + _HEADER.size


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
