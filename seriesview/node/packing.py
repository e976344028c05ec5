"""Web pages' files, packed with gzip for browsers that take it, and kept packed in memory."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

PACKED_TYPES = frozenset({".html", ".js", ".mjs", ".css", ".json", ".svg", ".txt"})
_LARGEST_BYTES = 2**20
_LEVEL = 6
"""The highest one takes half as long again, for half a percent."""
_MOST_FILES = 256


def packed_response(request: Request, path: Path, headers: Mapping[str, str]) -> Response | None:
    """Return a small text file packed with gzip; None where it is better sent as it is, for a range too."""
    if path.suffix not in PACKED_TYPES or "range" in request.headers or not _takes_gzip(request.headers):
        return None
    try:
        status = path.stat()
        if status.st_size > _LARGEST_BYTES:
            return None
        packed = _packed_file(path, status.st_mtime_ns, status.st_size)
    except OSError:
        return None
    tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}-gzip"'
    return _answer(request, packed, tag, {**headers, "Content-Encoding": "gzip"})


def content_response(request: Request, content: bytes, headers: Mapping[str, str]) -> Response:
    """Return a page that is in memory, packed with gzip for browsers that take it; always whole."""
    tag = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    if not _takes_gzip(request.headers):
        return _answer(request, content, f'"{tag}"', headers)
    return _answer(request, _packed(content), f'"{tag}-gzip"', {**headers, "Content-Encoding": "gzip"})


def _answer(request: Request, body: bytes, tag: str, headers: Mapping[str, str]) -> Response:
    described = {**headers, "ETag": tag, "Vary": "Accept-Encoding"}
    if tag in [one.strip() for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=described)
    return Response(body, headers=described)


def _takes_gzip(asked: Headers) -> bool:
    """Whether Accept-Encoding names gzip, and not with a weight of zero."""
    for entry in asked.get("accept-encoding", "").lower().split(","):
        name, _, weight = entry.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


@lru_cache(_MOST_FILES)
def _packed_file(path: Path, changed: int, size: int) -> bytes:
    """The file's bytes, packed; `changed` and `size` tell its versions apart."""
    return gzip.compress(path.read_bytes(), _LEVEL, mtime=0)


@lru_cache(_MOST_FILES)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, _LEVEL, mtime=0)
