"""The address of a file behind https, s3 or gs, with what readers ask of a path."""

from __future__ import annotations

import hashlib
import io
import re
import stat
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from seriesview.errors import ReaderError
from seriesview.layout.remote_file import HEADER_BLOCK_BYTES, RemoteFile, RemoteRanges
from seriesview.layout.remote_servers import RemoteServer, server_of, shown, tried, was_broken_off

STORES = (".zmetadata", "zarr.json", ".zgroup", ".zarray")
"""Files one of which stands for a Zarr store, which is no file itself; the one that says most first."""
_REMOTE = re.compile(r"(https?|s3|gs|gcs)://[^/\s]", re.IGNORECASE)


def is_remote(path: str | Path) -> bool:
    """Whether this is the address of a file on another machine."""
    return isinstance(path, RemotePath) or (isinstance(path, str) and _REMOTE.match(path) is not None)


def located(text: str | Path) -> Path:
    """The path that a text is, `~` expanded: of a file here, or an address with what readers ask of a path."""
    if not isinstance(text, str):
        return text.expanduser()
    return cast(Path, RemotePath(text, may_be_store=True)) if is_remote(text) else Path(text).expanduser()


def as_text(path: Path) -> str:
    """The text that leads to a path again: of an address all of it."""
    return path.url if isinstance(path, RemotePath) else str(path)


class RemotePath:
    """The address of a file, with what readers ask of a `Path`; its text leaves out what follows `?`: often secrets."""

    def __init__(self, url: str, may_be_store: bool = False) -> None:
        self.url = url
        self._may_be_store = may_be_store
        self._status: SimpleNamespace | None = None
        rest = str(self).split("://", 1)[1]
        self._pure = PurePosixPath(unquote(rest) if url.lower().startswith("http") else rest)

    @cached_property
    def server(self) -> RemoteServer:
        """What answers for it. Raises ReaderError where the library for it is not installed."""
        return server_of(self.url)

    @cached_property
    def document(self) -> RemotePath:
        """The file that stands for it: of a Zarr store what its server has of its metadata, else itself.

        Raises FileNotFoundError, ReaderError.
        """
        problem: FileNotFoundError | ReaderError | None = None
        if not self._may_be_store:
            return self
        if self.suffix.lower() != ".zarr":
            try:
                self._status = _status(self)
                return self
            except (FileNotFoundError, ReaderError) as error:
                if was_broken_off(error):
                    raise
                problem = error
        for name in STORES:
            file = self / name
            try:
                file.stat()
                return file
            except (FileNotFoundError, ReaderError) as error:
                if was_broken_off(error):
                    raise
                # Buckets that nobody may list refuse what they do not have.
                is_worse = isinstance(error, ReaderError) and isinstance(problem, FileNotFoundError)
                problem = error if problem is None or is_worse else problem
        assert problem is not None
        raise problem

    def __str__(self) -> str:
        return shown(self.url)

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self._pure.name

    @property
    def stem(self) -> str:
        """Its name without the suffix."""
        return self._pure.stem

    @property
    def suffix(self) -> str:
        """What its name ends with, from the last point on."""
        return self._pure.suffix

    @property
    def parent(self) -> RemotePath:
        """The folder around it."""
        return RemotePath(self._plain.rstrip("/").rpartition("/")[0])

    @property
    def _plain(self) -> str:
        """The address without what follows `?`, with the login that may stand in it."""
        if not self.url.lower().startswith("http"):
            return self.url
        return urlunsplit(urlsplit(self.url)._replace(query="", fragment=""))

    def __truediv__(self, name: str) -> RemotePath:
        is_web = self.url.lower().startswith("http")
        return RemotePath(f"{self._plain.rstrip('/')}/{quote(name) if is_web else name}")

    def with_name(self, name: str) -> RemotePath:
        """A file beside it."""
        return self.parent / name

    def with_suffix(self, suffix: str) -> RemotePath:
        """The file beside it of another suffix."""
        return self.with_name(self.stem + suffix)

    def absolute(self) -> RemotePath:
        """Itself."""
        return self

    def expanduser(self) -> RemotePath:
        """Itself."""
        return self

    def resolve(self, strict: bool = False) -> RemotePath:
        """Itself; with `strict` its server is asked anew. Raises FileNotFoundError, ReaderError."""
        if strict:
            self._status = None
            self.__dict__.pop("document", None)
            self.stat()
        return self

    def is_symlink(self) -> bool:
        """There are none."""
        return False

    def is_dir(self) -> bool:
        """Whether it is a folder: never, as only single files are read by range."""
        return False

    def exists(self) -> bool:
        """Whether a server has it."""
        try:
            self.stat()
        except FileNotFoundError:
            return False
        return True

    is_file = exists

    def stat(self) -> Any:
        """Size and time as the server had them when it was asked first; its entity tag stands for the inode.

        Raises FileNotFoundError, ReaderError.
        """
        if (document := self.document) is not self:
            return document.stat()
        self._status = self._status or _status(self)
        return self._status

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """The file, to be read and nothing else."""
        if mode != "rb":
            raise ValueError(f"mode {mode!r}: it is only read")
        return io.BufferedReader(self.raw())

    def raw(self) -> RemoteFile:
        """The file without a buffer, called by its address."""
        if (document := self.document) is not self:
            return document.raw()
        now = self.stat()
        return RemoteFile(_headers(self.url, now.st_size, now.st_mtime_ns, now.st_ino), self.url)

    def ranges(self) -> RemoteRanges:
        """Its bytes, for passes over many samples."""
        return RemoteRanges(self.server, self.stat().st_size, self.url)

    def read_whole(self, most: int) -> bytes:
        """A file of at most `most` bytes, by one request. Raises FileNotFoundError, ReaderError."""
        content: bytes = tried(lambda: self.server.read(0, most + 1), str(self))
        if len(content) > most:
            raise ReaderError(f"is larger than {most} bytes", file=str(self))
        return content

    def read_bytes(self) -> bytes:
        """All of it."""
        with self.open() as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """All of it, as text."""
        return self.read_bytes().decode(encoding, errors)


def _status(path: RemotePath) -> SimpleNamespace:
    """What the server says of the very file now. Raises FileNotFoundError, ReaderError."""
    found = tried(path.server.status, str(path))
    mark = hashlib.sha1(found.tag.encode()).digest()[:6] if found.tag else b""
    return SimpleNamespace(
        st_size=found.size,
        st_mtime=found.modified,
        st_mtime_ns=int(found.modified) * 1_000_000_000,
        st_ino=int.from_bytes(mark, "big"),
        st_mode=stat.S_IFREG | 0o444,
    )


@lru_cache(maxsize=4)
def _headers(url: str, size: int, *_: int) -> RemoteRanges:
    """What readers of one state of a file share: each opens it anew, and headers are fetched once."""
    return RemoteRanges(server_of(url), size, url, HEADER_BLOCK_BYTES, kept=64)
