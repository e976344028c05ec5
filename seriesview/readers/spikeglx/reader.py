"""The reader of SpikeGLX runs: a run, probe or data folder, a .bin or a .meta."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.binary import BinaryRecording
from seriesview.readers.offers import Offer, open_offer
from seriesview.readers.phy.offers import sorting_offers
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording, Role
from seriesview.readers.spikeglx.digital import LineEvents, LineLevels
from seriesview.readers.spikeglx.edge_times import DATASET, EdgeFile, edge_files, open_edge_times
from seriesview.readers.spikeglx.lines import Line, digital_lines, sync_lines
from seriesview.readers.spikeglx.meta import read_meta
from seriesview.readers.spikeglx.names import companion, parse_name
from seriesview.readers.spikeglx.recording import AnalogRecording, session_start
from seriesview.readers.spikeglx.saved import SavedChannel
from seriesview.readers.spikeglx.sortings import sortings_of
from seriesview.readers.spikeglx.streams import (
    Stream,
    StreamFile,
    compressed,
    meta_paths,
    open_file,
    single,
    streams_of,
)

_MOST_FILES = 20_000
_LOOKED_AT = 200


class SpikeGlxReader:
    """Reader of what SpikeGLX writes, and CatGT out of it."""

    name = "spikeglx"
    follows = True
    reads_folders = True

    def can_read(self, path: Path) -> bool:
        """Whether it is a .meta of SpikeGLX, a .bin beside one or named as one, or the folder of a run or probe."""
        try:
            if path.is_dir():
                return _is_run(path)
            if path.suffix == ".meta":
                return _is_meta(path)
            if path.suffix not in (".bin", ".cbin"):
                return False
            named = parse_name(path.name.removesuffix(path.suffix))
            has_name = named is not None and named.trigger is not None
            return has_name or _is_meta(companion(path, ".meta"))
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Every stream: probes' AP and LF, analog inputs, then digital lines and edges; the sync wave of each probe."""
        offers, problems = _offers(path)
        if not offers and len(problems) == 1:
            raise problems[0]
        return [offer.candidate for offer in offers if not offer.hidden] + [
            Candidate(
                dataset=None,
                type="continuous",
                dtype="int16",
                shape=(),
                sampling_frequency=None,
                unit=None,
                options={},
                problem=str(problem),
            )
            for problem in problems
        ]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the dataset that the options choose, the first one where they choose none; raises ReaderError."""
        if options.timestamps is not None:
            raise ReaderError("timestamps: a SpikeGLX stream has a rate; leave them out", file=path)
        if path.suffix == ".bin" and options.dtype is not None and options.dataset is None:
            # Whoever types all this means the flat file.
            recording = BinaryRecording(path, options)
            recording.decisions = (Decision("flat, as the configuration says: no .meta is read"),)
            return recording
        offers, problems = _offers(path)
        if not offers:
            raise problems[0] if problems else ReaderError("no SpikeGLX recording in it", file=path)
        return open_offer(offers, options, path)


def _is_run(folder: Path) -> bool:
    """Whether a folder is that of a run or probe, or holds .meta files itself: not one in which folders of runs lie."""
    sessions: set[str] = set()
    for meta in islice(meta_paths(folder), _LOOKED_AT):
        named = parse_name(meta.name.removesuffix(".meta"))
        session = meta.name if named is None else named.session
        inner = meta.relative_to(folder).parts[:-1]
        if (session in sessions and not inner) or not _is_meta(meta):
            continue
        is_another = bool(sessions) and session not in sessions
        if inner and (is_another or inner[0].removeprefix("catgt_") == session):
            return False
        sessions.add(session)
    return bool(sessions)


def _is_meta(path: Path) -> bool:
    try:
        read_meta(path)
    except ReaderError:
        return False
    return True


def _offers(path: Path) -> tuple[list[Offer], list[ReaderError]]:
    """What can be opened, and why the rest cannot."""
    if not path.is_dir():
        file, beside = _of_file(path)
        return _of_streams(path, [single(file.name.stream, file)], [], beside), []
    files: list[StreamFile] = []
    problems: list[ReaderError] = []
    for number, meta in enumerate(meta_paths(path)):
        if number >= _MOST_FILES:
            problems.append(
                ReaderError(f"more than {_MOST_FILES} .meta files; name a run's folder", file=path)
            )
            break
        try:
            file = open_file(meta)
            if file.num_samples == 0:
                raise ReaderError(f"{file.path.name} holds no whole sample", file=meta)
            files.append(file)
        except ReaderError as error:
            # Other programs have files of this suffix, but not under SpikeGLX's names.
            if _is_meta(meta) or parse_name(meta.name.removesuffix(".meta")) is not None:
                problems.append(error)
    streams = streams_of(files)
    edges = edge_files({path, *(file.path.parent for file in files)})
    return [*_of_streams(path, streams, edges), *_sorted(path, streams, problems)], problems


def _of_file(path: Path) -> tuple[StreamFile, tuple[Decision, ...]]:
    """The stream of one file, and that other triggers lie beside it. Raises ReaderError."""
    if path.suffix == ".cbin":
        raise ReaderError(compressed(path), file=path)
    meta = companion(path, ".meta")
    if not meta.exists():
        raise ReaderError(
            f"its {meta.name} is not beside it: put it there, or set dtype, channels and sampling_frequency",
            file=path,
        )
    file = open_file(meta)
    if file.num_samples == 0:
        raise ReaderError(f"{file.size} bytes: no whole sample of {file.row_bytes} bytes", file=file.path)
    others = [
        other.name
        for other in sorted(path.parent.glob("*.meta"))[:_MOST_FILES]
        if other != meta
        and (named := parse_name(other.name.removesuffix(".meta"))) is not None
        and (named.session, named.stream) == (file.name.session, file.name.stream)
    ]
    if not others:
        return file, ()
    return file, (Decision(f"this trigger alone; {others[0]} is of the same gate: name the folder for all"),)


def _of_streams(
    path: Path, streams: list[Stream], edges: list[EdgeFile], beside: tuple[Decision, ...] = ()
) -> list[Offer]:
    voltages: list[Offer] = []
    lines: list[Offer] = []
    synced: set[str] = set()
    for stream in streams:
        first = stream.first
        if beside:
            stream = replace(stream, decisions=(*stream.decisions, *beside))
        if first.saved.analog:
            voltages.append(_analog(path, stream))
        if words := first.saved.of_kind("XD"):
            found = digital_lines(first.meta, words)
            lines.extend(_digital(path, stream, f"{stream.dataset}.digital", words, found))
        # AP and LF of a probe have the same sync wave; AP comes first, and is the finer one.
        device = stream.dataset.replace(".ap", "").replace(".lf", "")
        if (words := first.saved.of_kind("SY")) and device not in synced:
            synced.add(device)
            lines.extend(_digital(path, stream, f"{device}.sync", words, sync_lines(first.meta, words)))
    return [*voltages, *lines, *_edge_times(path, streams, edges)]


def _analog(path: Path, stream: Stream) -> Offer:
    first = stream.first
    role: Role = "analog"
    if first.meta.type == "imec":
        role = "lfp" if first.saved.analog[0].kind == "LF" else "spike-band"
    candidate = Candidate(
        dataset=stream.dataset,
        type="continuous",
        dtype="int16",
        shape=(stream.num_samples, len(first.saved.analog)),
        sampling_frequency=stream.rate,
        unit="uV" if first.meta.type == "imec" else "V",
        options={"dataset": stream.dataset},
        label=stream.dataset,
        role=role,
    )
    return Offer(candidate, lambda options: AnalogRecording(path, stream, options))


def _digital(
    path: Path, stream: Stream, dataset: str, words: tuple[SavedChannel, ...], lines: list[Line]
) -> list[Offer]:
    """Edges, which views show; levels, which one may ask for."""
    events = Candidate(
        dataset=dataset,
        type="event",
        dtype="float64",
        shape=(),
        sampling_frequency=None,
        unit=None,
        options={"dataset": dataset},
        label=dataset,
        role="ttl",
    )
    levels = replace(events, type="interval", options={"dataset": dataset, "type": "interval"})
    return [
        Offer(events, lambda options: LineEvents(path, stream, words, lines, options)),
        Offer(levels, lambda options: LineLevels(path, stream, words, lines, options)),
    ]


def _edge_times(path: Path, streams: list[Stream], edges: list[EdgeFile]) -> list[Offer]:
    found: list[Offer] = []
    sessions = list(dict.fromkeys(edge.session for edge in edges))
    for session in sessions:
        files = [edge for edge in edges if edge.session == session]
        dataset = DATASET if len(sessions) == 1 else f"{session}.{DATASET}"
        candidate = Candidate(
            dataset=dataset,
            type="event",
            dtype="float64",
            shape=(),
            sampling_frequency=None,
            unit="s",
            options={"dataset": dataset},
            label=dataset,
            role="ttl",
        )
        beginnings = [
            session_start(stream.first)[0] for stream in streams if stream.first.name.session == session
        ]
        start = next((each for each in beginnings if each is not None), None)

        def opened(
            options: ReadOptions, files: list[EdgeFile] = files, start: str | None = start
        ) -> Recording:
            return open_edge_times(
                path, files, replace(options, session_start=options.session_start or start)
            )

        found.append(Offer(candidate, opened))
    return found


def _sorted(path: Path, streams: list[Stream], problems: list[ReaderError]) -> list[Offer]:
    """Units and drift maps of the phy folders in the folder or beside it."""
    found: list[Offer] = []
    for prefix, sorting in sortings_of(path, streams, problems):
        try:
            found.extend(sorting_offers(path, sorting, prefix))
        except ReaderError as error:
            problems.append(error)
    return found
