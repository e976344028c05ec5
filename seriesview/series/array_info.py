"""Where the rows of an array lie in the store: in parts of packs, which pages list."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from seriesview.documents.expectations import UNSHOWN, Integer, OneOf, contradiction
from seriesview.documents.problems import shown
from seriesview.series.fields import Count, Uri
from seriesview.series.packing import MAX_PACK_BYTES, MAX_PACK_PARTS, MAX_PART_ROWS, PAGE_PACKS, num_parts

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

Dtype = Annotated[str, OneOf(*DTYPES)]

Kind = Literal["means"]
"""What rows hold: of levels means and numbers of samples, not lows and highs; of values what has such levels."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class ArrayInfo:
    """Rows cut into parts: shape (rows, ...), parts of `part_rows` rows, packs of `pack_parts` parts, pages of SHA-1s.

    Parts, packs and rows are counted from 0. Bytes of parts and packs are those that this copy has.
    """

    dtype: Dtype
    shape: Annotated[tuple[Count, ...], Field(min_length=1)]
    part_rows: Annotated[int, Integer(1, MAX_PART_ROWS)]
    pack_parts: Annotated[int, Integer(1, MAX_PACK_PARTS)]
    pages: tuple[Uri, ...]
    left_out: tuple[tuple[Count, Count], ...] = ()
    """Stretches of rows [first, last), whole parts, that this copy of the series was made without."""
    kind: Kind | None = None

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
        more: dict[str, Any] = {} if self.kind is None else {"kind": self.kind}
        if self.left_out:
            more["left_out"] = [list(rows) for rows in self.left_out]
        return {
            "dtype": self.dtype,
            "shape": list(self.shape),
            "part_rows": self.part_rows,
            "pack_parts": self.pack_parts,
            "pages": list(self.pages),
            **more,
        }


class Rows:
    """Annotation of an `ArrayInfo`: it is one that can be read, of a dtype and a shape of rows if they are given."""

    def __init__(
        self,
        dtype: str | None = None,
        row_shape: tuple[int, ...] | None = None,
        *,
        num_axes: int | None = None,
        may_leave_out: bool = False,
        may_be_means: bool = False,
    ) -> None:
        self._dtype = dtype
        self._row_shape = row_shape
        self._num_axes = num_axes if row_shape is None else 1 + len(row_shape)
        self._may_leave_out = may_leave_out
        self._kinds = KINDS if may_be_means else ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        known = core_schema.no_info_before_validator_function(self._known, handler(source))
        return core_schema.no_info_after_validator_function(self._whole, known)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        rules: dict[str, Any] = {"kind": {"enum": [*self._kinds, None]}}
        if self._dtype is not None:
            rules["dtype"] = {"const": self._dtype}
        if self._num_axes is not None:
            rules["shape"] = {"minItems": self._num_axes, "maxItems": self._num_axes}
        return {"allOf": [handler(schema)], "properties": rules}

    def _known(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if value.get("kind") not in (None, *self._kinds):
            raise contradiction(
                f"kind {shown(value['kind'])} is not known to this version; update seriesview"
            )
        if value.get("pack_parts") is None and "part_rows" in value:
            raise contradiction("pack_parts is missing: it was made before there were packs; build it again")
        # Where nothing can be left out the key is one that is not known.
        return value if self._may_leave_out else {key: value[key] for key in value if key != "left_out"}

    def _whole(self, info: ArrayInfo) -> ArrayInfo:
        if wrong := [*unlike(info, self._dtype, self._row_shape), *_inconsistent(info)]:
            raise contradiction("; ".join(wrong))
        return info


BESIDE = Field(alias=f"{UNSHOWN}array")
"""Of an array whose keys stand beside others."""


class Beside:
    """Annotation of a dataclass with an array whose keys stand beside its own."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: {**value, BESIDE.alias: value} if isinstance(value, dict) else value,
            handler(source),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        own = dict(handler.resolve_ref_schema(handler(schema)))
        keys = dict(own["properties"])
        array = keys.pop(BESIDE.alias)
        return {
            "allOf": [array],
            "properties": keys,
            "required": [key for key in own["required"] if key in keys],
        }


def unlike(info: ArrayInfo, dtype: str | None, row_shape: tuple[int, ...] | None) -> Iterator[str]:
    """What an array is that it should not be, a sentence each."""
    if dtype is not None and info.dtype != dtype:
        yield f"dtype {info.dtype}, expected {dtype}"
    if row_shape is not None and info.shape[1:] != row_shape:
        yield f"rows of shape {info.shape[1:]}, expected {row_shape}"


def _inconsistent(info: ArrayInfo) -> Iterator[str]:
    if info.pack_parts > 1 and info.pack_parts * info.part_bytes > MAX_PACK_BYTES:
        yield (
            f"packs of {info.pack_parts} parts of {info.part_bytes} bytes, at most {MAX_PACK_BYTES} bytes are expected"
        )
    pages = num_parts(info.num_packs, PAGE_PACKS)
    if len(info.pages) != pages:
        yield f"{len(info.pages)} pages for {info.shape[0]} rows, expected {pages}"
    reached = 0
    for first, last in info.left_out:
        ends_part = last % info.part_rows == 0 or last == info.shape[0]
        if not (reached <= first < last <= info.shape[0] and first % info.part_rows == 0 and ends_part):
            yield f"left_out: rows {first} to {last} are not a stretch of whole parts"
        reached = last
