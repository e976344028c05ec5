"""Which datasets one job takes: small ones together, and always the same ones, whoever else comes or goes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

SMALL_BYTES = 256 << 20
"""What is larger has a job of its own: its samples take longer than starting one."""
_BYTES_A_CHUNK = 1 << 30
_DATASETS_A_CHUNK = 64
_ENOUGH_FOR_CORES = 8
_SHARD_BYTES = 8 << 30
_MOST_SHARDS = 64


def chunks_of(
    sizes: Mapping[str, int | None], origins: Mapping[str, str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Chunks by name, and the datasets of each in the order of `sizes`: bytes, None where they are not known.

    A dataset's chunk depends on its name, or that of its session, and on how many chunks there are: a power of 4, so
    that it changes rarely. `origins`: what those are made of that are made of others; the small ones among them are in
    its chunk.
    """
    origins = origins or {}
    small = {name: size for name, size in sizes.items() if size is not None and size < SMALL_BYTES}
    least = max(
        len(small) / _DATASETS_A_CHUNK,
        sum(small.values()) / _BYTES_A_CHUNK,
        2 if len(small) >= _ENOUGH_FOR_CORES else 1,
    )
    count = 1
    while count < least:
        count *= 4
    chunks: dict[str, list[str]] = {}
    for name in sizes:
        chunk = (
            f"some/{_bucket(origins.get(name, name), count)}-of-{count}" if name in small else f"one/{name}"
        )
        chunks.setdefault(chunk, []).append(name)
    return {chunk: tuple(names) for chunk, names in chunks.items()}


def num_shards(scatter: int | str | None, size: int | None) -> int:
    """How many jobs share the samples of a dataset: `scatter` is a number, or auto."""
    if scatter == "auto":
        return min(_MOST_SHARDS, max(1, (size or 0) // _SHARD_BYTES))
    return int(scatter or 1)


def _bucket(name: str, count: int) -> int:
    """The datasets of a session, SESSION/NAME, come together."""
    told = name.rpartition("/")[0] or name
    return int.from_bytes(hashlib.sha1(told.encode()).digest()[:8], "big") % count
