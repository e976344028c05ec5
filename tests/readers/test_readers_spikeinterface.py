"""Folders that SpikeInterface saved: compared with what it loads of them itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from large_recordings import read_through
from mutations import check_survives
from read_recordings import opened

import seriesview
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.readers import list_candidates
from seriesview.readers.protocol import Recording, Segment
from seriesview.readers.spikeinterface import SpikeInterfaceReader
from seriesview.series.links import LinkInfo

core = pytest.importorskip("spikeinterface.core")


def read(recording: Recording) -> Any:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    recording.read_into(0, out)
    return out


def recording_of(durations: list[float], starts: list[float] | None = None) -> Any:
    """Noise in int16 with gains, names, groups and a probe."""
    rng = np.random.default_rng(3)
    traces = [rng.integers(-500, 500, (int(25000 * each), 4)).astype(np.int16) for each in durations]
    made = core.NumpyRecording(traces, 25000.0, t_starts=starts, channel_ids=["a", "b", "c", "d"])
    made.set_channel_gains([0.195, 0.195, 0.25, 0.25])
    made.set_channel_offsets([0.0, 0.0, -1.0, -1.0])
    from probeinterface import generate_linear_probe

    probe = generate_linear_probe(num_elec=4, ypitch=20)
    probe.set_device_channel_indices([2, 3, 0, 1])
    return made.set_probe(probe) or made


def test_a_saved_recording_has_the_values_gains_and_places_that_it_was_saved_with(tmp_path: Path) -> None:
    saved = recording_of([0.5]).save(folder=tmp_path / "saved", format="binary")
    with opened(tmp_path / "saved") as recording:
        assert isinstance(recording.layout, ContiguousLayout)
        assert np.array_equal(read(recording), saved.get_traces())
        scales = np.array([channel.scale for channel in recording.channels])
        offsets = np.array([channel.offset for channel in recording.channels])
        assert np.allclose(read(recording) * scales + offsets, saved.get_traces(return_in_uV=True))
        assert recording.unit == "uV"
        assert [channel.label for channel in recording.channels] == saved.channel_ids.tolist()
        places = [(channel.x, channel.y) for channel in recording.channels]
        assert places == [tuple(each) for each in saved.get_channel_locations().tolist()]
        assert recording.sampling_frequency == 25000
        assert {file.name for file in recording.files} >= {"binary.json", "gain_to_uV.npy"}


def test_segments_on_one_clock_are_one_series(tmp_path: Path) -> None:
    saved = recording_of([0.4, 0.2], [1.0, 5.0]).save(folder=tmp_path / "saved", format="binary")
    with opened(tmp_path / "saved") as recording:
        assert isinstance(recording.layout, FilesLayout)
        assert recording.segments == (Segment(1.0, 10000), Segment(5.0, 5000))
        assert np.array_equal(read(recording), np.concatenate([saved.get_traces(each) for each in (0, 1)]))


def test_segments_without_a_common_clock_are_series_of_their_own(tmp_path: Path) -> None:
    saved = recording_of([0.4, 0.2]).save(folder=tmp_path / "saved", format="binary")
    assert [each.dataset for each in list_candidates(tmp_path / "saved")] == ["segment 0", "segment 1"]
    with opened(tmp_path / "saved", "segment 1") as recording:
        assert np.array_equal(read(recording), saved.get_traces(1))


def test_times_that_were_set_are_kept(tmp_path: Path) -> None:
    made = recording_of([0.1])
    times = 3 + np.arange(2500) / 25000 + 1e-4 * np.sin(np.arange(2500))
    made.set_times(np.sort(times))
    made.save(folder=tmp_path / "saved", format="binary")
    with opened(tmp_path / "saved") as recording:
        assert recording.sampling_frequency is None
        assert np.array_equal(recording.timestamps(0, 2500), np.sort(times))


def test_a_folder_that_was_moved_or_written_by_an_older_version_is_read(tmp_path: Path) -> None:
    saved = recording_of([0.1]).save(folder=tmp_path / "saved", format="binary")
    traces = saved.get_traces()
    path = tmp_path / "saved/binary.json"
    document = json.loads(path.read_text())
    document["kwargs"]["file_paths"] = ["/elsewhere/saved/traces_cached_seg0.raw"]
    document["kwargs"]["num_chan"] = document["kwargs"].pop("num_channels")
    document["kwargs"]["t_starts"] = None
    path.write_text(json.dumps(document))
    (tmp_path / "saved/probegroup.json").rename(tmp_path / "saved/probe.json")
    with opened(tmp_path / "saved/binary.json") as recording:
        assert np.array_equal(read(recording), traces)
        assert recording.channels[0].y is not None
        assert any("which names /elsewhere" in each.text for each in recording.decisions)


@pytest.mark.parametrize("format", ["numpy_folder", "npz_folder", "analyzer"])
@pytest.mark.filterwarnings("ignore")
def test_saved_units_have_the_spikes_that_spikeinterface_loads(tmp_path: Path, format: str) -> None:
    recording, sorting = core.generate_ground_truth_recording([2.0, 1.0], num_units=3, num_channels=4, seed=0)
    folder = tmp_path / "units"
    if format == "analyzer":
        core.create_sorting_analyzer(sorting, recording, format="binary_folder", folder=folder, sparse=False)
    else:
        sorting.save(folder=folder, format=format)
    for segment in (0, 1):
        with opened(folder, f"units segment {segment}") as units:
            times, which = units.events()
            assert [each.label for each in units.channels] == sorting.unit_ids.tolist()
            for at, unit in enumerate(sorting.unit_ids):
                train = sorting.get_unit_spike_train(unit, segment_index=segment)
                assert times[which == at].tolist() == (train / sorting.sampling_frequency).tolist()
    assert {each.role for each in list_candidates(folder)} == {"units"}


def test_a_recipe_is_not_followed(tmp_path: Path) -> None:
    description = {"class": "os.system", "kwargs": {"command": "touch made"}, "module": "os"}
    (tmp_path / "binary.json").write_text(json.dumps(description))
    from seriesview.errors import ReaderError

    with pytest.raises(ReaderError, match="not of samples in raw files; load it in Python"):
        list_candidates(tmp_path)


def test_files_elsewhere_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    recording_of([0.1]).save(folder=folder, format="binary")
    raw = folder / "traces_cached_seg0.raw"
    raw.rename(tmp_path / "other.raw")
    raw.symlink_to(tmp_path / "other.raw")
    from seriesview.errors import ReaderError

    with pytest.raises(ReaderError, match="leads out of the folder"):
        list_candidates(folder)


@pytest.mark.parametrize("name", ["binary.json", "probegroup.json", "properties/gain_to_uV.npy"])
def test_damaged_descriptions_are_errors_or_data(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "saved"
    recording_of([0.01]).save(folder=folder, format="binary")
    assert check_survives(SpikeInterfaceReader(), folder, folder / name, 1000) > 50


@pytest.mark.parametrize("name", ["numpysorting_info.json", "spikes.npy"])
def test_damaged_sortings_are_errors_or_data(tmp_path: Path, name: str) -> None:
    _, sorting = core.generate_ground_truth_recording([1.0], num_units=3, num_channels=4, seed=0)
    folder = tmp_path / "units"
    sorting.save(folder=folder, format="numpy_folder")
    assert check_survives(SpikeInterfaceReader(), folder, folder / name, 300) > 10


def test_large_folders_take_little_memory(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    recording_of([0.01]).save(folder=folder, format="binary")
    with (folder / "traces_cached_seg0.raw").open("r+b") as file:
        file.truncate(2 << 30)
    samples, peak = read_through(folder)
    assert samples == (2 << 30) // 8
    assert peak < 250 << 20


def test_a_saved_recording_is_built_and_linked(tmp_path: Path) -> None:
    saved = recording_of([0.5]).save(folder=tmp_path / "saved", format="binary")
    built = seriesview.build_workspace(tmp_path / "saved", store=tmp_path / "store")
    (only,) = built.series.values()
    with only.open() as series:
        assert isinstance(series.manifest.values, LinkInfo)
        assert np.array_equal(series.values(0, 500, 700), saved.get_traces()[500:700])
