"""How an array is cut: rows into parts, consecutive parts into packs, packs into pages that list SHA-1s.

A pack's entry in a page: 20 bytes SHA-1 of the pack, then 20 bytes for each of its parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MAX_PART_ROWS = 65536
MAX_PART_BYTES = 2 * 2**20
"""Of a part of more than one row, as it is written."""
MAX_PACK_PARTS = 64
MAX_PACK_BYTES = 20_000_000
"""Of a pack of more than one part: kachery stores so much as one chunk."""
PAGE_PACKS = 256
DIGEST_BYTES = 20
MAX_PAGE_BYTES = PAGE_PACKS * (1 + MAX_PACK_PARTS) * DIGEST_BYTES
LEFT_OUT_DIGEST = bytes(DIGEST_BYTES)
"""In a page, the place of a part that was left out, and of a pack all of whose parts were."""


def part_rows(dtype: npt.DTypeLike, row_shape: Sequence[int]) -> int:
    """Rows a part holds: the largest power of two, at most 65536, that keeps it within 2 MiB, at least 1."""
    fitting = MAX_PART_BYTES // max(_row_bytes(dtype, row_shape), 1)
    return min(1 << max(fitting.bit_length() - 1, 0), MAX_PART_ROWS)


def pack_parts(dtype: npt.DTypeLike, row_shape: Sequence[int]) -> int:
    """Parts a pack holds: at most 64, within 20,000,000 bytes, at least 1."""
    return packs_of(part_rows(dtype, row_shape) * _row_bytes(dtype, row_shape))


def packs_of(part_bytes: int) -> int:
    """As `pack_parts`, by the bytes of a full part."""
    return max(1, min(MAX_PACK_PARTS, MAX_PACK_BYTES // max(part_bytes, 1)))


def pages_of(entries: Sequence[bytes]) -> list[bytes]:
    """The pages of an array whose packs have these entries, in order."""
    return [b"".join(entries[first : first + PAGE_PACKS]) for first in range(0, len(entries), PAGE_PACKS)]


def pack_digest(entry: bytes) -> bytes:
    """SHA-1 of the pack that an entry describes."""
    return entry[:DIGEST_BYTES]


def part_digests(entry: bytes) -> list[bytes]:
    """SHA-1s of the parts of the pack that an entry describes."""
    return [entry[first : first + DIGEST_BYTES] for first in range(DIGEST_BYTES, len(entry), DIGEST_BYTES)]


def num_files(dtype: npt.DTypeLike, shape: Sequence[int]) -> int:
    """How many files an array of this shape takes in a store: its packs and their pages."""
    parts = num_parts(shape[0], part_rows(dtype, shape[1:]))
    packs = num_parts(parts, pack_parts(dtype, shape[1:]))
    return packs + num_parts(packs, PAGE_PACKS)


def num_parts(num_rows: int, rows_per_part: int) -> int:
    """How many pieces of `rows_per_part` an array of `num_rows` is cut into, the last one maybe shorter."""
    return -(-num_rows // rows_per_part)


def _row_bytes(dtype: npt.DTypeLike, row_shape: Sequence[int]) -> int:
    return np.dtype(dtype).itemsize * math.prod(row_shape)
