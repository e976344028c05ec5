"""How files begin whose readers take a while to load, so that these are loaded for such files alone."""

from __future__ import annotations

from pathlib import Path

from seriesview.layout.remote_path import is_remote

_HDF5 = b"\x89HDF\r\n\x1a\n"
_FIRST_USER_BLOCK = 512
PARQUET, ARROW_FILE, FEATHER_1 = b"PAR1", b"ARROW1", b"FEA1"
_ARROW_STREAM = b"\xff\xff\xff\xff"


def is_hdf5(path: Path) -> bool:
    """Whether the file has HDF5's signature, at its beginning or behind a user block."""
    with path.open("rb") as file:
        size = path.stat().st_size
        position = 0
        # User blocks are small where there are any, and each look costs a round trip.
        size = min(size, 4096) if is_remote(path) else size
        while position + len(_HDF5) <= size:
            file.seek(position)
            if file.read(len(_HDF5)) == _HDF5:
                return True
            position = max(_FIRST_USER_BLOCK, 2 * position)
    return False


def is_arrow(path: Path) -> bool:
    """Whether the file is one of Parquet, Arrow or Feather; streams begin with the first message of a schema."""
    with path.open("rb") as file:
        head = file.read(8)
    return head.startswith((PARQUET, ARROW_FILE, FEATHER_1)) or (
        head[:4] == _ARROW_STREAM and 0 < int.from_bytes(head[4:8], "little") < 1 << 24
    )
