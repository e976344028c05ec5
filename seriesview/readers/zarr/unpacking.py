"""Bytes of one chunk, unpacked: for texts, whose length only the packed bytes know."""

from __future__ import annotations

import bz2
import json
import lzma
import zlib
from pathlib import Path
from typing import Any

from seriesview.errors import ReaderError, one_line
from seriesview.readers.extras import imported

_MOST_BYTES = 128 << 20
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def unpacked(content: bytes, compressor: Any, where: tuple[str, ...], file: Path) -> bytes:
    """The bytes of a chunk behind a compressor of version 2, of at most 128 MB. Raises ReaderError."""
    if compressor is None:
        return content
    name = compressor.get("id") if isinstance(compressor, dict) else None
    try:
        if name in ("zlib", "gzip"):
            return zlib.decompressobj(47).decompress(content, _MOST_BYTES)
        if name == "bz2":
            return bz2.BZ2Decompressor().decompress(content, _MOST_BYTES)
        if name == "lzma":
            return lzma.LZMADecompressor().decompress(content, _MOST_BYTES)
        if name in ("blosc", "zstd"):
            size = _size(content, name)
            if 0 < size <= _MOST_BYTES:
                return _by_library(content, compressor, size, file)
    except ReaderError:
        raise
    except Exception as error:  # damaged chunks are told in errors of many kinds
        raise ReaderError(f"cannot be unpacked: {one_line(error, 100)}", file=where) from error
    raise ReaderError(f"packed by {name!r:.30}, or so that its length is not known", file=where)


def _size(content: bytes, name: str) -> int:
    """Bytes once unpacked, as the packed ones begin with them; 0 where they do not."""
    if name == "blosc":
        return int.from_bytes(content[4:8], "little")
    if content[:4] != _ZSTD_MAGIC or len(content) < 6:
        return 0
    # RFC 8878, section 3.1.1.1: flags, window, dictionary, and the content's size.
    flags = content[4]
    single = flags >> 5 & 1
    at = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    length = (single, 2, 4, 8)[flags >> 6]
    size = int.from_bytes(content[at : at + length], "little")
    return size + (256 if length == 2 else 0)


def _by_library(content: bytes, compressor: dict[str, Any], size: int, file: Path) -> bytes:
    """As an array of bytes with one chunk, in memory."""
    library = imported("tensorstore", extra="zarr", file=file)
    context = library.Context()
    memory = {"driver": "memory", "path": "chunk/"}
    metadata = {
        "zarr_format": 2,
        "shape": [size],
        "chunks": [size],
        "dtype": "|u1",
        "compressor": {key: value for key, value in compressor.items() if key != "checksum"},
        "fill_value": None,
        "filters": None,
        "order": "C",
    }
    store = library.KvStore.open(memory, context=context).result()
    store.write(".zarray", json.dumps(metadata).encode()).result()
    store.write("0", content).result()
    array = library.open({"driver": "zarr", "kvstore": memory}, read=True, context=context).result()
    values: bytes = array.read().result().tobytes()
    return values
