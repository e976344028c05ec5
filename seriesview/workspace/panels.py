"""The types of panels, each declared once, and the panels of a view."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from seriesview.documents.expectations import Number, OneOf, Words, contradiction
from seriesview.errors import FormatError


@dataclass(frozen=True)
class DataKey:
    """What the data of a type of panel may hold beside its series."""

    description: str
    kind: Any
    """What may stand there, as a type."""
    read: Callable[[Any], Any]
    """The value as it is kept, from what was given; raises ValueError with what it must be."""


@dataclass(frozen=True, eq=False)
class PanelType:
    """A type of panel: its name in manifests, and which types of series it can draw."""

    name: str
    series_types: tuple[str, ...]
    default_for: str | None = None
    """The type of series that is drawn so where no view is configured."""
    data_keys: Mapping[str, DataKey] = field(default_factory=dict)


@dataclass(frozen=True)
class Panel:
    """One series drawn over the time axis of its view. `data` holds the series' name and what else its type needs."""

    type: str
    label: str
    data: Mapping[str, Any]

    @property
    def series(self) -> str:
        """The series' name in the workspace."""
        return str(self.data["series"])

    def to_json_dict(self) -> dict[str, Any]:
        """The panel as in the manifest: type, label, data."""
        return {"type": self.type, "label": self.label, "data": dict(self.data)}


def _centers(values: Any) -> list[float]:
    try:
        centers = [] if isinstance(values, str | bytes) else [float(value) for value in values]
    except (TypeError, ValueError, OverflowError):
        centers = []
    if not centers or not all(math.isfinite(center) for center in centers):
        raise ValueError("must be a list of finite numbers, one for each channel")
    return centers


# Traces, one below the other.
CONTINUOUS_TRACES = PanelType("ContinuousTraces", ("continuous",), default_for="continuous")
# A mark for each sample, at its time and value.
EVENT_AMPLITUDES = PanelType("EventAmplitudes", ("discrete",), default_for="discrete")
# A row for each channel, a mark for each event.
RASTER_PLOT = PanelType("RasterPlot", ("event",), default_for="event")
# Channels as coordinates: in the plane and over time.
POSITION = PanelType("Position", ("continuous", "discrete"))
# An image of a probability over time: a row for each channel, which is a bin of the quantity.
PROBABILITY_DENSITY = PanelType(
    "ProbabilityDensity",
    ("continuous", "discrete"),
    data_keys={
        "bin_centers": DataKey(
            "the value at the centre of each channel's bin.",
            Annotated[tuple[Annotated[float, Number()], ...], Field(min_length=1)],
            _centers,
        )
    },
)

PANEL_TYPES: Mapping[str, PanelType] = {
    each.name: each
    for each in (CONTINUOUS_TRACES, EVENT_AMPLITUDES, RASTER_PLOT, POSITION, PROBABILITY_DENSITY)
}


def make_panel(
    panel_type: str, series: str, label: str, given: Mapping[str, Any] | None = None, *, where: str = "panel"
) -> Panel:
    """The panel of a type given by name; raises FormatError, its message beginning with `where`.

    What types need beside a series is taken from `given`, whose other keys are passed over.
    """
    if panel_type not in PANEL_TYPES:
        raise FormatError(f"{where}: unknown panel type {panel_type!r}; there are {', '.join(PANEL_TYPES)}")
    data: dict[str, Any] = {"series": series}
    for name, value in (given or {}).items():
        owners = [each.name for each in PANEL_TYPES.values() if name in each.data_keys]
        if value is None or not owners:
            continue
        if panel_type not in owners:
            raise FormatError(f"{where}: {name} belong to a {' or '.join(owners)} panel, not to {panel_type}")
        try:
            data[name] = PANEL_TYPES[panel_type].data_keys[name].read(value)
        except ValueError as error:
            raise FormatError(f"{where}: {name} {error}") from None
    return Panel(panel_type, label, data)


def default_type(series_type: str) -> PanelType | None:
    """The type of panel that a series gets where no view is configured; None for intervals, which are bands."""
    return next((each for each in PANEL_TYPES.values() if each.default_for == series_type), None)


def default_panel(name: str, series_type: str) -> Panel | None:
    """The panel that a series gets where no view is configured; None for intervals."""
    panel_type = default_type(series_type)
    return None if panel_type is None else make_panel(panel_type.name, name, name)


def check_series_type(panel_type: str, series: str, series_type: str, where: str) -> None:
    """Raise FormatError unless a panel of this type can draw a series of that type."""
    allowed = PANEL_TYPES[panel_type].series_types
    if series_type not in allowed:
        hint = "; intervals are drawn as bands across all panels" if series_type == "interval" else ""
        raise FormatError(
            f"{where}: a {panel_type} panel draws series of type {' or '.join(allowed)}, "
            f"but {series!r} is of type {series_type!r}{hint}"
        )


class PanelForm:
    """Annotation of a `Panel`: the form that it has in a manifest."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_made, handler.generate_schema(PanelKeys))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        others = [
            {
                "if": {"properties": {"type": {"not": {"const": panel_type.name}}}},
                "then": {"properties": {"data": {"properties": {name: {"type": "null"}}}}},
            }
            for panel_type in PANEL_TYPES.values()
            for name in panel_type.data_keys
        ]
        return {"allOf": [handler(schema), *others]}


PanelData = make_dataclass(
    "PanelData",
    [
        ("series", Annotated[str, Words()]),
        *(
            (name, key.kind | None, None)
            for panel_type in PANEL_TYPES.values()
            for name, key in panel_type.data_keys.items()
        ),
    ],
    frozen=True,
)


@dataclass(frozen=True)
class PanelKeys:
    """A panel: its type, a label, and what it draws."""

    type: Annotated[str, OneOf(*PANEL_TYPES)]
    label: Annotated[str, Words()]
    data: PanelData  # type: ignore[valid-type]


def _made(keys: PanelKeys) -> Panel:
    data = vars(keys.data)
    try:
        return make_panel(keys.type, data["series"], keys.label, data)
    except FormatError as error:
        raise contradiction(error.sentence) from None
