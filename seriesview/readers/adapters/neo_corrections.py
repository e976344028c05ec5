"""What neo's raw readers leave open or say otherwise than the formats' descriptions, mended here by format."""

from __future__ import annotations

import contextlib
import itertools
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from xml.etree import ElementTree

import numpy as np

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout
from seriesview.readers.adapters import neo_axon, neo_neuralynx
from seriesview.readers.adapters.mapped import piece_in_file
from seriesview.readers.adapters.neo_formats import NeoFormat
from seriesview.readers.extras import is_installed
from seriesview.readers.protocol import Decision

_MOST_CHANNELS = 16384

IN_UTC = frozenset({"BlackrockRawIO"})
"""Formats whose dates are in UTC (NEV file specification: Time Origin)."""

NEEDED = {"CedRawIO": "sonpy", "MedRawIO": "dhn_med_py", "NIXRawIO": "nixio", "MEArecRawIO": "MEArec"}
"""Packages that a raw reader needs beside neo."""

UNITS = {"PlexonRawIO": "mV"}
"""Units that neo leaves empty: Plexon's SlowMaxMagnitudeMV is in mV at the electrode."""

_TDT_UNIT = Decision(
    "TDT does not say the unit of its stores: uV, as neo takes them, where they may be V (`scale: 1e6`)",
    is_guess=True,
)

_NO_TIMES = Decision("it has no times of sweeps; they are laid one after another", is_guess=True)

_INTAN_NAME = re.compile(r"_\d{6}_\d{6}$", re.ASCII)

Pieces = list[tuple[int, int, int, float]]
"""Segment of neo's, first sample in it, samples, time of the first one in seconds."""


class Opened(Protocol):
    """A recording that neo has opened, as `neo_file` holds it."""

    path: Path
    format: NeoFormat
    raw: Any
    notes: list[Decision]

    @property
    def header(self) -> dict[str, Any]:
        """What neo read of the header."""
        ...

    def channels_of(self, stream: int) -> Any:
        """neo's records of the channels of a stream."""
        ...

    def rate_of(self, stream: int) -> float:
        """Sampling frequency in Hz."""
        ...


def check(path: Path, found: NeoFormat) -> None:
    """Raise ReaderError where a format needs what is not there, before neo looks for it (or downloads it)."""
    if found.rawio == "Plexon2RawIO":
        folder = Path.home() / ".plexon_dlls_for_neo"
        if not any(folder.glob("PL2FileReader*.dll")):
            raise ReaderError(
                f"PL2 files are read by Plexon's own library alone, which is not in {folder}; "
                "export it to .plx with Plexon's PlexUtil or Offline Sorter, or put PL2FileReader.dll there",
                file=path,
            )
    if found.rawio == "NeuroScopeRawIO":
        text = _text_of(path.with_suffix(".xml"), "acquisitionSystem/nChannels")
        if text is not None and not (text.isdecimal() and int(text[:9]) <= _MOST_CHANNELS):
            raise ReaderError(f"nChannels in {path.stem}.xml is {text[:20]}, which cannot be", file=path)
    package = NEEDED.get(found.rawio)
    if package is not None and not is_installed(package):
        raise ReaderError(
            f"{found.name} files of this kind need {package}", advice=f"pip install {package}", file=path
        )


def rate_of(file: Opened, rate: float) -> float:
    """Of NeuroScope's .lfp and .eeg files: the rate of field potentials, where neo gives that of the .dat file."""
    data = Path(file.raw.data_file_path) if file.format.rawio == "NeuroScopeRawIO" else None
    if data is None or data.suffix.lower() not in (".lfp", ".eeg"):
        return rate
    text = _text_of(Path(file.raw.xml_file_path), "fieldPotentials/lfpSamplingRate")
    try:
        return float(text) if text is not None else rate
    except ValueError:
        return rate


def _text_of(header: Path, place: str) -> str | None:
    """What stands at a place of an XML header; None where nothing does."""
    try:
        return ElementTree.parse(header).findtext(place)
    except (OSError, ValueError, LookupError, ElementTree.ParseError):
        return None


def start_of(file: Opened) -> datetime | None:
    """Of Neuralynx: when its files were opened; of Blackrock without .nev: what an .nsX says; of TDT: its index."""
    if file.format.rawio == "BlackrockRawIO":
        return next((_date(each) for each in file.raw._nsx_basic_header.values()), None)
    if file.format.rawio == "TdtRawIO":
        return _utc(float(file.raw._global_t_start))
    if file.format.rawio == "IntanRawIO":
        return _named(file)
    if file.format.rawio != "NeuralynxRawIO":
        return None
    headers = list(getattr(file.raw, "file_headers", {}).values())
    dates = [each.get("recording_opened") for each in headers]
    opened = [each for each in dates if isinstance(each, datetime)]
    if not opened:
        return None
    file.notes.append(Decision("begun when its files were opened; samples may have come a little later"))
    return min(opened)


def _named(file: Opened) -> datetime | None:
    """When Intan's program began a file or folder, as it calls them: NAME_240131_235959; local time."""
    path = file.path.absolute()
    for name in (path.stem, path.parent.name if path.is_file() else path.name):
        match = _INTAN_NAME.search(name)
        with contextlib.suppress(ValueError):
            if match is not None:
                found = datetime.strptime(match[0], "_%y%m%d_%H%M%S")
                file.notes.append(Decision(f"begun as its name {name} says, by the computer's clock"))
                return found
    return None


def _utc(seconds: float) -> datetime | None:
    """Seconds since 1970."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def whole_milliseconds(moment: datetime) -> datetime:
    """Without the last digits of what was computed from milliseconds."""
    nearest = moment + timedelta(microseconds=round(moment.microsecond, -3) - moment.microsecond)
    return nearest if abs(nearest - moment) <= timedelta(microseconds=2) else moment


def raw_reader(kind: Any, found: NeoFormat) -> Any:
    """The class that reads a format: neo's own, or one that needs less memory."""
    return neo_neuralynx.bounded(kind) if found.rawio == "NeuralynxRawIO" else kind


def after_header(raw: Any, found: NeoFormat) -> None:
    """Mend what a raw reader has understood of a header, before anything is read."""
    if found.rawio == "IntanRawIO" and getattr(raw, "file_format", "") == "one-file-per-channel":
        _order_files(raw)


def _order_files(raw: Any) -> None:
    """Of Intan's files of one channel each: as the channels come, where neo takes some as the folder lists them."""
    channels = raw.header["signal_channels"]
    for stream in raw.header["signal_streams"]:
        files = raw._raw_data.get(stream["name"])
        ids = [
            re.sub("_(DC|STIM)$", "", str(each))
            for each in channels[channels["stream_id"] == stream["id"]]["id"]
        ]
        if not isinstance(files, list) or len(files) != len(ids):
            continue
        known = [next((file for file in files if _is_of(file, each)), None) for each in ids]
        if all(file is not None for file in known):
            raw._raw_data[stream["name"]] = known


def _is_of(file: Any, channel: str) -> bool:
    """Whether a mapped file is called after a channel: amp-A-000.dat, board-DIGITAL-IN-01.dat."""
    return Path(getattr(file, "filename", None) or "").stem.endswith(f"-{channel}")


def unit_of(file: Opened, unit: str) -> str:
    """neo's unit of a channel, or what it leaves out; says once where a format does not tell it."""
    rawio = file.format.rawio
    if rawio == "MicromedRawIO" and unit == "1":
        return "V"
    if rawio == "TdtRawIO" and _TDT_UNIT not in file.notes:
        file.notes.append(_TDT_UNIT)
    return unit or UNITS.get(rawio, "")


def _date(header: Any) -> datetime | None:
    fields = ("year", "month", "day", "hour", "minute", "second", "millisecond")
    if not set(fields) <= set(header.dtype.names):
        return None
    year, month, day, hour, minute, second, milliseconds = (int(header[each]) for each in fields)
    try:
        return datetime(year, month, day, hour, minute, second, milliseconds * 1000)
    except ValueError:
        return None


def stretches_of(file: Opened, block: int, stream: int) -> Pieces | None:
    """Of formats whose pauses neo passes over: where the samples stand in time; None where neo says so itself."""
    if file.format.rawio == "PlexonRawIO":
        return _of_plexon(file, stream)
    if file.format.rawio == "NeuroExplorerRawIO":
        return _of_neuroexplorer(file, stream)
    if file.format.rawio == "AxonRawIO":
        size = int(file.raw.get_signal_size(block, 0, stream))
        found = neo_axon.sweeps_without_times(file.raw._axon_info, size, file.rate_of(stream))
        if found is not None and _NO_TIMES not in file.notes:
            file.notes.append(_NO_TIMES)
        return found
    return None


def spike_count(file: Opened, block: int, segment: int, unit: int) -> int:
    """Spikes of a unit in a segment; of NIX neo says 0 however many it gives."""
    if file.format.rawio == "NIXRawIO":
        return len(file.raw.get_spike_timestamps(block, segment, unit, None, None))
    return int(file.raw.spike_count(block, segment, unit))


def instants_of(file: Opened) -> list[tuple[float, str]] | None:
    """Times in seconds and texts of events that neo gives at other times; None where it gives them right."""
    if file.format.rawio != "AxonRawIO":
        return None
    return neo_axon.tags(file.path, file.raw._axon_info, file.rate_of(0))


def _of_plexon(file: Opened, stream: int) -> Pieces:
    """Of the data blocks of the first channel, whose timestamps count at the file's own frequency."""
    channel = int(file.channels_of(stream)["id"][0])
    blocks = file.raw._data_blocks[5][channel]
    starts = np.asarray(blocks["timestamp"], np.float64) / float(file.raw._global_ssampling_rate)
    return _pieces(starts, np.asarray(blocks["size"]) // 2, file.rate_of(stream))


def _of_neuroexplorer(file: Opened, stream: int) -> Pieces:
    """Of a continuous variable: times of its fragments, then the index of each one's first sample (int32 each)."""
    entity = file.raw._entity_headers[int(file.channels_of(stream)["id"][0])]
    count, offset = int(entity["n"]), int(entity["offset"])
    table = np.asarray(file.raw._memmap[offset : offset + 8 * count].view("<i4"), np.int64)
    firsts = table[count:]
    total = int(entity["NPointsWave"])
    if count < 1 or len(table) != 2 * count or firsts[0] != 0 or (np.diff(firsts, append=total) < 0).any():
        raise ReaderError("the fragments of its signals lie outside of it", file=file.path)
    starts = table[:count] / float(file.raw.global_header["freq"])
    return _pieces(starts, np.diff(firsts, append=total), file.rate_of(stream))


def _pieces(starts: Any, lengths: Any, rate: float) -> Pieces:
    """Runs of pieces that follow one another without a gap of more than a sample."""
    firsts = np.concatenate([[0], np.cumsum(lengths)])
    ends = starts + lengths / rate
    begins = np.flatnonzero(np.concatenate([[True], np.abs(starts[1:] - ends[:-1]) > 1.5 / rate]))
    bounds = [*begins.tolist(), len(starts)]
    return [
        (0, int(firsts[a]), int(firsts[b] - firsts[a]), float(starts[a]))
        for a, b in itertools.pairwise(bounds)
    ]


def plain_piece(file: Opened, segment: int, stream: int) -> ContiguousLayout | None:
    """Of Blackrock: where the samples of a segment lie, which neo maps anew for each chunk."""
    if file.format.rawio != "BlackrockRawIO":
        return None
    number = int(file.header["signal_streams"][stream]["id"])
    found = file.raw._nsx_data_header[number][segment]["memmap_kwargs"]
    dtype, channels = np.dtype(found["dtype"]), len(file.channels_of(stream))
    row = found.get("packet_size")
    return piece_in_file(
        path=Path(found["filename"]),
        dtype=dtype,
        num_samples=int(found["num_samples"]),
        num_channels=channels,
        offset=int(found["offset"]) + (0 if row is None else int(found.get("item_offset", 0))),
        row_stride=dtype.itemsize * channels if row is None else int(row),
        channel_stride=dtype.itemsize,
    )


def chunk_of(file: Opened, block: int, segment: int, begin: int, end: int, stream: int) -> Any:
    """Samples [begin, end) of a segment, (n, C), as neo gives them."""
    return file.raw.get_analogsignal_chunk(block, segment, begin, end, stream)


def clean(text: str) -> str:
    """A label without the filling of fixed fields."""
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()
