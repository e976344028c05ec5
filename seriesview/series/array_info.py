"""Where the rows of an array lie: in parts of the store, or in a linked file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from seriesview.errors import FormatError
from seriesview.series.fields import Fields, checked_uri, json_number
from seriesview.series.packing import MAX_PACK_BYTES, MAX_PACK_PARTS, MAX_PART_ROWS, PAGE_PACKS, num_parts

_MOST_BYTES = 1 << 62
DTYPES = (
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
)


@dataclass(frozen=True)
class ArrayInfo:
    """Rows cut into parts: shape (rows, ...), parts of `part_rows` rows, packs of `pack_parts` parts, pages of SHA-1s.

    Parts, packs and rows are counted from 0. Bytes of parts and packs are those that this copy has.
    """

    dtype: str
    shape: tuple[int, ...]
    part_rows: int
    pack_parts: int
    pages: tuple[str, ...]
    left_out: tuple[tuple[int, int], ...] = ()
    """Stretches of rows [first, last), whole parts, that this copy of the series was made without."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all parts together, those left out included."""
        return self.row_bytes * self.shape[0]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return np.dtype(self.dtype).itemsize * math.prod(self.shape[1:])

    @property
    def part_bytes(self) -> int:
        """Bytes of a full part."""
        return self.row_bytes * self.part_rows

    @property
    def num_parts(self) -> int:
        """How many parts, those left out included."""
        return num_parts(self.shape[0], self.part_rows)

    @property
    def num_packs(self) -> int:
        """How many packs, those left out included."""
        return num_parts(self.num_parts, self.pack_parts)

    @property
    def num_bytes_left_out(self) -> int:
        """Bytes of the parts that are not there."""
        return self.row_bytes * sum(last - first for first, last in self.left_out)

    def has_part(self, part: int) -> bool:
        """Whether a part, by its number, was not left out."""
        row = part * self.part_rows
        return not any(first <= row < last for first, last in self.left_out)

    def parts_of_pack(self, pack: int) -> range:
        """The parts that a pack holds, those left out included."""
        first = pack * self.pack_parts
        return range(first, min(first + self.pack_parts, self.num_parts))

    def part_size(self, part: int) -> int:
        """Bytes of a part: the array's last one may be shorter than a full one."""
        return self.row_bytes * min(self.part_rows, self.shape[0] - part * self.part_rows)

    def part_offset(self, part: int) -> int:
        """Where a part begins in its pack, in bytes: behind those before it that were not left out."""
        begin, end = part // self.pack_parts * self.pack_parts * self.part_rows, part * self.part_rows
        missing = sum(max(0, min(last, end) - max(first, begin)) for first, last in self.left_out)
        return self.row_bytes * (end - begin - missing)

    def pack_bytes(self, pack: int) -> int:
        """Bytes of a pack; 0 where all its parts were left out."""
        return sum(self.part_size(part) for part in self.parts_of_pack(pack) if self.has_part(part))

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        left_out = {"left_out": [list(rows) for rows in self.left_out]} if self.left_out else {}
        return {
            "dtype": self.dtype,
            "shape": list(self.shape),
            "part_rows": self.part_rows,
            "pack_parts": self.pack_parts,
            "pages": list(self.pages),
            **left_out,
        }


@dataclass(frozen=True)
class ContiguousLink:
    """Samples at fixed strides (bytes) of a linked file."""

    uri: str
    offset: int
    row_stride: int
    channel_stride: int
    byte_order: Literal["little", "big"] = "little"

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return dict(vars(self))


@dataclass(frozen=True)
class ChunkedLink:
    """Samples in chunks of a linked HDF5 file; `chunks` int64 (chunks, 2): offset and size of each."""

    uri: str
    chunk_shape: tuple[int, int]
    filters: tuple[Literal["shuffle", "deflate"], ...]
    chunks: ArrayInfo
    fill_value: float = 0
    byte_order: Literal["little", "big"] = "little"

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return {
            "uri": self.uri,
            "chunk_shape": list(self.chunk_shape),
            "filters": list(self.filters),
            "chunks": self.chunks.to_json_dict(),
            "fill_value": json_number(self.fill_value),
            "byte_order": self.byte_order,
        }


LinkInfo = ContiguousLink | ChunkedLink


def parse_array(
    value: Any,
    where: str,
    dtype: str | None = None,
    row_shape: tuple[int, ...] | None = None,
    may_leave_out: bool = False,
) -> ArrayInfo:
    """An array's description out of a manifest, of the dtype and row shape expected; raises FormatError.

    Where it `may_leave_out` rows, the manifest says which.
    """
    entry = Fields(value, where)
    if entry.has("kind"):
        raise FormatError(
            f"{where}.kind: {entry.get('kind')!r:.80} is not known to this version; update seriesview"
        )
    info = ArrayInfo(
        dtype=entry.dtype("dtype", DTYPES if dtype is None else (dtype,)),
        shape=entry.integers("shape"),
        part_rows=entry.integer("part_rows", 1),
        pack_parts=_pack_parts(entry),
        pages=tuple(checked_uri(uri, entry.at("pages")) for uri in entry.texts("pages")),
        left_out=_left_out(entry) if may_leave_out and entry.has("left_out") else (),
    )
    if not info.shape or (row_shape is not None and info.shape[1:] != row_shape):
        raise FormatError(f"{where}: rows of shape {info.shape[1:]}, expected {row_shape}")
    if info.part_rows > MAX_PART_ROWS:
        raise FormatError(f"{where}: part_rows {info.part_rows} is above {MAX_PART_ROWS}")
    if info.pack_parts > MAX_PACK_PARTS or (
        info.pack_parts > 1 and info.pack_parts * info.part_bytes > MAX_PACK_BYTES
    ):
        raise FormatError(
            f"{where}: packs of {info.pack_parts} parts of {info.part_bytes} bytes, at most {MAX_PACK_PARTS} parts and "
            f"{MAX_PACK_BYTES} bytes are expected"
        )
    pages = num_parts(info.num_packs, PAGE_PACKS)
    if len(info.pages) != pages:
        raise FormatError(f"{where}: {len(info.pages)} pages for {info.shape[0]} rows, expected {pages}")
    reached = 0
    for first, last in info.left_out:
        ends_part = last % info.part_rows == 0 or last == info.shape[0]
        if not (reached <= first < last <= info.shape[0] and first % info.part_rows == 0 and ends_part):
            raise FormatError(f"{where}.left_out: rows {first} to {last} are not a stretch of whole parts")
        reached = last
    return info


def _pack_parts(entry: Fields) -> int:
    if not entry.has("pack_parts"):
        raise FormatError(
            f"{entry.at('pack_parts')}: missing: it was made before there were packs; build it again"
        )
    return entry.integer("pack_parts", 1)


def _left_out(entry: Fields) -> tuple[tuple[int, int], ...]:
    stretches = []
    for item in entry.items("left_out"):
        rows = Fields({"rows": item}, entry.at("left_out")).integers("rows")
        if len(rows) != 2:
            raise FormatError(f"{entry.at('left_out')}: expected [first row, last row]")
        stretches.append((rows[0], rows[1]))
    return tuple(stretches)


def parse_link(value: Any, where: str, dtype: str, num_samples: int, num_channels: int) -> LinkInfo:
    """A link's description out of a manifest, for samples of the series' dtype; raises FormatError."""
    entry = Fields(value, where)
    byte_order = entry.one_of("byte_order", ("little", "big"), "little")
    if entry.has("chunk_shape"):
        shape = entry.integers("chunk_shape", 1)
        filters = entry.texts("filters")
        if len(shape) != 2 or filters not in ((), ("shuffle",), ("deflate",), ("shuffle", "deflate")):
            raise FormatError(
                f"{where}: chunk_shape {list(shape)} with filters {list(filters)} cannot be read"
            )
        chunks = parse_array(entry.get("chunks"), entry.at("chunks"), "int64", (2,))
        grid = num_parts(num_samples, shape[0]) * num_parts(num_channels, shape[1])
        if chunks.shape[0] != grid:
            raise FormatError(f"{where}: {chunks.shape[0]} chunks for a grid of {grid}")
        fill = entry.extended_number("fill_value", 0)
        return ChunkedLink(entry.uri("uri"), (shape[0], shape[1]), filters, chunks, fill, byte_order)
    itemsize = np.dtype(dtype).itemsize
    link = ContiguousLink(
        uri=entry.uri("uri"),
        offset=entry.integer("offset"),
        row_stride=entry.integer("row_stride", 1),
        channel_stride=entry.integer("channel_stride", 1, itemsize),
        byte_order=byte_order,
    )
    if link.offset + num_samples * link.row_stride + num_channels * link.channel_stride > _MOST_BYTES:
        raise FormatError(f"{where}: its samples lie behind the end of any file")
    return link
