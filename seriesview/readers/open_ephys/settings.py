"""What `settings.xml` says: when it was written, and where the electrodes of Neuropixels probes are.

The file comes from whoever made the recording, so it is read without document types and entities, and only so large.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from seriesview.readers.open_ephys.probes import Site, sites_of_probes

_MOST_BYTES = 64 << 20
_MOST_ELEMENTS = 1_000_000
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(
    r"\s*(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?\s*(am|pm)?\s*", re.IGNORECASE
)
_FOLDER_DATE = re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}")
_SOFTWARE_TIME = re.compile(
    r"software time \(milliseconds since[^)]*1970[^)]*\): *(\d{10,15})", re.IGNORECASE
)


@dataclass(frozen=True)
class Settings:
    """`date` is local time without a zone; `probes` are sites by channel number, by the name of their stream."""

    date: datetime | None = None
    probes: dict[str, dict[int, Site]] = field(default_factory=dict)
    problem: str | None = None


def read_settings(path: Path) -> Settings:
    """What a settings.xml says; nothing and why where there is none or it cannot be read."""
    if not path.exists():
        return Settings()
    try:
        root = _parsed(path)
    except (OSError, ValueError, LookupError, expat.ExpatError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)[:100]
        return Settings(problem=f"{path.name} is not used: {reason}")
    return Settings(_date(root.findtext("INFO/DATE") or ""), sites_of_probes(root))


def _parsed(path: Path) -> ElementTree.Element:
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    elements = 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal elements
        elements += 1
        if elements > _MOST_ELEMENTS:
            raise ValueError("too many elements")
        builder.start(tag, attributes)

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type")

    parser.StartElementHandler = begin
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ValueError("it is too large")
    parser.Parse(text, True)
    return builder.close()


def _date(text: str) -> datetime | None:
    """`3 Apr 2025 13:38:24`, as the GUI writes it."""
    match = _DATE.fullmatch(text[:100])
    if match is None or match[2].lower() not in _MONTHS:
        return None
    hour = int(match[4])
    if match[7] is not None:
        hour = hour % 12 + (12 if match[7].lower() == "pm" else 0)
    month = _MONTHS.index(match[2].lower()) + 1
    try:
        return datetime(int(match[3]), month, int(match[1]), hour, int(match[5]), int(match[6] or 0))
    except ValueError:
        return None


def date_of_folder(folder: Path) -> datetime | None:
    """The date in a session folder's name, `2024-01-31_12-00-00`, local time; None where it has none."""
    match = _FOLDER_DATE.search(folder.name)
    try:
        return datetime.strptime(match[0], "%Y-%m-%d_%H-%M-%S") if match else None
    except ValueError:
        return None


def software_time(recording: Path) -> datetime | None:
    """When a recording began by its computer's clock, UTC: in `sync_messages.txt` from 0.6 on."""
    try:
        with (recording / "sync_messages.txt").open("rb") as file:
            text = file.read(1 << 16).decode("utf-8", "replace")
        match = _SOFTWARE_TIME.search(text)
        return datetime.fromtimestamp(int(match[1]) / 1000, UTC) if match else None
    except (OSError, ValueError, OverflowError):
        return None


def zone_of(local: datetime | None, utc: datetime | None) -> timezone | None:
    """The zone in which two readings of one clock differ by whole quarters of an hour; None where there is none."""
    if local is None or utc is None:
        return None
    apart = (local - utc.replace(tzinfo=None)).total_seconds()
    quarters = round(apart / 900)
    if abs(apart - quarters * 900) > 60 or abs(quarters) > 56:
        return None
    return timezone(timedelta(minutes=15 * quarters))
