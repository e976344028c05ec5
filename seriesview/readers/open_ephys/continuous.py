"""Samples of a stream: int16, one row after the other, linked; with channels, units, places and times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout, RecordsLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.open_ephys.clock import Part, StreamClock, stream_clock
from seriesview.readers.open_ephys.contents import (
    ITEM_BYTES,
    Content,
    Kind,
    Piece,
    described_channels,
    unit_of,
)
from seriesview.readers.open_ephys.probes import Site, probe_name
from seriesview.readers.open_ephys.settings import Settings, read_settings
from seriesview.readers.open_ephys.wall_clock import acquisition_start
from seriesview.readers.protocol import Channel, Decision, ReadOptions
from seriesview.readers.sample_types import checked_rate, describe, make_channels

_DTYPE = np.dtype("<i2")
_TYPES: dict[Kind, str] = {"ADC": "ADC", "AUX": "MISC", "SYNC": "TRIG"}


def layout_of(piece: Piece, channels: tuple[int, ...]) -> ContiguousLayout | RecordsLayout:
    """Where the chosen channels of one recording lie."""
    row = ITEM_BYTES * piece.width
    if len(channels) == piece.width:
        return ContiguousLayout(piece.path, _DTYPE, piece.rows, piece.width, 0, row, ITEM_BYTES)
    offsets = tuple(ITEM_BYTES * channel for channel in channels)
    return RecordsLayout(piece.path, _DTYPE, piece.rows, 0, row, 1, offsets)


def clock_of(pieces: Sequence[Piece]) -> StreamClock:
    """The clock of a stream over its recordings."""
    return stream_clock([Part(piece.rows, piece.files) for piece in pieces], pieces[0].stream.rate)


class StreamRecording(LaidOutRecording):
    """Channels of one kind of a stream, over the recordings of an experiment."""

    def __init__(self, path: Path, content: Content, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: a stream is continuous, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError(
                "timestamps: a stream has its own; set `sampling_frequency` to count samples instead",
                file=path,
            )
        folder = content.pieces[0].opened.folder
        settings = read_settings(folder.settings_of_probes)
        clock = clock_of(content.pieces)
        self.type = "continuous"
        self.path = path
        self.dtype = np.dtype(np.int16)
        self.num_samples = sum(piece.rows for piece in content.pieces)
        self.sampling_frequency = clock.line.rate if clock.line else None
        self.segments = clock.segments or None
        self.start_time = clock.segments[0].start_time if clock.segments else 0.0
        self._clock = clock
        layouts = tuple(layout_of(piece, content.channels) for piece in content.pieces)
        self.layout = layouts[0] if len(layouts) == 1 else FilesLayout(layouts)
        self.files = _files(content)
        self.label = content.label
        self.clock = content.label if content.shared and not clock.synchronized else None
        self.session_start = acquisition_start(content.anchor)
        said = [each for piece in content.pieces for each in piece.said]
        if len(content.pieces) > 1:
            names = ", ".join(piece.opened.folder.path.name for piece in content.pieces)
            said.append(Decision(f"{names} are one series: their sample numbers go on"))
        if settings.probes and folder.settings_of_probes != folder.settings and content.kind == "electrode":
            text = f"positions from {folder.settings_of_probes.name}, as {folder.settings.name} is not there"
            said.append(Decision(text, is_guess=True))
        self._describe_channels(content, settings, options, said)
        self.decisions = tuple(dict.fromkeys([*clock.decisions, *said]))
        describe(self, options)
        rate = checked_rate(options.sampling_frequency, path)
        if rate is not None:
            self.sampling_frequency, self.segments = rate, None
        self._samples = SampleFile(self.layout)

    def _describe_channels(
        self, content: Content, settings: Settings, options: ReadOptions, said: list[Decision]
    ) -> None:
        described = [described_channels(content.pieces[0])[at] for at in content.channels]
        units = [unit_of(each) for each in described]
        common = units[0] if len(set(units)) == 1 else ""
        self.unit = common
        if content.kind != "SYNC" and any(each.bit_volts is None for each in described):
            self.scale_problem = (
                "structure.oebin says 0 or nothing of what a step is (bit_volts); set `scale`"
            )
        sites: dict[int, Site] = {}
        if content.kind == "electrode":
            sites = _placed(content.pieces[0], [each.name for each in described], settings, said)
        kind = _TYPES.get(content.kind) or ("LFP" if content.role == "lfp" else None)
        named = make_channels(len(described), options, self.path, [each.name for each in described])
        channels = []
        for at, (channel, each, unit) in enumerate(zip(named, described, units, strict=True)):
            site = sites.get(at)
            channels.append(
                Channel(
                    id=str(content.channels[at]),
                    label=channel.label,
                    unit=None if unit == common else unit,
                    scale=1.0 if each.bit_volts is None else each.bit_volts,
                    group=site.shank if site else None,
                    x=site.x if site else None,
                    y=site.y if site else None,
                    type=kind,
                    sample_shift=site.sample_shift if site and kind is None else None,
                )
            )
        self.channels = tuple(channels)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Seconds (last_sample - first_sample,) where they are not those of a rate."""
        return self._clock.timestamps(first_sample, last_sample)


def _files(content: Content) -> tuple[Path, ...]:
    folder = content.pieces[0].opened.folder
    found = [folder.settings, folder.settings_of_probes]
    for piece in (*content.pieces, *([content.anchor] if content.anchor else [])):
        found += [
            piece.opened.description,
            *piece.files.paths,
            piece.opened.folder.path / "sync_messages.txt",
        ]
    return tuple(path for path in dict.fromkeys(found) if path.is_file())


def _placed(piece: Piece, names: list[str], settings: Settings, said: list[Decision]) -> dict[int, Site]:
    """Sites of a probe's channels, by their place in the series: by the numbers in their names, CH1 being the first."""
    if settings.problem is not None:
        said.append(Decision(settings.problem))
    folder = piece.stream.folder.rpartition("-")[2]
    sites = settings.probes.get(probe_name(piece.stream.name)) or settings.probes.get(folder)
    if not sites:
        return {}
    numbers = [re.search(r"(\d{1,6})$", name) for name in names]
    if not all(numbers):
        said.append(Decision("positions are left out: channels have no numbers", is_guess=True))
        return {}
    counted = [int(number[1]) for number in numbers if number is not None]
    first = 0 if 0 in counted else 1
    found = {at: sites[number - first] for at, number in enumerate(counted) if number - first in sites}
    if len(found) < len(names):
        words = (
            f"positions of {len(names) - len(found)} channels are not in "
            f"{piece.opened.folder.settings_of_probes.name}"
        )
        said.append(Decision(words, is_guess=True))
    return found
