"""MaxOne and MaxTwo of MaxWell Biosystems (.raw.h5, .h5): the electrodes of every well and recording, and spikes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.hdf5.extent import whole
from seriesview.readers.hdf5.file import child, child_dataset, names, naming, open_hdf5, readable
from seriesview.readers.hdf5.reach import reach_of
from seriesview.readers.hdf5.recording import Hdf5Recording, Sources
from seriesview.readers.hdf5.samples import missing_filter, samples_problem
from seriesview.readers.hdf5.scaling import Scaling
from seriesview.readers.in_memory import EventRecording
from seriesview.readers.offers import Offer, open_offer
from seriesview.readers.protocol import Candidate, Channel, Decision, ReadOptions, Recording, Segment
from seriesview.readers.sample_types import make_channels
from seriesview.readers.signatures import is_hdf5
from seriesview.readers.stretches import find_stretches

_OLD_RATE = 20000.0
_OLD_GAIN = 512
_RANGE_VOLTS, _STEPS = 3.3, 1024
_MOST_WELLS = 10_000
_MOST_CHANNELS = 1 << 16
_MAXWELLS_FILTER = 401


@dataclass(frozen=True)
class _Array:
    """One recording of one well: where its samples (channels, n), settings and frame numbers are."""

    name: str
    samples: h5py.Dataset
    settings: h5py.Group
    mapping: h5py.Dataset
    group: h5py.Group | None = None
    is_old: bool = False


class _Frames:
    """Frame numbers in an HDF5 dataset, read in parts."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        """Values [first, last)."""
        values: npt.NDArray[Any] = self._dataset[first:last]
        return values

    def at(self, index: int) -> Any:
        """One value."""
        return self._dataset[index]


class MaxWellRecording(Hdf5Recording):
    """Samples (n, C) of the electrodes that were routed, with their places on the array in micrometres."""

    def __init__(self, path: Path, file: h5py.File, array: _Array, options: ReadOptions) -> None:
        rate = _setting(array, "sampling") or (_OLD_RATE if array.is_old else None)
        sources = Sources(
            str(array.samples.name),
            array.samples,
            rate=options.sampling_frequency or rate,
            scaling=_scaling(array),
            session_start=_began(array),
            order="F",
        )
        super().__init__(path, file, sources, replace(options, channel_labels=None))
        rows, electrodes = _electrodes(path, array, self.num_channels)
        labels = [f"ch{each['channel']} elec{each['electrode']}" for each in electrodes]
        channels = make_channels(len(rows), options, path, labels)
        self.channels = tuple(
            _placed(replace(self.channels[row], label=channel.label, id=channel.id), each)
            for row, channel, each in zip(rows.tolist(), channels, electrodes, strict=True)
        )
        self._rows = None
        self._width = array.samples.shape[0]
        if not np.array_equal(rows, np.arange(self._width)):
            self._rows, self.layout = rows, None
            left_out = self._width - len(rows)
            self.decisions += (Decision(f"{left_out} rows that no electrode was routed to are left out"),)
        self._gaps(array)

    def _gaps(self, array: _Array) -> None:
        numbers = None if array.group is None else child_dataset(array.group, "frame_nos")
        if numbers is None or numbers.shape != (self.num_samples,) or self.sampling_frequency is None:
            return
        if missing_filter(numbers) is not None or samples_problem(numbers) is not None:
            return
        found = find_stretches(_Frames(numbers), self.num_samples)
        if found is None:
            text = "frame_nos is not used: its numbers repeat, go back or jump all the time"
            self.decisions += (Decision(text, is_guess=True),)
        elif len(found) > 1:
            origin = found[0].first_number
            self.segments = tuple(
                Segment((each.first_number - origin) / self.sampling_frequency, each.num_rows)
                for each in found
            )
            self.decisions += (Decision(f"{len(found) - 1} gaps, where frame_nos jumps"),)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on. Raises ReaderError."""
        if self._rows is None:
            super().read_into(first_sample, out)
            return
        block = np.empty((len(out), self._width), self.dtype)
        super().read_into(first_sample, block)
        out[...] = block[:, self._rows]


class MaxWellReader:
    """Reader of the files of MaxLab Live."""

    name = "maxwell"

    def can_read(self, path: Path) -> bool:
        """Whether it is HDF5 with the root of MaxWell's files."""
        try:
            if path.suffix.lower() != ".h5" or not is_hdf5(path):
                return False
            with open_hdf5(path) as file:
                return "version" in file and (
                    {"mapping", "sig"} <= set(file) or {"wells", "assay"} <= set(file)
                )
        except (OSError, RuntimeError, KeyError, ValueError, ReaderError):
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Each well and recording, and the spikes that were found in it."""
        with reach_of(path), open_hdf5(path) as file, readable(path):
            return [offer.candidate for offer in _offers(path, file)]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the well and recording that `dataset` names, the first one where it names none; raises ReaderError."""
        with reach_of(path, options.follow_external):
            file = open_hdf5(path)
            try:
                with readable(path):
                    recording = open_offer(_offers(path, file), options, path)
            except BaseException:
                file.close()
                raise
            if not isinstance(recording, MaxWellRecording):
                file.close()
            return recording


def _offers(path: Path, file: h5py.File) -> list[Offer]:
    arrays = list(_arrays(path, file))
    if not arrays:
        raise ReaderError("no well in it has samples of routed electrodes", file=path)
    signals = [_signals(path, file, each) for each in arrays]
    return signals + [offer for each in arrays for offer in _spikes(path, each)]


def _signals(path: Path, file: h5py.File, array: _Array) -> Offer:
    candidate = Candidate(
        dataset=array.name,
        type="continuous",
        dtype=array.samples.dtype.name,
        shape=array.samples.shape[::-1],
        sampling_frequency=_setting(array, "sampling") or (_OLD_RATE if array.is_old else None),
        unit="uV",
        options={"dataset": array.name},
        problem=_problem(array.samples),
        label=array.name,
        role="spike-band",
    )

    def opened(options: ReadOptions) -> Recording:
        if candidate.problem is not None:
            raise ReaderError(candidate.problem, file=(str(path), str(array.samples.name)))
        if options.type not in (None, "continuous"):
            raise ReaderError(f"type: {array.name} is continuous, not {options.type}", file=path)
        with naming(path, array.name):
            return MaxWellRecording(path, file, array, options)

    return Offer(candidate, opened)


def _problem(samples: h5py.Dataset) -> str | None:
    problem = samples_problem(samples)
    missing = missing_filter(samples)
    if problem is None and missing is not None and f"(number {_MAXWELLS_FILTER})" in missing:
        return (
            "compressed by MaxLab Live: install MaxWell's decompression library (libcompression) and set "
            "HDF5_PLUGIN_PATH to its folder"
        )
    return problem or missing


def _arrays(path: Path, file: h5py.File) -> Iterator[_Array]:
    """Raises ReaderError where there are very many."""
    if child(file, "wells") is None:
        samples, settings, mapping = (child(file, name) for name in ("sig", "settings", "mapping"))
        if (
            isinstance(samples, h5py.Dataset)
            and isinstance(mapping, h5py.Dataset)
            and len(samples.shape) == 2
        ):
            held = settings if isinstance(settings, h5py.Group) else file
            yield _Array("well000", samples, held, mapping, is_old=True)
        return
    wells = child(file, "wells")
    assert isinstance(wells, h5py.Group)
    found: list[_Array] = []
    for well in names(wells)[:_MOST_WELLS]:
        recordings = child(wells, well)
        if not isinstance(recordings, h5py.Group):
            continue
        for name in names(recordings)[:_MOST_WELLS]:
            if len(found) >= _MOST_WELLS:
                raise ReaderError(f"more than {_MOST_WELLS} recordings of wells", file=path)
            array = _array(recordings, well, name)
            if array is not None:
                found.append(array)
    is_one_each = len({each.name.rpartition("/")[2] for each in found}) == 1
    for each in found:
        yield replace(each, name=each.name.rpartition("/")[0]) if is_one_each else each


def _array(recordings: h5py.Group, well: str, name: str) -> _Array | None:
    recording = child(recordings, name)
    if not isinstance(recording, h5py.Group):
        return None
    settings = child(recording, "settings")
    samples = child_dataset(recording, "groups/routed/raw")
    mapping = child_dataset(settings, "mapping") if isinstance(settings, h5py.Group) else None
    if not isinstance(settings, h5py.Group) or samples is None or mapping is None or len(samples.shape) != 2:
        return None
    group = child(recording, "groups/routed")
    return _Array(
        f"{well}/{name}", samples, settings, mapping, group if isinstance(group, h5py.Group) else None
    )


def _setting(array: _Array, name: str) -> float | None:
    dataset = child_dataset(array.settings, name)
    if dataset is None or dataset.size != 1 or dataset.dtype.kind not in "fiu":
        return None
    value = float(whole(dataset).ravel()[0])
    return value if np.isfinite(value) and value > 0 else None


def _scaling(array: _Array) -> Scaling:
    """`lsb` is a step in volts; before it was written it followed from the gain: 3.3 V in 1024 steps."""
    step = _setting(array, "lsb")
    gain = _setting(array, "gain")
    if step is not None:
        return Scaling("uV", step * 1e6)
    said = () if gain else (Decision(f"no lsb and no gain: taken for {_OLD_GAIN}", is_guess=True),)
    return Scaling("uV", _RANGE_VOLTS / (_STEPS * (gain or _OLD_GAIN)) * 1e6, decisions=said)


def _began(array: _Array) -> str | None:
    """`start_time` counts milliseconds since 1970."""
    parent = array.settings.parent
    dataset = None if array.is_old else child_dataset(parent, "start_time")
    with suppress(ValueError, OverflowError, OSError):
        if dataset is not None and dataset.size == 1 and dataset.dtype.kind in "iu":
            moment = datetime.fromtimestamp(int(whole(dataset).ravel()[0]) / 1000, UTC)
            return moment.isoformat(timespec="milliseconds") if 2000 < moment.year < 2200 else None
    return None


def _electrodes(path: Path, array: _Array, num_rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Rows of the samples, and what the mapping says of the electrode of each. Raises ReaderError."""
    table = whole(array.mapping).ravel()
    kinds = {"channel": "iu", "electrode": "iu", "x": "iuf", "y": "iuf"}
    if not _has_numbers(table.dtype, kinds) or len(table) > _MOST_CHANNELS:
        raise ReaderError("its mapping is no table of channels, electrodes, x and y", file=path)
    table = table[table["channel"] >= 0]
    row_of = {channel: channel for channel in range(num_rows)}
    if not array.is_old:
        listed = None if array.group is None else child_dataset(array.group, "channels")
        numbers = table["channel"] if listed is None else whole(listed).ravel()
        row_of = {int(channel): row for row, channel in enumerate(numbers.tolist()) if row < num_rows}
    pairs = sorted(
        (row_of[int(each["channel"])], at) for at, each in enumerate(table) if int(each["channel"]) in row_of
    )
    rows = np.array([row for row, _ in pairs], np.int64)
    if len(rows) == 0 or len(np.unique(rows)) < len(rows):
        raise ReaderError("its mapping does not say which electrode each row is of", file=path)
    return rows, table[[at for _, at in pairs]]


def _has_numbers(dtype: np.dtype[Any], kinds: Mapping[str, str]) -> bool:
    """Whether a table has columns with one number a row, of these kinds of dtypes."""
    fields: Mapping[str, Any] = dtype.fields or {}
    return all(name in fields and fields[name][0].kind in kind for name, kind in kinds.items())


def _placed(channel: Channel, electrode: Any) -> Channel:
    x, y = (float(electrode[name]) for name in ("x", "y"))
    return replace(channel, x=x, y=y) if np.isfinite([x, y]).all() else channel


def _spikes(path: Path, array: _Array) -> list[Offer]:
    """Spikes that MaxLab Live found above its threshold: a channel for each electrode with any."""
    parent = array.samples.file if array.is_old else array.settings.parent
    table = child_dataset(parent, "proc0/spikeTimes" if array.is_old else "spikes")
    if table is None or not _has_numbers(table.dtype, {"frameno": "iu", "channel": "iu"}) or table.size == 0:
        return []
    name = f"{array.name}/spikes"
    candidate = Candidate(
        dataset=name,
        type="event",
        dtype="float64",
        shape=(int(table.size),),
        sampling_frequency=None,
        unit=None,
        options={"dataset": name},
        label=name,
        role="units",
    )

    def opened(options: ReadOptions) -> Recording:
        spikes = whole(table)
        rate = options.sampling_frequency or _setting(array, "sampling") or _OLD_RATE
        numbers = None if array.group is None else child_dataset(array.group, "frame_nos")
        known = numbers is not None and numbers.size and missing_filter(numbers) is None
        origin = (
            int(_Frames(numbers).at(0)) if known and numbers is not None else int(spikes["frameno"].min())
        )
        channels, index = np.unique(spikes["channel"], return_inverse=True)
        times = (spikes["frameno"].astype(np.int64) - origin) / rate
        recording = EventRecording(
            path, times, index.astype(np.uint32), [f"ch{each}" for each in channels.tolist()], options
        )
        recording.session_start = options.session_start or _began(array)
        if not known:
            text = "frames of spikes count from the first spike: frame_nos does not say the first sample's"
            recording.decisions = (Decision(text, is_guess=True),)
        return recording

    return [Offer(candidate, opened)]
