"""What a config.yaml says, as models: each key is declared here once, with what may stand there and what it means."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, create_model, model_validator

from seriesview.documents.expectations import Document, Expected, Flag, Given, Integer, Number, OneOf, Words
from seriesview.steps.documents import StepKeys
from seriesview.steps.spectrogram_keys import SpectrogramKeys
from seriesview.terms import SERIES_TYPES, TIME_MODES
from seriesview.workspace.panels import PANEL_TYPES

DTYPE_PATTERN = r"[<>=|]?(int(8|16|32|64)|uint(8|16|32|64)|float(16|32|64)|bool|[iu][1248]|f[248]|b1)"
NAME_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"

Name = Annotated[
    str,
    Words(
        pattern=NAME_PATTERN,
        said="a name for a dataset of letters, digits, '.', '_' and '-', at most 100, no '.' or '-' first",
    ),
]
Dtype = Annotated[
    str | None, Words(pattern=DTYPE_PATTERN, said="a dtype of samples, such as int16 or float32")
]
Text = Annotated[str | None, Words(1)]
FiniteNumber = Annotated[float, Number()]
Numbers = tuple[FiniteNumber, ...]


def key(description: str, default: Any = None, **constraints: Any) -> Any:
    """A key that may be left out; null may not stand there unless its type says so."""
    return Field(default, description=description, **constraints)


def required(description: str, **constraints: Any) -> Any:
    """A key that must be there."""
    return Field(description=description, **constraints)


class StoreConfig(Document):
    """Where artifacts are stored."""

    storage_dir: Text = key(
        "kachery storage directory, or a bucket, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX; KACHERY_STORAGE_DIR "
        "overrides it. Without either: the running daemon's, else ~/kachery-storage."
    )
    mode: Annotated[str, OneOf("auto", "embedded", "daemon")] = key(
        "auto: a kachery daemon or node that answers is used if it has the same directory; embedded: none is "
        "asked; daemon: one must answer.",
        "auto",
    )
    purge_days: Annotated[float | None, Number(above=0)] = key(
        "After how many days the site removes files from there: builds then look for every artifact that they keep, "
        "build again what has lost some, and warn of what is old."
    )


class MissingConfig(Document):
    """Stored values that stand for no value: some, and what is below or above a range."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    values: Annotated[Numbers | None, Given()] = None
    below: Annotated[float | None, Number()] = None
    above: Annotated[float | None, Number()] = None

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        assert self.model_fields_set
        return self


class DatasetKeys(Document):
    """What may be said of a dataset."""

    path: Text = key(
        "File or folder, relative to the working directory, a sha1:// kachery URI, or an https://, s3:// or gs:// "
        "address."
    )
    files: Annotated[
        tuple[Annotated[str, Words(pattern=r"sha1://.+", said="a sha1:// kachery URI")], ...] | None,
        Field(min_length=1),
        Given(),
    ] = key(
        "Where `path` is a sha1:// URI: those of the files that lie beside it (a header, markers), under the names in "
        "them."
    )
    dataset: Text = key(
        "Path of the dataset inside the file (HDF5, NWB, .npz) or name of the columns (CSV); may be left out where "
        "there is one candidate."
    )
    reader: Text = key("Name of the reader; guessed from the file where it is left out.")
    type: Annotated[str | None, OneOf(*SERIES_TYPES)] = key(
        "What the series is, where the file leaves it open."
    )
    dtype: Dtype = key("Dtype of the samples of a flat binary file, such as int16.")
    channels: Annotated[int | None, Integer(1, 1_000_000, may_have_point=True)] = key(
        "Number of channels: needed for flat binary files and for frames in one dimension (HDF5), checked for others."
    )
    sampling_frequency: Annotated[float | None, Number(above=0)] = key(
        "Samples a second (Hz), where the file does not say."
    )
    timestamps: Text = key("Dataset or column that holds the time of each sample in seconds.")
    timezone: Text = key("Zone of wall-clock times that have none, such as Europe/Berlin.")
    start_time: Annotated[float | None, Number()] = key(
        "Time of the first sample in seconds, where the file does not say."
    )
    session_start: Text = key(
        "Date and time at which the recording's time is 0 (ISO 8601; without a zone that of `timezone`, else a local "
        "time): series with one align by it."
    )
    label: Text = key("What people call the series; its name where left out.")
    unit: Annotated[str | None, Words()] = key("Unit of the physical values, such as uV.")
    scale: Annotated[float | None, Number()] = key("Physical value = stored value * scale + offset.")
    offset: Annotated[float | None, Number()] = key("Physical value = stored value * scale + offset.")
    channel_labels: Annotated[tuple[Annotated[str, Words()], ...] | None, Field(min_length=1), Given()] = key(
        "A label for each channel, in order."
    )
    channel_types: Annotated[tuple[Annotated[str, Words(1)], ...] | None, Field(min_length=1), Given()] = key(
        "What each channel measures, in order, as BIDS names it (EEG, EOG, EMG, ECG, RESP, TRIG, MISC, ...); where "
        "left out, what the file, else labels and units, say."
    )
    bad_channels: Annotated[tuple[Annotated[str, Words()], ...] | None, Given()] = key(
        "Labels or ids of channels that are bad, in place of those that the file names."
    )
    best_channels: Annotated[dict[str, Annotated[str, Words(1)]] | None, Field(min_length=1), Given()] = key(
        "Of events such as units: on which channel of their recording they are largest, each by id or label, as "
        '{"12": AP5}; beside what the file says, in place of what it says of the same ones.'
    )
    missing: Annotated[
        FiniteNumber | Numbers | MissingConfig | None,
        Given(),
        Expected("a number, a list of numbers, or keys of {values: [...], below: ..., above: ...}"),
    ] = key(
        "Stored values that stand for no value: a number, a list of numbers, or {values: [...], below: , above: }; "
        "takes the place of what the file says."
    )
    limits: Annotated[
        Numbers | None, Field(min_length=2, max_length=2), Given(), Expected("two numbers, [lowest, highest]")
    ] = key(
        "Lowest and highest stored value that the converter gives, where the file does not say: samples that reach one "
        "count as clipped."
    )
    byte_offset: Annotated[int | None, Integer(0, may_have_point=True)] = key(
        "Bytes before the first sample of a flat binary file."
    )
    order: Annotated[str | None, OneOf("C", "F")] = key(
        "C: the channels of a sample are neighbours; F: one channel follows the other."
    )
    allow_truncated: Annotated[bool | None, Flag()] = key(
        "Drop the bytes of an incomplete last sample instead of refusing the file."
    )
    follow_external: Annotated[bool | None, Flag()] = key(
        "Read samples that the file says are in other files (HDF5's external links, external storage and virtual "
        "datasets) outside its own folder too; without it only files in the folder or below are."
    )
    header_lines: Annotated[int | None, Integer(0, 10_000, may_have_point=True)] = key(
        "Lines of a text table above its first line of data, where the guess fails."
    )
    full_resolution: Annotated[str | None, OneOf("auto", "link", "store", "omit", "compute")] = key(
        "link: samples stay in the file; store: they are copied; omit: only levels are kept; auto: link where "
        "possible if the dataset spans at least half of its files and is a sixteenth of the bytes there, else store. "
        "In a bucket auto is store, and link is refused. Of a dataset with `from`, compute: samples are computed from "
        "its source's when they are looked at; auto: compute where that is quick, else store."
    )
    base: Annotated[int | None, Integer(2, 65536, may_have_point=True)] = key(
        "Samples a bin of the finest level: 16 for more than 4 channels, else 64."
    )
    ratio: Annotated[int | None, Integer(2, 64, may_have_point=True)] = key(
        "Factor of a level over that of the one before (4)."
    )
    max_gap_seconds: Annotated[float | None, Number(above=0)] = key(
        "Timestamps further apart than this begin a new segment; estimated where left out."
    )
    max_time_shift: Annotated[float | None, Number(least=0)] = key(
        "How far a rate may move a sample from its timestamp, in seconds (0.001), and never more than half a sample; "
        "other timestamps stay as they are."
    )
    scatter: Annotated[
        Annotated[int, Integer(1, 10_000, may_have_point=True)] | Literal["auto"] | None,
        Given(),
        Expected("a whole number of at least 1, or auto"),
    ] = key("Number of jobs that share this dataset; auto: one for each 8 GB, at most 64.")


DERIVED_KEYS = ("from", "steps", "spectrogram")
KEYS_OF_DERIVED = (*DERIVED_KEYS, "label", "full_resolution", "base", "ratio", "scatter")
"""What may stand in an entry that names another dataset in place of a recording."""


class DatasetEntry(DatasetKeys):
    """One dataset: what a recording holds, or what is made of another dataset."""

    from_: Annotated[Name | None, Given()] = key(
        "Name of another dataset, in place of `path`: this one is made of its samples, by `steps`, as a "
        "`spectrogram`, or both (docs/derived.md). Beside these only `label`, `full_resolution`, `base`, `ratio` and "
        "`scatter` may stand.",
        alias="from",
    )
    steps: Annotated[tuple[StepKeys, ...] | None, Field(min_length=1), Given()] = key(
        "With `from`: what is done to its samples, in order, each one of {highpass: Hz}, {lowpass: Hz}, {bandpass: "
        "[Hz, Hz]}, {notch: Hz}, {reference: median, mean or labels}, {montage: [[A, B], ...]}, {resample: Hz}, "
        "{phase_shift: true}, {absolute: true} (docs/derived.md)."
    )

    spectrogram: Annotated[SpectrogramKeys | None, Given()] = key(
        "With `from`: power densities by frequency and time, as {window: s, step: s, range: [Hz, Hz]}: of all "
        "electrodes, with `channel` of one, with `average` of some (docs/filters.md)."
    )


class DatasetConfig(DatasetEntry):
    """One dataset of one file, and how to read and build it; or one that is made of another dataset."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["path"]}, {"required": ["from"]}]})


class PanelKeys(Document):
    """One panel of a view."""

    type: Annotated[str, OneOf(*PANEL_TYPES)] = required("What the panel draws.")
    series: Annotated[str, Words(1)] = required("Name of the dataset that it shows.")
    label: Annotated[str | None, Words()] = key("Its title; the series' name where left out.")


_KEYS_OF_TYPES: dict[str, Any] = {
    name: (Annotated[entry.kind | None, Given()], key(f"For {panel_type.name}: {entry.description}"))
    for panel_type in PANEL_TYPES.values()
    for name, entry in panel_type.data_keys.items()
}
PanelConfig = create_model("PanelConfig", __base__=PanelKeys, __doc__=PanelKeys.__doc__, **_KEYS_OF_TYPES)


class ViewConfig(Document):
    """Panels over one time axis."""

    label: Annotated[str, Words(1)] = required("Name of the view.")
    page: Annotated[float | None, Number(above=0)] = key(
        "Seconds that are shown at first; the whole session where left out."
    )
    times: Annotated[str | None, OneOf(*TIME_MODES)] = key(
        "How times are written at first: seconds, h:m:s (clock, also where left out), or dates and times of day (wall)."
    )
    panels: tuple[PanelConfig, ...] = required(  # type: ignore[valid-type]
        "Its panels, from top to bottom.", min_length=1
    )


class SessionsConfig(Document):
    """Recordings that repeat: each session has a workspace of its own, of the same datasets and views."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["path"]}, {"required": ["table"]}]})

    path: Text = key(
        "Where a session's recording lies, with named wildcards: `data/{subject}/{date}_g0/*.ap.bin`; `*`, `?`, "
        "`[...]` and `**` are as in a shell, `{{` is a brace. Each set of what the wildcards stand for is a session; "
        "with `table`, its columns are filled in."
    )
    table: Text = key(
        "A table of sessions instead, a line each, tab-separated with a heading (`.csv`: with commas): `id`, `path`, "
        "`label` and any other column, which is a wildcard."
    )
    id: Text = key(
        "What a session is called in results and links, such as `{subject}_{date}`; what its wildcards stand for, "
        "joined by `_`, where left out."
    )
    label: Text = key("What people call its workspace; its id where left out.")
    datasets: dict[Name, DatasetEntry] = Field(
        default_factory=dict,
        min_length=1,
        description="As at the top level, for each session, with its wildcards in `path`, `files`, `timestamps`, "
        "`dataset`, `label` and `session_start`; without a `path` it is the session's. Left out: "
        "whatever each session's recording holds.",
    )
    views: tuple[ViewConfig, ...] | None = key(
        "As the top level's, for each session; its wildcards may stand in labels."
    )


class Config(Document):
    """A whole config.yaml."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["datasets"]}, {"required": ["sessions"]}]}
    )

    datasets: dict[Name, DatasetConfig] = Field(
        default_factory=dict,
        min_length=1,
        description="One entry a series, by its name; required without `sessions`.",
    )
    sessions: SessionsConfig | None = key(
        "Recordings that repeat, found by a pattern or in a table: a workspace for each session."
    )
    workspace: Annotated[str, Words(1)] = key("Name of the workspace.", "workspace")
    id: Annotated[str, Words(1)] | None = key(
        "Names the workspace whatever becomes of its name and its series: what is marked in it belongs to this id. "
        "Written once, by `init` and `view`; the workspace's name where it is left out."
    )
    defaults: DatasetKeys | None = key("Keys that each dataset has unless its own entry says otherwise.")
    store: StoreConfig | None = key("Where artifacts are stored.")
    results: Annotated[str, Words(pattern=r"[^{}]+", said="the path of a folder, without braces")] = key(
        "Folder for manifests, pictures and logs, relative to the working directory.", "results"
    )
    scratch: Annotated[str, Words(1)] | None = key(
        "Folder on a machine's own disk for jobs to write artifacts in, which then come whole into the store; "
        "variables, as in `$TMPDIR`, are those of the job's environment."
    )
    mains: Annotated[float | None, Number(above=0)] = key(
        "Frequency in Hz of the mains where this was recorded, whose hum filters in the viewer take out; for all "
        "panels of traces in `views` that name none of their own."
    )
    views: tuple[ViewConfig, ...] | None = key("Views; without any there is one of all series.")
