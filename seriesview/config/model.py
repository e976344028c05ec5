"""What a config.yaml says, as frozen dataclasses; the JSON schema is made from their fields.

A field's metadata are a `description` and, where its type does not say everything, parts of its JSON schema.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seriesview.workspace.panels import PANEL_TYPES

Schema = dict[str, Any]

DTYPE_PATTERN = r"^[<>=|]?(int(8|16|32|64)|uint(8|16|32|64)|float(16|32|64)|bool|[iu][1248]|f[248]|b1)$"
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$"
SERIES_TYPES = ("continuous", "discrete", "event", "interval")


def key(description: str, default: Any = None, **schema: Any) -> Any:
    """A field of a configuration block: its description, its default, and what its JSON schema adds."""
    return field(default=default, metadata={"description": description, "schema": schema})


@dataclass(frozen=True)
class StoreConfig:
    """Where artifacts are stored."""

    storage_dir: str | None = key(
        "kachery storage directory; KACHERY_STORAGE_DIR overrides it. Without either: the running daemon's, "
        "else ~/kachery-storage.",
        minLength=1,
    )
    mode: str = key(
        "auto: a kachery daemon or node that answers is used if it has the same directory; embedded: none is "
        "asked; daemon: one must answer.",
        "auto",
        enum=["auto", "embedded", "daemon"],
    )


@dataclass(frozen=True)
class DatasetConfig:
    """One dataset of one file, and how to read and build it."""

    path: str = key("File, relative to the working directory, or a sha1:// kachery URI.", "", minLength=1)
    dataset: str | None = key(
        "Path of the dataset inside the file (HDF5, NWB, .npz) or name of the columns (CSV); may be left out where "
        "there is one candidate.",
        minLength=1,
    )
    reader: str | None = key("Name of the reader; guessed from the file where it is left out.", minLength=1)
    type: str | None = key("What the series is, where the file leaves it open.", enum=list(SERIES_TYPES))
    dtype: str | None = key(
        "Dtype of the samples of a flat binary file, such as int16.", pattern=DTYPE_PATTERN
    )
    channels: int | None = key(
        "Number of channels: needed for flat binary files and for frames in one dimension (HDF5), checked for others.",
        minimum=1,
        maximum=1_000_000,
    )
    sampling_frequency: float | None = key(
        "Samples a second (Hz), where the file does not say.", exclusiveMinimum=0
    )
    timestamps: str | None = key(
        "Dataset or column that holds the time of each sample in seconds.", minLength=1
    )
    timezone: str | None = key("Zone of wall-clock times that have none, such as Europe/Berlin.", minLength=1)
    start_time: float | None = key("Time of the first sample in seconds, where the file does not say.")
    session_start: str | None = key(
        "Date and time at which the recording's time is 0 (ISO 8601; without a zone that of `timezone`, else a local "
        "time): series with one align by it.",
        minLength=1,
    )
    label: str | None = key("What people call the series; its name where left out.", minLength=1)
    unit: str | None = key("Unit of the physical values, such as uV.")
    scale: float | None = key("Physical value = stored value * scale + offset.")
    offset: float | None = key("Physical value = stored value * scale + offset.")
    channel_labels: tuple[str, ...] | None = key("A label for each channel, in order.", minItems=1)
    missing: Any = key(
        "Stored values that stand for no value: a number, a list of numbers, or {values: [...], below: , above: }; "
        "takes the place of what the file says.",
        anyOf=[
            {"type": "number"},
            {"type": "array", "items": {"type": "number"}},
            {
                "type": "object",
                "properties": {
                    "values": {"type": "array", "items": {"type": "number"}},
                    "below": {"type": "number"},
                    "above": {"type": "number"},
                },
                "additionalProperties": False,
                "minProperties": 1,
            },
        ],
    )
    byte_offset: int | None = key("Bytes before the first sample of a flat binary file.", minimum=0)
    order: str | None = key(
        "C: the channels of a sample are neighbours; F: one channel follows the other.", enum=["C", "F"]
    )
    allow_truncated: bool | None = key(
        "Drop the bytes of an incomplete last sample instead of refusing the file."
    )
    follow_external: bool | None = key(
        "Read samples that the file says are in other files (HDF5's external links, external storage and virtual "
        "datasets) outside its own folder too; without it only files in the folder or below are."
    )
    header_lines: int | None = key(
        "Lines of a text table above its first line of data, where the guess fails.",
        minimum=0,
        maximum=10_000,
    )
    full_resolution: str | None = key(
        "link: samples stay in the file; store: they are copied; omit: only levels are kept; auto: link where "
        "possible if the dataset is at least half of its file, else store.",
        enum=["auto", "link", "store", "omit"],
    )
    base: int | None = key(
        "Samples a bin of the finest level: 16 for more than 4 channels, else 64.", minimum=2, maximum=65536
    )
    ratio: int | None = key("Factor of a level over that of the one before (4).", minimum=2, maximum=64)
    max_gap_seconds: float | None = key(
        "Timestamps further apart than this begin a new segment; estimated where left out.",
        exclusiveMinimum=0,
    )
    max_time_shift: float | None = key(
        "How far a rate may move a sample from its timestamp, in seconds (0.001), and never more than half a sample; "
        "other timestamps stay as they are.",
        minimum=0,
    )
    scatter: int | None = key("Number of jobs that share this dataset.", minimum=1, maximum=10_000)


@dataclass(frozen=True)
class PanelConfig:
    """One panel of a view."""

    type: str = key("What the panel draws.", "", enum=list(PANEL_TYPES))
    series: str = key("Name of the dataset that it shows.", "", minLength=1)
    label: str | None = key("Its title; the series' name where left out.")


@dataclass(frozen=True)
class ViewConfig:
    """Panels over one time axis."""

    label: str = key("Name of the view.", "", minLength=1)
    panels: tuple[PanelConfig, ...] = key("Its panels, from top to bottom.", (), minItems=1)


@dataclass(frozen=True)
class Config:
    """A whole config.yaml."""

    datasets: dict[str, DatasetConfig] = key("One entry a series, by its name.", None, minProperties=1)
    workspace: str = key("Name of the workspace.", "workspace", minLength=1)
    defaults: DatasetConfig | None = key(
        "Keys that each dataset has unless its own entry says otherwise.", required=[]
    )
    store: StoreConfig = key("Where artifacts are stored.", StoreConfig())
    views: tuple[ViewConfig, ...] = key("Views; without any there is one of all series.", ())


REQUIRED = {
    Config: ("datasets",),
    DatasetConfig: ("path",),
    PanelConfig: ("type", "series"),
    ViewConfig: ("label", "panels"),
    StoreConfig: (),
}
# Schemas of keys that are declared where panels are.
MORE: dict[type, dict[str, Schema]] = {
    PanelConfig: {
        name: {"description": f"For {panel_type.name}: {entry.description}", **entry.schema}
        for panel_type in PANEL_TYPES.values()
        for name, entry in panel_type.data_keys.items()
    }
}
