"""Values of arrays in Zarr stores: samples by tensorstore, which reads both versions; small arrays and texts whole.

Codecs that run code of the file's, as pickles do, are known to none of this.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError, one_line
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.readers.extras import imported
from seriesview.readers.sample_types import unsupported_reason
from seriesview.readers.zarr.far_chunks import MOST_AT_ONCE, FarChunks
from seriesview.readers.zarr.store import ARRAY_2, NODE_3, Node, Store
from seriesview.readers.zarr.unpacking import unpacked

_CACHE_BYTES = 64 << 20
_MOST_CHUNK_BYTES = 512 << 20
_MOST_WHOLE_BYTES = 1 << 30
_MOST_LINKED_FILES = 4096
_MOST_COUNTED = 1_000_000
_TEXTS = (["vlen-utf8"], ["vlen-bytes"])


def problem_of(store: Store, node: Node) -> str | None:
    """Why an array cannot be shown as samples; None where it can."""
    shape = node.shape or ()
    if node.dtype is None or node.dtype.kind in "OSUV":
        said = node.metadata.get("dtype" if node.version == 2 else "data_type")
        return f"values of dtype {said!r:.60} are no samples"
    if (reason := unsupported_reason(node.dtype)) is not None:
        return reason
    if len(shape) not in (1, 2):
        return f"it has {len(shape)} dimensions (shape {shape}); 1 or 2 can be shown"
    if 0 in shape:
        return f"no samples: its shape is {shape}"
    if node.version == 2 and node.metadata.get("filters"):
        names = [str(each.get("id")) for each in node.metadata["filters"] if isinstance(each, dict)]
        return f"its filters ({', '.join(names)[:100]}) are not read; write it again without them"
    if node.chunk_bytes > _MOST_CHUNK_BYTES:
        return (
            f"its chunks of {node.chunks} are {node.chunk_bytes} bytes each, more than can be unpacked at once "
            f"({_MOST_CHUNK_BYTES}); write it again with smaller ones"
        )
    if math.prod(shape) * node.dtype.itemsize > 1 << 30 and not store.is_remote and not _is_sharded(node):
        least = min(-(-node.num_chunks // 100), _MOST_COUNTED)
        written = sum(1 for _ in islice(_chunk_files(store, node), least))
        if written < least:
            return f"only {written} of its {node.num_chunks} chunks were ever written"
    return None


def _is_sharded(node: Node) -> bool:
    codecs = node.metadata.get("codecs")
    return isinstance(codecs, list) and any(
        isinstance(each, dict) and each.get("name") == "sharding_indexed" for each in codecs
    )


def _chunk_files(store: Store, node: Node) -> Iterator[str]:
    """Names of the files of an array's chunks."""
    if store.archive is not None:
        prefix = f"{node.path}/" if node.path else ""
        for name in store.archive.namelist():
            if name.startswith(prefix) and "/." not in f"/{name}" and not name.endswith(("/", "zarr.json")):
                yield name
        return
    waiting = [str(store.root / node.path)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not entry.name.startswith(".") and entry.name != "zarr.json":
                    yield entry.path


class ZarrArray:
    """Samples (n, C) of an array of one or two dimensions; `transposed`: its first dimension is channels."""

    def __init__(self, store: Store, node: Node, transposed: bool = False) -> None:
        problem = problem_of(store, node)
        if problem is not None:
            raise ReaderError(problem, file=(str(store.root), node.path))
        assert node.dtype is not None
        assert node.shape is not None
        self._where = (str(store.root), node.path or "/")
        self._transposed = transposed and len(node.shape) == 2
        self._flat = len(node.shape) == 1
        shape = (*node.shape, 1) if self._flat else node.shape
        chunks = (*node.chunks, 1) if self._flat else node.chunks
        self.num_samples, self.num_channels = shape[::-1] if self._transposed else shape
        self.dtype = np.dtype(np.uint8) if node.dtype.kind == "b" else node.dtype.newbyteorder("=")
        rows, columns = chunks[::-1] if self._transposed else chunks
        band = rows * max(self.num_channels, 1) * self.dtype.itemsize
        self.preferred_rows = int(min(rows, self.num_samples)) if band <= _CACHE_BYTES else 1
        self.unpacked_again = band > _CACHE_BYTES and -(-self.num_channels // columns) > 1
        self._chunk_rows = rows
        self._is_bool = node.dtype.kind == "b"
        self._library = imported("tensorstore", extra="zarr", file=store.root)
        # Of a store on another machine the packed chunks are kept.
        self._cache_bytes = 0 if store.is_remote else min(2 * band, 2 * _CACHE_BYTES)
        self._node = node
        self._far: FarChunks | None = None
        # That are read at a time: all, or those of a chunk where each is fetched.
        self._columns = columns if store.is_remote else self.num_channels
        self._array = self._opened(store, node)

    def _opened(self, store: Store, node: Node) -> Any:
        library = self._library
        context = library.Context(
            {
                "cache_pool": {"total_bytes_limit": self._cache_bytes},
                "data_copy_concurrency": {"limit": 1},
                "file_io_concurrency": {"limit": 1},
            }
        )
        try:
            if store.is_remote:
                kvstore = {"driver": "memory", "path": "array/"}
                memory = library.KvStore.open(kvstore, context=context).result()
                memory.write(ARRAY_2 if node.version == 2 else NODE_3, _understood(node)).result()
                self._far = FarChunks(store, node, memory)
            else:
                kvstore = _files_here(library, context, store, node)
            spec = {"driver": "zarr" if node.version == 2 else "zarr3", "kvstore": kvstore}
            opened = library.open(spec, read=True, context=context).result()
        except ReaderError:
            raise
        except Exception as error:  # the library names what it does not know in errors of many kinds
            raise ReaderError(f"cannot be read: {one_line(error, 200)}", file=self._where) from error
        if tuple(opened.shape) != node.shape:
            raise ReaderError(
                "its consolidated metadata say another shape; consolidate again", file=self._where
            )
        return opened

    def has_first_chunk(self) -> bool:
        """Whether the first chunk of an array on another machine is there. Raises ReaderError."""
        return self._far is None or self._far.has(self._chunks_from(0, 0)[0])

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on, by one row of chunks after the other."""
        out = out.view(np.bool_) if self._is_bool else out
        done = 0
        while done < len(out):
            first = first_sample + done
            count = min(len(out) - done, self._chunk_rows - first % self._chunk_rows)
            for column in range(0, self.num_channels, self._columns):
                part = out[done : done + count, column : column + self._columns]
                if self._far is None:
                    self._read_part(first, column, part)
                    continue
                with self._far.lock:
                    self._far.bring(*self._chunks_from(first // self._chunk_rows, column // self._columns))
                    self._read_part(first, column, part)
            done += count

    def _read_part(self, first: int, column: int, part: npt.NDArray[Any]) -> None:
        rows, columns = slice(first, first + len(part)), slice(column, column + part.shape[1])
        if self._flat:
            chosen, shaped = self._array[rows], part[:, 0]
        else:
            chosen = self._array[columns, rows] if self._transposed else self._array[rows, columns]
            shaped = part.T if self._transposed else part
        try:
            self._library.array(shaped, copy=False).write(chosen).result()
        except Exception as error:  # damaged chunks are told in errors of many kinds
            raise ReaderError(f"cannot be read: {one_line(error, 200)}", file=self._where) from error

    def _chunks_from(self, row: int, column: int) -> tuple[str, list[str]]:
        """The key of a chunk, and those of the next ones in the order in which they are read."""
        across, down = -(-self.num_channels // self._columns), -(-self.num_samples // self._chunk_rows)
        number = row * across + column
        places = (divmod(at, across) for at in range(number, min(number + 1 + MOST_AT_ONCE, down * across)))
        keys = [
            _chunk_key(self._node, place[:1] if self._flat else place[::-1] if self._transposed else place)
            for place in places
        ]
        return keys[0], keys[1:]

    def close(self) -> None:
        """Fetch no more."""
        if self._far is not None:
            self._far.close()

    def whole(self) -> npt.NDArray[Any]:
        """All values (n, C)."""
        if self.num_samples * self.num_channels * self.dtype.itemsize > _MOST_WHOLE_BYTES:
            raise ReaderError("too many values to be held in memory", file=self._where)
        out = np.empty((self.num_samples, self.num_channels), self.dtype)
        self.read_into(0, out)
        return out


def _files_here(library: Any, context: Any, store: Store, node: Node) -> dict[str, Any]:
    """Where tensorstore finds an array of a store of this machine. Raises ReaderError."""
    _check_inside(store, node)
    prefix = f"{node.path}/" if node.path else ""
    place = str(store.root.absolute())
    kvstore: dict[str, Any] = {"driver": "file", "path": f"{place}/{prefix}"}
    if store.archive is not None:
        kvstore = {"driver": "zip", "base": f"file://{quote(place)}", "path": prefix}
    compressor = node.metadata.get("compressor")
    if node.version != 2 or not isinstance(compressor, dict) or "checksum" not in compressor:
        return kvstore
    memory = {"driver": "memory", "path": ARRAY_2}
    library.KvStore.open(memory, context=context).result().write("", _understood(node)).result()
    return {"driver": "kvstack", "layers": [{"base": kvstore}, {"exact": ARRAY_2, "base": memory}]}


def _understood(node: Node) -> bytes:
    """The metadata of an array; in version 2 without what numcodecs adds and tensorstore refuses."""
    if node.version != 2:
        return json.dumps(node.metadata).encode()
    said = {key: value for key, value in node.metadata.items() if key != "attributes"}
    compressor = said.get("compressor")
    if isinstance(compressor, dict):
        said["compressor"] = {key: value for key, value in compressor.items() if key != "checksum"}
    return json.dumps(said).encode()


def _check_inside(store: Store, node: Node) -> None:
    """Raise ReaderError where chunks that hold bytes as they are may be those of any other file."""
    if store.archive is None and _holds_bytes(node):
        for folder, folders, names in islice(os.walk(store.root / node.path), _MOST_COUNTED):
            for name in (*folders, *names):
                if (Path(folder) / name).is_symlink():
                    raise ReaderError(
                        f"{name} leads out of the store", file=(str(store.root), node.path or "/")
                    )


def _holds_bytes(node: Node) -> bool:
    if node.version == 2:
        return node.metadata.get("compressor") is None
    codecs = node.metadata.get("codecs")
    names = {each.get("name") if isinstance(each, dict) else each for each in codecs or ()}
    return not names & {"blosc", "gzip", "zstd"}


def plain_layout(store: Store, node: Node) -> ContiguousLayout | FilesLayout | None:
    """Where samples lie when chunks are not packed, hold whole rows, and are all there; None where they do not."""
    if (
        store.archive is not None
        or store.is_remote
        or not node.shape
        or node.dtype is None
        or not _is_plain(node)
    ):
        return None
    columns = node.shape[1] if len(node.shape) == 2 else 1
    wide = node.chunks[1] if len(node.chunks) == 2 else 1
    count = -(-node.shape[0] // node.chunks[0])
    if len(node.shape) > 2 or wide != columns or count > _MOST_LINKED_FILES:
        return None
    endian = _endian(node) if node.version == 3 else "?"
    dtype = node.dtype if endian == "?" else node.dtype.newbyteorder(endian)
    row = columns * dtype.itemsize
    pieces = []
    for number in range(count):
        path = store.root / node.path / _chunk_key(node, (number,))
        rows = min(node.chunks[0], node.shape[0] - number * node.chunks[0])
        try:
            inside = path.resolve(strict=True).is_relative_to(store.root.resolve())
            if not inside or path.stat().st_size != node.chunks[0] * row:
                return None
        except OSError:
            return None
        pieces.append(ContiguousLayout(path, dtype, rows, columns, 0, row, dtype.itemsize))
    return pieces[0] if len(pieces) == 1 else FilesLayout(tuple(pieces))


def _is_plain(node: Node) -> bool:
    if node.dtype is None or node.dtype.kind == "b":
        return False
    if node.version == 2:
        said = node.metadata
        return said.get("compressor") is None and not said.get("filters") and said.get("order", "C") == "C"
    codecs = node.metadata.get("codecs")
    return isinstance(codecs, list) and len(codecs) == 1 and _endian(node) in "<>"


def _endian(node: Node) -> Literal["<", ">", "?"]:
    """Of a version 3 array whose only codec is `bytes`."""
    codec = node.metadata["codecs"][0]
    named = codec.get("name") if isinstance(codec, dict) else codec
    configured = codec.get("configuration") if isinstance(codec, dict) else None
    endian = configured.get("endian", "little") if isinstance(configured, dict) else "little"
    if named != "bytes" or endian not in ("little", "big"):
        return "?"
    return "<" if endian == "little" else ">"


def _chunk_key(node: Node, place: tuple[int, ...]) -> str:
    """The file of a chunk; places that are not given are the first ones."""
    indices = [*map(str, place), *["0"] * (len(node.chunks) - len(place))]
    if node.version == 2:
        return ("/" if node.metadata.get("dimension_separator") == "/" else ".").join(indices)
    encoding = node.metadata.get("chunk_key_encoding")
    name = encoding.get("name") if isinstance(encoding, dict) else "default"
    configured = encoding.get("configuration") if isinstance(encoding, dict) else None
    separator = configured.get("separator") if isinstance(configured, dict) else None
    if name == "v2":
        return ("/" if separator == "/" else ".").join(indices)
    return ("." if separator == "." else "/").join(["c", *indices])


def read_vector(store: Store, node: Node) -> npt.NDArray[Any]:
    """All values of a small numeric array of one dimension, or of one with a single value. Raises ReaderError."""
    if node.version == 2 and node.metadata.get("filters") and node.dtype is not None:
        return _unpacked(store, node, node.dtype)
    return ZarrArray(store, node).whole()[:, 0]


def read_texts(store: Store, node: Node) -> list[str]:
    """All values of a small array of texts, or of numbers as texts. Raises ReaderError."""
    if node.dtype is not None and node.dtype.kind in "US":
        values = _unpacked(store, node, node.dtype).tolist()
    elif node.dtype is None:
        values = [text for chunk in _chunks(store, node) for text in _variable_texts(store, node, chunk)]
        values = values[: node.shape[0] if node.shape else 1]
    else:
        values = read_vector(store, node).tolist()
    return [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in values]


def _unpacked(store: Store, node: Node, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Values of one dimension, chunk by chunk."""
    size = node.shape[0] if node.shape and len(node.shape) == 1 else 0
    if size * dtype.itemsize > _MOST_WHOLE_BYTES or node.chunk_bytes > _MOST_CHUNK_BYTES:
        raise ReaderError("too many values to be held in memory", file=(str(store.root), node.path))
    pieces = []
    for content in _chunks(store, node):
        if len(content) < node.chunks[0] * dtype.itemsize:
            raise ReaderError("a chunk of it is cut short", file=(str(store.root), node.path))
        values = np.frombuffer(content, dtype, node.chunks[0])
        pieces.append(np.cumsum(values, dtype=dtype) if node.metadata.get("filters") else values)
    return np.concatenate([np.empty(0, dtype), *pieces])[:size]


def _chunks(store: Store, node: Node) -> Iterator[bytes]:
    """The unpacked bytes of the chunks of a version 2 array of one dimension, before filters are undone."""
    where = (str(store.root), node.path)
    filters = [each.get("id") for each in node.metadata.get("filters") or () if isinstance(each, dict)]
    if node.version != 2 or len(node.chunks) != 1 or (node.dtype is None) != (filters[:1] in _TEXTS):
        raise ReaderError("texts that are written like this are not read", file=where)
    if node.dtype is not None and filters not in ([], ["delta"]):
        raise ReaderError("packed in a way that is not read", file=where)
    for number in range(node.num_chunks):
        content = store.read(f"{node.path}/{_chunk_key(node, (number,))}".lstrip("/"))
        if content is None:
            raise ReaderError("a chunk of it is not there", file=where)
        yield unpacked(content, node.metadata.get("compressor"), where, store.root)


def _variable_texts(store: Store, node: Node, content: bytes) -> list[str]:
    """Texts behind their lengths: uint32 count, then uint32 length and bytes of each."""
    found: list[str] = []
    try:
        (count,) = struct.unpack_from("<I", content)
        at = 4
        for _ in range(min(count, len(content))):
            (length,) = struct.unpack_from("<I", content, at)
            found.append(content[at + 4 : at + 4 + length].decode("utf-8", "replace"))
            at += 4 + length
    except struct.error as error:
        raise ReaderError("texts that are cut short", file=(str(store.root), node.path)) from error
    return found
