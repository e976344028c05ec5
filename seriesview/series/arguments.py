"""What people pass to a series, as the numbers and ids that they mean; RequestError for what means nothing."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from seriesview.errors import RequestError

_SHOWN = 60
_MOST_CHANNELS = 1_000_000


def whole_number(name: str, value: object) -> int:
    """An integer of any kind, NumPy's too, or a float that is one, such as 3e4. Raises RequestError."""
    if not isinstance(value, bool):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            number = _as_float(value)
            if number is not None and number.is_integer():
                return int(number)
    raise RequestError(f"{name}: a whole number is expected, found {shown(value)}")


def seconds(name: str, value: object) -> float:
    """A finite time in seconds, an integer or a float of any kind. Raises RequestError."""
    number = None if isinstance(value, bool) else _as_float(value)
    if number is None or not math.isfinite(number):
        raise RequestError(f"{name}: a time in seconds is expected, found {shown(value)}")
    return number


def channel_ids(channels: object) -> list[str] | None:
    """Ids of channels in order, out of any list, array or generator of texts; None is all. Raises RequestError."""
    if channels is None:
        return None
    if isinstance(channels, str | bytes):
        raise RequestError(
            f"channels: a list of channel ids is expected, found the text {shown(channels)}; write [{shown(channels)}]"
        )
    try:
        given = None if isinstance(channels, Mapping | AbstractSet) else iter(channels)  # type: ignore[call-overload]
    except TypeError:
        given = None
    if given is None:
        raise RequestError(f"channels: a list of channel ids is expected, found {shown(channels)}")
    found: list[str] = []
    for channel in given:
        if len(found) == _MOST_CHANNELS:
            raise RequestError(f"channels: at most {_MOST_CHANNELS} ids can be asked for")
        if not isinstance(channel, str):
            raise RequestError(
                f"channels: an id is a text, as in series.channels[0].id; found {shown(channel)}"
            )
        found.append(str(channel))
    return found


def shown(value: object) -> str:
    """A value in a message: short, whatever it is."""
    if not isinstance(value, str | bytes | int | float | None):
        return f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "an integer of many digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _as_float(value: object) -> float | None:
    """A real number as a double; None for texts, arrays of several numbers and all else."""
    if isinstance(value, str | bytes | bytearray) or not hasattr(value, "__float__"):
        return None
    if getattr(value, "ndim", 0) != 0:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
