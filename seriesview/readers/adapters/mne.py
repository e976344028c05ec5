"""Recordings that MNE reads: FIF, EEGLAB, CTF, EGI, KIT and more; float64 in SI units, so the last resort."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.unpacking import put_turned
from seriesview.readers.adapters.foreign import library
from seriesview.readers.adapters.mne_formats import MneFormat, check_tags, files_beside, format_of
from seriesview.readers.adapters.mne_pauses import Piece, pieces_of
from seriesview.readers.extras import imported
from seriesview.readers.in_memory import EventRecording, IntervalRecording
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording, Role, Segment, SeriesType
from seriesview.readers.sample_types import checked_rate, describe, make_channels

_SIGNALS, _ANNOTATIONS = "signals", "annotations"
_SKIP = "BAD_ACQ_SKIP"
# What MNE writes where there is no date, or where it was taken out.
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
# What a file that is kept open may hold in memory.
_KEPT_BYTES = 64 << 20
_MOST_LANES = 32

# MNE's types of channels as BIDS calls them.
_TYPES = {
    **{name: name.upper() for name in ("eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "misc", "resp")},
    **{
        "mag": "MEGMAG",
        "grad": "MEGGRADPLANAR",
        "ref_meg": "MEGREFMAG",
        "stim": "TRIG",
        "temperature": "TEMP",
    },
    **{"gsr": "GSR", "eyegaze": "EYEGAZE", "pupil": "PUPIL", "bio": "MISC", "syst": "SYSCLOCK"},
    **dict.fromkeys(("hbo", "hbr", "fnirs_cw_amplitude", "fnirs_od"), "NIRS"),
}
_IN_MICROVOLTS = frozenset({"eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"})
# FIFF's numbers of units: V, T, T/m, S, C, mol/m3.
_UNITS = {107: "V", 112: "T", 201: "T/m", 110: "S", 117: "C", 6: "M"}
_SCALED = {"T": (1e15, "fT"), "T/m": (1e13, "fT/cm"), "M": (1e6, "uM")}


@dataclass(frozen=True)
class MneFile:
    """A recording that MNE has opened. `files` are those beside `path`, `version` tells whether one has changed."""

    path: Path
    format: MneFormat
    raw: Any
    session_start: str | None
    decisions: tuple[Decision, ...]
    files: tuple[Path, ...]
    pieces: tuple[Piece, ...]
    """What was acquired."""
    version: tuple[tuple[int, int] | None, ...]

    @property
    def rate(self) -> float:
        """Hz."""
        return float(self.raw.info["sfreq"])

    @property
    def start_time(self) -> float:
        """Of the first sample, from the moment that `meas_date` names."""
        return int(self.raw.first_samp) / self.rate


class MneSignals(Recording):
    """All channels of a Raw, float64 (n, C), without what was not acquired."""

    def __init__(self, file: MneFile, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: {_SIGNALS} are continuous, not {options.type}", file=file.path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: the times of its samples stand in the file", file=file.path)
        self.type = "continuous"
        self.path = file.path
        self.dtype = np.dtype(np.float64)
        self._file, self._raw = file, file.raw
        self._pieces = file.pieces
        self._firsts = np.cumsum([0, *(each.end - each.first for each in file.pieces)])
        self.num_samples = int(self._firsts[-1])
        self.sampling_frequency = checked_rate(options.sampling_frequency or file.rate, file.path)
        self.start_time = file.start_time
        if len(file.pieces) > 1 or file.pieces[0].start_time != file.start_time:
            self.segments = tuple(Segment(each.start_time, each.end - each.first) for each in file.pieces)
        self.session_start = file.session_start
        self.preferred_rows = max(1, round(float(self._raw.buffer_size_sec or 0) * file.rate))
        self.files = file.files
        channels = make_channels(len(self._raw.ch_names), options, file.path, self._raw.ch_names)
        own = _described(self._raw)
        for name in ("unit", "scale"):
            values = {each[name] for each in own}
            if len(values) == 1:
                setattr(self, name, values.pop())
                own = [{key: value for key, value in each.items() if key != name} for each in own]
        self.channels = tuple(replace(channel, **more) for channel, more in zip(channels, own, strict=True))
        describe(self, options)
        self.decisions = file.decisions
        segment = getattr(self._raw, "_read_segment", None)
        known = () if segment is None else signature(segment).parameters
        self._fills_rows = file.format.function == "fif" and not self._raw.preload and "data_buffer" in known

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        filled = 0
        with library("mne", self.path):
            while filled < len(out):
                position = first_sample + filled
                number = int(np.searchsorted(self._firsts, position, side="right")) - 1
                begin = self._pieces[number].first + position - int(self._firsts[number])
                count = min(len(out) - filled, self._pieces[number].end - begin)
                self._fill(begin, out[filled : filled + count])
                filled += count

    def _fill(self, begin: int, out: npt.NDArray[np.float64]) -> None:
        if self._fills_rows:
            # Samples of FIF are rows; MNE turns them, except into memory of which they are rows, too.
            out[...] = 0
            values = self._raw._read_segment(begin, begin + len(out), data_buffer=out.T)
        else:
            values = self._raw.get_data(start=begin, stop=begin + len(out))
        if not np.may_share_memory(values, out):
            put_turned(out, values.T)


def _pieces(path: Path, raw: Any, notes: list[Decision]) -> tuple[Piece, ...]:
    """What was acquired, without the stretches in which nothing was, for which MNE gives zeros. Raises ReaderError."""
    rate, first_sample, total = float(raw.info["sfreq"]), int(raw.first_samp), int(raw.n_times)
    told, said = pieces_of(path, total, rate, raw.info["meas_date"])
    if told:
        notes += said
        return tuple(told)
    skips = []
    annotations = raw.annotations
    for onset, duration, text in zip(
        annotations.onset, annotations.duration, annotations.description, strict=True
    ):
        if str(text).upper() == _SKIP:
            begin = round(float(onset) * rate) - first_sample
            skips.append((max(0, begin), min(total, begin + round(float(duration) * rate))))
    kept, position = [], 0
    for begin, end in [*sorted(skips), (total, total)]:
        if begin > position:
            kept.append(Piece(position, begin, (first_sample + position) / rate))
        position = max(position, end)
    if not kept:
        raise ReaderError("nothing was acquired in it", file=path)
    return tuple(kept)


def _described(raw: Any) -> list[dict[str, Any]]:
    """Unit, scale, type and state of each channel: microvolts, femtotesla, else the unit that MNE gives values in."""
    bad = set(raw.info["bads"])
    found = []
    for channel, kind in zip(raw.info["chs"], raw.get_channel_types(), strict=True):
        unit = "" if kind == "stim" else _UNITS.get(int(channel["unit"]), "")
        scale, unit = (
            (1e6, "uV") if kind in _IN_MICROVOLTS and unit == "V" else _SCALED.get(unit, (1.0, unit))
        )
        known = {
            "unit": unit,
            "scale": scale,
            "type": _TYPES.get(kind, "MISC"),
            "bad": channel["ch_name"] in bad,
        }
        found.append(known)
    return found


def _open_annotations(file: MneFile, options: ReadOptions) -> Recording:
    """Annotations, at seconds from the same moment as the samples: intervals, or a lane for each of few labels."""
    onsets, durations, labels = _annotations(file)
    recording: Recording
    if (durations > 0).any() or len(set(labels)) > _MOST_LANES:
        recording = IntervalRecording(
            file.path, np.column_stack([onsets, onsets + durations]), labels, options
        )
    else:
        distinct = sorted(set(labels))
        indices = np.array([distinct.index(each) for each in labels], np.uint32)
        recording = EventRecording(file.path, onsets, indices, distinct, options)
    recording.session_start = options.session_start or file.session_start
    recording.files = file.files
    recording.decisions = file.decisions
    return recording


def _annotations(file: MneFile) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], list[str]]:
    """Onsets and durations in seconds, and texts; what only marks a gap is left out."""
    annotations = file.raw.annotations
    chosen = [number for number, text in enumerate(annotations.description) if str(text).upper() != _SKIP]
    onsets = np.asarray(annotations.onset, np.float64)[chosen]
    # MNE counts without the pauses that stand beside the samples.
    samples = np.round((onsets - file.start_time) * file.rate, 6)
    number = np.maximum(np.searchsorted([each.first for each in file.pieces], samples, side="right") - 1, 0)
    onsets += [
        file.pieces[each].start_time - file.start_time - file.pieces[each].first / file.rate
        for each in number
    ]
    durations = np.maximum(np.asarray(annotations.duration, np.float64)[chosen], 0)
    return onsets, durations, [" ".join(str(annotations.description[each]).split()) or "?" for each in chosen]


class MneReader:
    """Reader of what MNE knows and the package does not read itself, by an allow-list of formats."""

    name = "mne"
    reads_folders = True

    def can_read(self, path: Path) -> bool:
        """Whether the file or folder is of a format on the list, by suffix and signature."""
        return format_of(path) is not None

    def candidates(self, path: Path) -> list[Candidate]:
        """All channels as one dataset, and the annotations where there are any."""
        file = _opened(path)
        with library("mne", path):
            rows = sum(each.end - each.first for each in file.pieces)
            shape, options = (rows, len(file.raw.ch_names)), {"dataset": _SIGNALS}
            found = [
                Candidate(_SIGNALS, "continuous", "float64", shape, file.rate, None, options, role="eeg")
            ]
            _, durations, labels = _annotations(file)
            if labels:
                lasts = bool((durations > 0).any())
                kind: SeriesType = "interval" if lasts or len(set(labels)) > _MOST_LANES else "event"
                role: Role = "annotations" if lasts else "markers"
                options = {"dataset": _ANNOTATIONS}
                found.append(
                    Candidate(_ANNOTATIONS, kind, "float64", (len(labels),), None, None, options, role=role)
                )
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the channels (`signals`, the default) or the `annotations`; raises ReaderError."""
        if options.dataset not in (None, _SIGNALS, _ANNOTATIONS):
            raise ReaderError(
                f"dataset: there is no {options.dataset!r}; there are {_SIGNALS} and {_ANNOTATIONS}",
                file=path,
            )
        file = _opened(path)
        with library("mne", path):
            return (
                _open_annotations(file, options)
                if options.dataset == _ANNOTATIONS
                else MneSignals(file, options)
            )


# Who lists a file opens what is in it next, and MNE may take seconds to read its header.
_last: list[MneFile] = []


def _opened(path: Path) -> MneFile:
    """The file as MNE opens it; the last one is opened once. Raises ReaderError."""
    for known in _last:
        if known.path == path and known.version == _version(path, known.files):
            return known
    _last.clear()
    found = format_of(path)
    if found is None:
        raise ReaderError("no file or folder of a format that is read through MNE", file=path)
    module = imported("mne.io", extra="mne", file=path)
    if found.needs is not None:
        imported(found.needs, extra="mne", file=path)
    read = getattr(module, f"read_raw_{found.function}", None)
    if read is None:
        raise ReaderError(
            f"{found.name} files need a newer MNE", advice="pip install --upgrade mne", file=path
        )
    if found.function == "fif":
        check_tags(path)
    notes: list[Decision] = []
    with library("mne", path, notes, found.advice):
        words = {"preload": False} if found.is_lazy else {}
        raw = read(str(found.target(path)), verbose="WARNING", **words, **found.arguments(path))
        if not (raw.info["sfreq"] > 0 and raw.n_times > 0 and raw.ch_names):
            raise ReaderError("there are no samples in it", file=path)
        parts = [Path(each) for each in raw.filenames if each is not None]
        there = [each for each in parts if each != path and each.is_file()]
        files = tuple(dict.fromkeys([*files_beside(path), *there]))
        pieces = _pieces(path, raw, notes)
        start = _session_start(raw.info["meas_date"], found.knows_zone, notes)
    file = MneFile(path, found, raw, start, tuple(notes), files, pieces, _version(path, files))
    if not raw.preload or raw.n_times * len(raw.ch_names) * 8 <= _KEPT_BYTES:
        _last.append(file)
    return file


def _version(path: Path, files: tuple[Path, ...]) -> tuple[tuple[int, int] | None, ...]:
    """Size and time of change of each file that decides what is read, those that came meanwhile too."""
    found: list[tuple[int, int] | None] = []
    for each in dict.fromkeys([path, *files_beside(path), *files]):
        try:
            status = each.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_size, status.st_mtime_ns))
    return tuple(found)


def _session_start(moment: Any, knows_zone: bool, notes: list[Decision]) -> str | None:
    """The recording's date, without a zone where the format has none; what stands for none is noted."""
    if not isinstance(moment, datetime) or not 1900 < moment.year < 2200:
        return None
    if moment == _NO_DATE or moment < datetime(1970, 1, 2, tzinfo=UTC):
        notes.append(Decision(f"its date is the beginning of {moment.year}, which stands for none"))
        return None
    return (moment if knows_zone else moment.replace(tzinfo=None)).isoformat()
