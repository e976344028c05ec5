"""When the samples of an object were taken: by what the user says, or the object's own times."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.objects.held import Clock, Told, is_loaded
from seriesview.readers.protocol import Decision

_UNITS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
    "us": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6,
    "ns": 1e-9, "nanosecond": 1e-9, "nanoseconds": 1e-9,
    "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip


def clock_of(
    told: Told,
    name: str,
    own: Any = None,
    *,
    zone: str | None = None,
    unit: str | None = None,
    what: str = "its times",
) -> Clock:
    """The clock that is told, else that of the object's `own` times, in `unit` where they are plain numbers.

    `zone`: of dates, an offset such as +00:00; None: they are local. Raises ReaderError where nobody says it.
    """
    if told.sampling_frequency is not None and told.times is not None:
        raise ReaderError(f"{name}: give sampling_frequency or times, not both")
    if told.sampling_frequency is not None:
        rate = told.sampling_frequency
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not 0 < rate < np.inf:
            raise ReaderError(
                f"{name}: sampling_frequency is {rate!r:.40}; a number of samples a second is expected"
            )
        return Clock(float(rate), start_time=told.start_time or 0.0, session_start=told.session_start)
    if told.times is not None:
        times, of = _without_zone(told.times)
        return clock_of_times(times, name, of, None, "times")
    if own is None:
        raise ReaderError(
            f"{name}: it does not say when its samples were taken; give sampling_frequency= (in Hz), or "
            "times= (in seconds or dates, one a sample)"
        )
    return clock_of_times(own, name, zone, unit, what)


def _without_zone(values: Any) -> tuple[Any, str | None]:
    """Dates of a zone, of pandas or Python, as UTC with its offset; anything else as it is, with None."""
    if isinstance(values, is_loaded("pandas", "Series", "Index")) and getattr(
        cast(Any, values).dtype, "tz", None
    ):
        dates = sys.modules["pandas"].DatetimeIndex(values)
        return dates.tz_convert("UTC").tz_localize(None), "+00:00"
    if isinstance(values, list | tuple) and values and all(type(each) is datetime for each in values):
        if all(each.tzinfo is not None for each in values):
            return np.array(
                [each.astimezone(UTC).replace(tzinfo=None) for each in values], "M8[us]"
            ), "+00:00"
        if all(each.tzinfo is None for each in values):
            return np.array(values, "M8[us]"), None
    return values, None


def clock_of_times(values: Any, name: str, zone: str | None, unit: str | None, what: str) -> Clock:
    """The clock of a time for each sample: dates, durations, or numbers in `unit` (seconds where it is None)."""
    times = np.asarray(values)
    if times.ndim != 1 or not len(times):
        raise ReaderError(
            f"{name}: {what}: one time a sample is expected, found an array of shape {times.shape}"
        )
    if times.dtype.kind in "mM":
        if np.isnat(times).any():
            raise ReaderError(
                f"{name}: {what}: sample {int(np.argmax(np.isnat(times)))} has no time; leave it out"
            )
        if times.dtype.kind == "m":
            return Clock(None, _seconds(times))
        first = times[0].astype("datetime64[us]")
        # Counted from a whole microsecond, which is what a session start can say.
        start = str(first) + (zone or "")
        return Clock(None, _seconds(times - first), session_start=start)
    if times.dtype.kind not in "iuf":
        raise ReaderError(
            f"{name}: {what}: numbers of seconds or dates are expected, found values of {times.dtype}; give numpy's "
            "datetime64, such as pandas.to_datetime() makes of texts and to_timestamp() of periods"
        )
    seconds = times.astype(np.float64)
    if not np.isfinite(seconds).all():
        raise ReaderError(
            f"{name}: {what}: sample {int(np.argmin(np.isfinite(seconds)))} has no finite time; leave it out"
        )
    if unit is not None:
        factor = _UNITS.get(unit.strip().lower())
        if factor is None:
            raise ReaderError(
                f"{name}: {what}: are in {unit!r:.40}, which is no unit of time known here; give times= in seconds"
            )
        return Clock(None, seconds * factor)
    guess = () if what == "times" else (Decision(f"{what}: numbers are taken for seconds", is_guess=True),)
    return Clock(None, seconds, decisions=guess)


def _seconds(durations: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Durations in seconds, from whole nanoseconds where they are finer than that or not."""
    whole = durations.astype("timedelta64[s]")
    rest = (durations - whole).astype("timedelta64[ns]")
    seconds: npt.NDArray[np.float64] = whole.astype(np.float64) + rest.astype(np.float64) / 1e9
    return seconds
