"""File keys: how kachery clients name a file by hash."""

from dataclasses import dataclass
from typing import Any

from seriesview.node.names import is_sha1
from seriesview.node.requests import InvalidRequest


@dataclass(frozen=True)
class FileKey:
    """A hash, and where else its bytes can be found."""

    sha1: str
    manifest_sha1: str | None = None
    """Chunk manifest of the file."""
    chunk_of: tuple[str, int, int] | None = None
    """(hash of a larger file, first byte, end byte): the file is this piece of it."""


def parse_file_key(value: Any) -> FileKey:
    """Return the file key that a JSON value describes; raises InvalidRequest."""
    if not isinstance(value, dict) or not set(value) <= {"sha1", "manifestSha1", "chunkOf"}:
        raise InvalidRequest("fileKey: sha1 and, if wanted, manifestSha1 and chunkOf are expected")
    manifest = value.get("manifestSha1")
    if not is_sha1(value.get("sha1")) or not (manifest is None or is_sha1(manifest)):
        raise InvalidRequest("fileKey: hashes are 40 lower-case hexadecimal digits")
    return FileKey(value["sha1"], manifest, _chunk_of(value.get("chunkOf")))


def _chunk_of(value: Any) -> tuple[str, int, int] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"fileKey", "startByte", "endByte"}:
        raise InvalidRequest("chunkOf: fileKey, startByte and endByte are expected")
    start, end = value["startByte"], value["endByte"]
    if type(start) is not int or type(end) is not int or not 0 <= start <= end < 2**63:
        raise InvalidRequest("chunkOf: 0 <= startByte <= endByte is expected")
    parent = value["fileKey"]
    if not isinstance(parent, dict) or not is_sha1(parent.get("sha1")):
        raise InvalidRequest("chunkOf: fileKey needs a sha1")
    return parent["sha1"], start, end
