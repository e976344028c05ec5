"""Recordings read through MNE: values, units, types, times and annotations as MNE's own Raw has them."""

import struct
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import mne
import numpy as np
import pytest
import scipy.io
from large_recordings import PEAK
from mutations import check_survives
from read_recordings import opened
from shared_recordings import shared_recordings

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers.adapters.mne import MneReader
from seriesview.readers.adapters.mne_formats import FORMATS
from seriesview.readers.adapters.mne_pauses import pieces_of
from seriesview.readers.protocol import Recording
from seriesview.readers.registry import guess_reader, list_candidates

MICROVOLT = 1e6


def stored(recording: Recording) -> Any:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    half = len(out) // 3
    recording.read_into(half, out[half:])
    recording.read_into(0, out[:half])
    return out


def scales(recording: Recording) -> Any:
    return np.array([recording.scale if each.scale is None else each.scale for each in recording.channels])


def units(recording: Recording) -> list[str]:
    return [recording.unit if each.unit is None else each.unit for each in recording.channels]


def raw_of(
    seconds: float = 20.0, rate: float = 200.0, first_samp: int = 400, date: datetime | None = None
) -> mne.io.BaseRaw:
    kinds = ["eeg", "eeg", "eog", "mag", "grad", "stim", "misc"]
    info = mne.create_info(["Fz", "Cz", "EOG", "MEG0111", "MEG0112", "STI 014", "torque"], rate, kinds)
    values = np.random.default_rng(0).normal(0, 1e-5, (len(kinds), round(seconds * rate)))
    raw = mne.io.RawArray(values, info, first_samp=first_samp, verbose="ERROR")
    raw.set_meas_date(date or datetime(2024, 3, 14, 8, 30, 15, tzinfo=UTC))
    raw.info["bads"] = ["Cz"]
    return raw


@pytest.mark.parametrize("path", shared_recordings("fif"), ids=lambda path: path.name)
def test_fif_files_of_others_have_the_values_that_mne_reads(path: Path) -> None:
    raw = mne.io.read_raw_fif(path, preload=True, verbose="ERROR")
    with opened(path) as recording:
        np.testing.assert_array_equal(stored(recording), raw.get_data().T)
        assert [each.label for each in recording.channels] == raw.ch_names
        assert recording.sampling_frequency == raw.info["sfreq"]


def test_blocks_of_fif_are_those_of_mne_wherever_they_begin(tmp_path: Path) -> None:
    raw_of().save(tmp_path / "a_raw.fif", buffer_size_sec=1.0, verbose="ERROR")
    expected = mne.io.read_raw_fif(tmp_path / "a_raw.fif", verbose="ERROR").get_data().T
    with opened(tmp_path / "a_raw.fif") as recording:
        for first, last in ((0, 1), (199, 201), (317, 1893), (3999, 4000)):
            block = np.full((last - first, recording.num_channels), 7.0)
            recording.read_into(first, block)
            np.testing.assert_array_equal(block, expected[first:last])


def test_units_types_and_bad_channels(tmp_path: Path) -> None:
    raw_of().save(tmp_path / "a_raw.fif", verbose="ERROR")
    raw = mne.io.read_raw_fif(tmp_path / "a_raw.fif", verbose="ERROR")
    with opened(tmp_path / "a_raw.fif") as recording:
        np.testing.assert_array_equal(stored(recording), raw.get_data().T)
        assert units(recording) == ["uV", "uV", "uV", "fT", "fT/cm", "", ""]
        assert scales(recording).tolist() == [1e6, 1e6, 1e6, 1e15, 1e13, 1, 1]
        kinds = ["EEG", "EEG", "EOG", "MEGMAG", "MEGGRADPLANAR", "TRIG", "MISC"]
        assert [each.type for each in recording.channels] == kinds
        assert [each.label for each in recording.channels if each.bad] == ["Cz"]


@pytest.mark.parametrize("has_date", [True, False])
def test_samples_and_annotations_count_from_the_same_moment(tmp_path: Path, has_date: bool) -> None:
    raw = raw_of()
    if not has_date:
        raw.set_meas_date(None)
    raw.set_annotations(mne.Annotations([1.0, 5.0], [0.0, 2.5], ["go", "rest"]))
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    assert [(each.dataset, each.role) for each in list_candidates(tmp_path / "a_raw.fif")] == [
        ("signals", "eeg"),
        ("annotations", "annotations"),
    ]
    with opened(tmp_path / "a_raw.fif") as recording, opened(tmp_path / "a_raw.fif", "annotations") as marks:
        assert recording.start_time == 2.0
        bounds, indices, labels = marks.intervals()
        # A second after the first sample, whether there is a date or not.
        assert bounds.tolist() == [[3.0, 3.0], [7.0, 9.5]]
        assert [labels[each] for each in indices] == ["go", "rest"]
        assert recording.session_start == ("2024-03-14T08:30:15+00:00" if has_date else None)
        assert marks.session_start == recording.session_start


def test_all_parts_of_a_split_file_are_read_and_decide_the_result(tmp_path: Path) -> None:
    raw = raw_of(seconds=600, rate=1000)
    raw.save(tmp_path / "a_raw.fif", split_size="8MB", buffer_size_sec=1, verbose="ERROR")
    assert len(list(tmp_path.iterdir())) > 1
    with opened(tmp_path / "a_raw.fif") as recording:
        assert recording.num_samples == 600_000
        assert {each.name for each in recording.files} == {"a_raw-1.fif", "a_raw-2.fif"}
        out = np.empty((1000, 7))
        recording.read_into(599_000, out)
        np.testing.assert_allclose(out, raw.get_data(start=599_000).T, rtol=1e-6)
        assert recording.preferred_rows == 1000
    (tmp_path / "a_raw-2.fif").unlink()
    with opened(tmp_path / "a_raw.fif") as recording:
        assert recording.num_samples < 600_000
        assert any("mne:" in each.text for each in recording.decisions)


def test_what_was_not_acquired_is_a_gap(tmp_path: Path) -> None:
    raw = raw_of()
    raw.set_annotations(mne.Annotations([4.0], [2.0], ["BAD_ACQ_SKIP"]))
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    with opened(tmp_path / "a_raw.fif") as recording:
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [
            (2.0, 800),
            (8.0, 2800),
        ]
        whole = raw.get_data().T
        np.testing.assert_allclose(stored(recording), np.delete(whole, slice(800, 1200), axis=0), rtol=1e-6)
    assert [each.dataset for each in list_candidates(tmp_path / "a_raw.fif")] == ["signals"]


def test_tags_that_lead_back_are_told_and_a_directory_takes_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a_raw.fif"
    raw_of(seconds=1).save(path, verbose="ERROR")
    content = bytearray(path.read_bytes())
    entries, position = [], 0
    while True:
        kind, number, size, following = struct.unpack_from(">4i", content, position)
        entries.append(struct.pack(">4i", kind, number, size, position))
        if following == -1:
            break
        last, position = position, following if following > 0 else position + 16 + size
    # The tag before the last one leads to the beginning.
    struct.pack_into(">i", content, last + 12, 36)
    path.write_bytes(content)
    with pytest.raises(ReaderError, match="leads back to byte 36"):
        list_candidates(path)
    struct.pack_into(">i", content, 36 + 16, len(content))
    path.write_bytes(content + struct.pack(">4i", 102, 32, 16 * len(entries), -1) + b"".join(entries))
    with opened(path) as recording:
        assert recording.num_samples == 200


def eeglab(trials: int = 1) -> dict[str, Any]:
    values = np.random.default_rng(1).normal(0, 20, (3, 1000)).astype(np.float32)
    names = np.zeros(3, [("labels", "O")])
    names["labels"] = ["Fz", "Cz", "Pz"]
    events = np.zeros(2, [("latency", "O"), ("type", "O"), ("duration", "O")])
    events["latency"], events["type"], events["duration"] = [101.0, 501.0], ["go", "stop"], [0.0, 0.0]
    shape = {
        "nbchan": 3,
        "pnts": 1000 // trials,
        "trials": trials,
        "srate": 250.0,
        "xmin": 0.0,
        "xmax": 3.996,
    }
    data = values.reshape(3, trials, -1).transpose(0, 2, 1) if trials > 1 else values
    return {
        **shape,
        "chanlocs": names,
        "event": events,
        "data": data,
        "setname": "a",
        "ref": "common",
        "epoch": [],
    }


@pytest.mark.parametrize("is_beside", [False, True])
def test_eeglab_with_samples_inside_or_beside(tmp_path: Path, is_beside: bool) -> None:
    fields = eeglab()
    values = fields["data"]
    if is_beside:
        values.T.tofile(tmp_path / "a.fdt")
        fields["data"] = "a.fdt"
    scipy.io.savemat(tmp_path / "a.set", {"EEG": fields}, appendmat=False)
    with opened(tmp_path / "a.set") as recording:
        np.testing.assert_allclose(stored(recording) * MICROVOLT, values.T, rtol=1e-6)
        assert (recording.unit, recording.sampling_frequency) == ("uV", 250)
        assert [each.label for each in recording.channels] == ["Fz", "Cz", "Pz"]
        assert [each.name for each in recording.files] == (["a.fdt"] if is_beside else [])
    with opened(tmp_path / "a.set", "annotations") as marks:
        times, channels = marks.events()
        assert times.tolist() == [0.4, 2.0]
        assert [marks.channels[each].label for each in channels] == ["go", "stop"]


def test_eeglab_in_matlab_7_3(tmp_path: Path) -> None:
    pytest.importorskip("pymatreader", reason="comes with the extra mne")
    values = eeglab()["data"]

    def text(group: h5py.Group, name: str, words: str) -> h5py.Dataset:
        dataset = group.create_dataset(name, data=np.array([[ord(each)] for each in words], "u2"))
        dataset.attrs["MATLAB_class"] = np.bytes_("char")
        dataset.attrs["MATLAB_int_decode"] = np.int32(2)
        return dataset

    with h5py.File(tmp_path / "a.set", "w", userblock_size=512) as file:
        store = file.create_group("#refs#")
        eeg = file.create_group("EEG")
        eeg.attrs["MATLAB_class"] = np.bytes_("struct")
        for name, number in {
            "nbchan": 3,
            "pnts": 1000,
            "trials": 1,
            "srate": 250,
            "xmin": 0,
            "xmax": 3.996,
        }.items():
            eeg.create_dataset(name, data=np.array([[float(number)]])).attrs["MATLAB_class"] = np.bytes_(
                "double"
            )
        eeg.create_dataset("data", data=values.T).attrs["MATLAB_class"] = np.bytes_("single")
        text(eeg, "ref", "common")
        places = eeg.create_group("chanlocs")
        places.attrs["MATLAB_class"] = np.bytes_("struct")
        names = [text(store, f"label{number}", each).ref for number, each in enumerate(["Fz", "Cz", "Pz"])]
        places.create_dataset(
            "labels", data=np.array(names, h5py.ref_dtype).reshape(3, 1), dtype=h5py.ref_dtype
        )
        for name in ("event", "epoch", "urchanlocs"):
            empty = eeg.create_dataset(name, data=np.zeros(2, "u8"))
            empty.attrs["MATLAB_class"], empty.attrs["MATLAB_empty"] = np.bytes_("double"), np.uint8(1)
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + struct.pack("<HH", 0x0200, 0x4D49)
    with (tmp_path / "a.set").open("r+b") as file:
        file.write(head)
    assert guess_reader(tmp_path / "a.set").name == "mne"
    with opened(tmp_path / "a.set") as recording:
        np.testing.assert_allclose(stored(recording) * MICROVOLT, values.T, rtol=1e-6)


def test_epochs_of_eeglab_are_refused_in_one_line(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.set", {"EEG": eeglab(trials=4)}, appendmat=False)
    with pytest.raises(ReaderError, match=r"a\.set: .*trials"):
        list_candidates(tmp_path / "a.set")


def write_persyst(folder: Path) -> None:
    (folder / "night.lay").write_text(
        "[FileInfo]\nFile=night.dat\nFileType=Interleaved\nSamplingRate=200\nHeaderLength=0\nCalibration=0.5\n"
        "WaveformCount=2\nDataType=0\n[ChannelMap]\nFp1-Ref=1\nFp2-Ref=2\n[Patient]\nTestDate=2024.03.14\n"
        "TestTime=08:30:15\nBirthDate=01/01/1990\nSex=F\nHand=Right\n[SampleTimes]\n0=30615.0\n[Comments]\n"
        "2.5,0.0,0,100,Eyes open\n"
    )


def test_persyst_is_opened_by_either_file(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(-500, 500, (2000, 2)).astype("<i2")
    values.tofile(tmp_path / "night.dat")
    write_persyst(tmp_path)
    for name in ("night.lay", "night.dat"):
        with opened(tmp_path / name, "signals") as recording:
            np.testing.assert_allclose(stored(recording) * MICROVOLT, values * 0.5, rtol=1e-6)
            # A local time, which MNE calls UTC.
            assert recording.session_start == "2024-03-14T08:30:15"
    assert [each.name for each in recording.files] == ["night.lay"]
    with opened(tmp_path / "night.lay", "annotations") as marks:
        assert marks.events()[0].tolist() == [2.5]


def test_memory_is_bounded_on_a_large_file(tmp_path: Path) -> None:
    write_persyst(tmp_path)
    with (tmp_path / "night.dat").open("wb") as file:
        file.truncate(2 << 30)
    code = (
        f"{PEAK}\nimport sys, numpy as np; from pathlib import Path\n"
        "from seriesview.readers.registry import open_recording\n"
        "from seriesview.readers.protocol import ReadOptions\n"
        "recording = open_recording(Path(sys.argv[1]), options=ReadOptions(dataset='signals'))\n"
        "out = np.empty((1 << 18, 2))\n"
        "for first in range(0, recording.num_samples - len(out), 64 * len(out)): recording.read_into(first, out)\n"
        "print(recording.num_samples, peak_bytes() >> 20)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "night.lay")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    num_samples, megabytes = map(int, run.stdout.split())
    assert (num_samples, megabytes < 250) == (1 << 29, True), megabytes


def test_from_path_to_window(tmp_path: Path) -> None:
    raw = raw_of()
    raw.save(tmp_path / "a_raw.fif", verbose="ERROR")
    built = seriesview.build_workspace(tmp_path / "a_raw.fif", store=tmp_path / "store")
    (name,) = built.series
    series = seriesview.open_series(built.series[name].uri, store=tmp_path / "store")
    np.testing.assert_allclose(series.values(0, 100, 200), raw.get_data(start=100, stop=200).T, rtol=1e-6)


def test_files_are_known_by_what_they_begin_with(tmp_path: Path) -> None:
    for kind in FORMATS:
        for suffix in kind.suffixes:
            path = tmp_path / f"other{suffix}"
            path.mkdir() if kind.is_folder and suffix else path.write_bytes(
                b"something else, and no more of it"
            )
            assert MneReader().can_read(path) == (suffix in (".nxe", ".mefd")), suffix
            path.rmdir() if path.is_dir() else path.unlink()


def test_a_brainvision_eeg_file_is_not_nihon_kohdens(tmp_path: Path) -> None:
    (tmp_path / "a.eeg").write_bytes(b"\0" * 1000)
    assert not MneReader().can_read(tmp_path / "a.eeg")
    (tmp_path / "a.eeg").write_bytes(b"EEG-1100C V01.00" + b"\0" * 1000)
    assert MneReader().can_read(tmp_path / "a.eeg")


def test_damaged_files_are_errors_of_one_line_or_data(tmp_path: Path) -> None:
    raw_of(seconds=1).save(tmp_path / "a_raw.fif", verbose="ERROR")
    check_survives(MneReader(), tmp_path / "a_raw.fif", tmp_path / "a_raw.fif", 200)
    scipy.io.savemat(tmp_path / "a.set", {"EEG": eeglab()}, appendmat=False)
    check_survives(MneReader(), tmp_path / "a.set", tmp_path / "a.set", 200)


def neuroscan(path: Path, values: Any, count: int, flag: bytes) -> None:
    """A Neuroscan file of int32 whose header counts so many samples; `flag` behind its end says that it has 32 bits."""
    names = [b"Fp1", b"HEOGLEFT"]
    head = bytearray(900 + 75 * len(names))
    head[:12] = b"Version 3.0\0"
    head[225:245] = b"03/14/24".ljust(10, b"\0") + b"08:30:15".ljust(10, b"\0")
    struct.pack_into("<H", head, 370, len(names))
    struct.pack_into("<H", head, 376, 500)
    struct.pack_into("<i", head, 864, count)
    for number, name in enumerate(names):
        at = 900 + 75 * number
        head[at : at + len(name)] = name
        struct.pack_into("<f", head, at + 59, 0.5)
        struct.pack_into("<f", head, at + 71, 204.8)
    end = len(head) + values.nbytes
    struct.pack_into("<i", head, 886, end)
    events = struct.pack("<Bii", 1, 0, 9)
    struct.pack_into("<I", head, 12, end + len(events))
    path.write_bytes(bytes(head) + values.astype("<i4").tobytes() + events + bytes(52) + flag)


@pytest.mark.parametrize("count", [1000, 0])
def test_neuroscan_files_that_do_not_count_their_samples_are_read(tmp_path: Path, count: int) -> None:
    values = np.random.default_rng(3).integers(-(1 << 20), 1 << 20, (1000, 2)).astype("<i4")
    neuroscan(tmp_path / "a.cnt", values, count, b"\x01")
    with opened(tmp_path / "a.cnt") as recording:
        np.testing.assert_allclose(stored(recording) * MICROVOLT, values * 0.5, rtol=1e-6)
        assert recording.sampling_frequency == 500
        # A name of five letters and more is no mark of a bad channel.
        assert [(each.label, each.bad) for each in recording.channels] == [
            ("Fp1", False),
            ("HEOGLEFT", False),
        ]


@pytest.mark.parametrize("head", [b"RIFF\0\0\1\0CNT LIST", b"RF64" + b"\0" * 8 + b"CNT LIST"])
def test_both_forms_of_ants_files_are_known(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "a.cnt").write_bytes(head + bytes(1000))
    assert MneReader().can_read(tmp_path / "a.cnt")


def test_an_egi_folder_is_read_with_what_comes_with_the_extra(tmp_path: Path) -> None:
    pytest.importorskip("mffpy", reason="comes with the extra mne")
    values = np.random.default_rng(4).normal(0, 20, (257, 1000)).astype(np.float32)
    write_mff(tmp_path / "a.mff", values)
    with opened(tmp_path / "a.mff", "signals") as recording:
        assert recording.sampling_frequency == 250
        assert recording.channels[0].label == "E1"
        np.testing.assert_allclose(stored(recording) * scales(recording), values.T, rtol=1e-5, atol=1e-3)


def write_mff(folder: Path, values: Any) -> None:
    from mffpy.writer import BinWriter, Writer

    samples = BinWriter(sampling_rate=250)
    samples.add_block(values)
    writer = Writer(str(folder))
    writer.addbin(samples)
    writer.add_coordinates_and_sensor_layout(device="HydroCel GSN 256 1.0")
    moment = "2024-03-14T08:30:15.000000-00:00"
    writer.addxml("fileInfo", recordTime=datetime.fromisoformat(moment))
    writer.write()


def test_pauses_that_stand_beside_the_samples_are_gaps(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(-500, 500, (2000, 2)).astype("<i2")
    values.tofile(tmp_path / "night.dat")
    write_persyst(tmp_path)
    with (tmp_path / "night.lay").open("a") as file:
        file.write("4.5,1.0,0,100,Back\n9,0,0,100,End\n")
    text = (tmp_path / "night.lay").read_text()
    # A clock that was put right by 4 ms, a pause of a minute, and one over midnight.
    times = "0=30615.0\n400=30617.004\n800=30679.0\n1800=10.0"
    (tmp_path / "night.lay").write_text(text.replace("0=30615.0", times))
    with opened(tmp_path / "night.lay", "signals") as recording:
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [
            (0.0, 800),
            (64.0, 1000),
            (86400 - 30605.0, 200),
        ]
        np.testing.assert_allclose(stored(recording) * MICROVOLT, values * 0.5, rtol=1e-6)
    with opened(tmp_path / "night.lay", "annotations") as marks:
        bounds, indices, labels = marks.intervals()
        # Of the samples at which MNE has them: 2.5 s is before the first pause, 4.5 s half a second behind it.
        assert bounds.tolist() == [[2.5, 2.5], [64.5, 65.5], [86400 - 30605.0, 86400 - 30605.0]]
        assert [labels[each] for each in indices] == ["Eyes open", "Back", "End"]


def test_pauses_of_ants_recordings_are_those_beside_the_file(tmp_path: Path) -> None:
    # Half a day after the beginning of day 45000, which is 2023-03-15.
    (tmp_path / "a.seg").write_text("NumberSegments=      3\n4.50005e4 12.5 300\n4.50005e4 20.25 100\n")
    start = datetime(2023, 3, 15, 12, 0, 0, 500000, tzinfo=UTC)
    pieces, said = pieces_of(tmp_path / "a.cnt", 1000, 100.0, start)
    assert [(each.first, each.end) for each in pieces] == [(0, 600), (600, 900), (900, 1000)]
    assert [each.start_time for each in pieces] == pytest.approx([0.0, 12.0, 19.75], abs=1e-5)
    assert said == []


def test_averages_are_refused_with_what_can_be_named(tmp_path: Path) -> None:
    info = mne.create_info(["Fz"], 100.0, "eeg")
    mne.EvokedArray(np.zeros((1, 50)), info).save(tmp_path / "a-ave.fif", verbose="ERROR")
    with pytest.raises(ReaderError, match=r"name the raw recording \(_raw\.fif\)"):
        list_candidates(tmp_path / "a-ave.fif")


def test_the_date_that_stands_for_none_is_none(tmp_path: Path) -> None:
    raw_of().anonymize(verbose="ERROR").save(tmp_path / "a_raw.fif", verbose="ERROR")
    with opened(tmp_path / "a_raw.fif") as recording:
        assert recording.session_start is None
        assert any("stands for none" in each.text for each in recording.decisions)


def test_a_file_that_is_listed_and_opened_is_read_by_mne_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = eeglab()
    values = fields["data"]
    values.T.tofile(tmp_path / "a.fdt")
    fields["data"] = "a.fdt"
    scipy.io.savemat(tmp_path / "a.set", {"EEG": fields}, appendmat=False)
    read, times = mne.io.read_raw_eeglab, []

    def counted(*arguments: Any, **more: Any) -> Any:
        times.append(1)
        return read(*arguments, **more)

    monkeypatch.setattr(mne.io, "read_raw_eeglab", counted)
    assert len(list_candidates(tmp_path / "a.fdt")) == 2
    for dataset in ("signals", "annotations"):
        opened(tmp_path / "a.fdt", dataset).close()
    assert len(times) == 1
    (2 * values.T).tofile(tmp_path / "a.fdt")
    with opened(tmp_path / "a.fdt", "signals") as recording:
        np.testing.assert_allclose(stored(recording) * MICROVOLT, 2 * values.T, rtol=1e-6)
    (tmp_path / "a.fdt").write_bytes(values.T.tobytes() + bytes(12))
    opened(tmp_path / "a.fdt", "signals").close()
    assert len(times) == 3


@pytest.mark.parametrize(
    ("name", "head"),
    [("a.asc", b"** CONVERTED FROM a.edf using edfapi 4.0\n"), ("a.txt", b"BOXY.EXE: ISS\n")],
)
def test_texts_of_recorders_are_no_tables(tmp_path: Path, name: str, head: bytes) -> None:
    (tmp_path / name).write_bytes(head + b"1 2 3\n" * 100)
    assert guess_reader(tmp_path / name).name == "mne"
