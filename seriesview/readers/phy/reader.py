"""The reader of phy and Kilosort folders."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.binary import BinaryRecording
from seriesview.readers.offers import Offer, open_offer
from seriesview.readers.phy.offers import sorting_offers
from seriesview.readers.phy.params import Params
from seriesview.readers.phy.sorting import Sorting
from seriesview.readers.phy.spikes import is_sorting
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.spikeglx.recording import AnalogRecording

RECORDING = "recording"
# Files by which people name a folder; as bare arrays and tables they mean little (`reader: npy` shows them so).
_NAMED = re.compile(r"params\.py|spike_(times|clusters|templates)\.npy|cluster_\w{1,40}\.[ct]sv")
# SpikeInterface has sorters write into a folder of its own.
_INNER = "sorter_output"


class PhyReader:
    """Reader of sorted units: a folder with spike_times.npy and spike_clusters.npy or spike_templates.npy."""

    name = "phy"
    reads_folders = True

    def can_read(self, path: Path) -> bool:
        """Whether it is such a folder, one of SpikeInterface around it, or one of its files that people name."""
        try:
            if path.is_dir():
                return is_sorting(path) or is_sorting(path / _INNER)
            return _NAMED.fullmatch(path.name) is not None and is_sorting(path.parent)
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Good units, unsorted ones, the drift map, and the recording that they were sorted from."""
        return [offer.candidate for offer in _offers(path, None) if not offer.hidden]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the dataset that the options choose (mua and noise too), else the first one; raises ReaderError."""
        return open_offer(_offers(path, options.sampling_frequency), options, path)


def _offers(path: Path, rate: float | None) -> list[Offer]:
    folder = path if path.is_dir() else path.parent
    sorting = Sorting(folder if is_sorting(folder) else folder / _INNER, rate)
    found = [*sorting_offers(path, sorting), *_recording(path, sorting)]
    if not found:
        raise ReaderError("no spikes in it", file=path)
    return found


def _recording(path: Path, sorting: Sorting) -> list[Offer]:
    """What dat_path names, where it is there: as SpikeGLX, or as a flat file of which params.py says all."""
    stream, params, files = sorting.clock.stream, sorting.params, sorting.clock.files
    candidate = Candidate(
        dataset=RECORDING,
        type="continuous",
        dtype=params.dtype or "int16",
        shape=(),
        sampling_frequency=sorting.clock.rate,
        unit=None,
        options={"dataset": RECORDING},
        label=files[0].name if files else RECORDING,
        role="spike-band",
    )
    if stream is not None:
        said = sorting.clock.decisions
        return [Offer(candidate, lambda options: _with(AnalogRecording(path, stream, options), said))]
    if len(files) != 1 or params.num_channels is None or params.dtype is None:
        return []
    return [Offer(candidate, lambda options: _flat(sorting, params, files[0], options))]


def _flat(sorting: Sorting, params: Params, file: Path, options: ReadOptions) -> Recording:
    """The samples that were sorted, each channel where channel_map.npy and channel_positions.npy put it."""
    given = replace(
        options,
        dtype=options.dtype or params.dtype,
        channels=options.channels or params.num_channels,
        sampling_frequency=sorting.clock.rate,
        byte_offset=options.byte_offset or params.offset,
        allow_truncated=True,
    )
    recording = BinaryRecording(file, given)
    rows = sorting.spikes.sites.map
    if rows is not None:
        channels = list(recording.channels)
        for row, number in enumerate(rows.tolist()):
            if 0 <= number < len(channels) and number == int(number):
                site = sorting.spikes.sites.site(row)
                channels[int(number)] = replace(channels[int(number)], group=site.group, x=site.x, y=site.y)
        recording.channels = tuple(channels)
    recording.files = sorting.files
    size = file.stat().st_size - params.offset
    left_over = size % (np.dtype(recording.dtype).itemsize * recording.num_channels)
    cut = (
        (Decision(f"{left_over} bytes behind the last whole sample are left out", is_warning=True),)
        if left_over
        else ()
    )
    return _with(
        recording, (*sorting.clock.decisions, *cut, Decision("no unit: params.py does not say the gain"))
    )


def _with(recording: Recording, decisions: tuple[Decision, ...]) -> Recording:
    recording.decisions = (*recording.decisions, *decisions)
    return recording
