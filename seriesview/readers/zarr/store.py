"""Zarr stores, versions 2 and 3, as folders or zip archives: groups and arrays by their metadata, which is JSON.

Specifications: https://zarr-specs.readthedocs.io. What a store says is read without any library; nothing is executed.
"""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np

from seriesview.errors import ReaderError
from seriesview.layout.remote_path import RemotePath, is_remote
from seriesview.readers.npy_arrays import open_archive

GROUP_2, ARRAY_2, ATTRIBUTES_2, ALL_2, NODE_3 = ".zgroup", ".zarray", ".zattrs", ".zmetadata", "zarr.json"
NAMES = (GROUP_2, ARRAY_2, NODE_3, ALL_2)
_MOST_JSON_BYTES = 256 << 20
_MOST_NODES = 10_000
_MOST_ENTRIES = 100_000
_DEEPEST = 12
_MOST_DIMENSIONS = 32


@dataclass(frozen=True)
class Node:
    """A group (`dtype` None and no shape) or an array. `path` is '' for the root."""

    path: str
    attributes: dict[str, Any] = field(repr=False)
    version: int = 2
    shape: tuple[int, ...] | None = None
    chunks: tuple[int, ...] = ()
    dtype: np.dtype[Any] | None = None
    """None where it is none of numpy's plain ones, as for texts of any length."""
    metadata: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_array(self) -> bool:
        """Whether it holds values."""
        return self.shape is not None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def chunk_bytes(self) -> int:
        """Bytes of a whole chunk, unpacked."""
        return math.prod(self.chunks) * (self.dtype.itemsize if self.dtype is not None else 1)

    @property
    def num_chunks(self) -> int:
        """How many chunks there are when all are written."""
        return math.prod(-(-size // chunk) for size, chunk in zip(self.shape or (), self.chunks, strict=True))


class Store:
    """The files of a store, by key; of a zip archive they are its members."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.is_remote = is_remote(root)
        is_archive = not self.is_remote and root.is_file()
        self.archive: zipfile.ZipFile | None = open_archive(root) if is_archive else None
        self.is_consolidated = False
        self.metadata_read: list[str] = []
        """Keys of the metadata of a store on another machine that were there."""

    def read(self, key: str, most_bytes: int = _MOST_JSON_BYTES) -> bytes | None:
        """The bytes of a small file; None where there is none. Raises ReaderError."""
        try:
            if self.archive is not None:
                info = self.archive.getinfo(key)
                if info.file_size > most_bytes:
                    raise ReaderError(f"{key} is too large", file=self.root)
                return self.archive.read(info)
            if isinstance(self.root, RemotePath):
                content = (self.root / key).read_whole(most_bytes)
                if key.rpartition("/")[2] in (*NAMES, ATTRIBUTES_2):
                    self.metadata_read.append(key)
                return content
            path = self.root / key
            if not path.is_file() or not path.resolve().is_relative_to(self.root.resolve()):
                return None
            if path.stat().st_size > most_bytes:
                raise ReaderError(f"{key} is too large", file=self.root)
            return path.read_bytes()
        except (KeyError, FileNotFoundError):
            return None
        except (
            OSError,
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            ValueError,
            EOFError,
        ) as error:
            raise ReaderError(f"{key} cannot be read: {str(error)[:100]}", file=self.root) from error

    def children(self, path: str) -> list[str]:
        """Names of the folders in a group, in order."""
        if self.archive is not None:
            prefix = f"{path}/" if path else ""
            names = {
                name[len(prefix) :].partition("/")[0]
                for name in islice(self.archive.namelist(), 2_000_000)
                if name.startswith(prefix) and "/" in name[len(prefix) :]
            }
            return sorted(names)
        try:
            entries = islice((self.root / path).iterdir(), _MOST_ENTRIES)
            return sorted(each.name for each in entries if each.is_dir() and not each.is_symlink())
        except OSError:
            return []

    def close(self) -> None:
        """Let go of the archive."""
        if self.archive is not None:
            self.archive.close()


def is_store(path: Path) -> bool:
    """Whether a folder is a group or an array, or a file one's metadata or an archive of one; never raises."""
    try:
        if isinstance(path, RemotePath):
            document = path.document
            return document.name in NAMES and _says_zarr(cast(Path, document.parent), document.name)
        if path.is_dir():
            return any((path / name).is_file() for name in NAMES) and _says_zarr(path)
        if path.name in NAMES:
            return _says_zarr(path.parent)
        if path.suffix.lower() != ".zip":
            return False
        with zipfile.ZipFile(path) as archive:
            return any(name in archive.NameToInfo for name in NAMES)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, ReaderError):
        return False


def _says_zarr(folder: Path, name: str | None = None) -> bool:
    path = folder / (name or next(name for name in NAMES if (folder / name).is_file()))
    with path.open("rb") as file:
        # Other programs call files zarr.json, too.
        return path.name != NODE_3 or b'"zarr_format"' in file.read(1 << 20)


def root_of(path: Path) -> Path:
    """The folder or archive that a path points at."""
    return path.parent if path.name in NAMES and path.is_file() else path


def nodes_of(store: Store, dataset: str | None = None) -> dict[str, Node]:
    """Every group and array by its path, from consolidated metadata where there are some. Raises ReaderError.

    Servers are not asked what is in a group: without such metadata what is on the way to `dataset` is known alone.
    """
    found: dict[str, Node] = {}
    documents: Iterable[tuple[str, dict[str, Any]]] | None = _consolidated(store)
    store.is_consolidated = documents is not None
    if documents is None:
        documents = _on_the_way(store, dataset) if store.is_remote else _walked(store, "", 0)
    for path, document in documents:
        with suppress(ReaderError):
            found[path] = _node(store, path, document)
        if len(found) > _MOST_NODES:
            raise ReaderError("too many arrays to look at each; name a group in it", file=store.root)
    if not found:
        raise ReaderError("no group and no array that can be understood", file=store.root)
    return found


def _json(store: Store, key: str) -> dict[str, Any] | None:
    content = store.read(key)
    if content is None:
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ReaderError(f"{key} is no JSON: {str(error)[:100]}", file=store.root) from error
    return document if isinstance(document, dict) else None


def _consolidated(store: Store) -> list[tuple[str, dict[str, Any]]] | None:
    """(path, what its files say) of all nodes; None where that is not put together."""
    with suppress(ReaderError):
        document = _json(store, ALL_2)
        metadata = document.get("metadata") if document else None
        if isinstance(metadata, dict):
            return _gathered(metadata)
    root = _json(store, NODE_3)
    inside = root.get("consolidated_metadata") if root else None
    listed = inside.get("metadata") if isinstance(inside, dict) else None
    if root is None or not isinstance(listed, dict) or not listed:
        return None
    return [("", root), *((path, each) for path, each in listed.items() if isinstance(each, dict))]


def _gathered(metadata: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    nodes: dict[str, dict[str, Any]] = {}
    for key, value in metadata.items():
        path, _, name = key.rpartition("/")
        if name in (GROUP_2, ARRAY_2, ATTRIBUTES_2) and isinstance(value, dict):
            node = nodes.setdefault(path, {"attributes": {}})
            node.update({"attributes": value} if name == ATTRIBUTES_2 else value)
    return [(path, node) for path, node in nodes.items() if "zarr_format" in node]


def _document(store: Store, path: str) -> dict[str, Any] | None:
    """What the files of a group or an array say."""
    prefix = f"{path}/" if path else ""
    document = _json(store, f"{prefix}{NODE_3}")
    if document is None:
        document = _json(store, f"{prefix}{ARRAY_2}") or _json(store, f"{prefix}{GROUP_2}")
        if document is not None:
            document = {**document, "attributes": _json(store, f"{prefix}{ATTRIBUTES_2}") or {}}
    return document


def _on_the_way(store: Store, dataset: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    parts = [part for part in (dataset or "").split("/") if part][:_DEEPEST]
    path = ""
    for part in ("", *parts):
        path = f"{path}/{part}".strip("/")
        if ".." in parts or (document := _document(store, path)) is None:
            continue
        yield path, document
        if "shape" in document:
            return
    if parts:
        raise ReaderError(f"dataset: there is no array {dataset}", file=store.root)
    raise ReaderError(
        "its metadata are not put together, and without a list of its arrays they are not found on another "
        "machine: name one by `dataset:`, or write them with zarr.consolidate_metadata",
        file=store.root,
    )


def _walked(store: Store, path: str, depth: int) -> Iterator[tuple[str, dict[str, Any]]]:
    prefix = f"{path}/" if path else ""
    document = _document(store, path)
    if document is None:
        return
    yield path, document
    if "shape" in document or depth > _DEEPEST:
        return
    for name in store.children(path):
        yield from _walked(store, f"{prefix}{name}", depth + 1)


def _node(store: Store, path: str, document: dict[str, Any]) -> Node:
    if ".." in path.split("/") or path.startswith("/") or "\0" in path:
        raise ReaderError(f"{path[:100]!r} is no path in it", file=store.root)
    attributes = document.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    version = 3 if document.get("zarr_format") == 3 else 2
    if "shape" not in document:
        return Node(path, attributes, version)
    grid = document.get("chunk_grid")
    configured = grid.get("configuration") if isinstance(grid, dict) else None
    inner = configured.get("chunk_shape") if isinstance(configured, dict) else None
    shape, chunks = _sizes(document.get("shape")), _sizes(document.get("chunks") if version == 2 else inner)
    if shape is None or chunks is None or len(shape) != len(chunks) or 0 in chunks:
        raise ReaderError(f"{path}: its shape and chunks are none", file=store.root)
    dtype = _dtype(document.get("dtype") if version == 2 else document.get("data_type"), version)
    return Node(path, attributes, version, shape, chunks, dtype, document)


def _sizes(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS:
        return None
    if any(type(size) is not int or not 0 <= size < 1 << 60 for size in value):
        return None
    return tuple(value)


def _dtype(value: Any, version: int) -> np.dtype[Any] | None:
    if not isinstance(value, str) or len(value) > 20:
        return None
    try:
        dtype = np.dtype(value)
    except (TypeError, ValueError, SyntaxError):
        return None
    return None if dtype.hasobject or (version == 3 and value.startswith(("<", ">", "|"))) else dtype
