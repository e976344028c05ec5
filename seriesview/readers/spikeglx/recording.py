"""The voltages of a SpikeGLX stream: int16, linked, the digital words behind them left out by the stride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.protocol import Channel, Decision, ReadOptions
from seriesview.readers.sample_types import checked_rate, describe, make_channels
from seriesview.readers.spikeglx.gains import converter_limits, units_and_scales
from seriesview.readers.spikeglx.geometry import Place, files_of_places, places_of, stand_by
from seriesview.readers.spikeglx.meta import Meta, read_meta
from seriesview.readers.spikeglx.names import CONCATENATED, FileName, name_of, parse_name
from seriesview.readers.spikeglx.probes import probe_of
from seriesview.readers.spikeglx.saved import SavedChannel
from seriesview.readers.spikeglx.streams import SAMPLE_BYTES, Stream, StreamFile, meta_paths

_TYPES = {"LF": "LFP", "MA": "ADC", "XA": "ADC"}
_DTYPE = np.dtype("<i2")


class AnalogRecording(LaidOutRecording):
    """Samples (n, C) of the analog channels of a stream."""

    layout: ContiguousLayout | FilesLayout

    def __init__(self, path: Path, stream: Stream, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: {stream.dataset} is a continuous series, not {options.type}", file=path)
        first = stream.first
        analog = first.saved.analog
        self.type = "continuous"
        self.path = path
        self.layout = layout_of(stream, 0, len(analog))
        self.dtype = _DTYPE.newbyteorder("=")
        self.num_samples = stream.num_samples
        self.sampling_frequency = checked_rate(options.sampling_frequency, path) or stream.rate
        self.segments = stream.segments
        self.files = stream.metas
        self.clock = stream.clock
        self.session_start, said = session_start(first)
        self.channels = make_channels(len(analog), options, path, [channel.label for channel in analog])
        self.decisions = (*said, *first.saved.decisions, *stream.decisions)
        self._scale(first.meta, analog)
        if first.meta.type == "imec":
            self.files = (*stream.metas, *files_of_places(first.meta))
            self._place(first.meta, analog)
        describe(self, options)
        self._samples = SampleFile(self.layout)

    def _scale(self, meta: Meta, analog: tuple[SavedChannel, ...]) -> None:
        try:
            scaled = units_and_scales(meta, analog)
            limits = converter_limits(meta)
        except ReaderError as error:
            self.scale_problem = f"{error.reason}; set `scale:` (and `unit: uV`)"
            return
        self.channels = tuple(replace(channel, limits=limits) for channel in self.channels)
        units, scales = {unit for unit, _ in scaled}, {scale for _, scale in scaled}
        self.unit = scaled[0][0] if len(units) == 1 else "V"
        if len(units) == len(scales) == 1:
            self.scale = scaled[0][1]
            return
        self.channels = tuple(
            replace(channel, scale=scale, unit=None if unit == self.unit else unit)
            for channel, (unit, scale) in zip(self.channels, scaled, strict=True)
        )

    def _place(self, meta: Meta, analog: tuple[SavedChannel, ...]) -> None:
        places, said = places_of(meta, analog)
        self.decisions = (*self.decisions, *said)
        off = stand_by(meta)
        known: Sequence[Place | None] = places or [None] * len(analog)
        self.channels = tuple(
            _placed(channel, place, saved.number in off)
            for channel, place, saved in zip(self.channels, known, analog, strict=True)
        )
        bad = [channel.label for channel in self.channels if channel.bad]
        if bad:
            text = f"unused or switched off, so marked bad: {', '.join(bad[:10])}"
            self.decisions = (*self.decisions, Decision(text + (", ..." if len(bad) > 10 else "")))
        probe = None if _is_aligned(meta) else probe_of(meta)
        self.channels = tuple(
            replace(
                channel,
                type=_TYPES.get(saved.kind),
                sample_shift=probe.sample_shift(saved.number) if probe and saved.kind == "AP" else None,
            )
            for channel, saved in zip(self.channels, analog, strict=True)
        )


def _is_aligned(meta: Meta) -> bool:
    """Whether channels were moved to one instant already: CatGT does so where it is not told otherwise."""
    command = meta.get("catGTCmdline0")
    was_run = command is not None or name_of(meta).trigger == CONCATENATED
    return was_run and "-no_tshift" not in (command or "")


def _placed(channel: Channel, place: Place | None, is_off: bool) -> Channel:
    if place is None:
        return replace(channel, bad=is_off)
    return replace(channel, group=place.shank, x=place.x, y=place.y, bad=is_off or not place.is_used)


def layout_of(stream: Stream, first_channel: int, num_channels: int) -> ContiguousLayout | FilesLayout:
    """Where some neighbouring channels of a stream lie."""
    pieces = tuple(
        ContiguousLayout(
            path=piece.file.path,
            dtype=_DTYPE,
            num_samples=piece.num_samples,
            num_channels=num_channels,
            offset=piece.skip * piece.file.row_bytes + first_channel * SAMPLE_BYTES,
            row_stride=piece.file.row_bytes,
            channel_stride=SAMPLE_BYTES,
        )
        for piece in stream.pieces
    )
    return pieces[0] if len(pieces) == 1 else FilesLayout(pieces)


def session_start(file: StreamFile) -> tuple[str | None, tuple[Decision, ...]]:
    """Local time at which the files of one run, gate and trigger began, and what is to be said of it.

    Their streams begin together, though each .bin was created a moment after the other: the earliest stands for all.
    """
    own = _created(file.meta)
    if own is None:
        return None, ()
    times = [own]
    folder = file.meta.path.parent
    if folder.name.startswith(file.name.session + "_"):
        folder = folder.parent
    for path in meta_paths(folder, deepest=1):
        named = parse_name(path.name.removesuffix(".meta"))
        if named is not None and (named.session, _first(named)) != (file.name.session, _first(file.name)):
            continue
        try:
            other = read_meta(path)
        except ReaderError:
            continue
        name, created = name_of(other), _created(other)
        if created is not None and name.session == file.name.session and _first(name) == _first(file.name):
            times.append(created)
    text = (
        "times count from the first sample by this stream's own clock; fileCreateTime is local time, to 1 s"
    )
    return min(times), (Decision(text),)


def _first(name: FileName) -> int | str | None:
    """The trigger with which it begins: CatGT's files do so with the first."""
    return 0 if name.trigger == CONCATENATED else name.trigger


def _created(meta: Meta) -> str | None:
    """fileCreateTime, if it is one: local, without zone."""
    text = meta.get("fileCreateTime")
    try:
        return (
            None
            if text is None
            else datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0).isoformat()
        )
    except ValueError:
        return None
