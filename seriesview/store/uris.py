"""kachery URIs: `sha1://HASH/NAME`, with `?manifest=HASH`, or, of a piece of an artifact, `?chunkOf=HASH~START~END`."""

import re
from dataclasses import dataclass
from os import fsdecode, fsencode
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from seriesview.errors import FormatError

_HASH = re.compile(r"[0-9a-f]{40}", re.ASCII)
_URI = re.compile(r"sha1://([0-9a-f]{40})/([^/?#]+)(?:\?manifest=([0-9a-f]{40}))?", re.ASCII)
_CHUNK = re.compile(
    r"(sha1://[0-9a-f]{40}/[^/?#]+)\?chunkOf=([0-9a-f]{40})~(0|[1-9][0-9]{0,18})~([1-9][0-9]{0,18})", re.ASCII
)
_FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f]")


def check_hash(sha1: str) -> str:
    """Return `sha1` when it is 40 lower-case hexadecimal digits; raises FormatError."""
    if not isinstance(sha1, str) or _HASH.fullmatch(sha1) is None:
        raise FormatError(f"{sha1!r:.80} is not a SHA-1: 40 lower-case hexadecimal digits are expected")
    return sha1


def sha1_uri(sha1: str, name: str, manifest: str | None = None) -> str:
    """Return the URI of an artifact, its name percent-encoded; raises FormatError."""
    check_hash(sha1)
    _check_name(name)
    uri = f"sha1://{sha1}/{quote(fsencode(name), safe='')}"
    return uri if manifest is None else f"{uri}?manifest={check_hash(manifest)}"


def parse_uri(uri: str) -> tuple[str, str, str | None]:
    """Return (hash, decoded name, chunk manifest's hash or None) of a URI; raises FormatError."""
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        raise FormatError(
            f"{uri!r:.200} is not a kachery URI: "
            "sha1://HASH/NAME or sha1://HASH/NAME?manifest=HASH is expected"
        )
    sha1, encoded, manifest = match.groups()
    _check_name(encoded)
    try:
        name = fsdecode(unquote_to_bytes(fsencode(encoded)))
    except UnicodeEncodeError as error:
        raise FormatError(f"{encoded!r:.200} cannot name an artifact: it is not Unicode text") from error
    _check_name(name)
    return sha1, name, manifest


@dataclass(frozen=True)
class ChunkUri:
    """URI of bytes [start, end) of an artifact, which have a SHA-1 of their own; `str` gives it in full."""

    sha1: str
    name: str
    artifact: str
    """SHA-1 of the artifact that they lie in."""
    start: int
    end: int

    def __str__(self) -> str:
        return f"{sha1_uri(self.sha1, self.name)}?chunkOf={check_hash(self.artifact)}~{self.start}~{self.end}"


def parse_chunk_uri(uri: str) -> ChunkUri | None:
    """Return what a URI of a piece of an artifact says, None for any other URI; raises FormatError."""
    match = _CHUNK.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        return None
    sha1, name, _ = parse_uri(match[1])
    start, end = int(match[3]), int(match[4])
    if not start < end < 2**63:
        raise FormatError(f"{uri:.200}: bytes {start} to {end} cannot be meant")
    return ChunkUri(sha1, name, match[2], start, end)


def artifact_name(path: Path) -> str:
    """Return a name for an artifact made from the file at `path`: its file name, made legal."""
    name = _FORBIDDEN.sub("_", path.name)
    return "file.dat" if name in ("", ".", "..") else name


def _check_name(name: str) -> None:
    if not isinstance(name, str) or name in ("", ".", "..") or _FORBIDDEN.search(name):
        raise FormatError(f"{name!r:.200} cannot name an artifact: a plain file name is expected")
