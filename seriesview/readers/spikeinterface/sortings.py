"""Sorted units that SpikeInterface saved: `numpy_folder` (also inside analyzers) and `npz_folder`."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.companions import number_of, read_json, text_of
from seriesview.readers.in_memory import EventRecording
from seriesview.readers.npy_arrays import (
    MOST_ARRAY_BYTES,
    open_archive,
    opened_member,
    read_array,
    read_header,
)
from seriesview.readers.protocol import ReadOptions
from seriesview.readers.sample_types import checked_rate

NUMPY, NPZ = "numpysorting_info.json", "npz.json"
_SPIKES = "spikes.npy"
_CACHED = "sorting_cached.npz"
_MOST_UNITS = 1_000_000


@dataclass(frozen=True)
class SavedSorting:
    """Spikes of units: sample (n,), unit (n,) as an index into `units`, and segment (n,)."""

    rate: float
    units: tuple[str, ...]
    num_segments: int
    samples: npt.NDArray[np.int64]
    which: npt.NDArray[np.int64]
    segments: npt.NDArray[np.int64]
    files: tuple[Path, ...]


def read_sorting(folder: Path) -> SavedSorting:
    """Read a saved sorting whole. Raises ReaderError."""
    return _of_numpy(folder) if (folder / NUMPY).is_file() else _of_npz(folder)


def count_spikes(folder: Path) -> int:
    """How many spikes there are, by the header alone where there is one. Raises ReaderError."""
    path = folder / _SPIKES
    if not (folder / NUMPY).is_file():
        return len(read_sorting(folder).samples)
    try:
        with path.open("rb") as file:
            shape = read_header(file, (str(path),)).shape
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    return int(shape[0]) if shape else 0


def open_sorting(path: Path, saved: SavedSorting, segment: int, options: ReadOptions) -> EventRecording:
    """The spikes of one segment as events, a channel for each unit. Raises ReaderError."""
    if options.type not in (None, "event"):
        raise ReaderError(f"type: spikes are events, not {options.type}", file=path)
    chosen = saved.segments == segment
    which = saved.which[chosen]
    if len(which) and (which.min() < 0 or which.max() >= len(saved.units)):
        raise ReaderError(f"spikes of a unit that is none of the {len(saved.units)}", file=path)
    rate = checked_rate(options.sampling_frequency, path) or saved.rate
    times = saved.samples[chosen] / rate + (options.start_time or 0.0)
    ids = saved.units if len(set(saved.units)) == len(saved.units) else None
    recording = EventRecording(path, times, which.astype(np.uint32), saved.units, options, ids)
    recording.files = saved.files
    return recording


def _of_numpy(folder: Path) -> SavedSorting:
    info = folder / NUMPY
    document = read_json(info)
    rate = checked_rate(number_of(document.get("sampling_frequency")), info)
    units, count = document.get("unit_ids"), number_of(document.get("num_segments"))
    if rate is None or not isinstance(units, list) or count is None or not 0 < count < 1e6:
        raise ReaderError("says no rate, no units, or no number of segments", file=info)
    path = folder / _SPIKES
    spikes = read_array(path)
    if (
        not {"sample_index", "unit_index", "segment_index"} <= set(spikes.dtype.names or ())
        or spikes.ndim != 1
    ):
        raise ReaderError("no table of spikes: sample_index, unit_index, segment_index", file=path)
    samples, which, segments = (
        _integers(spikes[name], path) for name in ("sample_index", "unit_index", "segment_index")
    )
    return SavedSorting(rate, tuple(map(text_of, units)), int(count), samples, which, segments, (info, path))


def _of_npz(folder: Path) -> SavedSorting:
    path = folder / _CACHED
    with open_archive(path) as archive:
        rate = checked_rate(
            number_of(_member(archive, path, "sampling_frequency").ravel()[:1].sum().item()), path
        )
        counted = _member(archive, path, "num_segment").ravel()
        units = _member(archive, path, "unit_ids").ravel()[:_MOST_UNITS]
        if rate is None or len(counted) != 1 or not 0 < int(counted[0]) < 100_000:
            raise ReaderError("says no rate or no number of segments", file=path)
        found: list[list[npt.NDArray[np.int64]]] = [[], [], []]
        order = np.argsort(units, kind="stable")
        for segment in range(int(counted[0])):
            samples = _integers(_member(archive, path, f"spike_indexes_seg{segment}"), path)
            labels = _member(archive, path, f"spike_labels_seg{segment}")
            if labels.shape != samples.shape or (len(labels) and not np.isin(labels, units).all()):
                raise ReaderError(f"spikes of segment {segment} are not those of its units", file=path)
            places = order[np.searchsorted(units[order], labels)] if len(labels) else np.empty(0, np.int64)
            found[0].append(samples)
            found[1].append(places.astype(np.int64))
            found[2].append(np.full(len(samples), segment, np.int64))
    samples, which, segments = (np.concatenate(each) for each in found)
    names = tuple(map(text_of, units.tolist()))
    return SavedSorting(rate, names, len(found[0]), samples, which, segments, (folder / NPZ, path))


def _member(archive: zipfile.ZipFile, path: Path, name: str) -> npt.NDArray[Any]:
    """An array of an archive, without objects. Raises ReaderError."""
    member = f"{name}.npy"
    if member not in archive.namelist():
        raise ReaderError(f"no array called {name}", file=path)
    with opened_member(archive, member, (str(path), name)) as file:
        content = file.read(MOST_ARRAY_BYTES + 1)
    header = read_header(BytesIO(content), (str(path), name))
    size = int(np.prod(header.shape, dtype=object)) * header.dtype.itemsize
    if header.dtype.hasobject or header.data_offset + size > len(content) or len(content) > MOST_ARRAY_BYTES:
        raise ReaderError("no array of plain values, or cut short", file=(str(path), name))
    count = size // header.dtype.itemsize if header.dtype.itemsize else 0
    return np.frombuffer(content, header.dtype, count, header.data_offset).reshape(header.shape)


def _integers(values: npt.NDArray[Any], path: Path) -> npt.NDArray[np.int64]:
    if values.dtype.kind not in "iu" or values.ndim != 1:
        raise ReaderError(f"{values.dtype}, no list of integers", file=path)
    return values.astype(np.int64)
