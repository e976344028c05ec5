"""Frames of all channels one after another in an HDF5 dataset of one dimension, as BrainWave writes them (.brw)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h5py

from seriesview.readers.hdf5.extent import Refused, whole
from seriesview.readers.hdf5.file import child, child_dataset, dtype_of, number, plain, raw_attribute
from seriesview.readers.hdf5.reach import parent_of
from seriesview.readers.hdf5.scaling import Scaling, attributes_by_name, plain_name
from seriesview.readers.protocol import Decision

_COUNTS = (
    "numchannels",
    "nchannels",
    "numberofchannels",
    "channelcount",
    "nbchannels",
    "nchans",
    "nchan",
    "numchans",
)
_VARIABLES = "3BRecInfo/3BRecVars"
_MOST_LISTED = 500


@dataclass(frozen=True)
class Frames:
    """Values of one dimension are frames of `channels` values; None where they are samples of one channel.

    `rate` in Hz, `scaling` and `labels` are known where the program that wrote the file is. `problem`: why it is not
    clear, and what to set.
    """

    channels: int | None = None
    rate: float | None = None
    scaling: Scaling | None = None
    labels: Sequence[str] | None = None
    problem: str | None = None
    decisions: tuple[Decision, ...] = ()


def frames_of(dataset: h5py.Dataset, channels: int | None = None) -> Frames:
    """How the values of a dataset are to be folded; `channels` are the configured ones."""
    size = int(dataset.size or 0)
    is_flat = len(dataset.shape or ()) == 1
    if channels is not None:
        known = _of_brainwave(dataset)
        if not is_flat or channels == 1 or size % channels:
            return known if known.channels in (None, channels) else Frames()
        said = Decision(f"frames of {channels} values each, as configured")
        return known if known.channels == channels else Frames(channels, decisions=(said,))
    known = _of_brainwave(dataset)
    if known != Frames() or not is_flat:
        return known
    count = _count_beside(dataset)
    if count is None or count[0] < 2 or size <= count[0] or size % count[0]:
        return Frames()
    problem = (
        f"{size} values of one dimension, but {count[1]} says {count[0]} channels; set `channels: {count[0]}` where "
        "they are frames of all channels one after another, `channels: 1` where they are samples of one"
    )
    return Frames(problem=problem)


def is_of_brainwave(dataset: h5py.Dataset) -> bool:
    """Whether a dataset holds the samples of a file of BrainWave, so that what is beside it tells of them."""
    try:
        return _of_brainwave(dataset) != Frames()
    except Refused:
        return False


def _of_brainwave(dataset: h5py.Dataset) -> Frames:
    name = str(dataset.name)
    if name == "/3BData/Raw" and child(dataset.file, _VARIABLES) is not None:
        return _of_brainwave_3(dataset)
    if name.rpartition("/")[2] == "Raw" and child_dataset(dataset.file, "ExperimentSettings") is not None:
        return _of_brainwave_4(dataset)
    return Frames()


def _of_brainwave_3(dataset: h5py.Dataset) -> Frames:
    names = ("SamplingRate", "BitDepth", "MaxVolt", "MinVolt", "SignalInversion")
    rate, bits, most, least, sign = (_number(dataset.file, f"{_VARIABLES}/{name}") for name in names)
    listed = child_dataset(dataset.file, "3BRecInfo/3BMeaStreams/Raw/Chs")
    count = None if listed is None else int(listed.size)
    if count is None:
        sides = [_number(dataset.file, f"3BRecInfo/3BMeaChip/{name}") for name in ("NCols", "NRows")]
        count = int(math.prod(side for side in sides if side)) if all(sides) else None
    scaling = None
    if bits and most is not None and least is not None and most > least and sign in (1, -1):
        step = (most - least) / 2**bits
        scaling = Scaling("uV", step, least) if sign == 1 else Scaling("uV", -step, most)
    labels = None
    if listed is not None and listed.dtype.names is not None and {"Row", "Col"} <= set(listed.dtype.names):
        labels = [f"{row},{column}" for row, column in whole(listed)[["Row", "Col"]].tolist()]
    return _known(dataset, "BrainWave 3", count, rate, scaling, labels)


def _of_brainwave_4(dataset: h5py.Dataset) -> Frames:
    stored = child_dataset(parent_of(dataset), "StoredChIdxs")
    settings = child_dataset(dataset.file, "ExperimentSettings")
    try:
        said = json.loads(str(plain(whole(settings).ravel()[0]))) if settings is not None else {}
        converter, rate = said["ValueConverter"], float(said["TimeConverter"]["FrameRate"])
        names = ("MaxAnalogValue", "MinAnalogValue", "MaxDigitalValue", "MinDigitalValue")
        most, least, high, low = (float(converter[name]) for name in names)
    except (ValueError, KeyError, TypeError, IndexError):
        return _known(dataset, "BrainWave 4", None if stored is None else int(stored.size), None, None, None)
    step = (most - least) / (high - low) if high > low else math.nan
    scaling = Scaling("uV", step, least - low * step) if math.isfinite(step) and step else None
    labels = None if stored is None else [str(index) for index in whole(stored).tolist()]
    return _known(dataset, "BrainWave 4", None if stored is None else int(stored.size), rate, scaling, labels)


def _known(
    dataset: h5py.Dataset,
    program: str,
    count: int | None,
    rate: float | None,
    scaling: Scaling | None,
    labels: Sequence[str] | None,
) -> Frames:
    if scaling is None:
        scaling = Scaling(problem=f"what {program} wrote does not say how its values are scaled; set `scale`")
    if len(dataset.shape) == 2:
        fitting = labels if labels is not None and len(labels) == dataset.shape[1] else None
        return Frames(None, rate, scaling, fitting)
    if not count or dataset.size % count:
        return Frames(
            problem=f"{dataset.size} values of {program}, no whole frames of its {count or 'unknown'} channels; "
            "set `channels` to how many there are"
        )
    said = Decision(f"frames of {count} channels, as {program} writes them")
    fitting = labels if labels is not None and len(labels) == count else None
    return Frames(count, rate, scaling, fitting, decisions=(said,))


def _count_beside(dataset: h5py.Dataset) -> tuple[int, str] | None:
    """How many channels attributes of a dataset, or of its group, or a number beside it say; and what says it."""
    group = parent_of(dataset)
    for node in (dataset, group):
        named = attributes_by_name(node)
        for name in _COUNTS:
            count = number(plain(raw_attribute(node, named[name]))) if name in named else None
            if count is not None and count == math.floor(count):
                return int(count), f"the attribute {named[name]}"
    if len(group) > _MOST_LISTED:
        return None
    for name in group:
        if isinstance(name, str) and plain_name(name) in _COUNTS:
            count = _number(group, name)
            if count is not None and count == math.floor(count):
                return int(count), f"{str(group.name).rstrip('/')}/{name}"
    return None


def _number(group: h5py.Group, name: str) -> float | None:
    dataset = child_dataset(group, name)
    dtype: Any = None if dataset is None else dtype_of(dataset)
    if dataset is None or dtype is None or dtype.kind not in "fiu" or dataset.size != 1:
        return None
    return float(whole(dataset).ravel()[0])
