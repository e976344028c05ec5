"""MaxWell's files, against neo's reader of them: wells, recordings, electrodes, gaps, spikes; damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from mutations import check_survives
from neo.rawio import MaxwellRawIO
from read_recordings import opened, stored

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers.maxwell import MaxWellReader
from seriesview.readers.registry import choose_reader, list_candidates

Array = npt.NDArray[Any]
RNG = np.random.default_rng(11)
MAPPING = np.dtype([("channel", "<i4"), ("electrode", "<i4"), ("x", "<f8"), ("y", "<f8")])
SPIKES = np.dtype([("frameno", "<i8"), ("channel", "<i4"), ("amplitude", "<f4")])
CHANNELS = [7, 3, 12]


def mapping(channels: list[int]) -> Array:
    return np.array([(channel, 100 + channel, 17.5 * channel, 35.0) for channel in channels], MAPPING)


def write_wells(path: Path, wells: dict[str, list[str]], samples: Array, frames: Array | None = None) -> Path:
    """Of MaxLab Live 20190530 on: uint16 samples (C, n) of each recording of each well, in links to a store."""
    with h5py.File(path, "w") as file:
        file["version"] = [b"20190530"]
        file.create_group("assay/inputs")
        number = 0
        for well, recordings in wells.items():
            for name in recordings:
                store = file.create_group(f"data_store/data{number:04d}")
                store["groups/routed/raw"] = samples + number
                store["groups/routed/channels"] = np.array(CHANNELS[: len(samples)], np.uint16)
                store["groups/routed/frame_nos"] = (
                    np.arange(samples.shape[1], dtype=np.uint64) + 5000 if frames is None else frames
                )
                store["settings/sampling"], store["settings/lsb"] = [20000.0], [6.294e-6]
                store["settings/mapping"] = mapping([*CHANNELS[: len(samples)], -1])
                store["spikes"] = np.array([(5100, 3, -20.0), (5200, 12, -30.0), (5300, 3, -9.0)], SPIKES)
                store["start_time"] = [1616065839606 + number]
                file[f"wells/{well}/{name}"] = h5py.SoftLink(store.name)
                number += 1
    return path


def write_old(path: Path, samples: Array, channels: list[int]) -> Path:
    with h5py.File(path, "w") as file:
        file["version"] = [b"20160704"]
        file["sig"], file["mapping"] = samples, mapping(channels)
        file["settings/gain"] = [512.0]
    return path


def test_a_well_has_the_values_labels_and_places_that_neo_and_its_mapping_say(tmp_path: Path) -> None:
    samples = RNG.integers(400, 600, (3, 1000)).astype(np.uint16)
    path = write_wells(tmp_path / "a.raw.h5", {"well000": ["rec0000"], "well001": ["rec0000"]}, samples)
    reader = MaxwellRawIO(str(path))
    reader.parse_header()
    for stream, well in enumerate(["well000", "well001"]):
        with opened(path, well) as recording:
            raw = reader.get_analogsignal_chunk(0, 0, None, None, stream)
            values = reader.rescale_signal_raw_to_float(raw, "float64", stream)
            np.testing.assert_allclose(stored(recording) * recording.scale, values)
            known = reader.header["signal_channels"]
            assert [each.label for each in recording.channels] == list(
                known[known["stream_id"] == well]["name"]
            )
            assert [(each.x, each.y) for each in recording.channels] == [
                (17.5 * each, 35) for each in CHANNELS
            ]
            assert (recording.unit, recording.sampling_frequency) == ("uV", 20000)
            assert recording.session_start == f"2021-03-18T11:10:39.60{6 + stream}+00:00"
            assert recording.segments is None


def test_every_recording_of_every_well_is_offered(tmp_path: Path) -> None:
    samples = np.zeros((2, 100), np.uint16)
    path = write_wells(
        tmp_path / "a.raw.h5", {"well000": ["rec0000", "rec0001"], "well001": ["rec0001"]}, samples
    )
    names = [each.dataset for each in list_candidates(path)]
    assert names[:3] == ["well000/rec0000", "well000/rec0001", "well001/rec0001"]
    with opened(path, "well000/rec0001") as recording:
        assert (stored(recording) == 1).all()
    with pytest.raises(ReaderError, match="there are well000/rec0000"):
        opened(path, "well009")


def test_frames_that_jump_are_gaps(tmp_path: Path) -> None:
    frames = np.arange(1000, dtype=np.uint64) + 70
    frames[400:] += 20000
    path = write_wells(tmp_path / "a.h5", {"well000": ["rec0000"]}, np.zeros((1, 1000), np.uint16), frames)
    with opened(path) as recording:
        assert [(each.start_time, each.num_samples) for each in recording.segments or ()] == [
            (0.0, 400),
            (1.02, 600),
        ]


def test_spikes_count_from_the_first_sample_by_electrode(tmp_path: Path) -> None:
    path = write_wells(tmp_path / "a.h5", {"well000": ["rec0000"]}, np.zeros((3, 1000), np.uint16))
    with opened(path, "well000/spikes") as recording:
        times, channels = recording.events()
        np.testing.assert_allclose(times, [0.005, 0.01, 0.015])
        assert [recording.channels[at].label for at in channels] == ["ch3", "ch12", "ch3"]


def test_rows_of_old_files_to_which_no_electrode_was_routed_are_left_out(tmp_path: Path) -> None:
    samples = RNG.integers(0, 1024, (8, 500)).astype(np.uint16)
    path = write_old(tmp_path / "a.raw.h5", samples, [5, 2, -1, 0])
    with opened(path) as recording:
        assert [each.label for each in recording.channels] == ["ch0 elec100", "ch2 elec102", "ch5 elec105"]
        assert np.array_equal(stored(recording), samples[[0, 2, 5]].T)
        assert recording.scale == pytest.approx(3.3 / (1024 * 512) * 1e6)
        assert any("5 rows" in each.text for each in recording.decisions)
    with opened(path, channel_labels=("a", "b", "c")) as recording:
        assert [each.label for each in recording.channels] == ["a", "b", "c"]


def test_a_recording_is_built_by_its_path_alone(tmp_path: Path) -> None:
    samples = RNG.integers(400, 600, (3, 3000)).astype(np.uint16)
    path = write_wells(tmp_path / "a.raw.h5", {"well000": ["rec0000"]}, samples)
    built = seriesview.build_workspace(path, store=tmp_path / "store")
    assert not built.missing
    (name,) = (name for name in built.series if name.endswith("well000"))
    series = built.series[name].open()
    np.testing.assert_array_equal(series.values(0, 100, 200), samples[:, 100:200].T)
    assert next((channel.label, channel.y) for channel in series.manifest.channels) == ("ch7 elec107", 35)


def test_other_hdf5_files_are_left_to_other_readers(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["version"], file["x"] = [b"1"], np.zeros(5)
    assert choose_reader(tmp_path / "a.h5").name == "hdf5"


def test_a_column_that_holds_no_numbers_is_no_mapping_and_no_spikes(tmp_path: Path) -> None:
    path = write_wells(tmp_path / "a.h5", {"well000": ["rec0000"]}, np.zeros((2, 50), np.uint16))
    with h5py.File(path, "a") as file:
        store = file["data_store/data0000"]
        assert isinstance(store, h5py.Group)
        del store["settings/mapping"], store["spikes"]
        pairs = np.dtype(
            [("channel", "<i4", (2,)), *((name, MAPPING[name]) for name in ("electrode", "x", "y"))]
        )
        store["settings/mapping"] = np.zeros(2, pairs)
        store["spikes"] = np.full(3, np.nan, [("frameno", "<f8"), ("channel", "<f8")])
    assert [each.type for each in list_candidates(path)] == ["continuous"]
    with pytest.raises(ReaderError, match="its mapping is no table"):
        opened(path)


def test_damaged_files_are_errors_or_data(tmp_path: Path) -> None:
    path = write_wells(tmp_path / "a.h5", {"well000": ["rec0000"]}, np.zeros((2, 50), np.uint16))
    check_survives(MaxWellReader(), path, path, 400)
