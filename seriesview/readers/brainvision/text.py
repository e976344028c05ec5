"""The texts of the format: sections of `key=value` lines, in UTF-8 or in the code page of an older Windows."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from seriesview.readers.companions import read_small

HEADERS = (".vhdr", ".ahdr")
MARKERS = (".vmrk", ".amrk")
MOST_BYTES = 64 << 20
_BEGINNING = 512
_CODE_PAGE = re.compile(rb"^\s*codepage\s*=\s*([\w.-]{1,30})\s*$", re.IGNORECASE | re.MULTILINE)
_SIGNATURE = re.compile(rb"\s*;?\s*brain ?vision[ \w-]{0,40}? (header|marker) ?file", re.IGNORECASE)
_VERSION = re.compile(r"version\s*:?\s*(\d+)(?:\.\d+)?", re.IGNORECASE)
_SECTION = re.compile(r"\[([^\]]{1,60})\]\s*")
# A comment is free text up to the end; only these may still follow it.
_BEHIND_COMMENT = {"coordinates", "channel infos", "binary infos", "ascii infos", "user infos"}

Sections = dict[str, dict[str, str]]


def kind_of(path: Path) -> str | None:
    """`header` or `marker` where the file begins like one of the format; else None. Raises OSError."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING).removeprefix(codecs.BOM_UTF8)
    match = _SIGNATURE.match(beginning)
    if match is not None:
        return match[1].decode().lower()
    # Written by hand, without the first line.
    if suffix in HEADERS + MARKERS and b"[common infos]" in beginning.lower():
        return "header" if suffix in HEADERS else "marker"
    return None


def read_text(path: Path) -> bytes:
    """All bytes of a header or of markers. Raises ReaderError for more than could be one."""
    return read_small(path, MOST_BYTES, "such a text")


def version_of(content: bytes) -> int | None:
    """The main version that the first line tells."""
    match = _VERSION.search(content[:_BEGINNING].decode("ascii", "replace").partition("\n")[0])
    return None if match is None else int(match[1][:9])


def lines_of(content: bytes) -> Iterator[str]:
    """Lines, each decoded by itself: one comment in another encoding must not spoil the units of all channels."""
    named = _CODE_PAGE.search(content)
    codec = "utf-8" if named is None else _codec_called(named[1].decode())
    for line in content.removeprefix(codecs.BOM_UTF8).splitlines():
        for encoding in (codec, "utf-8", "cp1252"):
            try:
                yield line.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
        else:
            yield line.decode("latin-1")


def _codec_called(name: str) -> str:
    """Python's name of a Windows code page; UTF-8 where it is none that is known."""
    if name.casefold() == "ansi":
        return "cp1252"
    digits = re.fullmatch(r"(?:windows-|cp)?(\d{3,5})", name, re.IGNORECASE)
    wanted = f"cp{digits[1]}" if digits else name
    if not re.fullmatch(r"cp\d+|utf-?8|latin-?1|iso-?8859-\d+", wanted, re.IGNORECASE):
        return "utf-8"
    try:
        return codecs.lookup(wanted).name
    except LookupError:
        return "utf-8"


def sections_of(content: bytes) -> Sections:
    """Values by section and key, both in lower case; of keys that stand twice the first."""
    sections: Sections = {}
    current: dict[str, str] = {}
    in_comment = False
    for line in lines_of(content):
        heading = _SECTION.fullmatch(line.strip())
        if heading is not None:
            name = " ".join(heading[1].split()).casefold()
            if not in_comment or (name in _BEHIND_COMMENT and name not in sections):
                in_comment = name == "comment"
                current = sections.setdefault(name, {})
                continue
        if in_comment or line.lstrip().startswith(";"):
            continue
        key, equals, value = line.partition("=")
        if equals:
            current.setdefault(key.strip().casefold(), value.strip())
    return sections


def fields_of(value: str) -> list[str]:
    r"""What commas separate; a comma inside a field is written `\1`."""
    return [field.replace(r"\1", ",") for field in value.split(",")]


def number_of(text: str) -> float | None:
    """A number, also with a decimal comma; None where it is none."""
    try:
        return float(text.strip().replace(",", ".").replace("_", "?"))
    except ValueError:
        return None
