"""Linking a dataset's file instead of copying its samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seriesview.build.blocks import HashingRead
from seriesview.build.dataset import Dataset
from seriesview.build.source import BackgroundHash, HashRecord, SourceIdentity, check_unchanged, hash_file
from seriesview.errors import IntegrityError
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, Layout
from seriesview.series.arrays import ArrayWriter
from seriesview.series.manifest import ChunkedLink, ContiguousLink, LinkInfo
from seriesview.store import Store, parse_uri


class FileLink:
    """Takes the SHA-1 of the linked file while its samples are read, at most once a file, and links it.

    `reading` is the way to read samples that hashes on the way, or None where the file is hashed beside the
    reading, was hashed before, or is being hashed by another job.
    """

    def __init__(self, source: SourceIdentity, layout: Layout, hashes: Path, is_whole_job: bool) -> None:
        self._source = source
        self._record = HashRecord(hashes, source)
        self.reading: HashingRead | None = None
        self._background: BackgroundHash | None = None
        self._sha1 = self._record.known()
        if self._sha1 is None and self._record.claim():
            if is_whole_job and isinstance(layout, ContiguousLayout) and layout.is_row_major:
                self.reading = HashingRead(layout)
            else:
                self._background = BackgroundHash(source.path)

    def sha1(self) -> str:
        """Hex SHA-1 of the file, once the samples were read. Raises BuildError if the file changed meanwhile."""
        if self._sha1 is None:
            self._sha1 = self._take()
        check_unchanged(self._source)
        self._record.keep(self._sha1)
        self._record.release()
        return self._sha1

    def _take(self) -> str:
        if self.reading is not None:
            return self.reading.hexdigest()
        if self._background is not None:
            return self._background.result()
        self._record.claim(wait=True)
        return self._record.known() or hash_file(self._source.path)

    def close(self) -> None:
        """Let everything go, finished or not."""
        if self.reading is not None:
            self.reading.close()
        if self._background is not None:
            self._background.abandon()
        self._record.release()


def link_uri(dataset: Dataset, source: SourceIdentity, sha1: str, store: Store) -> str:
    """URI of the linked file. Raises IntegrityError where a kachery URI's file is not what its hash says."""
    if dataset.is_kachery_uri:
        expected, _, _ = parse_uri(dataset.path)
        if sha1 != expected:
            raise IntegrityError(f"path: {dataset.path}: the stored file's SHA-1 is {sha1}; store it again")
        return dataset.path
    return store.link_file(source.path, sha1=sha1, size=source.size, mtime=source.mtime)


def describe_link(layout: Layout, uri: str, store: Store) -> LinkInfo:
    """What the manifest says of samples that lie in a linked file; stores the table of chunks."""
    if isinstance(layout, ChunkedLayout):
        with ArrayWriter(store, np.int64, (2,)) as writer:
            writer.append(np.ascontiguousarray(layout.chunks, np.int64))
            chunks = writer.finish()
        return ChunkedLink(uri, layout.chunk_shape, layout.filters, chunks, layout.fill_value)
    assert isinstance(layout, ContiguousLayout)
    return ContiguousLink(uri, layout.offset, layout.row_stride, layout.channel_stride)
