"""Linking the files of a dataset instead of copying its samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from seriesview.build.dataset import Dataset
from seriesview.build.hashing import BackgroundHashes, FileHash, HashingRead, lies_in_order
from seriesview.build.source import SourceIdentity
from seriesview.errors import IntegrityError
from seriesview.layout.layouts import (
    ChunkedLayout,
    ContiguousLayout,
    FilesLayout,
    Layout,
    RecordsLayout,
    files_of,
)
from seriesview.series.arrays import ArrayWriter
from seriesview.series.links import (
    ChunkedLink,
    ContiguousLink,
    FilesLink,
    LinkedPiece,
    LinkInfo,
    PlainLink,
    Records,
    RecordsLink,
)
from seriesview.store import Store, parse_uri

_LINKED_AT_ONCE = 8


class FileLinks:
    """Takes the SHA-1s of the files that samples lie in while these are read, each at most once, and links them.

    `reading` is the way to read samples that hashes on the way, or None where files are hashed beside the
    reading, or were hashed before. `sources`: the layout's files, in their order.
    """

    def __init__(
        self, layout: Layout, sources: Sequence[SourceIdentity], hashes: Path, is_whole_job: bool
    ) -> None:
        self._layout = layout
        found = zip(files_of(layout), sources, strict=True)
        self._files = {path: FileHash(source, hashes) for path, source in found}
        self.reading: HashingRead | None = None
        self._background: BackgroundHashes | None = None
        if is_whole_job and lies_in_order(layout):
            if any(file.known() is None for file in self._files.values()):
                self.reading = HashingRead(layout, self._files)
        else:
            self._background = BackgroundHashes(list(self._files.values()))

    def values(self, dataset: Dataset, store: Store) -> LinkInfo:
        """What the manifest says of the samples, once they were read; links the files.

        Raises BuildError if a file changed meanwhile, IntegrityError where a kachery URI's file is not what its hash
        says.
        """
        self._finish()
        # Each link waits for a disk.
        with ThreadPoolExecutor(_LINKED_AT_ONCE, thread_name_prefix="link") as pool:
            uris = pool.map(lambda file: _uri(dataset, file.source, file.get(), store), self._files.values())
            return describe_link(self._layout, dict(zip(self._files, uris, strict=True)), store)

    def sha1s(self) -> tuple[str, ...]:
        """Hex SHA-1s of the files, in their order, once samples were read. Raises BuildError if one changed."""
        self._finish()
        return tuple(file.get() for file in self._files.values())

    def _finish(self) -> None:
        for hashing in (self.reading, self._background):
            if hashing is not None:
                hashing.finish()

    def close(self) -> None:
        """Let everything go, finished or not."""
        for hashing in (self.reading, self._background):
            if hashing is not None:
                hashing.close()
        for file in self._files.values():
            file.release()


def _uri(dataset: Dataset, source: SourceIdentity, sha1: str, store: Store) -> str:
    """URI of a file, linked unless the dataset is a kachery URI, whose file is in the store."""
    if dataset.is_kachery_uri:
        expected, _, _ = parse_uri(dataset.path)
        if Path(source.path) == store.path(dataset.path).resolve():
            if sha1 != expected:
                raise IntegrityError(
                    f"path: {dataset.path}: the stored file's SHA-1 is {sha1}; store it again"
                )
            return dataset.path
    return store.link_file(source.path, sha1=sha1, size=source.size, mtime=source.mtime)


def describe_link(layout: Layout, uris: Mapping[Path, str], store: Store) -> LinkInfo:
    """What the manifest says of samples that lie in linked files; stores the table of chunks."""
    if isinstance(layout, FilesLayout):
        return FilesLink(
            tuple(
                LinkedPiece(piece.num_samples, _plain(piece, uris[piece.path]))
                for piece in layout.pieces
                if piece.num_samples
            )
        )
    uri = uris[layout.path]
    if isinstance(layout, ChunkedLayout):
        with ArrayWriter(store, np.int64, (2,)) as writer:
            writer.append(np.ascontiguousarray(layout.chunks, np.int64))
            chunks = writer.finish()
        order = _byte_order(layout.dtype)
        return ChunkedLink(uri, layout.chunk_shape, layout.filters, chunks, layout.fill_value, order)
    return _plain(layout, uri)


def _plain(layout: ContiguousLayout | RecordsLayout, uri: str) -> PlainLink:
    order = _byte_order(layout.dtype)
    if isinstance(layout, RecordsLayout):
        records = Records(layout.record_stride, layout.samples_per_record, layout.channel_offsets)
        return RecordsLink(uri, layout.offset, records, order)
    return ContiguousLink(uri, layout.offset, layout.row_stride, layout.channel_stride, order)


def _byte_order(dtype: np.dtype[np.generic]) -> Literal["little", "big"]:
    # Of native order, and of single bytes, which have none, numpy says so.
    return "big" if dtype.str[0] == ">" else "little"
