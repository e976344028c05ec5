"""Recordings of the Open Ephys GUI in its binary format, versions 0.4 to 1."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.open_ephys.contents import Content, contents, described_channels, unit_of
from seriesview.readers.open_ephys.continuous import StreamRecording
from seriesview.readers.open_ephys.events import count_events, open_events
from seriesview.readers.open_ephys.folders import find_place, is_place
from seriesview.readers.protocol import Candidate, ReadOptions, Recording


class OpenEphysReader:
    """Reader of session folders, Record Nodes, experiments, recordings, their structure.oebin or a continuous.dat."""

    name = "open_ephys"
    follows = True
    reads_folders = True

    def can_read(self, path: Path) -> bool:
        """Whether the path is, or leads to, folders of recordings; looks at names alone."""
        return is_place(path)

    def candidates(self, path: Path) -> list[Candidate]:
        """Streams, events and spikes of every recording. Raises ReaderError."""
        found = contents(find_place(path))
        listed = [_candidate(content) for content in found]
        # Edges are what views show; whether lines are high one may ask for.
        levels = [
            replace(each, type="interval", options={**each.options, "type": "interval"})
            for each, content in zip(listed, found, strict=True)
            if content.role == "ttl" and content.events and each.problem is None
        ]
        return [*listed, *levels]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the stream, events or spikes that `dataset` names; raises ReaderError."""
        content = _chosen(path, contents(find_place(path)), options.dataset)
        if content.problem is not None:
            raise ReaderError(content.problem, file=(str(path), content.dataset))
        if content.pieces:
            return StreamRecording(path, content, options)
        return open_events(path, content, options)


def _chosen(path: Path, found: list[Content], name: str | None) -> Content:
    wanted = None if name is None else name.strip("/")
    fitting = [each for each in found if wanted is None or each.dataset == wanted]
    if wanted is None and len(fitting) > 1:
        continuous = [each for each in fitting if each.pieces]
        fitting = continuous if len(continuous) == 1 else fitting
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(each.dataset for each in found[:20])
    problem = f"dataset: there is no {name}" if wanted is not None else "dataset: several are there"
    raise ReaderError(f"{problem}; choose one of {names or 'none'}", file=path)


def _candidate(content: Content) -> Candidate:
    problem = content.problem
    options = {"dataset": content.dataset}
    if content.pieces:
        first = content.pieces[0]
        described = [described_channels(first)[at] for at in content.channels]
        units = {unit_of(each) for each in described}
        shape = (sum(piece.rows for piece in content.pieces), len(content.channels))
        return Candidate(
            content.dataset,
            "continuous",
            "int16",
            shape,
            first.stream.rate,
            units.pop() if len(units) == 1 else None,
            options,
            label=content.label,
            role=content.role,
        )
    count = 0
    if problem is None:
        try:
            count = count_events(content)
            problem = None if count else "none were recorded"
        except ReaderError as error:
            problem = error.reason
    kind = "event" if content.events or content.electrodes else "continuous"
    return Candidate(
        content.dataset,
        "event" if kind == "event" else "continuous",
        "float64" if kind == "event" else "int16",
        (count,),
        None,
        None,
        options,
        problem,
        label=content.label,
        role=content.role,
    )
