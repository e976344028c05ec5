"""phy and Kilosort folders against SpikeInterface: units, groups, depths, drift; clocks; damaged files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from large_recordings import PEAK
from mutations import check_survives
from phy_files import CHANNELS, Spikes, write_phy
from read_recordings import opened
from spikeglx_files import ap_keys, square, write_stream

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers import Recording
from seriesview.readers.phy.params import read_params
from seriesview.readers.phy.reader import PhyReader
from seriesview.readers.registry import choose_reader, list_candidates
from seriesview.series.links import LinkInfo

Array = npt.NDArray[Any]
GROUPS = {0: "good", 1: "mua", 2: "noise"}
LABELS = {0: "mua", 1: "good", 3: "good", 4: "mua", 6: "good"}
RATE = 30000.0


def trains(recording: Recording) -> dict[str, Array]:
    """Times of each unit, by its id."""
    times, channels = recording.events()
    assert (np.diff(times) >= 0).all()
    return {channel.id: times[channels == index] for index, channel in enumerate(recording.channels)}


def said(recording: Recording) -> str:
    return "\n".join(decision.text for decision in recording.decisions)


def test_groups_of_people_come_before_labels_of_kilosort(tmp_path: Path) -> None:
    spikes = write_phy(tmp_path, groups=GROUPS, labels=LABELS)
    found = list_candidates(tmp_path)
    assert [(each.dataset, each.role) for each in found] == [("good", "units"), ("drift", "drift")]
    assert "2 mua" in found[0].decisions[0].text
    with opened(tmp_path) as recording:
        assert set(trains(recording)) == {"0", "3", "6"}
        for cluster, times in trains(recording).items():
            np.testing.assert_array_equal(times, spikes.of(int(cluster)) / RATE)
    for label, clusters in (("mua", {"1", "4"}), ("noise", {"2"})):
        with opened(tmp_path, label) as recording:
            assert set(trains(recording)) == clusters


def test_what_nobody_judged_is_unsorted(tmp_path: Path) -> None:
    write_phy(tmp_path)
    assert [each.dataset for each in list_candidates(tmp_path)] == ["unsorted", "drift"]
    (tmp_path / "cluster_groups.csv").write_text("cluster_id\tgroup\n0\tgood\n1\tnoise\n2\tunsorted\n")
    assert [each.dataset for each in list_candidates(tmp_path)] == ["good", "unsorted", "drift"]
    (tmp_path / "cluster_groups.csv").write_text(
        "".join(f"{c}\tmua\n" for c in ["cluster_id", *range(7)]).replace("d\tmua", "d\tgroup")
    )
    assert [each.dataset for each in list_candidates(tmp_path)] == ["mua", "drift"]


@pytest.fixture
def si() -> Any:
    """SpikeInterface, imported where it is compared with: every worker imports what stands above."""
    import spikeinterface.full

    return spikeinterface.full


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_units_are_those_of_spikeinterface(si: Any, tmp_path: Path, fortran: bool) -> None:
    clusters = (0, 1, 2, 3, 4, 6)
    write_phy(tmp_path, groups=dict.fromkeys(clusters, "good"), dtype="uint64", fortran=fortran)
    sorting = si.read_phy(tmp_path)
    with opened(tmp_path) as recording:
        found = trains(recording)
        assert list(found) == [str(unit) for unit in sorting.unit_ids]
        for unit in sorting.unit_ids:
            np.testing.assert_allclose(found[str(unit)], sorting.get_unit_spike_train(unit) / RATE)
    kilosort = si.read_kilosort(tmp_path)
    assert kilosort.count_num_spikes_per_unit(outputs="dict") == {
        int(unit): len(found[unit]) for unit in found
    }


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_units_lie_where_their_unwhitened_template_is_largest(tmp_path: Path, fortran: bool) -> None:
    spikes = write_phy(tmp_path, groups=dict.fromkeys(range(7), "good"), fortran=fortran)
    with opened(tmp_path) as recording:
        for channel in recording.channels:
            # 6 was merged of 4 and 5.
            best = spikes.best[min(int(channel.id), 5)]
            assert (channel.x, channel.y) == tuple(spikes.positions[best])
            assert channel.group == str(best // 6)


def test_units_name_the_channel_of_the_recording_on_which_they_are_largest(tmp_path: Path) -> None:
    spikes = write_phy(tmp_path, groups=dict.fromkeys(range(7), "good"))
    columns = np.arange(CHANNELS)[::-1] + 3
    np.save(tmp_path / "channel_map.npy", columns)
    with opened(tmp_path) as recording:
        assert {each.id: each.best_channel for each in recording.channels} == {
            str(cluster): str(columns[spikes.best[min(cluster, 5)]]) for cluster in (0, 1, 2, 3, 4, 6)
        }
    (tmp_path / "templates.npy").unlink()
    with opened(tmp_path) as recording:
        assert {each.best_channel for each in recording.channels} == {None}
    (tmp_path / "cluster_info.tsv").write_text("id\tch\n0\t5\n1\t\n")
    with opened(tmp_path) as recording:
        assert [each.best_channel for each in recording.channels][:2] == ["5", None]
    write_phy(tmp_path, groups=dict.fromkeys(range(7), "good"))
    (tmp_path / "channel_map.npy").unlink()
    with opened(tmp_path) as recording:
        assert {each.best_channel for each in recording.channels} == {None}


def test_depths_without_templates_are_those_of_cluster_info(tmp_path: Path) -> None:
    write_phy(tmp_path)
    (tmp_path / "templates.npy").unlink()
    (tmp_path / "cluster_info.tsv").write_text(
        "id\tKSLabel\tch\tdepth\tgroup\n0\tmua\t3\t777\tgood\n1\tgood\t99\t55.5\t\n"
    )
    with opened(tmp_path, "good") as recording:
        assert [(each.id, each.y) for each in recording.channels] == [("0", 20.0), ("1", 55.5)]
    assert "drift" not in [each.dataset for each in list_candidates(tmp_path)]


def drift_of(path: Path) -> tuple[Array, Array, Recording]:
    with opened(path, "drift") as recording:
        values = np.empty((recording.num_samples, recording.num_channels), np.float32)
        half = recording.num_samples // 2
        recording.read_into(0, values[:half])
        recording.read_into(half, values[half:])
        return recording.timestamps(0, recording.num_samples), values, recording


def test_the_drift_map_is_depth_and_amplitude_of_every_spike(tmp_path: Path) -> None:
    spikes = write_phy(tmp_path)
    times, values, recording = drift_of(tmp_path)
    assert [channel.label for channel in recording.channels] == ["depth", "amplitude"]
    np.testing.assert_array_equal(times, spikes.samples / RATE)
    np.testing.assert_allclose(values[:, 0], spikes.positions[spikes.best[spikes.templates], 1])
    np.testing.assert_allclose(values[:, 1], spikes.amplitudes, rtol=1e-6)
    near = np.arange(CHANNELS)[None, :4] + np.arange(6)[:, None]
    np.save(tmp_path / "pc_feature_ind.npy", near)
    features = np.random.default_rng(3).standard_normal((600, 3, 4)).astype(np.float32)
    features[5, 0] = -1.0
    np.save(tmp_path / "pc_features.npy", np.asfortranarray(features))
    weights = np.maximum(features[:, 0].astype(float), 0) ** 2
    depths = spikes.positions[near[spikes.templates], 1]
    with np.errstate(invalid="ignore"):
        centres = (weights * depths).sum(axis=1) / weights.sum(axis=1)
    by_template = spikes.positions[spikes.best[spikes.templates], 1]
    assert np.isnan(centres[5])
    centres = np.where(np.isnan(centres), by_template, centres)
    np.testing.assert_allclose(drift_of(tmp_path)[1][:, 0], centres, rtol=1e-5)
    np.save(tmp_path / "spike_positions.npy", np.column_stack([np.zeros(600), np.arange(600.0)]))
    np.testing.assert_array_equal(drift_of(tmp_path)[1][:, 0], np.arange(600))


def test_spikes_out_of_order_are_sorted_and_odd_times_told(tmp_path: Path) -> None:
    spikes = write_phy(tmp_path, groups=dict.fromkeys(range(7), "good"))
    order = np.random.default_rng(5).permutation(600)
    moved = spikes.samples[order]
    moved[:3] = (-5, 100_001, 200_000)
    for name, array in (
        ("spike_times", moved),
        ("spike_clusters", spikes.clusters[order]),
        ("spike_templates", spikes.templates[order]),
        ("amplitudes", spikes.amplitudes[order]),
    ):
        np.save(tmp_path / f"{name}.npy", array)
    np.zeros((100_000, 12), np.int16).tofile(tmp_path / "gone.bin")
    with opened(tmp_path) as recording:
        trains(recording)
        assert "1 spikes lie before" in said(recording)
        assert "2 spikes lie behind" in said(recording)
        assert "not stored in order" in said(recording)
    times, values, _ = drift_of(tmp_path)
    by_time = np.argsort(moved, kind="stable")
    np.testing.assert_array_equal(times, moved[by_time] / RATE)
    np.testing.assert_allclose(values[:, 1], spikes.amplitudes[order][by_time], rtol=1e-6)


def test_exports_of_spikeinterface_are_read_with_their_recording(si: Any, tmp_path: Path) -> None:
    recording, sorting = si.generate_ground_truth_recording(
        durations=[10.0], num_channels=8, num_units=5, sampling_frequency=20000.0, seed=1
    )
    analyzer = si.create_sorting_analyzer(sorting, recording, sparse=False)
    analyzer.compute(["random_spikes", "waveforms", "templates", "noise_levels", "spike_amplitudes"])
    folder = tmp_path / "phy"
    si.export_to_phy(analyzer, folder, compute_pc_features=False, verbose=False, use_relative_path=True)
    assert [each.dataset for each in list_candidates(folder)] == ["unsorted", "drift", "recording"]
    with opened(folder) as units:
        found = trains(units)
        for index, unit in enumerate(sorting.unit_ids):
            np.testing.assert_allclose(found[str(index)], sorting.get_unit_spike_train(unit) / 20000)
        templates = analyzer.get_extension("templates").get_templates()
        places = recording.get_channel_locations()[np.ptp(templates, axis=1).argmax(axis=1)]
        assert [(each.x, each.y) for each in units.channels] == [tuple(place) for place in places]
    with opened(folder, "recording") as traces:
        out = np.empty((traces.num_samples, traces.num_channels), traces.dtype)
        traces.read_into(0, out)
        np.testing.assert_array_equal(out, recording.get_traces())
        assert [channel.y for channel in traces.channels] == pytest.approx(
            list(recording.get_channel_locations()[:, 1])
        )


def test_params_are_read_and_never_run(tmp_path: Path) -> None:
    (tmp_path / "params.py").write_text(
        "import os\nopen('ran', 'w')\nsample_rate = 25000\ndtype = os.name\noffset = 64\n"
        "dat_path = ['a.bin', r'D:\\data\\b.bin']\nn_channels_dat = 385\n"
    )
    params = read_params(tmp_path)
    assert (params.sample_rate, params.dtype, params.offset) == (25000.0, None, 64)
    assert params.dat_paths == ("a.bin", "D:\\data\\b.bin")
    # No Python at all: \U begins an escape.
    (tmp_path / "params.py").write_text("dat_path = 'C:\\Users\\me\\run.bin'\nsample_rate = 30000.\n")
    assert read_params(tmp_path).dat_paths == ("C:\\Users\\me\\run.bin",)
    assert read_params(tmp_path).sample_rate == RATE
    assert not (Path.cwd() / "ran").exists()


def test_a_missing_recording_is_told_and_the_rest_opens(tmp_path: Path) -> None:
    write_phy(tmp_path)
    with opened(tmp_path) as recording:
        assert "dat_path is gone.bin" in said(recording)
    (tmp_path / "params.py").unlink()
    with pytest.raises(ReaderError, match="sampling_frequency"):
        opened(tmp_path)
    with opened(tmp_path, sampling_frequency=20000.0) as recording:
        assert recording.events()[0].max() == pytest.approx(99_999 / 20000, abs=0.1)


@pytest.mark.parametrize("place", ["D:\\\\labs\\\\mouse\\\\a.bin", "/labs/mouse/a.bin"])
def test_where_a_missing_recording_lay_on_another_computer_is_not_told(tmp_path: Path, place: str) -> None:
    params = f"dat_path = '{place}'\nn_channels_dat = 12\ndtype = 'int16'\noffset = 0\nsample_rate = 30000.\n"
    write_phy(tmp_path, params=params)
    with opened(tmp_path) as recording:
        assert "dat_path is a file a.bin elsewhere" in said(recording)
        assert "mouse" not in said(recording)


def test_a_recording_that_was_found_by_its_name_is_said_to_be(tmp_path: Path) -> None:
    write_phy(tmp_path)
    samples = np.zeros((100_000, 13), "<i2")
    samples.tofile(tmp_path / "raw.bin")
    for named, words in [
        ("raw.bin", "as dat_path says"),
        ("D:\\data\\raw.bin", "found by the name in dat_path"),
    ]:
        (tmp_path / "params.py").write_text(params_for(named))
        with opened(tmp_path) as recording:
            assert f"raw.bin, {words}" in said(recording)


def params_for(*paths: Path | str) -> str:
    listed = [str(path) for path in paths]
    rest = "n_channels_dat = 13\ndtype = 'int16'\noffset = 0\nsample_rate = 30000.\n"
    return f"dat_path = {listed!r}\n{rest}"


def stream(samples: int) -> Array:
    return np.column_stack([np.zeros((samples, 12), np.int16), square(samples, 100)])


def test_spikes_of_a_spikeglx_file_have_its_clock(tmp_path: Path) -> None:
    path = write_stream(tmp_path / "run", "run_g0_t0.imec0.ap", stream(100_000), ap_keys(12))
    spikes = write_phy(tmp_path / "sorted", params=params_for(path), labels=dict.fromkeys(range(7), "good"))
    with opened(spikes.folder) as recording:
        np.testing.assert_allclose(trains(recording)["0"], spikes.of(0) / 30000.25)
        assert recording.session_start == "2024-05-06T07:08:09"
    with opened(spikes.folder, "recording") as recording:
        assert recording.unit == "uV"
        assert recording.layout is not None
        assert recording.layout.path == path


def test_spikes_of_several_triggers_have_their_gaps(tmp_path: Path) -> None:
    run = tmp_path / "run_g0"
    paths = [
        write_stream(run, f"run_g0_t{trigger}.imec0.ap", stream(50_000), ap_keys(12, firstSample=first))
        for trigger, first in enumerate((1000, 200_000))
    ]
    groups = dict.fromkeys(range(7), "good")
    spikes = write_phy(run / "kilosort4", params=params_for(*paths), groups=groups)
    later = np.where(spikes.samples < 50_000, 0, 149_000)
    for place, name in ((spikes.folder, None), (run, "imec0.good")):
        with opened(place, name) as recording:
            np.testing.assert_allclose(recording.events()[0], np.sort(spikes.samples + later) / 30000.25)
    one = write_phy(
        tmp_path / "run_g0_sorted_t1", params=params_for(f"D:\\x\\{paths[1].name}"), groups=groups
    )
    assert [each.dataset for each in list_candidates(run) if each.role == "units"] == [
        "imec0.kilosort4.good",
        f"imec0.{tmp_path.name}.run_g0_sorted_t1.good",
    ]
    with opened(run, f"imec0.{tmp_path.name}.run_g0_sorted_t1.good") as recording:
        np.testing.assert_allclose(recording.events()[0], (199_000 + one.samples) / 30000.25)


def test_a_run_shows_the_units_of_its_probes(tmp_path: Path) -> None:
    run = tmp_path / "run_g0"
    for probe in (0, 1):
        folder = run / f"run_g0_imec{probe}"
        path = write_stream(folder, f"run_g0_t0.imec{probe}.ap", stream(100_000), ap_keys(12))
        # As after copying from the computer that sorted.
        write_phy(
            folder / "kilosort4" / "sorter_output",
            params=params_for(f"E:/{path.name}"),
            groups=GROUPS,
            labels=LABELS,
        )
    before = {path: path.stat().st_mtime_ns for path in sorted(run.rglob("*"))}
    assert choose_reader(run).name == "spikeglx"
    found = [(each.dataset, each.role) for each in list_candidates(run) if each.type != "interval"]
    assert found == [
        ("imec0.ap", "spike-band"),
        ("imec1.ap", "spike-band"),
        ("imec0.sync", "ttl"),
        ("imec1.sync", "ttl"),
        ("imec0.good", "units"),
        ("imec0.drift", "drift"),
        ("imec1.good", "units"),
        ("imec1.drift", "drift"),
    ]
    built = seriesview.build_workspace(run, store=tmp_path / "store")
    assert not built.missing
    assert len(built.series) == 8
    traces = built.series["run_g0_imec0_ap"].open()
    units = built.series["run_g0_imec0_good"].open()
    assert isinstance(traces.manifest.values, LinkInfo)
    assert [channel.label for channel in units.channels] == ["0", "3", "6"]
    assert units.manifest.session_start == traces.manifest.session_start
    # The folder is never written to.
    assert {path: path.stat().st_mtime_ns for path in sorted(run.rglob("*"))} == before


def test_units_in_a_probes_folder_are_taken_for_its_own(tmp_path: Path) -> None:
    run = tmp_path / "run_g0"
    for probe in (0, 1):
        folder = run / f"run_g0_imec{probe}"
        write_stream(
            folder, f"run_g0_t0.imec{probe}.ap", stream(90_000), ap_keys(12, imSampRate=30000 + probe)
        )
    spikes = write_phy(run / "run_g0_imec1" / "ks", labels=dict.fromkeys(range(7), "good"))
    with opened(run, "imec1.good") as recording:
        np.testing.assert_allclose(recording.events()[0], spikes.samples / 30001)
        assert any(each.is_guess and "run_g0_t0.imec1.ap.bin" in each.text for each in recording.decisions)
        assert f"{(spikes.samples >= 90_000).sum()} spikes lie behind" in said(recording)
    with opened(run, "imec1.drift") as recording:
        assert recording.session_start == "2024-05-06T07:08:09"
    write_phy(run / "elsewhere")
    assert "elsewhere.unsorted" in [each.dataset for each in list_candidates(run)]


def test_files_that_people_name_lead_to_their_folder_and_other_arrays_are_arrays(tmp_path: Path) -> None:
    write_phy(tmp_path / "kilosort4_output" / "sorter_output")
    place = tmp_path / "kilosort4_output"
    inner = place / "sorter_output"
    (inner / "cluster_KSLabel.tsv").touch()
    names = ("params.py", "spike_times.npy", "spike_clusters.npy", "cluster_KSLabel.tsv")
    for path in (place, inner, *(inner / name for name in names)):
        assert choose_reader(path).name == "phy"
        assert list_candidates(path)[0].dataset == "unsorted"
    assert choose_reader(inner / "amplitudes.npy").name == "npy"
    assert list_candidates(inner / "spike_times.npy", "npy")[0].type == "continuous"
    np.save(tmp_path / "spike_times.npy", np.arange(5))
    assert choose_reader(tmp_path / "spike_times.npy").name == "npy"
    assert not PhyReader().can_read(tmp_path / "nothing")


def test_what_contradicts_itself_is_refused(tmp_path: Path) -> None:
    write_phy(tmp_path)
    np.save(tmp_path / "spike_clusters.npy", np.zeros(3, np.int32))
    with pytest.raises(ReaderError, match="3 spikes"):
        opened(tmp_path)
    np.save(tmp_path / "spike_clusters.npy", np.full(600, -1))
    with pytest.raises(ReaderError, match="numbers from 0"):
        opened(tmp_path)
    with (tmp_path / "spike_times.npy").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(ReaderError, match="cut short"):
        opened(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "params.py",
        "cluster_group.tsv",
        "spike_times.npy",
        "spike_clusters.npy",
        "templates.npy",
        "channel_map.npy",
    ],
)
def test_damaged_files_are_errors_or_data(tmp_path: Path, name: str) -> None:
    write_phy(tmp_path, spikes=40, groups=GROUPS)
    assert check_survives(PhyReader(), tmp_path, tmp_path / name, 350) > 10


READ_MANY = f"""{PEAK}
import sys
import numpy as np
from seriesview.readers import ReadOptions, open_recording
with open_recording(sys.argv[1], None, ReadOptions(dataset="good")) as recording:
    count = recording.num_samples
with open_recording(sys.argv[1], None, ReadOptions(dataset="drift")) as recording:
    block = np.empty((1 << 16, 2), np.float32)
    for first in range(0, recording.num_samples - len(block), 1 << 22):
        recording.timestamps(first, first + len(block))
        recording.read_into(first, block)
print(count, recording.num_samples, peak_bytes())
"""


def test_very_many_spikes_take_little_memory(tmp_path: Path) -> None:
    spikes: Spikes = write_phy(tmp_path, groups={0: "good"})
    count = 30_000_000
    for name, dtype in (
        ("spike_times", "<i8"),
        ("spike_clusters", "<i4"),
        ("spike_templates", "<i4"),
        ("amplitudes", "<f8"),
    ):
        header = np.lib.format.header_data_from_array_1_0(np.empty(0, dtype)) | {"shape": (count,)}
        path = spikes.folder / f"{name}.npy"
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            file.truncate(file.tell() + count * np.dtype(dtype).itemsize)
    done = subprocess.run(
        [sys.executable, "-c", READ_MANY, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    units, drift, peak = map(int, done.stdout.split())
    assert (units, drift) == (count, count)
    assert peak < 250 << 20
