"""Numbers, durations and times as people write them, and where the ticks of an axis go."""

from __future__ import annotations

import math

import numpy as np

_TIME_STEPS = (15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_DAY = 86400


def number(value: float, digits: int = 4) -> str:
    """A number with a few significant digits, without needless zeros."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    if 1e-4 <= abs(value) < 1e6:
        text = f"{value:.{max(digits - 1 - math.floor(math.log10(abs(value))), 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{digits - 1}g}"


def frequency(hertz: float) -> str:
    """A rate in Hz or kHz."""
    return f"{number(hertz / 1000)} kHz" if hertz >= 1000 else f"{number(hertz)} Hz"


def duration(seconds: float) -> str:
    """A length of time in the two largest units that it has."""
    if seconds < 1e-3:
        return f"{number(seconds * 1e6)} us"
    if seconds < 1:
        return f"{number(seconds * 1000)} ms"
    if seconds < 60:
        return f"{number(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {number(seconds % 60, 2 if seconds % 60 < 10 else 3)} s"
    if seconds < _DAY:
        return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
    return f"{int(seconds // _DAY)} d {int(seconds % _DAY // 3600)} h"


def count(amount: int, noun: str) -> str:
    """`1 channel`, `32 channels`, with thousands apart."""
    return f"{amount:,} {noun}" + ("" if amount == 1 else "s")


def quantity(value: float, unit: str) -> tuple[str, str]:
    """A value and its unit as two texts; volts become mV or uV where that reads better."""
    if unit.lower() in ("v", "volt", "volts") and 0 < abs(value) < 0.1:
        return (number(value * 1e3), "mV") if abs(value) >= 1e-3 else (number(value * 1e6), "uV")
    return number(value), unit


def nice_step(span: float, parts: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into at most `parts`."""
    raw = span / max(parts, 1)
    if not raw > 0 or not math.isfinite(raw):
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next((power * lead for lead in (1, 2, 5, 10) if power * lead >= raw * (1 - 1e-9)), power * 10)


def ticks(low: float, high: float, parts: int) -> list[float]:
    """Round values from `low` to `high`, about `parts` of them."""
    return _multiples(low, high, nice_step(high - low, parts))


def time_ticks(start: float, end: float, parts: int) -> tuple[list[float], list[str]]:
    """Round times and their labels: seconds below two minutes, h:mm:ss beyond, d h:mm after days."""
    span = end - start
    step = nice_step(span, parts)
    if span >= 120:
        wanted = span / max(parts, 1)
        longer = (time for time in _TIME_STEPS if time >= wanted)
        step = step if step <= 10 else next(longer, _DAY * nice_step(span / _DAY, parts))
    places = _multiples(start, end, step)
    if span < 120 and end < 10000:
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        return places, [f"{place:.{digits}f} s" for place in places]
    return places, [_clock(place, step) for place in places]


def _clock(seconds: float, step: float) -> str:
    sign = "-" if seconds < 0 else ""
    digits = 0 if step >= 1 else -math.floor(math.log10(step) + 1e-9)
    seconds = round(abs(seconds), digits)
    days, rest = divmod(seconds, _DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if step >= _DAY:
        return f"{sign}{int(days)} d"
    text = f"{int(hours)}:{int(minutes):02d}"
    if not days or step < 60:
        text += f":{rest:0{2 if digits == 0 else 3 + digits}.{digits}f}"
    return f"{sign}{int(days)} d {text}" if days else f"{sign}{text}"


def _multiples(low: float, high: float, step: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(value) for value in np.arange(first, last + 1) * step] if last - first < 1000 else []
