"""Recordings read through neo: samples, units, times and events as neo's own objects have them, linked where plain."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import neo.io
import neo.rawio
import numpy as np
import pytest
import quantities as pq
from intan_files import write_rhs, write_rhs_by_channel
from large_recordings import PEAK, read_through
from mutations import check_survives
from neo_clinical_files import write_micromed, write_tdt
from neo_files import (
    Array,
    noise,
    write_abf1,
    write_blackrock,
    write_ncs,
    write_neuroscope,
    write_nev,
    write_nex,
    write_plx,
    write_rhd,
)
from read_recordings import opened
from shared_recordings import shared_recordings

import seriesview
from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.adapters import neo as adapter
from seriesview.readers.adapters.neo_corrections import whole_milliseconds
from seriesview.readers.adapters.neo_formats import FORMATS
from seriesview.readers.protocol import Recording
from seriesview.readers.registry import guess_reader, inside_folder, list_candidates
from seriesview.series.links import ContiguousLink

PIECES = [(0, noise(3000, 4)), (60000, noise(2000, 4, seed=1))]

PYABF_5 = [-71.051025, -71.057129, -72.796631, -74.932861]
PYABF_11 = [0.39642334, -0.07659912, 0.62988281, 0.27923584]


def stored(recording: Recording) -> Array:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    half = len(out) // 2
    recording.read_into(half, out[half:])
    recording.read_into(0, out[:half])
    return out


def physical(recording: Recording) -> Array:
    scales = [recording.scale if each.scale is None else each.scale for each in recording.channels]
    offsets = [recording.offset if each.offset is None else each.offset for each in recording.channels]
    return stored(recording) * np.array(scales) + np.array(offsets)


def starts(recording: Recording) -> list[float]:
    if recording.segments is None:
        return [recording.start_time]
    assert sum(each.num_samples for each in recording.segments) == recording.num_samples
    return [each.start_time for each in recording.segments]


def same_as_neo(recording: Recording, block: Any, signal: int, unit: str | None = None) -> None:
    """Compare with neo's analog signals in the block's segments, in their unit (`unit`: another name of it)."""
    signals = [segment.analogsignals[signal] for segment in block.segments]
    np.testing.assert_allclose(
        physical(recording), np.concatenate([each.magnitude for each in signals]), rtol=1e-5, atol=5e-4
    )
    assert starts(recording) == pytest.approx([float(each.t_start) for each in signals], abs=1e-9)
    assert recording.sampling_frequency == pytest.approx(float(signals[0].sampling_rate.rescale("Hz")))
    assert recording.unit == (unit or signals[0].units.dimensionality.string)
    assert [each.label for each in recording.channels] == list(signals[0].array_annotations["channel_names"])


@pytest.mark.parametrize("path", shared_recordings("abf"), ids=lambda path: path.name)
def test_sweeps_of_axon_files_are_segments_at_their_times(path: Path) -> None:
    with opened(path) as recording:
        same_as_neo(recording, neo.io.AxonIO(str(path)).read_block(), 0)
        assert isinstance(recording.layout, ContiguousLayout)


@pytest.mark.parametrize("path", shared_recordings("abf", "File_axon_5.abf"), ids=lambda path: path.name)
def test_axon_files_have_the_values_that_pyabf_gives(path: Path) -> None:
    """Fixed from pyABF 2.3.8: data, sweep times, rate, units and names."""
    with opened(path) as recording:
        values = physical(recording)
        assert values[[0, 1, 20000, 179999], 0] == pytest.approx(PYABF_5, abs=1e-4)
        assert starts(recording) == [5.0 * sweep for sweep in range(9)]
        assert (recording.unit, recording.channels[0].label) == ("mV", "_Ipatch")
        assert recording.session_start == "2007-02-09T12:54:55.828000"
    with opened(path.with_name("pclamp11_4ch.abf")) as recording:
        assert physical(recording)[12345] == pytest.approx(PYABF_11, abs=1e-6)
        assert starts(recording) == pytest.approx([0.2 * sweep for sweep in range(10)])
        assert [each.label for each in recording.channels] == ["IN 0", "IN 1", "IN 2", "IN 3"]


def test_tags_of_axon_files_are_events_with_their_comments(tmp_path: Path) -> None:
    sweeps = [noise(1000, 1, seed=number)[:, 0] for number in range(3)]
    write_abf1(tmp_path / "a.abf", sweeps, [(500, "+drug"), (20000, "washed out")])
    with opened(tmp_path / "a.abf", "Signals") as recording:
        assert starts(recording) == pytest.approx([0, 0.1, 0.2])
        np.testing.assert_array_equal(stored(recording)[:, 0], np.concatenate(sweeps))
        assert isinstance(recording.layout, ContiguousLayout)
        assert any("no times of sweeps" in each.text for each in recording.decisions)
        assert recording.session_start == "2024-03-14T08:30:15"
    with opened(tmp_path / "a.abf", "events/Tag") as recording:
        times, channels = recording.events()
        assert times == pytest.approx([0.05, 2.0])
        assert [recording.channels[each].label for each in channels] == ["+drug", "washed out"]


def test_blackrock_pauses_are_segments_and_samples_are_linked(tmp_path: Path) -> None:
    write_blackrock(tmp_path / "a.ns5", PIECES)
    with opened(tmp_path / "a.ns5") as recording:
        same_as_neo(
            recording, neo.io.BlackrockIO(str(tmp_path / "a"), gap_tolerance_ms=0.2).read_block(), 0, "uV"
        )
        assert starts(recording) == [0, 2.0]
        assert recording.unit == "uV"
        assert recording.session_start == "2024-03-14T08:30:15.250000+00:00"
        assert isinstance(recording.layout, FilesLayout)
        linked = np.empty((5000, 4), np.int16)
        SampleFile(recording.layout).read_into(0, linked)
        np.testing.assert_array_equal(linked, np.concatenate([each for _, each in PIECES]))


def test_all_files_of_a_blackrock_recording_are_its_streams(tmp_path: Path) -> None:
    write_blackrock(tmp_path / "a.ns5", [(0, noise(3000, 4))])
    write_blackrock(tmp_path / "a.ns2", [(0, noise(100, 2))], period=30)
    write_nev(tmp_path / "a.nev", [(10, 1, 0), (500, 2, 1), (700, 1, 1)], [(100, 5), (900, 7)])
    for name in ("a.ns5", "a.ns2", "a.nev"):
        candidates = list_candidates(tmp_path / name)
        assert [(each.dataset, each.role) for each in candidates] == [
            ("nsx5", "spike-band"),
            ("nsx2", "lfp"),
            ("units", "units"),
            ("events/digital_input_port", "markers"),
        ]
    with opened(tmp_path / "a.ns5", "units") as recording:
        times, channels = recording.events()
        assert times == pytest.approx([10 / 30000, 500 / 30000, 700 / 30000])
        assert [recording.channels[each].label for each in channels] == ["ch1#0", "ch2#1", "ch1#1"]
        assert {each.name for each in recording.files} == {"a.nev", "a.ns2"}
    with opened(tmp_path / "a.nev", "events/digital_input_port") as recording:
        times, channels = recording.events()
        assert times == pytest.approx([100 / 30000, 900 / 30000])
        assert [recording.channels[each].label for each in channels] == ["5", "7"]


def test_what_contradicts_another_file_is_read_alone_and_told(tmp_path: Path) -> None:
    write_blackrock(tmp_path / "a.ns5", PIECES)
    (tmp_path / "a.nev").write_bytes(b"NEURALEV" + b"\0" * 500)
    with opened(tmp_path / "a.ns5", "nsx5") as recording:
        np.testing.assert_array_equal(stored(recording)[:3000], PIECES[0][1])
        told = [each.text for each in recording.decisions if "read without other files" in each.text]
        assert "(a.nev; they may be opened by name)" in told[0]


def test_a_folder_names_each_file_of_a_recording_whose_files_contradict_each_other(tmp_path: Path) -> None:
    write_blackrock(tmp_path / "a.ns5", PIECES)
    write_nev(tmp_path / "a.nev", [(10, 1, 0)], [])
    inside = inside_folder(tmp_path)
    assert inside is not None
    assert [path.name for path, _ in inside.recordings] == ["a.nev", "a.ns5"]


def test_gaps_of_neuralynx_are_segments_in_folders_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "session"
    folder.mkdir()
    first, second = noise(5120, 2), noise(1024, 2, seed=1)
    for number in (1, 2):
        column = number - 1
        pieces = [(1_000_000, first[:, column]), (3_000_000, second[:, column])]
        write_ncs(folder / f"CSC{number}.ncs", pieces, number)
    block = neo.io.NeuralynxIO(dirname=str(folder), gap_tolerance_ms=0.2).read_block()
    with opened(folder) as recording:
        same_as_neo(recording, block, 0, "uV")
        assert starts(recording) == [0, 2.0]
        np.testing.assert_array_equal(stored(recording), np.concatenate([first, second]))
        assert recording.session_start == "2024-03-14T08:30:15"
        assert len(recording.files) == 2
    with opened(folder / "CSC2.ncs") as recording:
        np.testing.assert_array_equal(stored(recording)[:5120, 0], first[:, 1])


def test_intan_amplifiers_and_digital_inputs(tmp_path: Path) -> None:
    amplifier = (noise(1280, 3, "<i4") + 32768).astype("<u2")
    write_rhd(tmp_path / "a.rhd", amplifier, np.arange(1280) // 100 % 2)
    candidates = list_candidates(tmp_path / "a.rhd")
    assert [each.role for each in candidates] == ["spike-band", "ttl"]
    block = neo.io.IntanIO(str(tmp_path / "a.rhd")).read_block()
    with opened(tmp_path / "a.rhd", candidates[0].dataset) as recording:
        same_as_neo(recording, block, 0, "uV")
        np.testing.assert_allclose(physical(recording), (amplifier.astype(float) - 32768) * 0.195, atol=1e-6)
        assert recording.dtype == np.uint16
    with opened(tmp_path / "a.rhd", candidates[1].dataset) as recording:
        np.testing.assert_array_equal(stored(recording)[:, 0], np.arange(1280) // 100 % 2)
        assert (recording.channels[0].label, recording.channels[0].type) == ("lick", "TRIG")


@pytest.mark.parametrize("write", [write_plx, write_nex])
def test_pauses_that_neo_passes_over_are_segments(tmp_path: Path, write: Callable[..., None]) -> None:
    path = tmp_path / f"a.{write.__name__[-3:]}"
    pieces = [(4000, noise(500, 2)), (80000, noise(350, 2, seed=2))]
    write(path, pieces, [(100, 0), (5000, 1), (90000, 1)] if write is write_plx else [100, 5000, 90000])
    names = [each.dataset for each in list_candidates(path)]
    with opened(path, names[0]) as recording:
        np.testing.assert_array_equal(stored(recording), np.concatenate([each for _, each in pieces]))
        assert starts(recording) == pytest.approx([0.1, 2.0])
        assert recording.unit == "mV"
        gain = 5000 / (2048 * 1000) if write is write_plx else 0.01
        assert recording.scale == pytest.approx(gain)
    with opened(path, "units") as recording:
        times, _ = recording.events()
        assert times == pytest.approx([100 / 40000, 5000 / 40000, 90000 / 40000])


@pytest.mark.parametrize("name", ["session.lfp", "session.xml"])
def test_field_potentials_of_neuroscope_have_their_own_rate(tmp_path: Path, name: str) -> None:
    samples = noise(5000, 2)
    write_neuroscope(tmp_path, samples)
    with opened(tmp_path / name) as recording:
        assert recording.sampling_frequency == 1250
        np.testing.assert_array_equal(stored(recording), samples)
        assert recording.layout == ContiguousLayout(
            tmp_path / "session.lfp", np.dtype("<i2"), 5000, 2, 0, 4, 2
        )


def test_what_is_plain_is_linked_from_path_to_window(tmp_path: Path) -> None:
    write_blackrock(tmp_path / "a.ns5", [(0, noise(30000, 4))])
    built = seriesview.build_workspace(tmp_path / "a.ns5", store=tmp_path / "store")
    series = seriesview.open_series(built.series["a"].uri, store=tmp_path / "store")
    np.testing.assert_array_equal(series.values(0, 100, 200), noise(30000, 4)[100:200])
    assert isinstance(series.manifest.values, ContiguousLink)


def test_files_are_known_by_what_they_begin_with_and_never_by_suffix_alone(tmp_path: Path) -> None:
    for kind in FORMATS:
        for suffix in kind.suffixes:
            path = tmp_path / f"other{suffix}"
            path.write_bytes(b"something else")
            is_without = kind.rawio in ("Plexon2RawIO", "CedRawIO", "MedRawIO")
            assert adapter.NeoReader().can_read(path) == is_without, suffix
            path.unlink()
    assert not adapter.NeoReader().can_read(tmp_path)


def test_simulations_of_mearec_have_rate_unit_and_units(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 20, (3200, 4)).astype(np.float32)
    trains = [
        neo.SpikeTrain(np.array(times) * pq.s, t_stop=0.1 * pq.s, cell_type="E")
        for times in ([0.01, 0.05], [0.02])
    ]
    shapes = {"templates": (2, 4, 10), "original_templates": (2, 4, 10), "template_locations": (2, 3)}
    shapes |= {"template_rotations": (2, 3), "voltage_peaks": (2, 4), "spike_traces": (3200, 2)}
    fields = {name: np.zeros(shape) for name, shape in {**shapes, "channel_positions": (4, 3)}.items()}
    fields |= {"recordings": samples, "timestamps": np.arange(3200) / 32000, "spiketrains": trains}
    info = {
        "recordings": {"fs": 32000.0, "duration": 0.1, "dtype": "float32"},
        "electrodes": {},
        "spiketrains": {},
    }
    # Only here: it brings a second of imports.
    import MEArec

    generator = MEArec.RecordingGenerator(
        rec_dict={**fields, "template_celltypes": np.array(["E", "E"])}, info=info
    )
    generator.gain_to_uV = None
    MEArec.save_recording_generator(generator, str(tmp_path / "a.h5"), verbose=False)
    assert guess_reader(tmp_path / "a.h5").name == "neo_hdf5"
    with opened(tmp_path / "a.h5", "Signals") as recording:
        np.testing.assert_array_equal(stored(recording), samples)
        assert (recording.unit, recording.sampling_frequency, recording.dtype) == ("uV", 32000, np.float32)
    with opened(tmp_path / "a.h5", "units") as recording:
        times, channels = recording.events()
        assert times == pytest.approx([0.01, 0.02, 0.05])
        assert channels.tolist() == [0, 1, 0]


def test_a_nix_file_says_what_to_install_or_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nix", "w") as file:
        file.attrs["format"] = "nix"
    assert guess_reader(tmp_path / "a.nix").name == "neo_hdf5"
    with pytest.raises(ReaderError, match=r"pip install nixio|neo cannot read it"):
        list_candidates(tmp_path / "a.nix")


def test_every_format_on_the_list_is_a_raw_reader_of_neo() -> None:
    for kind in FORMATS:
        module = __import__(f"neo.rawio.{kind.rawio.lower()}", fromlist=[kind.rawio])
        assert issubclass(getattr(module, kind.rawio), neo.rawio.baserawio.BaseRawIO)


def test_plexons_second_format_is_refused_without_its_library_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.pl2").write_bytes(b"\0" * 100)
    with pytest.raises(ReaderError, match="export it to \\.plx"):
        list_candidates(tmp_path / "a.pl2")
    assert [each.name for each in tmp_path.iterdir()] == ["a.pl2"]


def test_nothing_is_written_beside_a_recording(tmp_path: Path) -> None:
    write_blackrock(tmp_path / "a.ns5", PIECES)
    tmp_path.chmod(0o555)
    try:
        list_candidates(tmp_path / "a.ns5")
        assert [each.name for each in tmp_path.iterdir()] == ["a.ns5"]
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("length", [8, 300, 400, 1000, 39000])
def test_a_file_that_is_cut_off_is_an_error_of_one_line(tmp_path: Path, length: int) -> None:
    write_blackrock(tmp_path / "a.ns5", PIECES)
    (tmp_path / "a.ns5").write_bytes((tmp_path / "a.ns5").read_bytes()[:length])
    with pytest.raises(ReaderError) as error:
        stored(opened(tmp_path / "a.ns5", "nsx5"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("channels", [1, 2])
def test_memory_is_bounded_on_a_large_file(tmp_path: Path, channels: int) -> None:
    """One channel is linked, two lie one after the other and are read through neo's memory map."""
    count = (1 << 30) // channels
    write_nex(tmp_path / "a.nex", [(0, np.zeros((0, channels)))], [], lengths=[count] * channels)
    code = (
        f"{PEAK}\nimport sys, numpy as np; from pathlib import Path\n"
        "from seriesview.readers.registry import open_recording\n"
        "recording = open_recording(Path(sys.argv[1]))\n"
        "out = np.empty((1 << 20, recording.num_channels), np.int16)\n"
        "for first in range(0, recording.num_samples - len(out), 4 * len(out)): recording.read_into(first, out)\n"
        "print(recording.num_samples, peak_bytes() >> 20)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.nex")], capture_output=True, text=True
    )
    num_samples, megabytes = map(int, run.stdout.split())
    assert (num_samples, megabytes < 250) == (count, True), megabytes


@pytest.mark.parametrize("name", ["a.ns5", "a.plx", "a.nex", "session.xml"])
def test_damaged_headers_are_errors_of_one_line_or_data(tmp_path: Path, name: str) -> None:
    pieces = [(0, noise(60, 2)), (60000, noise(50, 2, seed=1))]
    write_blackrock(tmp_path / "a.ns5", pieces)
    write_plx(tmp_path / "a.plx", pieces, [(100, 0), (5000, 1)])
    write_nex(tmp_path / "a.nex", pieces, [100, 5000])
    write_neuroscope(tmp_path, noise(50, 2))
    check_survives(adapter.NeoReader(), tmp_path / name, tmp_path / name, 300)


def test_the_reader_is_asked_after_those_of_the_package(tmp_path: Path) -> None:
    write_neuroscope(tmp_path, noise(100, 2), ".dat")
    assert guess_reader(tmp_path / "session.dat").name == "neo"
    shutil.move(tmp_path / "session.xml", tmp_path / "other.xml")
    assert guess_reader(tmp_path / "session.dat").name == "binary"


@pytest.mark.parametrize("suffix", [".tsq", ".Tbk", ".tev", None])
def test_a_block_of_tdt_is_found_by_any_of_its_files_and_has_its_date(
    tmp_path: Path, suffix: str | None
) -> None:
    samples = np.random.default_rng(3).normal(0, 50, (1024, 2)).astype(np.float32)
    index = write_tdt(tmp_path / "Block-1", samples)
    path = index.parent if suffix is None else index.with_suffix(suffix)
    with opened(path, "Wav1") as recording:
        assert np.array_equal(stored(recording), samples)
        assert recording.session_start == "2020-09-13T12:26:40+00:00"
        assert [each.is_guess for each in recording.decisions if "unit of its stores" in each.text] == [True]
    with opened(path, "events/Tick") as ticks:
        np.testing.assert_allclose(ticks.events()[0], [0, 0.25, 0.5], atol=1e-6)


def test_a_block_whose_stores_cannot_be_understood_says_why(tmp_path: Path) -> None:
    index = write_tdt(tmp_path / "Block-1", np.zeros((256, 1)))
    stores = index.with_suffix(".Tbk")
    stores.write_text(stores.read_text().replace("NAME=Enabled", "NAME=Able"))
    with pytest.raises(ReaderError, match="incomplete channel group"):
        list_candidates(index.parent)


def test_micromed_files_have_their_units_and_notes(tmp_path: Path) -> None:
    samples = np.random.default_rng(4).integers(32000, 33500, (1000, 3))
    write_micromed(tmp_path / "a.TRC", samples, [0, 1, 2], [(512, "seizure"), (900, "eyes open")])
    with opened(tmp_path / "a.TRC", "Signals") as recording:
        assert [each.unit or recording.unit for each in recording.channels] == ["uV", "mV", "V"]
        np.testing.assert_allclose(physical(recording), (samples - 32768) * (6400 / 65536), atol=1e-9)
        assert (recording.session_start, recording.sampling_frequency) == ("2021-03-05T10:20:30", 256)
        assert recording.layout is not None
    with opened(tmp_path / "a.TRC", "events/Note") as notes:
        times, channels = notes.events()
        assert [(time, notes.channels[at].label) for time, at in zip(times, channels, strict=True)] == [
            (2.0, "seizure"),
            (900 / 256, "eyes open"),
        ]


def test_neuralynx_files_with_gaps_take_little_memory(tmp_path: Path) -> None:
    """neo looks at the time of every record, and so touches every page of a file."""
    path = tmp_path / "CSC1.ncs"
    write_ncs(path, [(1000, np.zeros(512))])
    records = np.dtype([("t", "<u8"), ("c", "<u4"), ("r", "<u4"), ("n", "<u4"), ("s", "<i2", 512)])
    count, part = 300_000, 50_000
    with path.open("r+b") as file:
        file.seek(16384)
        for first in range(0, count, part):
            block = np.zeros(part, records)
            number = np.arange(first, first + part)
            block["t"] = 1000 + 16000 * number + 10_000_000 * (number >= count // 2)
            block["c"], block["r"], block["n"] = 1, 32000, 512
            file.write(block.tobytes())
    samples, peak = read_through(path)
    assert (samples, peak < 250 << 20) == (512 * count, True), peak
    with opened(path) as recording:
        assert starts(recording) == pytest.approx([0, 16e-3 * count / 2 + 10])


def test_dates_are_of_whole_milliseconds(tmp_path: Path) -> None:
    moment = datetime(2017, 11, 16, 14, 4, 45, 775999)
    assert whole_milliseconds(moment).isoformat() == "2017-11-16T14:04:45.776000"
    assert whole_milliseconds(moment.replace(microsecond=775123)).microsecond == 775123


@pytest.mark.parametrize("by_channel", [False, True])
def test_stimulation_recordings_of_intan_have_every_stream_in_the_order_of_its_channels(
    tmp_path: Path, by_channel: bool
) -> None:
    random = np.random.default_rng(5)
    amplifier = random.integers(30000, 35000, (512, 5))
    dc, stim = random.integers(400, 600, (512, 5)), np.zeros((512, 5), np.int64)
    stim[100:110, 1], stim[110:120, 1] = 0x0100 | 25, 25
    digital = np.where(np.arange(512) // 100 % 2, 1 << 5, 1)
    path = tmp_path / "mouse_240131_235958"
    if by_channel:
        write_rhs_by_channel(path, amplifier, dc, digital)
    else:
        path = path.with_suffix(".rhs")
        write_rhs(path, amplifier, dc, stim, digital)
    roles = {each.dataset: each.role for each in list_candidates(path)}
    assert roles["RHS2000 amplifier channel"] == "spike-band"
    assert roles["DC Amplifier channel"] == "analog"
    with opened(path, "RHS2000 amplifier channel") as recording:
        np.testing.assert_allclose(physical(recording), (amplifier - 32768) * 0.195, atol=1e-9)
        assert [each.label for each in recording.channels] == [f"site {at}" for at in range(5)]
        assert recording.session_start == "2024-01-31T23:59:58"
    with opened(path, "DC Amplifier channel") as recording:
        np.testing.assert_allclose(physical(recording), (dc - 512) * 19.23, atol=1e-9)
    with opened(path, "USB board digital input channel") as recording:
        assert [each.label for each in recording.channels] == ["lick", "cue"]
        assert np.array_equal(stored(recording), np.column_stack([digital & 1, digital >> 5]))
    if not by_channel:
        with opened(path, "Stim channel") as recording:
            microamperes = np.zeros((512, 5))
            microamperes[100:110, 1], microamperes[110:120, 1] = -25, 25
            np.testing.assert_allclose(1e6 * physical(recording), microamperes, atol=1e-6)
