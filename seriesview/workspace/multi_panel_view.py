"""A view put together in Python, panel by panel, from series that are already stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from seriesview.errors import FormatError, RequestError
from seriesview.series.arguments import shown, whole_number
from seriesview.series.default_store import default_store
from seriesview.series.showing import Figure, figure
from seriesview.workspace.panels import (
    CONTINUOUS_TRACES,
    EVENT_AMPLITUDES,
    INTERVAL_LANES,
    POSITION,
    PROBABILITY_DENSITY,
    RASTER_PLOT,
    PanelType,
    check_over,
    check_series_type,
    make_panel,
)

FIGURE_TYPE = "seriesview.multipanel-timeseries.2"


class StoredSeries(Protocol):
    """What a panel needs of a series; SVSeries has it."""

    @property
    def type(self) -> str:
        """The series type."""
        ...

    def to_uri(self) -> str:
        """Store the series, where it is not stored yet, and give its URI."""
        ...


@dataclass(frozen=True)
class FigurePanel:
    """One panel of a figure; `data` holds seriesUri and what else the panel type needs."""

    type: str
    label: str
    data: dict[str, Any]


class MultiPanelView:
    """Panels over one time axis, each drawing one series."""

    def __init__(self) -> None:
        self._panels: list[FigurePanel] = []

    def add_continuous_traces_panel(
        self, series: StoredSeries, *, label: str, over: Iterable[StoredSeries] = ()
    ) -> None:
        """Traces of a continuous series, and series of events that are drawn over them."""
        events = list(over)
        for each in events:
            check_over(label, each.type, f"panel {label!r}")
        self._add(CONTINUOUS_TRACES, series, label, over=[each.to_uri() for each in events] or None)

    def add_event_amplitudes_panel(
        self, event_amplitudes: StoredSeries, *, label: str, y: str | None = None, color: str | None = None
    ) -> None:
        """Marks at the times and values of a discrete series; with `y` and `color` one each, of these channels."""
        self._add(EVENT_AMPLITUDES, event_amplitudes, label, y=y, color=color)

    def add_raster_plot_panel(self, events: StoredSeries, *, label: str) -> None:
        """A row of marks for each channel of an event series."""
        self._add(RASTER_PLOT, events, label)

    def add_position_panel(self, position: StoredSeries, *, label: str) -> None:
        """The coordinates of a position."""
        self._add(POSITION, position, label)

    def add_probability_density_panel(
        self, density: StoredSeries, *, label: str, bin_centers: Iterable[float] | None = None
    ) -> None:
        """An image of a probability; `bin_centers` (channels,) are the values at its bins."""
        self._add(PROBABILITY_DENSITY, density, label, bin_centers=bin_centers)

    def add_interval_lanes_panel(
        self, intervals: StoredSeries, *, label: str, lanes: Iterable[str] | None = None
    ) -> None:
        """A lane for each label of intervals, in the order of `lanes` from the top."""
        self._add(INTERVAL_LANES, intervals, label, lanes=None if lanes is None else list(lanes))

    @property
    def num_panels(self) -> int:
        """How many panels there are."""
        return len(self._panels)

    def panel(self, index: int) -> FigurePanel:
        """The panel at `index`, from 0 in the order in which they were added; raises RequestError."""
        number = whole_number("index", index)
        if not -len(self._panels) <= number < len(self._panels):
            raise RequestError(f"index: there is no panel {number} among {len(self._panels)}")
        return self._panels[number]

    def figure_data(self) -> dict[str, Any]:
        """The data of the figure: {panels: [{type, label, data: {seriesUri, ...}}]}."""
        return {
            "panels": [
                {"type": panel.type, "label": panel.label, "data": panel.data} for panel in self._panels
            ]
        }

    def to_dict(self) -> dict[str, Any]:
        """The figure: its type, `seriesview.multipanel-timeseries.2`, and its data."""
        return {"type": FIGURE_TYPE, "data": self.figure_data()}

    def figurl(self, *, label: str = "seriesview") -> Figure:
        """The view as a figure, whose `url()` is a link to it."""
        return figure(data=self.to_dict(), store=default_store(), label=label)

    def _repr_html_(self) -> str:
        return self.figurl()._repr_html_()

    def _add(self, panel_type: PanelType, series: StoredSeries, label: str, **data: Any) -> None:
        if not isinstance(label, str):
            raise FormatError(f"label: a text is expected, found {shown(label)}")
        if not (callable(getattr(series, "to_uri", None)) and hasattr(series, "type")):
            raise FormatError(
                f"panel {label!r}: an SVSeries is expected, found {shown(series)}; SVSeries.from_uri(uri) is one, "
                "and what a config.yaml built is shown by figurl() of open_series() and open_workspace()"
            )
        where = f"panel {label!r}"
        check_series_type(panel_type.name, label, series.type, where)
        drawn = dict(make_panel(panel_type.name, series.to_uri(), label, data, where=where).data)
        self._panels.append(FigurePanel(panel_type.name, label, {"seriesUri": drawn.pop("series"), **drawn}))
