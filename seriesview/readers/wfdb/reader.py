"""Reader of WFDB records, by their header, a signal file or a file of annotations."""

from __future__ import annotations

from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.in_memory import IntervalRecording, are_kinds, labelled_events
from seriesview.readers.protocol import Candidate, ReadOptions, Recording
from seriesview.readers.wfdb import annotations as annotation_files
from seriesview.readers.wfdb.annotations import Annotations, read_annotations
from seriesview.readers.wfdb.header import RecordHeader, looks_like, read_header
from seriesview.readers.wfdb.record import WfdbRecord, read_record, without_samples
from seriesview.readers.wfdb.recording import WfdbRecording, group_rate, sample_groups

_HEAD = 1 << 16


class WfdbReader:
    """Reader of WFDB records."""

    name = "wfdb"
    reads_remote = True

    def can_read(self, path: Path) -> bool:
        """Whether it is the header of a record, a signal file that the header beside it names, or its annotations."""
        try:
            return path.is_file() and _header_of(path) is not None
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Signals of each rate, and what each file of annotations beside the header holds. Raises ReaderError."""
        header = _required_header(path)
        notes = [_of_annotations(each) for each in annotation_files.beside(header)]
        try:
            found = _of_record(read_record(header))
        except ReaderError as error:
            if not notes:
                raise
            found = [_of_signals(None, (), None, error.reason)]
        found.extend(notes)
        if not found:
            raise ReaderError("a record without signals, and without annotations beside it", file=header)
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the signals of the rate that `dataset` names, or the annotations whose suffix it is.

        Without `dataset` the signals, where all have one rate. Raises ReaderError.
        """
        header = _required_header(path)
        notes = {each.suffix[1:]: each for each in annotation_files.beside(header)}
        if options.dataset in notes:
            return _annotations(path, read_header(header), notes[options.dataset], options)
        if options.type not in (None, "continuous"):
            raise ReaderError(
                f"dataset: name annotations for `type: {options.type}`: {', '.join(notes) or 'there are none'}",
                file=path,
            )
        if options.timestamps is not None:
            raise ReaderError("timestamps: the record has a rate of its own; leave it out", file=path)
        record = read_record(header)
        groups = sample_groups(record)
        name = options.dataset
        if name is None and len(groups) == 1:
            name = next(iter(groups))
        if name not in groups:
            raise ReaderError(
                f"dataset: {'choose one' if name is None else f'there is no {name!r}'}: "
                f"{', '.join((*groups, *notes)) or 'there are none'}",
                file=path,
            )
        return WfdbRecording(record, groups[name], path, options)


def _header_of(path: Path) -> Path | None:
    """The header of the record that a file belongs to; None where it belongs to none."""
    if path.suffix == ".hea":
        return path if looks_like(path) else None
    header = path.with_suffix(".hea")
    if not path.suffix or not header.is_file() or not looks_like(header):
        return None
    with header.open("rb") as file:
        is_named = path.name.encode(errors="replace") in file.read(_HEAD)
    return header if is_named or annotation_files.looks_like(path) else None


def _required_header(path: Path) -> Path:
    header = _header_of(path)
    if header is None:
        raise ReaderError("neither a header of a WFDB record nor a file of one beside it", file=path)
    return header


def _of_record(record: WfdbRecord) -> list[Candidate]:
    groups = sample_groups(record)
    frames = sum(part.num_frames for part in record.parts)
    problem = None if frames else without_samples(record)
    return [
        _of_signals(
            name if len(groups) > 1 else None,
            (frames * record.signals[indices[0]].samples_per_frame, len(indices)),
            group_rate(record, indices[0]),
            problem,
        )
        for name, indices in groups.items()
    ]


def _of_signals(
    dataset: str | None, shape: tuple[int, ...], rate: float | None, problem: str | None = None
) -> Candidate:
    return Candidate(
        dataset=dataset,
        type="continuous",
        dtype="int16",
        shape=shape,
        sampling_frequency=rate,
        unit=None,
        options={} if dataset is None else {"dataset": dataset},
        problem=problem,
        role="eeg",
    )


def _of_annotations(path: Path) -> Candidate:
    name = path.suffix[1:]
    found = read_annotations(path)
    is_event = are_kinds(found.labels)
    return Candidate(
        dataset=name,
        type="event" if is_event else "interval",
        dtype="float64",
        shape=(len(found.labels),),
        sampling_frequency=None,
        unit=None,
        options={"dataset": name, "type": "event" if is_event else "interval"},
        role="markers" if is_event else "annotations",
    )


def _annotations(path: Path, header: RecordHeader, source: Path, options: ReadOptions) -> Recording:
    found: Annotations = read_annotations(source)
    rate = options.sampling_frequency or found.rate or header.frame_rate
    times = found.samples / rate + header.start.zero(options.session_start)
    kind = options.type or ("event" if are_kinds(found.labels) else "interval")
    recording: Recording
    if kind == "event":
        recording = labelled_events(path, times, found.labels, options)
    elif kind == "interval":
        recording = IntervalRecording(path, times.repeat(2).reshape(-1, 2), found.labels, options)
    else:
        raise ReaderError(f"type: annotations are events or intervals, not {kind}", file=path)
    recording.session_start = options.session_start or header.start.session_start
    recording.decisions = found.decisions
    recording.files = (header.path, source)
    return recording
