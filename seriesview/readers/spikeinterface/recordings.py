"""Folders that `recording.save(format="binary")` writes: raw files, linked, described by `binary.json`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.companions import number_of, read_json, text_of
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.npy_arrays import read_array
from seriesview.readers.protocol import Channel, Decision, ReadOptions, Role, Segment
from seriesview.readers.sample_types import checked_rate, describe, make_channels, parse_dtype
from seriesview.readers.spikeinterface.probes import places_of_probes

BINARY = "binary.json"
_MOST_CHANNELS = 1 << 16
_MOST_SEGMENTS = 100_000
_FASTEST_LFP = 5000.0


@dataclass(frozen=True)
class SavedSegment:
    """The samples of one segment, when it begins (None: it does not say), and the file of its times."""

    layout: ContiguousLayout
    start_time: float | None
    times: Path | None


@dataclass(frozen=True)
class SavedRecording:
    """What a folder holds; gains and offsets lead to microvolts."""

    folder: Path
    rate: float
    segments: tuple[SavedSegment, ...]
    channel_ids: tuple[str, ...]
    properties: dict[str, npt.NDArray[Any]]
    places: list[tuple[float, float, str | None] | None]
    files: tuple[Path, ...]
    said: tuple[Decision, ...]

    @property
    def role(self) -> Role:
        """By its rate: streams of a wide band are sampled faster."""
        return "spike-band" if self.rate >= _FASTEST_LFP else "lfp"

    @property
    def is_one_series(self) -> bool:
        """Whether its segments follow one another on one clock."""
        starts = [each.start_time for each in self.segments]
        if len(starts) == 1:
            return True
        end = -np.inf
        for each in self.segments:
            if each.start_time is None or each.times is not None or each.start_time < end:
                return False
            end = each.start_time + each.layout.num_samples / self.rate
        return True


def read_saved(folder: Path) -> SavedRecording:
    """Read `binary.json` and what lies beside it. Raises ReaderError."""
    path = folder / BINARY
    document = read_json(path)
    said: list[Decision] = []
    keys = document.get("kwargs")
    if not isinstance(keys, dict) or not str(document.get("class", "")).endswith("BinaryRecordingExtractor"):
        raise ReaderError(
            "not of samples in raw files; load it in Python, `spikeinterface.load`, and give it to `seriesview.show`",
            file=path,
        )
    rate = checked_rate(number_of(keys.get("sampling_frequency")), path)
    if rate is None:
        raise ReaderError("sampling_frequency: it says none", file=path)
    count = number_of(keys.get("num_channels", keys.get("num_chan")))
    if count is None or count != int(count) or not 0 < count <= _MOST_CHANNELS:
        raise ReaderError(
            f"num_channels: {keys.get('num_channels')!r:.50} is no number of channels", file=path
        )
    channels = int(count)
    dtype = parse_dtype(str(keys.get("dtype"))[:20], (str(path),))
    names = keys.get("file_paths", keys.get("files_path"))
    listed = [names] if isinstance(names, str) else names
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST_SEGMENTS:
        raise ReaderError("file_paths: it names no files", file=path)
    starts = keys.get("t_starts")
    offset = number_of(keys.get("file_offset")) or 0.0
    segments = []
    for number, name in enumerate(listed):
        file = _beside(folder, name, path, said)
        layout = _layout(file, dtype, channels, int(offset), keys.get("time_axis") == 1, said)
        start = number_of(starts[number]) if isinstance(starts, list) and number < len(starts) else None
        times = [folder / f"times_cached_seg{number}.{suffix}" for suffix in ("npy", "raw")]
        segments.append(SavedSegment(layout, start, next((each for each in times if each.is_file()), None)))
    ids = keys.get("channel_ids")
    named = ids if isinstance(ids, list) and len(ids) == channels else range(channels)
    probe = next(
        (each for name in ("probegroup.json", "probe.json") if (each := folder / name).is_file()), None
    )
    places: list[tuple[float, float, str | None] | None] = [None] * channels
    if probe is not None:
        try:
            places = places_of_probes(read_json(probe), channels)
        except ReaderError as error:
            said.append(Decision(f"{probe.name} is not used: {error.reason}", is_guess=True))
    properties, files = _properties(folder / "properties", channels, said)
    for name in ("gain_to_uV", "offset_to_uV"):
        given = keys.get(name)
        if name not in properties and isinstance(given, list) and len(given) == channels:
            numbers = [number_of(each) for each in given]
            if None not in numbers:
                properties[name] = np.array(numbers, np.float64)
    decides = (path, *([probe] if probe else []), *files, *(each.times for each in segments if each.times))
    return SavedRecording(
        folder,
        rate,
        tuple(segments),
        tuple(text_of(each) for each in named),
        properties,
        places,
        decides,
        tuple(dict.fromkeys(said)),
    )


def _beside(folder: Path, name: Any, path: Path, said: list[Decision]) -> Path:
    """The file that is named, in the folder itself: absolute paths are those of where it was saved."""
    if not isinstance(name, str) or "\0" in name:
        raise ReaderError("file_paths: these are no names of files", file=path)
    own = folder / PurePath(name.replace("\\", "/")).name
    try:
        found = own.resolve(strict=True)
    except OSError as error:
        raise ReaderError(f"{own.name}: {error.strerror}; put it beside {path.name}", file=path) from error
    if not found.is_file() or not found.is_relative_to(folder.resolve()):
        raise ReaderError(f"{own.name}: leads out of the folder; name that file", file=path)
    if PurePath(name).is_absolute() and Path(name) != own:
        said.append(Decision(f"{own.name} is that beside {path.name}, which names {name[:200]}"))
    return own


def _layout(
    file: Path, dtype: np.dtype[Any], channels: int, offset: int, by_channel: bool, said: list[Decision]
) -> ContiguousLayout:
    row = dtype.itemsize * channels
    rows, left_over = divmod(max(0, file.stat().st_size - offset), row)
    if offset < 0 or rows == 0:
        raise ReaderError("no samples in it", file=file)
    if left_over:
        if by_channel:
            raise ReaderError("cut off, so that its channels cannot be told apart; save it again", file=file)
        said.append(
            Decision(
                f"{file.name} was cut off: the last {left_over} bytes are no whole sample", is_warning=True
            )
        )
    strides = (dtype.itemsize, dtype.itemsize * rows) if by_channel else (row, dtype.itemsize)
    return ContiguousLayout(file, dtype, rows, channels, offset, *strides)


def _properties(
    folder: Path, channels: int, said: list[Decision]
) -> tuple[dict[str, npt.NDArray[Any]], tuple[Path, ...]]:
    """Properties that are shown, with a value for each channel, and their files."""
    found: dict[str, npt.NDArray[Any]] = {}
    files: list[Path] = []
    for name in ("gain_to_uV", "offset_to_uV", "group", "location", "channel_name", "channel_names"):
        path = folder / f"{name}.npy"
        if not path.is_file():
            continue
        try:
            values = read_array(path)
            if len(values.shape) == 0 or len(values) != channels:
                raise ReaderError(f"{values.shape}, but there are {channels} channels")
        except ReaderError as error:
            said.append(Decision(f"{path.name} is not used: {error.reason}", is_guess=True))
            continue
        files.append(path)
        found[name] = values
    return found, tuple(files)


class BinaryFolderRecording(LaidOutRecording):
    """Samples of one segment, or of all where they are on one clock."""

    def __init__(self, path: Path, saved: SavedRecording, number: int | None, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: these are continuous, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: what is saved has its own; drop it", file=path)
        segments = saved.segments if number is None else (saved.segments[number],)
        layouts = tuple(each.layout for each in segments)
        self.type = "continuous"
        self.path = path
        self.layout = layouts[0] if len(layouts) == 1 else FilesLayout(layouts)
        self.dtype = self.layout.dtype.newbyteorder("=")
        self.num_samples = self.layout.num_samples
        self.sampling_frequency: float | None = saved.rate
        self.start_time = segments[0].start_time or 0.0
        if len(segments) > 1:
            self.segments = tuple(
                Segment(each.start_time or 0.0, each.layout.num_samples) for each in segments
            )
        self.files = saved.files
        said = list(saved.said)
        self._times = _Times(segments[0]) if segments[0].times is not None else None
        if self._times is not None:
            self.sampling_frequency = None
            said.append(Decision(f"times are those of {self._times.path.name}"))
        self._describe_channels(saved, options, said)
        self.decisions = tuple(said)
        describe(self, options)
        rate = checked_rate(options.sampling_frequency, path)
        if rate is not None:
            self.sampling_frequency, self.segments = rate, None
        self._samples = SampleFile(self.layout)

    def _describe_channels(self, saved: SavedRecording, options: ReadOptions, said: list[Decision]) -> None:
        known = saved.properties
        labels = known.get("channel_name", known.get("channel_names"))
        shown = [text_of(each) for each in (saved.channel_ids if labels is None else labels.tolist())]
        named = make_channels(len(shown), options, self.path, shown)
        gains, offsets = _numbers(known.get("gain_to_uV")), _numbers(known.get("offset_to_uV"))
        if gains is None:
            said.append(Decision("no gains: stored values are shown"))
        else:
            self.unit = "uV"
        groups, locations = known.get("group"), known.get("location")
        channels: list[Channel] = []
        for at, channel in enumerate(named):
            place = saved.places[at]
            if place is None and locations is not None and locations.ndim == 2 and locations.shape[1] >= 2:
                x, y = (number_of(each) for each in locations[at, :2].tolist())
                place = None if x is None or y is None else (x, y, None)
            several = groups is not None and groups.ndim == 1 and len(set(groups.tolist())) > 1
            group = text_of(groups.tolist()[at]) if several and groups is not None else None
            channels.append(
                replace(
                    channel,
                    id=saved.channel_ids[at],
                    scale=None if gains is None else float(gains[at]),
                    offset=None if gains is None or offsets is None else float(offsets[at]),
                    x=place[0] if place else None,
                    y=place[1] if place else None,
                    group=(place[2] if place else None) or group,
                    type="LFP" if saved.role == "lfp" else None,
                )
            )
        if len({channel.id for channel in channels}) < len(channels):
            channels = [replace(channel, id=str(at)) for at, channel in enumerate(channels)]
        self.channels = tuple(channels)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,), where there is a file of them."""
        if self._times is None:
            return super().timestamps(first_sample, last_sample)
        return self._times.read(first_sample, last_sample)


class _Times:
    """Seconds of each sample, float64: a .npy, or raw values."""

    def __init__(self, segment: SavedSegment) -> None:
        assert segment.times is not None
        self.path = segment.times
        offset = self.path.stat().st_size - 8 * segment.layout.num_samples
        if offset < 0:
            raise ReaderError(f"fewer times than {segment.layout.num_samples} samples", file=self.path)
        # The header of a .npy is what stands before the values.
        self._offset = offset if self.path.suffix == ".npy" else 0

    def read(self, first: int, last: int) -> npt.NDArray[np.float64]:
        return np.fromfile(self.path, "<f8", last - first, offset=self._offset + 8 * first).astype(np.float64)


def _numbers(values: npt.NDArray[Any] | None) -> npt.NDArray[np.float64] | None:
    """One finite number for each channel; None where they are none."""
    if values is None or values.dtype.kind not in "iuf" or values.ndim != 1:
        return None
    numbers = values.astype(np.float64)
    return numbers if np.isfinite(numbers).all() else None
