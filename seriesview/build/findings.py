"""What a file holds, found by opening everything in it that can be opened."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from seriesview.build.channel_types import guessed_types, types_decision
from seriesview.build.dataset import Dataset
from seriesview.build.plan import timeline_of
from seriesview.errors import ReaderError, SeriesviewError, one_line
from seriesview.layout.remote_path import located
from seriesview.readers import Candidate, Channel, Decision, Reader, ReadOptions, Recording, Role, SeriesType
from seriesview.readers.registry import choose_reader, the_recording
from seriesview.workspace.panels import default_panel


class Entry(NamedTuple):
    """A dataset of a configuration: its name, its keys, and the panel (type, label) that shows it, None for bands.

    `problem` says why keys are to be filled in, where more is to be said than that, and `guesses` what keys rest on.
    `role` and `type`: what it is in its recording, and which type of series. `found`: all that is known of it.
    """

    name: str
    keys: dict[str, Any]
    panel: tuple[str, str] | None
    problem: str | None = None
    guesses: tuple[str, ...] = ()
    role: Role | None = None
    type: SeriesType | None = None
    found: Finding | None = None


_OPTION_NAMES = frozenset(field.name for field in fields(ReadOptions))
_TYPES_WITHOUT_RATE = ("event", "interval")
_RATE = {"sampling_frequency": 1.0}
_CUT = {"allow_truncated": True}
# What is said of flat binary files alone.
_BINARY_KEYS = ("dtype", "channels", "byte_offset")
_MOST_CANDIDATES = 10_000
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 90
_FOLDER_SUFFIX = re.compile(r"\.[A-Za-z]{2,5}")


@dataclass(frozen=True)
class Finding:
    """One dataset in a file; times in seconds, None where they are not known or do not apply.

    `options` are the configuration keys that open it, None where the file does not say and the user must.
    `decisions` are what its reader decided, `of_options` those of them that its options rest on. `channels`: with
    the types that their labels and units say; `labels` those of intervals. `clock` is the recording's.
    """

    dataset: str | None
    type: SeriesType | None
    dtype: str
    shape: tuple[int, ...]
    unit: str | None
    options: dict[str, Any]
    sampling_frequency: float | None = None
    num_channels: int | None = None
    start_time: float | None = None
    duration: float | None = None
    num_segments: int | None = None
    largest_deviation: float | None = None
    session_start: str | None = None
    problem: str | None = None
    panel: str | None = None
    clock: str | None = None
    decisions: tuple[Decision, ...] = ()
    of_options: tuple[Decision, ...] = ()
    label: str | None = None
    role: Role | None = None
    channels: tuple[Channel, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def is_irregular(self) -> bool:
        """Whether its samples keep timestamps of their own."""
        return self.duration is not None and self.sampling_frequency is None and self.num_segments is not None


class Found(NamedTuple):
    """What some files hold: entries, keys that must be filled in None; what cannot be shown and why; bad files.

    `otherwise`: what is shown, and can be read as another type of series too.
    """

    entries: list[Entry]
    notes: list[str]
    unreadable: list[str]
    otherwise: list[str]


def entries_of(
    files: Sequence[str],
    reader: str | None = None,
    follow_external: bool = False,
    given: Mapping[str, Any] | None = None,
) -> Found:
    """Name and keys of every dataset of some files that can be configured; one bad file stops no other.

    `follow_external` and `given`: as in `find_all`. Raises ReaderError where there is but one file, and it is bad.
    """
    found = Found([], [], [], [])
    for file in files:
        path = located(file)
        try:
            if (meant := the_recording(path, reader)) != path:
                path, file = meant, str(meant)
            chosen = choose_reader(path, reader)
            findings = find_all(path, chosen, follow_external, given)
        except (ReaderError, OSError) as error:
            if len(files) == 1:
                raise
            found.unreadable.append(f"{file}: {_reason(error, path)}")
            continue
        taken = [entry.name for entry in found.entries]
        named = configurable_entries(
            file, name_of(path), findings, chosen if reader is not None else None, taken
        )
        if len(files) > 1 and not any(named):
            reasons = "; ".join(f"{finding.dataset or 'it'}: {finding.problem}" for finding in findings[:3])
            found.unreadable.append(f"{file}: nothing in it can be shown{f' ({reasons})' if reasons else ''}")
            continue
        seen: set[str | None] = set()
        otherwise: dict[str, list[str]] = {}
        for finding, entry in zip(findings, named, strict=True):
            what = f"{file} {finding.dataset}" if finding.dataset is not None else file
            if entry is None:
                found.notes.append(f"{what}: {finding.problem}")
            elif finding.dataset in seen:
                otherwise.setdefault(str(finding.type), []).append(what)
            else:
                seen.add(finding.dataset)
                found.entries.append(entry)
        for kind, names in otherwise.items():
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            found.otherwise.append(
                f"{names[0]}{more}: can be read as {kind} too; `seriesview inspect` says how"
            )
    return found


def find_all(
    path: Path, reader: Reader, follow_external: bool = False, given: Mapping[str, Any] | None = None
) -> list[Finding]:
    """Every candidate of a file, opened to see whether and how it can be shown. Raises ReaderError.

    `follow_external`: also what lies in files outside the recording's folder; options of what needs it say so.
    `given`: keys of an entry that are taken where something cannot be opened without them.
    """
    given = given or {}
    found = [_told(path, reader, candidate, given) for candidate in _candidates(path, reader, given)]
    if not follow_external:
        return found
    reached = {finding.dataset for finding in found if finding.problem is None}
    # HDF5's own library takes a while to load.
    from seriesview.readers.hdf5.reach import following_external

    with following_external():
        found = [_told(path, reader, candidate, given) for candidate in _candidates(path, reader, given)]
    return [
        finding
        if finding.dataset in reached
        else replace(finding, options={**finding.options, "follow_external": True})
        for finding in found
    ]


def _candidates(path: Path, reader: Reader, given: Mapping[str, Any]) -> list[Candidate]:
    candidates = reader.candidates(path)
    if len(candidates) > _MOST_CANDIDATES:
        raise ReaderError(
            f"holds {len(candidates)} datasets, too many to look at each; write a config.yaml that names those "
            "that are meant, with `dataset`",
            file=path,
        )
    # What is given as the times of others is no series of its own.
    times = str(given.get("timestamps") or "").strip("/")
    return [each for each in candidates if not times or (each.dataset or "").strip("/") != times]


def _told(path: Path, reader: Reader, candidate: Candidate, given: Mapping[str, Any]) -> Finding:
    """What a candidate is by itself, or where that does not suffice, with as much of what is given as fits it."""
    finding = _examine(path, reader, candidate)
    if finding.problem is None and None not in finding.options.values():
        return finding
    for left_out in ((), _BINARY_KEYS):
        keys = {key: value for key, value in given.items() if key in _OPTION_NAMES and key not in left_out}
        if not keys:
            continue
        options = {**candidate.options, **keys}
        if "timestamps" in keys and options.get("sampling_frequency", "") is None:
            del options["sampling_frequency"]
        told = _examine(path, reader, replace(candidate, problem=None, options=options))
        if told.problem is None and None not in told.options.values():
            return told
    return finding


def _examine(path: Path, reader: Reader, candidate: Candidate) -> Finding:
    finding = Finding(
        dataset=candidate.dataset,
        type=candidate.type,
        dtype=candidate.dtype,
        shape=candidate.shape,
        unit=candidate.unit,
        options=dict(candidate.options),
        sampling_frequency=candidate.sampling_frequency,
        problem=candidate.problem,
        panel=candidate.panel,
        decisions=candidate.decisions,
        of_options=candidate.decisions,
        label=candidate.label,
        role=candidate.role,
    )
    if candidate.problem is not None:
        return finding
    known = {
        key: value for key, value in candidate.options.items() if key in _OPTION_NAMES and value is not None
    }
    try:
        return _opened(path, reader, finding, ReadOptions(**known))
    except (SeriesviewError, OSError) as error:
        problem = _reason(error, path)
    has_clock = (
        candidate.type in _TYPES_WITHOUT_RATE
        or candidate.sampling_frequency is not None
        or not known.keys().isdisjoint(("timestamps", "sampling_frequency"))
    )
    # What may be missing: the rate, the end of the file, or both.
    for placeholders in ({**_RATE}, {**_CUT}, {**_RATE, **_CUT}):
        if has_clock and "sampling_frequency" in placeholders:
            continue
        with suppress(SeriesviewError, OSError):
            opened = _opened(path, reader, finding, ReadOptions(**{**known, **placeholders}))
            options = {**finding.options, **dict.fromkeys(placeholders)}
            if "sampling_frequency" not in placeholders:
                return replace(opened, options=options, problem=problem)
            return replace(
                opened,
                options=options,
                problem=opened.problem or (problem if "allow_truncated" in placeholders else None),
                sampling_frequency=None,
                start_time=None,
                duration=None,
                num_segments=None,
            )
    # No key that could be filled in helps.
    options = {key: value for key, value in finding.options.items() if value is not None}
    return replace(finding, problem=problem, options=options)


def _reason(error: Exception, path: Path) -> str:
    if isinstance(error, SeriesviewError):
        return one_line(error.without(str(path)))
    return one_line(error.strerror or error if isinstance(error, OSError) else error)


def _opened(path: Path, reader: Reader, finding: Finding, options: ReadOptions) -> Finding:
    with reader.open(path, options) as recording:
        finding = replace(
            finding,
            type=recording.type,
            unit=recording.unit or finding.unit,
            session_start=recording.session_start,
            decisions=(*finding.decisions, *recording.decisions),
            channels=tuple(recording.channels),
            clock=recording.clock,
        )
        if recording.type == "continuous":
            finding = _typed(finding)
        if recording.scale_problem is not None:
            options_to_fill = {**finding.options, "scale": None}
            finding = replace(finding, problem=recording.scale_problem, options=options_to_fill)
        if recording.span is not None:
            return _with_span(finding, *recording.span, recording.num_channels or None)
        if recording.type in _TYPES_WITHOUT_RATE:
            finding = replace(finding, shape=(recording.num_samples,))
            if recording.num_samples == 0:
                return replace(finding, num_channels=recording.num_channels)
        elif recording.num_samples == 0:
            raise ReaderError("no samples")
        if recording.type == "event":
            times, _ = recording.events()
            return _with_span(finding, float(times[0]), float(times[-1]), recording.num_channels)
        if recording.type == "interval":
            bounds, _, labels = recording.intervals()
            finding = replace(finding, labels=tuple(labels))
            return _with_span(finding, float(bounds[0, 0]), float(bounds[:, 1].max()), None)
        return _with_timeline(finding, recording, path, options)


def _typed(finding: Finding) -> Finding:
    """The finding with the types of its channels that are guessed, and what is to be said of that."""
    unit = finding.unit or ""
    guess = types_decision(finding.channels, unit)
    if guess is None:
        return finding
    types = guessed_types(finding.channels, unit)
    channels = tuple(replace(each, type=kind) for each, kind in zip(finding.channels, types, strict=True))
    return replace(finding, channels=channels, decisions=(*finding.decisions, guess))


def _with_span(finding: Finding, start: float, end: float, num_channels: int | None) -> Finding:
    return replace(finding, start_time=start, duration=end - start, num_channels=num_channels)


def _with_timeline(finding: Finding, recording: Recording, path: Path, options: ReadOptions) -> Finding:
    timeline = timeline_of(recording, Dataset("", str(path), None, options))
    start, end = timeline.segments[0].start_time, timeline.segments[-1].end_time
    said = timeline.in_words() if timeline.near_rate is not None else None
    return replace(
        finding,
        dtype=str(recording.dtype),
        shape=(recording.num_samples, recording.num_channels),
        sampling_frequency=timeline.sampling_frequency,
        num_channels=recording.num_channels,
        start_time=start,
        duration=end - start,
        num_segments=len(timeline.segments),
        largest_deviation=timeline.largest_deviation,
        decisions=(*finding.decisions, *([Decision(said)] if said is not None else [])),
    )


def configurable_entries(
    path: str, stem: str, findings: list[Finding], reader: Reader | None, names: Sequence[str] = ()
) -> list[Entry | None]:
    """Name and keys of each dataset; None where a problem cannot be solved by filling in keys.

    `names` are taken already.
    """
    shown = [finding for finding in findings if _can_be_configured(finding)]
    entries: list[Entry | None] = []
    taken = list(names)
    for finding in findings:
        if not _can_be_configured(finding):
            entries.append(None)
            continue
        name = dataset_name(stem, finding.dataset if len(shown) > 1 else None, taken)
        taken.append(name)
        keys: dict[str, Any] = {"path": path}
        if reader is not None:
            keys["reader"] = reader.name
        guesses = tuple(decision.text for decision in finding.of_options if decision.is_guess)
        panel = _panel(finding, name, stem)
        keys |= finding.options
        entries.append(
            Entry(name, keys, panel, finding.problem, guesses, finding.role, finding.type, finding)
        )
    return entries


def name_of(path: Path) -> str:
    """What a recording is called: a file without its suffix, a folder as it is but for a suffix of letters."""
    if path.name in ("", ".."):
        path = path.resolve()
    is_whole = path.is_dir() and not _FOLDER_SUFFIX.fullmatch(path.suffix)
    return path.name if is_whole else path.stem


def dataset_name(stem: str, dataset: str | None, taken: Sequence[str] = ()) -> str:
    """A name for a dataset, from its file's stem and, with `dataset`, the last part of its place in the file."""
    parts = [stem] if dataset is None else [stem, dataset.rstrip("/").rpartition("/")[2]]
    words = [_NOT_IN_NAMES.sub("_", part).strip("_-") for part in parts]
    name = "_".join(word for word in words if word)[:_LONGEST_NAME] or "recording"
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _panel(finding: Finding, name: str, stem: str) -> tuple[str, str] | None:
    """Type and label of the panel that shows a dataset; the label is what its reader or its file calls it."""
    panel = default_panel(name, finding.type or "continuous")
    if panel is None:
        return None
    place = (finding.dataset or "").rstrip("/").rpartition("/")[2]
    return finding.panel or panel.type, finding.label or place or stem


def _can_be_configured(finding: Finding) -> bool:
    return finding.problem is None or None in finding.options.values()
