"""The panels of a view: one value a panel type, each saying which types of series it can draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from seriesview.errors import FormatError


@dataclass(frozen=True)
class Panel:
    """One series drawn over the time axis of its view. `series` is the series' name in the workspace."""

    series: str
    label: str

    type: ClassVar[str] = ""
    series_types: ClassVar[tuple[str, ...]] = ()

    def data(self) -> dict[str, Any]:
        """What the panel draws, as in the manifest."""
        return {"series": self.series}

    def to_json_dict(self) -> dict[str, Any]:
        """The panel as in the manifest: type, label, data."""
        return {"type": self.type, "label": self.label, "data": self.data()}


@dataclass(frozen=True)
class ContinuousTraces(Panel):
    """The traces of a continuous series, one below the other."""

    type: ClassVar[str] = "ContinuousTraces"
    series_types: ClassVar[tuple[str, ...]] = ("continuous",)


@dataclass(frozen=True)
class EventAmplitudes(Panel):
    """One mark for each sample of a discrete series, at its time and value."""

    type: ClassVar[str] = "EventAmplitudes"
    series_types: ClassVar[tuple[str, ...]] = ("discrete",)


@dataclass(frozen=True)
class RasterPlot(Panel):
    """One row for each channel of an event series, one mark for each event."""

    type: ClassVar[str] = "RasterPlot"
    series_types: ClassVar[tuple[str, ...]] = ("event",)


@dataclass(frozen=True)
class Position(Panel):
    """The coordinates of a position, in one pair of axes and over time."""

    type: ClassVar[str] = "Position"
    series_types: ClassVar[tuple[str, ...]] = ("continuous", "discrete")


@dataclass(frozen=True)
class ProbabilityDensity(Panel):
    """An image of a probability over time: one row for each channel, which is one bin of the quantity.

    `bin_centers` (channels,) are the values of that quantity at the bins; None: the bins are numbered from 0.
    """

    bin_centers: tuple[float, ...] | None = None

    type: ClassVar[str] = "ProbabilityDensity"
    series_types: ClassVar[tuple[str, ...]] = ("continuous", "discrete")

    def data(self) -> dict[str, Any]:
        """What the panel draws, as in the manifest."""
        if self.bin_centers is None:
            return {"series": self.series}
        return {"series": self.series, "bin_centers": list(self.bin_centers)}


PANEL_TYPES: Mapping[str, type[Panel]] = {
    cls.type: cls for cls in (ContinuousTraces, EventAmplitudes, RasterPlot, Position, ProbabilityDensity)
}

_DEFAULT_PANELS: Mapping[str, type[Panel]] = {
    "continuous": ContinuousTraces,
    "discrete": EventAmplitudes,
    "event": RasterPlot,
}


def make_panel(
    panel_type: str,
    series: str,
    label: str,
    bin_centers: Iterable[float] | None = None,
    *,
    where: str = "panel",
) -> Panel:
    """The panel of a type given by name; raises FormatError, its message beginning with `where`."""
    if panel_type not in PANEL_TYPES:
        raise FormatError(f"{where}: unknown panel type {panel_type!r}; there are {', '.join(PANEL_TYPES)}")
    if bin_centers is None:
        return PANEL_TYPES[panel_type](series, label)
    if panel_type != ProbabilityDensity.type:
        raise FormatError(f"{where}: bin_centers belong to a ProbabilityDensity panel, not to {panel_type}")
    return ProbabilityDensity(series, label, _centers(bin_centers, where))


def default_panel(name: str, series_type: str) -> Panel | None:
    """The panel that a series gets where no view is configured; None for intervals, which are bands."""
    panel_class = _DEFAULT_PANELS.get(series_type)
    return None if panel_class is None else panel_class(name, name)


def check_series_type(panel_type: str, series: str, series_type: str, where: str) -> None:
    """Raise FormatError unless a panel of this type can draw a series of that type."""
    allowed = PANEL_TYPES[panel_type].series_types
    if series_type not in allowed:
        hint = "; intervals are drawn as bands across all panels" if series_type == "interval" else ""
        raise FormatError(
            f"{where}: a {panel_type} panel draws series of type {' or '.join(allowed)}, "
            f"but {series!r} is of type {series_type!r}{hint}"
        )


def _centers(values: Iterable[float], where: str) -> tuple[float, ...]:
    try:
        centers = () if isinstance(values, str | bytes) else tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        centers = ()
    if not centers or not all(math.isfinite(center) for center in centers):
        raise FormatError(f"{where}: bin_centers must be a list of finite numbers, one for each channel")
    return centers
