"""Moving the dates of what is shared: all clocks of a workspace by the same whole days, and no interval by anything."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import SeriesviewError
from seriesview.series.array_info import ArrayInfo
from seriesview.series.manifest import SeriesManifest
from seriesview.terms import END_OF_CLOCKS, EPOCH_SECONDS, LAST_YEAR
from seriesview.workspace.manifest import WorkspaceManifest

DAY_SECONDS = 86_400
_EARLIEST = date(2000, 1, 1)
"""Where the earliest clock is moved to. Times that count from 1970 stay exact when they become smaller."""
_EARLIER = date(1974, 1, 1)
_UNIX = date(1970, 1, 1)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?=$|[T ])", re.ASCII)
_LIKE_A_DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d([-_./]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII
)

Rows = npt.NDArray[Any]


@dataclass(frozen=True)
class MovedClock:
    """What becomes of one series: its session_start, and seconds that are added to its own times, whole days."""

    session_start: str | None
    seconds: int


def moved_clocks(
    manifests: Mapping[str, SeriesManifest], days: int | None
) -> tuple[int, dict[str, MovedClock]]:
    """Move the clocks of series (by name) by so many days; the days, and what becomes of each that tells a date.

    Without `days` the earliest is moved to 2000-01-01, or to 1974-01-01 where it is before and series count from 1970.
    Raises SeriesviewError where a clock is not understood, or would be moved to where no clock can be.
    """
    dated = {
        name: found for name, manifest in manifests.items() if (found := _date(name, manifest)) is not None
    }
    if days is None:
        first = min(dated.values(), default=_EARLIEST)
        counts = any(_counts_from_1970(manifests[name]) for name in dated)
        target = _EARLIER if counts and first < _EARLIEST else _EARLIEST
        days = (target - first).days
    return days, {name: _moved(name, manifests[name], days) for name in dated} if days else {}


def moved_document(
    document: Mapping[str, Any],
    manifest: SeriesManifest,
    clock: MovedClock,
    arrays: Mapping[str, ArrayInfo],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """A series' manifest on a moved clock, with these arrays of times (by name) and files of timestamps (by URI)."""
    found = dict(document)
    if clock.session_start is not None:
        found["session_start"] = clock.session_start
    if not clock.seconds:
        return found

    def moved(value: float) -> float:
        return float(moved_times(np.array([value], np.float64), clock.seconds, manifest.label)[0])

    found["segments"] = segments = []
    for segment in document["segments"]:
        start, end = moved(segment["start_time"]), segment["end_time"]
        rate, count = manifest.sampling_frequency, segment["num_samples"]
        is_by_rate = rate is not None and end == segment["start_time"] + count / rate
        new = {
            **segment,
            "start_time": start,
            "end_time": start + count / rate if is_by_rate and rate else moved(end),
        }
        if segment.get("timestamps_uri") is not None:
            new["timestamps_uri"] = files[segment["timestamps_uri"]]
        segments.append(new)
    if document.get("timestamps") is not None:
        found["timestamps"] = arrays["timestamps"].to_json_dict()
    found["levels"] = [
        {**level, "times": arrays[f"times of level {level['factor']}"].to_json_dict()}
        if level.get("times")
        else level
        for level in document.get("levels") or []
    ]
    found["counts"] = [
        {**counts, "start_time": moved(counts["start_time"])} for counts in document.get("counts") or []
    ]
    for key, name in (("events", "event times"), ("intervals", "interval times")):
        if document.get(key) is not None:
            found[key] = {**document[key], "times": arrays[name].to_json_dict()}
    return found


def is_of_times(name: str) -> bool:
    """Whether an array, by its name, holds times of the series."""
    return name in ("timestamps", "event times", "interval times") or name.startswith("times of level ")


def moved_times(rows: Rows, seconds: int, series: str) -> Rows:
    """Times with whole days added, of their own dtype; SeriesviewError where one would be rounded."""
    dtype = rows.dtype
    moved = rows + dtype.type(seconds)
    finite = np.isfinite(rows)
    # Exact where the way back leads to the same number, and the days themselves have no rounding.
    if dtype.type(seconds) != seconds or (moved[finite] - dtype.type(seconds) != rows[finite]).any():
        raise SeriesviewError(
            f"{series}: its times have digits that would be lost {seconds // DAY_SECONDS} days away; give "
            "--shift-dates DAYS that bring them closer to 1970, where floats are finer"
        )
    return np.ascontiguousarray(moved, dtype)


def texts_like_dates(
    workspace: WorkspaceManifest, manifests: Iterable[tuple[str, SeriesManifest]]
) -> list[str]:
    """Names and labels that look as if they told a date: they are shared as they are."""
    found = [text for text in _texts(workspace, manifests) if _LIKE_A_DATE.search(text)]
    return list(dict.fromkeys(found))


def _texts(workspace: WorkspaceManifest, manifests: Iterable[tuple[str, SeriesManifest]]) -> Iterator[str]:
    yield workspace.label
    for view in workspace.views:
        yield view.label
        yield from (panel.label for panel in view.panels)
    for name, manifest in manifests:
        yield name
        yield manifest.label
        yield from (channel.label for channel in manifest.channels)
        if manifest.intervals is not None:
            yield from manifest.intervals.labels


def _counts_from_1970(manifest: SeriesManifest) -> bool:
    return bool(manifest.segments) and manifest.segments[0].start_time >= EPOCH_SECONDS


def _date(name: str, manifest: SeriesManifest) -> date | None:
    """The date on which a series begins, where anything tells one. Raises SeriesviewError."""
    own = math.floor(manifest.segments[0].start_time) if _counts_from_1970(manifest) else 0
    if manifest.session_start is not None:
        begun = _day(name, manifest.session_start)
    elif own:
        begun = _UNIX
    else:
        return None
    try:
        return (datetime(begun.year, begun.month, begun.day) + timedelta(seconds=own)).date()
    except OverflowError:
        raise SeriesviewError(
            f"{name}: its times are not those of a clock, so its dates cannot be moved; leave it out (--without {name})"
        ) from None


def _day(name: str, text: str) -> date:
    match = _DATE.match(text)
    try:
        if match is None:
            raise ValueError
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        raise SeriesviewError(
            f"{name}: its session_start {text!r:.60} is no date that is understood, so it cannot be moved; leave the "
            f"series out (--without {name})"
        ) from None


def _moved(name: str, manifest: SeriesManifest, days: int) -> MovedClock:
    text = manifest.session_start
    try:
        if not _counts_from_1970(manifest):
            assert text is not None
            return MovedClock((_day(name, text) + timedelta(days=days)).isoformat() + text[10:], 0)
        session_start = None
        if text is not None:
            # The date is in the times: what they count from becomes 1970, which tells nothing.
            days += (_day(name, text) - _UNIX).days
            session_start = _UNIX.isoformat() + text[10:]
    except OverflowError:
        raise _out_of_reach(name) from None
    start = manifest.segments[0].start_time + days * DAY_SECONDS
    if not EPOCH_SECONDS <= start < END_OF_CLOCKS:
        raise _out_of_reach(name)
    return MovedClock(session_start, days * DAY_SECONDS)


def _out_of_reach(name: str) -> SeriesviewError:
    return SeriesviewError(
        f"{name}: so many days away no clock can be (times that count from 1970 stay between 1974 and {LAST_YEAR}); "
        "give other --shift-dates DAYS"
    )
