"""Options that are sizes in bytes, stretches of time or numbers of days, as people write them."""

from __future__ import annotations

import re

import click

DAYS = "days "
"""May stand before a number of days."""
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?b?)", re.IGNORECASE)


class Size(click.ParamType):  # type: ignore[type-arg]  # older releases of click have no arguments
    """Bytes: 500MB, 1.5 GB, 20000; powers of 1000."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes that a text means."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        unit = match[2].lower() if match else ""
        if match is None or (unit and unit.removesuffix("b") + "b" not in _UNITS):
            self.fail(f"{value!r} is no size; write 500MB or 1.5GB", param, ctx)
        return int(float(match[1]) * _UNITS[unit.removesuffix("b") + "b" if unit else ""])


class TimeRange(click.ParamType):  # type: ignore[type-arg]
    """Seconds from and to: 10:20, 12.5:13."""

    name = "start:end"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Start and end that a text means."""
        if isinstance(value, tuple):
            return value
        start, colon, end = str(value).partition(":")
        try:
            found = float(start), float(end)
        except ValueError:
            found = (1.0, 0.0)
        if not colon or not found[0] <= found[1] or max(map(abs, found)) == float("inf"):
            self.fail(
                f"{value!r} is no stretch of time; write START:END in seconds, such as 10:12.5", param, ctx
            )
        return found


class Days(click.ParamType):  # type: ignore[type-arg]
    """A whole number of days, or the option by itself."""

    name = "days"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | bool:
        """The number of days; True where the option has none."""
        if isinstance(value, str) and value == getattr(param, "flag_value", None):
            return True
        try:
            days = int(str(value).removeprefix(DAYS))
        except ValueError:
            self.fail(f"{str(value).removeprefix(DAYS)!r} is no number of days", param, ctx)
        if not 0 < abs(days) < 1_000_000:
            self.fail(f"{days} days move no date; write another number", param, ctx)
        return days
