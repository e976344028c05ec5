"""What is known of the channels of a series: types, which are bad, groups and positions; as facts and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

_SHOWN = 10


class Described(Protocol):
    """A channel, of a reader or a manifest; x and y in micrometres, y upwards from a probe's tip."""

    @property
    def id(self) -> str:
        """Names it in requests."""
        ...

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    @property
    def type(self) -> str | None:
        """What it measures, as BIDS names it."""
        ...

    @property
    def bad(self) -> bool:
        """Whether it is known to be bad."""
        ...

    @property
    def group(self) -> str | None:
        """Its shank, or its group of electrodes."""
        ...

    @property
    def best_channel(self) -> str | None:
        """Of a sorted unit: the channel of its recording on which it is largest."""
        ...

    @property
    def x(self) -> float | None:
        """Across."""
        ...

    @property
    def y(self) -> float | None:
        """Upwards."""
        ...


def channel_facts(channels: Sequence[Described]) -> dict[str, Any]:
    """How many there are of each type and group, labels of the bad ones, ranges of positions; what is known alone."""
    facts: dict[str, Any] = {
        "types": dict(Counter(channel.type for channel in channels if channel.type)),
        "bad": [channel.label or channel.id for channel in channels if channel.bad],
        "groups": dict(Counter(channel.group for channel in channels if channel.group)),
    }
    placed = [channel for channel in channels if channel.y is not None]
    facts["with_positions"] = len(placed)
    facts["with_best_channels"] = sum(channel.best_channel is not None for channel in channels)
    for axis in ("x", "y"):
        values = [value for channel in placed if (value := getattr(channel, axis)) is not None]
        facts[axis] = [min(values), max(values)] if values else None
    return {key: value for key, value in facts.items() if value}


def channel_lines(channels: Sequence[Described]) -> Iterator[str]:
    """The facts, a line each."""
    facts = channel_facts(channels)
    if types := facts.get("types"):
        yield f"types: {_counted(types)}"
    if bad := facts.get("bad"):
        more = f" and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        yield f"bad: {', '.join(bad[:_SHOWN])}{more}"
    if groups := facts.get("groups"):
        yield f"groups: {_counted(groups)}"
    if placed := facts.get("with_positions"):
        across = "" if "x" not in facts else f", x {facts['x'][0]:g} to {facts['x'][1]:g} um"
        missing = "" if placed == len(channels) else f", not of {len(channels) - placed}"
        yield f"positions: y {facts['y'][0]:g} to {facts['y'][1]:g} um from the tip{missing}{across}"
    if known := facts.get("with_best_channels"):
        yield f"best channels: known of {'all' if known == len(channels) else f'{known} of {len(channels)}'}"


def _counted(amounts: dict[str, int]) -> str:
    shown = [f"{name} ({count})" for name, count in list(amounts.items())[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(amounts) - _SHOWN} more" if len(amounts) > _SHOWN else "")
