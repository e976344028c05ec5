"""Raw samples that lie in the files that they came from: which files, and where in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import FailFast, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from seriesview.documents.expectations import (
    NON_FINITE,
    UNSHOWN,
    Expected,
    ExtendedNumber,
    Integer,
    OneOf,
    contradiction,
    expected,
)
from seriesview.errors import FormatError
from seriesview.series.array_info import ArrayInfo, Rows
from seriesview.series.derivation import ComputedValues
from seriesview.series.fields import AtLeastOne, Count, Uri, json_number
from seriesview.series.packing import num_parts

_MOST_BYTES = 1 << 62

ByteOrder = Annotated[Literal["little", "big"], OneOf("little", "big")]


class _Filters(Expected):
    def __init__(self) -> None:
        super().__init__("no filters, shuffle, deflate, or shuffle and deflate")

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        def known(filters: tuple[str, ...]) -> tuple[str, ...]:
            if list(filters) not in _FILTERS:
                raise ValueError
            return filters

        return core_schema.no_info_after_validator_function(known, plain())

    def json_schema(self, plain: dict[str, Any]) -> dict[str, Any]:
        return {"enum": _FILTERS}


_FILTERS = [[], ["shuffle"], ["deflate"], ["shuffle", "deflate"]]


@dataclass(frozen=True)
class ContiguousLink:
    """Samples at fixed strides (bytes) of a linked file."""

    uri: Uri
    offset: Count
    row_stride: AtLeastOne
    channel_stride: Annotated[int, Integer(1), Field(default_factory=int)]
    byte_order: ByteOrder = "little"

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return dict(vars(self))


@dataclass(frozen=True)
class ChunkedLink:
    """Samples in chunks of a linked HDF5 file; `chunks` int64 (chunks, 2): offset and size of each."""

    uri: Uri
    chunk_shape: tuple[AtLeastOne, AtLeastOne]
    filters: Annotated[tuple[Literal["shuffle", "deflate"], ...], _Filters()]
    chunks: Annotated[ArrayInfo, Rows("int64", (2,))]
    fill_value: Annotated[float, ExtendedNumber(*NON_FINITE)] = 0
    byte_order: ByteOrder = "little"

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


@dataclass(frozen=True)
class Records:
    """How records lie: `stride` bytes apart, `samples` of each channel in one, channel c from its offset on."""

    stride: AtLeastOne
    samples: AtLeastOne
    channel_offsets: Annotated[tuple[Count, ...], FailFast()]


@dataclass(frozen=True)
class RecordsLink:
    """Samples in records of a linked file, in each of which one channel follows the other; `offset` of the first."""

    uri: Uri
    offset: Count
    records: Records
    byte_order: ByteOrder = "little"

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        records = {**vars(self.records), "channel_offsets": list(self.records.channel_offsets)}
        return {**vars(self), "records": records}


PlainLink = ContiguousLink | RecordsLink


class _Plain:
    """Annotation of a link to samples that lie in a file as they are."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        forms = {
            _STRIDES: handler.generate_schema(ContiguousLink),
            _RECORDS: handler.generate_schema(RecordsLink),
        }
        return core_schema.no_info_before_validator_function(
            _known_piece, core_schema.tagged_union_schema(forms, _form_of_link)
        )


@dataclass(frozen=True)
class LinkedPiece:
    """So many samples, of all channels, that lie in one file, or in one place of it."""

    num_samples: AtLeastOne
    link: Annotated[PlainLink, _Plain()]


@dataclass(frozen=True)
class FilesLink:
    """Samples in several linked files, or several places of them, which follow one another."""

    files: Annotated[tuple[LinkedPiece, ...], FailFast(), Field(min_length=1)]

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        pieces = [{"num_samples": each.num_samples, "link": each.link.to_json_dict()} for each in self.files]
        return {"files": pieces}


OneLink = PlainLink | ChunkedLink
LinkInfo = OneLink | FilesLink
Values = ArrayInfo | LinkInfo | ComputedValues


def links_of(values: Values | None) -> tuple[OneLink, ...]:
    """Where the files are that samples lie in: a link for each piece; none where they are stored, or left out."""
    if values is None or isinstance(values, ArrayInfo | ComputedValues):
        return ()
    return tuple(piece.link for piece in values.files) if isinstance(values, FilesLink) else (values,)


def linked_uris(values: Values | None) -> tuple[str, ...]:
    """The files that samples lie in, each once, in the order of the samples."""
    return tuple(dict.fromkeys(link.uri for link in links_of(values)))


def values_to_json(values: Values | None) -> dict[str, Any] | None:
    """`values` as they stand in a manifest."""
    if values is None or isinstance(values, ArrayInfo | FilesLink | ComputedValues):
        return None if values is None else values.to_json_dict()
    return {"link": values.to_json_dict()}


class Linked:
    """Annotation of values: an array as it is, {link: ...} of one file, {files: ...} of several, {compute: "steps"}."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        forms = {
            _ARRAY: handler.generate_schema(
                Annotated[ArrayInfo, Rows(may_leave_out=True, may_be_means=True)]
            ),
            _FILES: handler.generate_schema(FilesLink),
            _COMPUTED: handler.generate_schema(ComputedValues),
            _STRIDES: handler.generate_schema(LinkOfStrides),
            _RECORDS: handler.generate_schema(LinkOfRecords),
            _CHUNKS: handler.generate_schema(LinkOfChunks),
        }
        form = core_schema.no_info_before_validator_function(
            _known_form, core_schema.tagged_union_schema(forms, _form)
        )
        return core_schema.no_info_after_validator_function(lambda found: getattr(found, "link", found), form)


_ARRAY, _FILES, _COMPUTED, _STRIDES, _RECORDS, _CHUNKS = (
    f"{UNSHOWN}{form}" for form in ("array", "files", "computed", "strides", "records", "chunks")
)


@dataclass(frozen=True)
class LinkOfStrides:
    """Values that are samples at fixed strides of a file."""

    link: ContiguousLink


@dataclass(frozen=True)
class LinkOfRecords:
    """Values that are samples in records of a file."""

    link: RecordsLink


@dataclass(frozen=True)
class LinkOfChunks:
    """Values that are samples in chunks of a file."""

    link: ChunkedLink


def _form(values: dict[str, Any]) -> str:
    if (link := values.get("link")) is not None:
        return _form_of_link(link)
    if values.get("compute") is not None:
        return _COMPUTED
    return _ARRAY if values.get("files") is None else _FILES


def _form_of_link(link: Any) -> str:
    if isinstance(link, dict) and link.get("chunk_shape") is not None:
        return _CHUNKS
    return _RECORDS if isinstance(link, dict) and link.get("records") is not None else _STRIDES


def _known_form(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise expected("an object")
    if all(values.get(key) is None for key in ("link", "files", "compute", "pages")):
        raise contradiction(f"a form that is not known here ({', '.join(values):.80}); update seriesview")
    return values


def _known_piece(link: Any) -> Any:
    if _form_of_link(link) == _CHUNKS:
        raise contradiction("chunks in one of several files are not known here; update seriesview")
    return link


def placed(link: LinkInfo, dtype: str, num_samples: int, num_channels: int) -> LinkInfo:
    """A link for samples of the series; raises FormatError where it does not go with them."""
    if isinstance(link, FilesLink):
        if (found := sum(piece.num_samples for piece in link.files)) != num_samples:
            raise FormatError(f"{found} samples in its files, expected {num_samples}")
        pieces = []
        for number, piece in enumerate(link.files):
            try:
                where = _placed_plainly(piece.link, dtype, piece.num_samples, num_channels)
            except FormatError as error:
                raise FormatError(f"files[{number}]: {error.sentence}") from error
            pieces.append(replace(piece, link=where))
        return replace(link, files=tuple(pieces))
    if isinstance(link, ChunkedLink):
        rows, width = link.chunk_shape
        grid = num_parts(num_samples, rows) * num_parts(num_channels, width)
        if link.chunks.shape[0] != grid:
            raise FormatError(f"{link.chunks.shape[0]} chunks for a grid of {grid}")
        return link
    return _placed_plainly(link, dtype, num_samples, num_channels)


def _placed_plainly(link: PlainLink, dtype: str, num_samples: int, num_channels: int) -> PlainLink:
    itemsize = np.dtype(dtype).itemsize
    if isinstance(link, RecordsLink):
        records = link.records
        if len(records.channel_offsets) != num_channels:
            raise FormatError(
                f"offsets of {len(records.channel_offsets)} channels in a record, expected {num_channels}"
            )
    elif not link.channel_stride:
        link = replace(link, channel_stride=itemsize)
    if extent(link, num_samples, num_channels, itemsize) > _MOST_BYTES:
        raise FormatError("its samples lie behind the end of any file")
    return link


def extent(link: PlainLink, num_samples: int, num_channels: int, itemsize: int) -> int:
    """A byte that no sample of the file lies behind."""
    if isinstance(link, ContiguousLink):
        return link.offset + num_samples * link.row_stride + num_channels * link.channel_stride
    records = link.records
    in_record = max(records.channel_offsets, default=0) + records.samples * itemsize
    return link.offset + num_parts(num_samples, records.samples) * records.stride + in_record


_READ_BYTES = 4 << 20


def reading_behind(
    link: OneLink, first: int, last: int, num_channels: int, num_chosen: int, itemsize: int
) -> tuple[int, int]:
    """What samples [first, last) of chosen channels are taken from, at most: bytes of the file, or of its chunks once
    unpacked, and reads."""
    count = last - first
    if isinstance(link, ContiguousLink):
        is_by_row = (num_channels - 1) * link.channel_stride + itemsize <= link.row_stride
        return _in_reads(count * link.row_stride, 1 if is_by_row else num_chosen)
    if isinstance(link, RecordsLink):
        records = num_parts(last, link.records.samples) - first // link.records.samples if count else 0
        offsets = link.records.channel_offsets
        width = max(offsets, default=0) - min(offsets, default=0) + link.records.samples * itemsize
        if max(width, link.records.stride) <= _READ_BYTES:
            return _in_reads(records * link.records.stride, 1)
        if width <= _READ_BYTES:
            return _in_reads(width, records)
        return _in_reads(min(count, link.records.samples) * itemsize, records * num_chosen)
    rows, columns = link.chunk_shape
    chunk_rows = num_parts(last, rows) - first // rows if count else 0
    num_chunks = chunk_rows * min(num_parts(num_channels, columns), num_chosen)
    return num_chunks * rows * columns * itemsize, num_chunks + 1


def _in_reads(num_bytes: int, times: int) -> tuple[int, int]:
    """So many bytes, so many times, and the reads that it takes."""
    return num_bytes * times, max(1, num_parts(num_bytes, _READ_BYTES)) * times
