"""The types of panels, each declared once, and the panels of a view."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from seriesview.documents.expectations import Flag, Integer, Number, OneOf, Words, contradiction
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
    """The type of series that is drawn so where no view is configured; a spectrogram counts as one of its own."""
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

    @property
    def over(self) -> tuple[str, ...]:
        """Names of the series of events that are drawn over it."""
        return tuple(self.data.get("over", ()))

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


def _one_of(description: str, *choices: str) -> DataKey:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    return DataKey(description, Annotated[str, OneOf(*choices)], read)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text that is not empty, not {value!r}")
    return value


def _texts(values: Any) -> list[str]:
    if isinstance(values, str | bytes) or not values or not all(isinstance(each, str) for each in values):
        raise ValueError("must be a list of texts")
    return list(values)


def _amount(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"must be a whole number of at least 1, not {value!r}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {value!r}")
    return value


def _frequency(value: Any) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or value <= 0
    ):
        raise ValueError(f"must be a frequency in Hz, above 0, not {value!r}")
    return value


def _gains(values: Any) -> dict[str, float]:
    is_right = isinstance(values, Mapping) and all(
        isinstance(gain, int | float) and math.isfinite(gain) and gain > 0 for gain in values.values()
    )
    if not is_right:
        raise ValueError("must be numbers above 0 by type of channel, such as {EMG: 2}")
    return {str(name): gain for name, gain in values.items()}


# Traces, one below the other.
CONTINUOUS_TRACES = PanelType(
    "ContinuousTraces",
    ("continuous",),
    default_for="continuous",
    data_keys={
        "mode": _one_of(
            "how traces are drawn at first; where it is left out stacked, or as an image where they would be too low.",
            "stacked",
            "overlaid",
            "image",
        ),
        "order": _one_of(
            "in what order channels are from the top: by group and depth, as stored, or by type as in polysomnography "
            "(EEG, EOG, EMG, ECG, RESP, others), then as stored; depth where it is left out.",
            "depth",
            "stored",
            "type",
        ),
        "channels_per_screen": DataKey(
            "so many channels are seen at once, and the page scrolls to the others; all where it is left out.",
            Annotated[int, Integer(1, 100_000)],
            _amount,
        ),
        "gains": DataKey(
            "by type of channel, what the automatic gain of such channels is multiplied with.",
            dict[str, Annotated[float, Number(above=0)]],
            _gains,
        ),
        "mains": DataKey(
            "the frequency in Hz of the mains where it was recorded, whose hum filters in the viewer take out.",
            Annotated[float, Number(above=0)],
            _frequency,
        ),
        "over": DataKey(
            "series of events that are drawn over the traces: units each on the trace of its best channel, others as "
            "lines with the labels of their channels.",
            Annotated[tuple[Annotated[str, Words(1)], ...], Field(min_length=1)],
            _texts,
        ),
    },
)
# A mark for each sample, at its time and value.
EVENT_AMPLITUDES = PanelType(
    "EventAmplitudes",
    ("discrete",),
    default_for="discrete",
    data_keys={
        "y": DataKey(
            "id or label of the channel that says how high a mark is; without `y` and `color` each channel has marks.",
            Annotated[str, Words(1)],
            _text,
        ),
        "color": DataKey(
            "id or label of the channel that says which colour a mark has; without `y` the first one says how high.",
            Annotated[str, Words(1)],
            _text,
        ),
    },
)
# A row for each channel, a mark for each event.
RASTER_PLOT = PanelType(
    "RasterPlot",
    ("event",),
    default_for="event",
    data_keys={
        "lines": DataKey(
            "true: each event is a line across all panels, too, with the label of its channel: markers.",
            Annotated[bool, Flag()],
            _flag,
        )
    },
)
# Channels as coordinates: in the plane and over time.
POSITION = PanelType("Position", ("continuous", "discrete"))
# An image of a probability over time: a row for each channel, which is a bin of the quantity.
PROBABILITY_DENSITY = PanelType(
    "ProbabilityDensity",
    ("continuous", "discrete"),
    default_for="spectrogram",
    data_keys={
        "bin_centers": DataKey(
            "the value at the centre of each channel's bin.",
            Annotated[tuple[Annotated[float, Number()], ...], Field(min_length=1)],
            _centers,
        )
    },
)
# A lane for each label, a bar for each interval; one of no length is a line.
INTERVAL_LANES = PanelType(
    "IntervalLanes",
    ("interval",),
    data_keys={
        "lanes": DataKey(
            "labels in the order of their lanes from the top, those that do not occur too; others follow. Where it is "
            "left out, stages of sleep are in the order W, R, N1, N2, N3, and other labels as they are stored.",
            Annotated[tuple[Annotated[str, Words()], ...], Field(min_length=1)],
            _texts,
        )
    },
)

PANEL_TYPES: Mapping[str, PanelType] = {
    each.name: each
    for each in (
        CONTINUOUS_TRACES,
        EVENT_AMPLITUDES,
        RASTER_PLOT,
        POSITION,
        PROBABILITY_DENSITY,
        INTERVAL_LANES,
    )
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
            raise FormatError(
                f"{where}: {name} belongs to a {' or '.join(owners)} panel, not to {panel_type}"
            )
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
        hint = (
            "; intervals are bands across all panels, or an IntervalLanes panel"
            if series_type == "interval"
            else ""
        )
        raise FormatError(
            f"{where}: a {panel_type} panel draws series of type {' or '.join(allowed)}, "
            f"but {series!r} is of type {series_type!r}{hint}"
        )


def check_over(series: str, series_type: str, where: str) -> None:
    """Raise FormatError unless a series of that type can be drawn over traces."""
    if series_type != "event":
        raise FormatError(
            f"{where}: over: series of events are drawn over traces, but {series!r} is of type {series_type!r}"
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
                "then": {"properties": {"data": {"properties": {key: {"type": "null"} for key in names}}}},
            }
            for panel_type in PANEL_TYPES.values()
            if (names := list(panel_type.data_keys))
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
