"""kachery URIs: `sha1://HASH/NAME` and `sha1://HASH/NAME?manifest=HASH`."""

import re
from os import fsdecode, fsencode
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from seriesview.errors import FormatError

_HASH = re.compile(r"[0-9a-f]{40}", re.ASCII)
_URI = re.compile(r"sha1://([0-9a-f]{40})/([^/?#]+)(?:\?manifest=([0-9a-f]{40}))?", re.ASCII)
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


def artifact_name(path: Path) -> str:
    """Return a name for an artifact made from the file at `path`: its file name, made legal."""
    name = _FORBIDDEN.sub("_", path.name)
    return "file.dat" if name in ("", ".", "..") else name


def _check_name(name: str) -> None:
    if not isinstance(name, str) or name in ("", ".", "..") or _FORBIDDEN.search(name):
        raise FormatError(f"{name!r:.200} cannot name an artifact: a plain file name is expected")
