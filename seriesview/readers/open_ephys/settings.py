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
class Site:
    """Where an electrode is on its probe, in micrometres from the tip upwards, and on which shank."""

    x: float
    y: float
    shank: str | None


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
    return Settings(_date(root.findtext("INFO/DATE") or ""), _probes(root))


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


def _probes(root: ElementTree.Element) -> dict[str, dict[int, Site]]:
    """Sites of the probes of each processor that has some, in the order of its streams.

    Before 0.6 processors list no streams: probe N is that of streams 2N (its spikes) and 2N + 1 (its LFP).
    """
    found: dict[str, dict[int, Site]] = {}
    for processor in root.iter("PROCESSOR"):
        probes = [each for each in processor.iter("NP_PROBE") if each.get("isEnabled", "1") == "1"]
        streams = [each.get("name", "") for each in processor.findall("STREAM")]
        names = list(dict.fromkeys(probe_name(each) for each in streams if "ADC" not in each))
        node = processor.get("nodeId") or processor.get("NodeId") or ""
        for number, probe in enumerate(probes):
            sites = _sites(probe)
            custom = probe.get("custom_probe_name")
            if streams:
                called = [names[number]] if number < len(names) else []
                called += [custom] if custom else []
            else:
                called = [f"{node}.{2 * number}", f"{node}.{2 * number + 1}"]
            found.update(dict.fromkeys(called, sites) if sites else {})
    return found


def probe_name(stream: str) -> str:
    """The probe that a stream is of: its name without -AP and -LFP."""
    return re.sub(r"-(AP|LFP|LF)$", "", stream)


def _sites(probe: ElementTree.Element) -> dict[int, Site]:
    """Sites by channel number, from CHANNELS (`CH0="0:1"`: bank and shank), ELECTRODE_XPOS and ELECTRODE_YPOS."""
    places = [probe.find(tag) for tag in ("CHANNELS", "ELECTRODE_XPOS", "ELECTRODE_YPOS")]
    channels, xs, ys = (dict(each.attrib) if each is not None else {} for each in places)
    sites: dict[int, Site] = {}
    for name, x in xs.items():
        number = re.fullmatch(r"CH(\d{1,6})(?:_(\d{1,2}))?", name)
        shank = re.fullmatch(r"\d{1,3}:(\d{1,2})", channels.get(name, ""))
        try:
            place = float(x), float(ys[name])
        except (KeyError, ValueError):
            return {}
        if number is None or not all(abs(each) < 1e6 for each in place):
            return {}
        sites[int(number[1])] = Site(*place, shank[1] if shank else number[2])
    shanks = {site.shank for site in sites.values()}
    if len(shanks) < 2:
        return {number: Site(site.x, site.y, None) for number, site in sites.items()}
    return sites
