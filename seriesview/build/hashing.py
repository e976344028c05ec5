"""SHA-1s of the files that samples lie in, taken while samples are read or beside it, once for all who need them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.source import HashRecord, SourceIdentity, check_unchanged, hash_file
from seriesview.errors import BuildError
from seriesview.layout.byte_file import ByteFile, Bytes
from seriesview.layout.layouts import ChunkedLayout, FilesLayout, Layout, files_of
from seriesview.layout.sample_file import SampleFile

_HASH_BYTES = 1 << 20


class FileHash:
    """The SHA-1 of one file, which one job takes and all that build something of the file use."""

    def __init__(self, source: SourceIdentity, hashes: Path) -> None:
        self.source = source
        self._record = HashRecord(hashes, source)
        self._sha1: str | None = None
        self._is_claimed = False

    def is_wanted(self) -> bool:
        """Whether this job shall take it, and from now on may: it is not known, and no other job is at it."""
        if self.known() is None and not self._is_claimed:
            self._is_claimed = self._record.claim()
            # Another job may have taken it between the two.
            if self._is_claimed and self.known() is not None:
                self.release()
        return self._sha1 is None and self._is_claimed

    def known(self) -> str | None:
        """Hex SHA-1, if it has been taken."""
        if self._sha1 is None:
            self._sha1 = self._record.known()
        return self._sha1

    def keep(self, sha1: str, starts: Mapping[int, str] | None = None) -> None:
        """Let all know it, and the SHA-1s of so many first bytes. Raises BuildError if the file changed meanwhile."""
        check_unchanged(self.source)
        self._sha1 = sha1
        self._record.keep(sha1, starts)
        self.release()

    def get(self, progress: Callable[[int], None] | None = None) -> str:
        """Hex SHA-1, taken now, or awaited from the job that is at it. Raises BuildError if the file changed.

        `progress` gets numbers of bytes that are hashed.
        """
        if self.known() is None:
            self._claim()
            self.keep(self._record.known() or hash_file(self.source.path, progress=progress)[0])
        check_unchanged(self.source)
        assert self._sha1 is not None
        return self._sha1

    def of_first(self, size: int, progress: Callable[[int], None] | None = None) -> str:
        """Hex SHA-1 of the file's first bytes, of which it has as many; that of all is taken on the way. As `get`."""
        if size == self.source.size:
            return self.get(progress)
        sha1 = self._record.known(size)
        if sha1 is None:
            self._claim()
            sha1 = self._record.known(size)
            if sha1 is None:
                whole, sha1 = hash_file(self.source.path, first=size, progress=progress)
                self.keep(whole, {size: sha1})
            self.release()
        return sha1

    def _claim(self) -> None:
        if not self._is_claimed:
            self._is_claimed = self._record.claim(wait=True)

    def release(self) -> None:
        """Let another job take it."""
        self._record.release()
        self._is_claimed = False


class BackgroundHashes:
    """SHA-1s of files, taken one after the other in a thread beside other work."""

    def __init__(self, files: Sequence[FileHash]) -> None:
        self._files = files
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hash", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for file in self._files:
            try:
                if not self._stop.is_set() and file.is_wanted():
                    sha1, _ = hash_file(file.source.path, stop=self._stop)
                    if sha1:
                        file.keep(sha1)
            except OSError as error:
                self._error = BuildError(f"{error.strerror}", file=file.source.path)
                return
            except BaseException as error:
                self._error = error
                return

    def finish(self) -> None:
        """Wait until all are taken that no other job is at. Raises BuildError where a file cannot be read."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Stop, finished or not."""
        self._stop.set()
        self._thread.join()


class HashedFile(ByteFile):
    """A file of which all bytes are hashed while it is read from front to back; what is passed over, too."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        os.posix_fadvise(self.descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        self._digest = hashlib.sha1(usedforsecurity=False)
        self._hashed = 0

    def read_into(self, out: Bytes, position: int) -> None:
        """Fill the contiguous uint8 array from byte `position` on; bytes that were read before are not hashed again."""
        self._hash_up_to(position)
        whole = out.reshape(-1)
        for begin in range(0, len(whole), _HASH_BYTES):
            piece = whole[begin : begin + _HASH_BYTES]
            super().read_into(piece, position + begin)
            self._take(piece, position + begin)

    def hexdigest(self) -> str:
        """SHA-1 of the whole file."""
        self._hash_up_to(self.size)
        return self._digest.hexdigest()

    def _take(self, piece: Bytes, position: int) -> None:
        new = piece[max(0, self._hashed - position) :]
        self._digest.update(new.data)
        self._hashed += len(new)

    def _hash_up_to(self, position: int) -> None:
        if position <= self._hashed:
            return
        scratch = np.empty(min(_HASH_BYTES, position - self._hashed), np.uint8)
        while self._hashed < position:
            piece = scratch[: position - self._hashed]
            super().read_into(piece, self._hashed)
            self._take(piece, self._hashed)


class HashingRead:
    """Reads samples that lie in the order of their files, and hashes the whole files on the way, reading them once.

    Samples must be asked for in rising order; what lies between is hashed all the same.
    """

    def __init__(self, layout: Layout, files: Mapping[Path, FileHash]) -> None:
        self._files = files
        self._hashing: tuple[FileHash, HashedFile] | None = None
        self._samples = SampleFile(layout, open_file=self._opened)

    def __call__(self, first_sample: int, out: npt.NDArray[Any], /) -> None:
        """Fill `out` (n, C) of the layout's dtype. Raises IntegrityError where a file ends too early."""
        self._samples.read_into(first_sample, out)

    def finish(self) -> None:
        """Take the SHA-1 of the file that was read last; call it when all samples were read."""
        if self._hashing is not None:
            file, opened = self._hashing
            self._hashing = None
            file.keep(opened.hexdigest())

    def close(self) -> None:
        """Let go of the files."""
        self._hashing = None
        self._samples.close()

    def _opened(self, path: Path) -> ByteFile:
        self.finish()
        file = self._files[path]
        if not file.is_wanted():
            return ByteFile(path)
        opened = HashedFile(path)
        self._hashing = file, opened
        return opened


def lies_in_order(layout: Layout) -> bool:
    """Whether reading samples in their order goes through each file from front to back, one file after the other."""
    if isinstance(layout, ChunkedLayout):
        return False
    if isinstance(layout, FilesLayout):
        paths = [piece.path for piece in layout.pieces]
        passes = 1 + sum(path != after for path, after in pairwise(paths))
        return passes == len(files_of(layout)) and all(map(lies_in_order, layout.pieces))
    return layout.is_read_forwards
