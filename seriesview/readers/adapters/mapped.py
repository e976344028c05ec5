"""Where the samples lie that another library maps into memory: linked in place of read through it."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.layout.layouts import ContiguousLayout, FilesLayout

Array = npt.NDArray[Any]


def place_of(view: Array) -> tuple[Path, int] | None:
    """The file that a view on a memory map shows, and the offset of its first value; None where it is a copy."""
    root: Any = view
    while isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or not isinstance(root.base, mmap.mmap) or root.filename is None:
        return None
    first, begin = view.__array_interface__["data"][0], root.__array_interface__["data"][0]
    if not begin <= first < begin + root.nbytes:
        return None
    return Path(root.filename), int(root.offset) + first - begin


def mapped_piece(beginning: Array, end: Array, num_samples: int) -> ContiguousLayout | None:
    """Where (num_samples, C) samples lie, of which `beginning` and `end` are the first rows and the last one.

    None where they are no views on one memory map with fixed strides.
    """
    first, last = place_of(beginning), place_of(end)
    if first is None or last is None or first[0] != last[0]:
        return None
    row, channel = beginning.strides
    itemsize = beginning.dtype.itemsize
    if len(beginning) == 1:
        row = itemsize * beginning.shape[1]
    if row < itemsize or channel < itemsize or last[1] - first[1] != (num_samples - 1) * row:
        return None
    return ContiguousLayout(
        first[0], beginning.dtype, num_samples, beginning.shape[1], first[1], row, channel
    )


def described_piece(description: dict[str, Any], columns: Any) -> ContiguousLayout | None:
    """Where samples lie by a description of neo's: a raw file, its offset, dtype and shape.

    `columns` is a slice of the described channels, or None for all.
    """
    if description.get("type") != "raw" or description.get("order", "C") != "C":
        return None
    dtype = np.dtype(description["dtype"])
    shape = tuple(int(size) for size in description["shape"])
    by_row = description.get("time_axis", 0) == 0
    num_samples, total = shape if by_row else shape[::-1]
    chosen = np.arange(total)[slice(None) if columns is None else columns]
    steps = np.unique(np.diff(chosen))
    if len(chosen) == 0 or len(steps) > 1 or (steps < 1).any():
        return None
    row, channel = dtype.itemsize * total, dtype.itemsize
    if not by_row:
        row, channel = dtype.itemsize, dtype.itemsize * num_samples
    path, offset = Path(description["file_path"]), int(description["file_offset"]) + int(chosen[0]) * channel
    return piece_in_file(
        path=path,
        dtype=dtype,
        num_samples=num_samples,
        num_channels=len(chosen),
        offset=offset,
        row_stride=row,
        channel_stride=channel * (int(steps[0]) if len(steps) else 1),
    )


def piece_in_file(**fields: Any) -> ContiguousLayout | None:
    """The layout with these fields; None where its last sample lies outside of its file."""
    piece = ContiguousLayout(**fields)
    last = max(0, piece.num_samples - 1) * piece.row_stride + (piece.num_channels - 1) * piece.channel_stride
    is_inside = piece.offset >= 0 and piece.offset + last + piece.dtype.itemsize <= piece.path.stat().st_size
    return piece if is_inside else None


def part_of(piece: ContiguousLayout, first: int, num_samples: int) -> ContiguousLayout | None:
    """The samples [first, first + num_samples) of a piece; None where it has fewer."""
    if first + num_samples > piece.num_samples:
        return None
    return replace(piece, offset=piece.offset + first * piece.row_stride, num_samples=num_samples)


def joined(pieces: Sequence[ContiguousLayout]) -> ContiguousLayout | FilesLayout:
    """Pieces that follow one another; those that do so in one file, too, become one."""
    found = [pieces[0]]
    for piece in pieces[1:]:
        last = found[-1]
        offset = last.offset + last.num_samples * last.row_stride
        if piece == replace(last, offset=offset, num_samples=piece.num_samples):
            found[-1] = replace(last, num_samples=last.num_samples + piece.num_samples)
        else:
            found.append(piece)
    return found[0] if len(found) == 1 else FilesLayout(tuple(found))


def maps_in(holder: object, depth: int = 5) -> list[mmap.mmap]:
    """The memory maps that an object of another library holds, in what it keeps in dicts and lists."""
    found: dict[int, mmap.mmap] = {}
    waiting: list[tuple[Any, int]] = [(vars(holder), 0)]
    looked_at = 0
    while waiting and looked_at < 1 << 16:
        value, level = waiting.pop()
        looked_at += 1
        if isinstance(value, np.ndarray):
            root: Any = value
            while isinstance(root.base, np.ndarray):
                root = root.base
            if isinstance(root.base, mmap.mmap):
                found[id(root.base)] = root.base
        elif level < depth and isinstance(value, dict | list | tuple):
            waiting += [(each, level + 1) for each in (value.values() if isinstance(value, dict) else value)]
    return list(found.values())


def forget_pages(maps: Sequence[mmap.mmap]) -> None:
    """Let go of the memory that was read through maps; they are read again where they are needed."""
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if advice is not None:
        for each in maps:
            each.madvise(advice)
