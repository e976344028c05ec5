"""On which electrode a unit of an NWB file is largest, or that it is not known, and why."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb
from hdf5_files import opened
from nwb_files import START, table, write_nwb
from pynwb.ecephys import ElectricalSeries

from seriesview.readers import Recording
from seriesview.readers.moments import parse_moment


def best(recording: Recording) -> list[str | None]:
    return [channel.best_channel for channel in recording.channels]


def said(recording: Recording) -> str:
    return "; ".join(decision.text for decision in recording.decisions)


def sorted_file(
    path: Path, electrodes: list[list[int]] | None = None, means: Any = None, **columns: list[Any]
) -> Path:
    """Units of four electrodes 20 to 23, and the probe, written by pynwb."""
    nwb = pynwb.NWBFile("text", "id", parse_moment(START))
    device = nwb.create_device(name="device")
    shank = nwb.create_electrode_group("shank", description="text", location="CA1", device=device)
    for row in range(4):
        nwb.add_electrode(id=20 + row, group=shank, location="CA1")
    region = nwb.create_electrode_table_region([2, 0, 1], "text")
    samples = np.arange(60, dtype=np.int16).reshape(20, 3)
    nwb.add_acquisition(ElectricalSeries(name="probe", data=samples, electrodes=region, rate=30000.0))
    for name in columns:
        nwb.add_unit_column(name, "text")
    for unit in range(3):
        more: dict[str, Any] = {name: values[unit] for name, values in columns.items()}
        if electrodes is not None:
            more["electrodes"] = electrodes[unit]
        if means is not None:
            more["waveform_mean"] = means[unit]
        nwb.add_unit(spike_times=[0.1 + unit], **more)
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(nwb)
    return path


def test_the_only_electrode_of_a_unit_is_its_best_one(tmp_path: Path) -> None:
    path = sorted_file(tmp_path / "a.nwb", [[2], [0], [3]])
    recording = opened(path, "units")
    assert best(recording) == ["22", "20", "23"]
    # By these ids the channels of the probe are known, too.
    assert [channel.id for channel in opened(path, "acquisition/probe").channels] == ["22", "20", "21"]


def test_of_several_electrodes_the_mean_spike_decides(tmp_path: Path) -> None:
    means = np.zeros((3, 5, 2))
    means[0, :, 0], means[0, :, 1] = [0, 1, 0, 0, 0], [0, -2, 1, 0, 0]
    means[1, :, 0], means[1, :, 1] = [9, 9, 9, 9, 9.5], [0, 0, 1, 0, 0]
    recording = opened(sorted_file(tmp_path / "a.nwb", [[0, 1], [2, 1], [1, 3]], means), "units")
    # A flat one is largest nowhere.
    assert best(recording) == ["21", "21", None]
    recording = opened(sorted_file(tmp_path / "b.nwb", [[0, 1], [2, 1], [3]]), "units")
    assert best(recording) == [None, None, "23"]
    assert "2 units are on several electrodes each" in said(recording)
    recording = opened(sorted_file(tmp_path / "c.nwb", [[0, 1], [2, 1], [3, 0]], means[:, :, 0]), "units")
    assert best(recording) == [None] * 3
    assert "of the shape (3, 5)" in said(recording)


def test_a_column_that_names_the_peak_channel_comes_first(tmp_path: Path) -> None:
    recording = opened(
        sorted_file(tmp_path / "a.nwb", [[0], [0], [0]], peak_channel_id=[21, 99, 23]), "units"
    )
    assert best(recording) == ["21", None, "23"]
    recording = opened(
        sorted_file(tmp_path / "b.nwb", [[0], [1], [2]], peak_channel_id=[97, 98, 99]), "units"
    )
    assert best(recording) == ["20", "21", "22"]


def test_electrodes_that_do_not_fit_leave_it_open(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        table(file, "units", "Units", [1, 2], {"spike_times": [[0.5], [0.25]], "electrodes": [[0.0], [9.0]]})
        table(file, "rows", "DynamicTable", [5, 6], {"label": ["a", "b"]})
        file["units/electrodes"].attrs["table"] = file["rows"].ref

    recording = opened(write_nwb(tmp_path / "a.nwb", fill), "units")
    assert best(recording) == [None, None]
    assert "refers to row 9" in said(recording)
    assert recording.num_samples == 2
