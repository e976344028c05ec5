"""Reader of EDF, EDF+, BDF and BDF+ files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.edf.annotations import Annotations, read_annotations
from seriesview.readers.edf.header import Header, Signal, looks_like, read_header
from seriesview.readers.edf.record_times import stretches_of
from seriesview.readers.edf.recording import SignalsRecording, header_rate, sample_groups
from seriesview.readers.edf.stages import are_stages, lasting
from seriesview.readers.edf.triggers import code_changes, status_signal, trigger_events
from seriesview.readers.in_memory import EventRecording, IntervalRecording, are_kinds, labelled_events
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording, Role

_HEAD = 256
_ANNOTATIONS, _STAGES, _TRIGGERS = "annotations", "stages", "triggers"


@dataclass
class _Texts:
    """The annotations of a file, and which of them tell stages."""

    header: Header

    @cached_property
    def all(self) -> Annotations:
        return read_annotations(self.header)

    @cached_property
    def _are_stages(self) -> npt.NDArray[np.bool_]:
        return are_stages(self.all.texts)

    def chosen(self, dataset: str) -> npt.NDArray[np.intp]:
        """Indices of the stages, or of the other annotations, in order of time."""
        wanted = np.flatnonzero(self._are_stages == (dataset == _STAGES))
        return wanted[np.argsort(self.all.onsets[wanted], kind="stable")]

    def are_instants(self, chosen: npt.NDArray[np.intp]) -> bool:
        """Whether annotations are events: none lasts, and their texts come again."""
        return not self.all.durations[chosen].any() and are_kinds(self.all.texts[i] for i in chosen)


class EdfReader:
    """Reader of EDF, EDF+, BDF and BDF+ files."""

    name = "edf"
    reads_remote = True

    def can_read(self, path: Path) -> bool:
        """Whether the file begins with the fields of an EDF or BDF header."""
        try:
            if not path.is_file():
                return False
            with path.open("rb") as file:
                return looks_like(file.read(_HEAD))
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Signals of each rate, stages of sleep, other annotations, and triggers of BDF. Raises ReaderError."""
        header = read_header(path)
        groups = sample_groups(header)
        found = [
            _of_signals(header, name if len(groups) > 1 else None, signals)
            for name, signals in groups.items()
        ]
        for list_all in (_of_texts, _of_triggers):
            try:
                found.extend(list_all(header))
            except ReaderError as error:
                found.append(_of_times(_ANNOTATIONS, "interval", 0, None, error.reason))
        if not found:
            raise ReaderError("holds neither signals nor annotations", file=path)
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the signals of the rate that `dataset` names, `stages`, `annotations` or `triggers`.

        Without `dataset` the signals, where all have one rate. `type: interval` gives instants as intervals. Raises
        ReaderError.
        """
        header = read_header(path)
        groups = sample_groups(header)
        dataset = options.dataset
        if dataset is None and options.type in ("event", "interval"):
            dataset = _ANNOTATIONS
        if dataset in (_STAGES, _ANNOTATIONS):
            return _annotations(_Texts(header), str(dataset), options)
        if dataset == _TRIGGERS:
            triggers = _triggers(header, options)
            if triggers is None:
                raise ReaderError("dataset: triggers: there is no Status channel with codes in it", file=path)
            return triggers
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: {dataset} is a continuous series", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: the file has a rate of its own; leave it out", file=path)
        if dataset is None and len(groups) == 1:
            dataset = next(iter(groups))
        if dataset not in groups:
            others = (_STAGES, _ANNOTATIONS, _TRIGGERS)
            raise ReaderError(
                f"dataset: {'choose one' if dataset is None else f'there is no {dataset!r}'}: "
                f"{', '.join((*groups, *others))}",
                file=path,
            )
        return SignalsRecording(header, groups[dataset], options)


def _of_signals(header: Header, dataset: str | None, signals: tuple[Signal, ...]) -> Candidate:
    per_record = signals[0].samples_per_record
    rate = header_rate(header, per_record)
    options: dict[str, Any] = {} if dataset is None else {"dataset": dataset}
    return Candidate(
        dataset=dataset,
        type="continuous",
        dtype="int16" if header.sample_bytes == 2 else "int32",
        shape=(header.num_records * per_record, len(signals)),
        sampling_frequency=rate,
        unit=None,
        options=options if rate is not None else {**options, "sampling_frequency": None},
        role="eeg",
    )


def _of_texts(header: Header) -> Iterator[Candidate]:
    texts = _Texts(header)
    for dataset in (_STAGES, _ANNOTATIONS):
        chosen = texts.chosen(dataset)
        if len(chosen):
            is_event = dataset == _ANNOTATIONS and texts.are_instants(chosen)
            role: Role = "stages" if dataset == _STAGES else "markers" if is_event else "annotations"
            yield _of_times(dataset, "event" if is_event else "interval", len(chosen), role)


def _of_triggers(header: Header) -> Iterator[Candidate]:
    triggers = None if status_signal(header) is None else _triggers(header, ReadOptions())
    if triggers is not None and triggers.num_samples:
        yield _of_times(_TRIGGERS, "event", triggers.num_samples, "markers")


def _of_times(
    dataset: str, kind: str, count: int, role: Role | None, problem: str | None = None
) -> Candidate:
    return Candidate(
        dataset=dataset,
        type="event" if kind == "event" else "interval",
        dtype="float64",
        shape=(count,),
        sampling_frequency=None,
        unit=None,
        options={"dataset": dataset, "type": kind},
        problem=problem,
        role=role,
    )


def _annotations(texts: _Texts, dataset: str, options: ReadOptions) -> Recording:
    header, found = texts.header, texts.all
    chosen = texts.chosen(dataset)
    onsets = found.onsets[chosen] + header.start.zero(options.session_start)
    labels = [found.texts[index] for index in chosen]
    durations = found.durations[chosen]
    decisions = [*found.decisions]
    if dataset == _STAGES and len(chosen) and not durations.any():
        durations = lasting(onsets, durations)
        decisions.append(Decision("stages without a duration last until the next one", is_guess=True))
    kind = options.type or ("event" if dataset == _ANNOTATIONS and texts.are_instants(chosen) else "interval")
    recording: Recording
    if kind == "event":
        recording = labelled_events(header.path, onsets, labels, options)
        lost = int(np.count_nonzero(durations))
        if lost:
            decisions.append(
                Decision(f"durations of {lost} annotations are left out, by `type: event`", is_warning=True)
            )
    elif kind == "interval":
        bounds = np.stack([onsets, onsets + durations], axis=1)
        recording = IntervalRecording(header.path, bounds, labels, options)
    else:
        raise ReaderError(f"type: annotations are events or intervals, not {kind}", file=header.path)
    return _on_clock(recording, header, options, decisions)


def _triggers(header: Header, options: ReadOptions) -> Recording | None:
    status = status_signal(header)
    changes = None if status is None or not header.num_records else code_changes(header, status)
    rate = (
        None
        if status is None
        else options.sampling_frequency or header_rate(header, status.samples_per_record)
    )
    if status is None or changes is None or rate is None:
        return None
    samples, indices, labels, are_bits = trigger_events(changes)
    stretches, _ = stretches_of(header)
    firsts = np.cumsum([0, *(each.num_records for each in stretches[:-1])]) * status.samples_per_record
    starts = np.array([each.start_time for each in stretches])
    stretch = np.searchsorted(firsts, samples, side="right") - 1
    times = starts[stretch] + (samples - firsts[stretch]) / rate + header.start.zero(options.session_start)
    said = "the Status channel has too many codes: its 16 lines are shown, each where it rises"
    recording = EventRecording(header.path, times, indices, labels, options)
    return _on_clock(recording, header, options, [Decision(said)] if are_bits else [])


def _on_clock(
    recording: Recording, header: Header, options: ReadOptions, decisions: list[Decision]
) -> Recording:
    recording.session_start = options.session_start or header.start.session_start
    recording.decisions = tuple(decisions)
    return recording
