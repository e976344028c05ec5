"""BrainVision recordings, against what pybv wrote and MNE reads."""

from __future__ import annotations

import os
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pybv
import pytest
from large_recordings import read_through
from mutations import check_survives
from read_recordings import stored
from shared_recordings import shared_recordings

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording
from seriesview.readers.brainvision.reader import BrainVisionReader

NAMES = ["Fp1", "C3, left", "EOG"]
HEADER = """Brain Vision Data Exchange Header File Version 1.0
; by hand

[Common Infos]
DataFile=rec.eeg
MarkerFile=rec.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels=2
SamplingInterval=2000

[Binary Infos]
BinaryFormat=INT_16

[Channel Infos]
Ch1=Fz,,0.5,µV
Ch2=Cz,,0.1,mV
"""
MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0
[Common Infos]
DataFile=rec.eeg
[Marker Infos]
"""
SAMPLES = np.arange(-40, 40, dtype="<i2").reshape(40, 2)


def write(
    folder: Path,
    header: str = HEADER,
    samples: Any = SAMPLES,
    markers: str | None = None,
    encoding: str = "utf-8",
) -> Path:
    """A recording written by hand."""
    path = folder / "rec.vhdr"
    path.write_bytes(header.encode(encoding))
    np.asarray(samples).tofile(folder / "rec.eeg")
    if markers is not None:
        (folder / "rec.vmrk").write_text(MARKERS + markers)
    return path


def physical(recording: Recording) -> np.ndarray[Any, Any]:
    scales = [recording.scale if channel.scale is None else channel.scale for channel in recording.channels]
    return stored(recording) * np.array(scales)


def said(recording: Recording) -> str:
    return "; ".join(decision.text for decision in recording.decisions)


def read_by_mne(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mne.io.read_raw_brainvision(path, preload=True, verbose="error")


def check_against_mne(path: Path) -> None:
    """Values, rate, labels, markers and the date are those that MNE reads."""
    raw = read_by_mne(path.with_suffix(".vhdr"))
    # MNE has volts, and what is no voltage as it is; units of siemens in siemens.
    factors = {"uV": 1e-6, "mV": 1e-3, "nV": 1e-9, "V": 1.0, "uS": 1e-6}
    with open_recording(path) as recording:
        unit_factors = [factors.get(channel.unit or recording.unit, 1.0) for channel in recording.channels]
        np.testing.assert_allclose(
            physical(recording) * unit_factors, raw.get_data().T, rtol=1e-6, atol=1e-18
        )
        assert recording.sampling_frequency == raw.info["sfreq"]
        assert [channel.label for channel in recording.channels] == raw.ch_names
        if raw.info["meas_date"] is not None:
            assert recording.session_start is not None
            assert (
                datetime.fromisoformat(recording.session_start).replace(tzinfo=UTC) == raw.info["meas_date"]
            )
        assert recording.layout is not None
    ours = []
    for candidate in list_candidates(path)[1:]:
        with open_recording(path, None, ReadOptions(**candidate.options)) as markers:
            if candidate.type == "event":
                times, which = markers.events()
                ours += [
                    (time, markers.channels[index].label) for time, index in zip(times, which, strict=True)
                ]
            else:
                bounds, indices, labels = markers.intervals()
                ours += [(start, labels[index]) for (start, _), index in zip(bounds, indices, strict=True)]
    theirs = [(each["onset"], each["description"].removesuffix("/")) for each in raw.annotations]
    if ours and ours[0][1] == "New Segment":
        ours = ours[1:]
    assert [label for _, label in sorted(ours)] == [label for _, label in sorted(theirs)]
    # MNE rounds to microseconds.
    np.testing.assert_allclose(
        [time for time, _ in sorted(ours)], [time for time, _ in sorted(theirs)], atol=6e-7
    )


@pytest.mark.parametrize("fmt", ["binary_int16", "binary_float32"])
def test_what_pybv_wrote_is_what_mne_reads(tmp_path: Path, fmt: str) -> None:
    random = np.random.default_rng(0)
    data = random.normal(0, 50e-6, (3, 900))
    pybv.write_brainvision(
        data=data,
        sfreq=512,
        ch_names=NAMES,
        ref_ch_names="Cz",
        fname_base="sub-1_eeg",
        folder_out=tmp_path,
        events=[
            {"onset": 0, "description": 1},
            {"onset": 511, "description": 12, "type": "Response"},
            {"onset": 700, "description": "eyes closed", "type": "Comment", "duration": 128},
        ],
        resolution=0.1,
        unit=["µV", "mV", "µV"],
        fmt=fmt,
        meas_date=datetime(2020, 2, 3, 4, 5, 6, 789012, tzinfo=UTC),
    )
    check_against_mne(tmp_path / "sub-1_eeg.vhdr")
    with open_recording(tmp_path / "sub-1_eeg.vhdr") as recording:
        np.testing.assert_allclose(
            physical(recording) * [1e-6, 1e-3, 1e-6],
            data.T,
            atol={"binary_int16": 1e-4, "binary_float32": 1e-9}[fmt],
        )
        assert [channel.unit for channel in recording.channels] == ["uV", "mV", "uV"]
        assert recording.session_start == "2020-02-03T04:05:06.789012"
        assert "recorded against Cz" in said(recording)
    with open_recording(tmp_path / "sub-1_eeg.vmrk", None, ReadOptions(dataset="intervals")) as spans:
        bounds, _, labels = spans.intervals()
        assert (bounds.tolist(), labels) == ([[700 / 512, 828 / 512]], ["Comment/eyes closed"])


def test_a_marker_of_a_channel_names_it(tmp_path: Path) -> None:
    pybv.write_brainvision(
        data=np.zeros((3, 100)), sfreq=100, ch_names=NAMES, fname_base="a", folder_out=tmp_path,
        events=[{"onset": 50, "description": 1, "channels": ["C3, left"]}],
    )  # fmt: skip
    with open_recording(tmp_path / "a.eeg", None, ReadOptions(dataset="markers")) as markers:
        assert "Stimulus/S  1 (C3, left)" in [channel.label for channel in markers.channels]


@pytest.mark.parametrize("path", shared_recordings("brainvision"), ids=lambda path: path.name)
def test_recordings_of_others_are_what_mne_reads(path: Path) -> None:
    check_against_mne(path)


def test_any_of_the_files_names_the_recording_and_all_decide(tmp_path: Path) -> None:
    write(tmp_path, markers="Mk1=Stimulus,S  1,11,1,0\n")
    for name in ("rec.vhdr", "rec.eeg", "rec.vmrk"):
        assert [candidate.role for candidate in list_candidates(tmp_path / name)] == ["eeg", "markers"]
        for dataset in (None, "markers"):
            with open_recording(tmp_path / name, None, ReadOptions(dataset=dataset)) as recording:
                assert {path.name for path in recording.files} == {"rec.vhdr", "rec.eeg", "rec.vmrk"}
        with open_recording(tmp_path / name) as recording:
            assert recording.source == tmp_path / "rec.eeg"
            np.testing.assert_array_equal(stored(recording), SAMPLES)


def test_renamed_files_are_found_and_that_is_said(tmp_path: Path) -> None:
    write(tmp_path, markers="Mk1=Stimulus,S  1,11,1,0\n")
    for suffix in ("vhdr", "eeg", "vmrk"):
        (tmp_path / f"rec.{suffix}").rename(tmp_path / f"sub-01_eeg.{suffix}")
    with open_recording(tmp_path / "sub-01_eeg.eeg") as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)
        assert "'rec.eeg', which is not there: sub-01_eeg.eeg is read" in said(recording)
        assert "'rec.vmrk', which is not there: sub-01_eeg.vmrk is read" in said(recording)
    # The other way round: the header alone was renamed, and the samples are named by it.
    (tmp_path / "sub-01_eeg.eeg").rename(tmp_path / "rec.eeg")
    with open_recording(tmp_path / "rec.eeg") as recording:
        assert recording.files[0].name == "sub-01_eeg.vhdr"


@pytest.mark.parametrize("name", ["$b.eeg", r"C:\data\REC.eeg", "REC.EEG", "other.dat"])
def test_ways_to_name_the_samples(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, HEADER.replace("rec.eeg", name))
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)


def test_no_path_out_of_the_folder_is_followed(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret").write_bytes(bytes(160))
    path = write(inner, HEADER.replace("rec.eeg", "../secret"))
    (inner / "rec.eeg").unlink()
    with pytest.raises(ReaderError, match="are not there"):
        open_recording(path)
    with open_recording(path, None, ReadOptions(follow_external=True)) as recording:
        assert recording.num_samples == 40
    (inner / "link").symlink_to(tmp_path)
    write(inner, HEADER.replace("rec.eeg", "link/secret"))
    (inner / "rec.eeg").unlink()
    with pytest.raises(ReaderError, match="are not there"):
        open_recording(path)
    # As datalad has files: links beside the header, which are the user's own.
    (inner / "secret").symlink_to(tmp_path / "secret")
    write(inner, HEADER.replace("rec.eeg", "secret"))
    with open_recording(path) as recording:
        assert recording.source == inner / "secret"


def test_a_header_does_not_become_samples(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER.replace("rec.eeg", "rec.vhdr"))
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)


def test_files_that_only_look_alike_are_left_to_others(tmp_path: Path) -> None:
    np.zeros(100, "<i2").tofile(tmp_path / "alone.dat")
    (tmp_path / "README.txt").write_text("About the Brain Vision Data Exchange Header File Version 1.0\n")
    (tmp_path / "empty.vhdr").touch()
    (tmp_path / "words.vhdr").write_text("no header\n")
    reader = BrainVisionReader()
    assert not any(reader.can_read(path) for path in tmp_path.iterdir())


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("codepage", ["", "Codepage=UTF-8\n", "Codepage=ANSI\n", "Codepage=rot13\n"])
def test_units_are_understood_in_every_encoding(tmp_path: Path, encoding: str, codepage: str) -> None:
    header = HEADER.replace("[Common Infos]\n", "[Common Infos]\n" + codepage).replace("Fz", "Fz °")
    if codepage == "Codepage=ANSI\n":
        encoding = "latin-1"
    with open_recording(write(tmp_path, header, encoding=encoding)) as recording:
        assert [channel.unit for channel in recording.channels] == ["uV", "mV"]
        assert recording.channels[0].label == "Fz °"


def test_one_line_of_another_encoding_spoils_no_other(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(
        HEADER.encode() + "[Comment]\nImpedance [kOhm] µ\n[Marker Infos]\nCh1=Oz,,7,V\n".encode("latin-1")
    )
    with open_recording(path) as recording:
        assert recording.channels[0].unit == "uV"
        assert recording.channels[0].label == "Fz"


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize(
    ("name", "dtype"), [("INT_16", "i2"), ("UINT_16", "u2"), ("INT_32", "i4"), ("IEEE_FLOAT_32", "f4")]
)
def test_every_way_to_store_samples(
    tmp_path: Path, name: str, dtype: str, vectorized: bool, big_endian: bool
) -> None:
    header = HEADER.replace("INT_16", name)
    samples = np.arange(80).reshape(40, 2).astype((">" if big_endian else "<") + dtype)
    if big_endian:
        header = header.replace("[Binary Infos]\n", "[Binary Infos]\nUseBigEndianOrder=YES\n")
    if vectorized:
        header = header.replace("MULTIPLEXED", "VECTORIZED")
    with open_recording(write(tmp_path, header, samples.T if vectorized else samples)) as recording:
        assert recording.dtype == np.dtype(dtype)
        assert recording.layout is not None
        assert recording.layout.dtype == samples.dtype
        np.testing.assert_array_equal(stored(recording), samples)


def test_offsets_and_trailers_of_samples(tmp_path: Path) -> None:
    keys = "[Binary Infos]\nDataOffset=6\nTrailerSize=3\n"
    header = HEADER.replace("[Binary Infos]\n", keys)
    content = b"\1" * 6 + SAMPLES.tobytes() + b"\1" * 3
    path = write(tmp_path, header)
    (tmp_path / "rec.eeg").write_bytes(content)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)
    header = header.replace("MULTIPLEXED", "VECTORIZED").replace(
        "DataOffset=6", "DataOffset=6\nChannelOffset=4"
    )
    content = b"\1" * 6 + b"".join(b"\2" * 4 + channel.tobytes() for channel in SAMPLES.T) + b"\1" * 3
    path.write_text(header.replace("[Binary", "DataPoints=40\n[Binary"))
    (tmp_path / "rec.eeg").write_bytes(content)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)


def test_what_was_cut_off_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER.replace("NumberOf", "DataPoints=60\nNumberOf"))
    (tmp_path / "rec.eeg").write_bytes(SAMPLES.tobytes()[:-3])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES[:39])
        assert "1 bytes behind the last whole sample" in said(recording)
        assert "counts 60 samples (DataPoints), and 39 are there" in said(recording)
    path.write_text(
        path.read_text().replace("MULTIPLEXED", "VECTORIZED").replace("DataPoints=60", "DataPoints=40")
    )
    (tmp_path / "rec.eeg").write_bytes(SAMPLES.T.tobytes()[:-3])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES[:, :1])
        assert "the first 1 are whole" in said(recording)
    (tmp_path / "rec.eeg").write_bytes(b"")
    with pytest.raises(ReaderError, match="no samples"):
        open_recording(path)


@pytest.mark.parametrize(
    ("line", "scale", "unit"),
    [
        ("Fz,,0.5,µV", 0.5, "uV"),
        ("Fz,,,µV", 1.0, "uV"),
        ("Fz,,", 1.0, "uV"),
        ("Fz", 1.0, "uV"),
        ("Fz,,0,1,µV", 0.1, "uV"),
        ("Fz,,4,8828125E-2,mV", 0.048828125, "mV"),
        ("Fz,,1.5e-3,V,more", 1.5e-3, "V"),
        ("Fz,Cz,-1,°C", -1.0, "°C"),
        ("Fz,,0,µV", 1.0, "uV"),
        ("Fz,,much,µV", 1.0, "uV"),
    ],
)
def test_resolutions_and_units(tmp_path: Path, line: str, scale: float, unit: str) -> None:
    with open_recording(write(tmp_path, HEADER.replace("Fz,,0.5,µV", line))) as recording:
        assert (recording.channels[0].scale, recording.channels[0].unit) == (scale, unit)
        assert ("no usable number" in said(recording)) == (line in ("Fz,,0,µV", "Fz,,much,µV"))


@pytest.mark.parametrize(
    ("interval", "rate", "words"),
    [
        ("2000", 500.0, None),
        ("1953.125", 512.0, None),
        ("3906,25", 256.0, None),
        ("333.333", 3000.0, "is 3000 Hz"),
        ("122.07", 8192.0, "is 8192 Hz"),
        ("3906", 1e6 / 3906, "set `sampling_frequency: 256`"),
        ("333", 1e6 / 333, None),
        ("1.5", 1e6 / 1.5, None),
    ],
)
def test_rates(tmp_path: Path, interval: str, rate: float, words: str | None) -> None:
    with open_recording(write(tmp_path, HEADER.replace("2000", interval))) as recording:
        assert recording.sampling_frequency == rate
        assert (words or "") in said(recording)
        assert words is not None or "Interval" not in said(recording)


def test_a_rate_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    path = write(
        tmp_path, HEADER.replace("SamplingInterval=2000\n", ""), markers="Mk1=Stimulus,S  1,11,1,0\n"
    )
    with pytest.raises(ReaderError, match="sampling_frequency"):
        open_recording(path)
    with open_recording(path, None, ReadOptions(dataset="markers", sampling_frequency=10)) as markers:
        assert markers.events()[0].tolist() == [1.0]


def test_channels_that_are_not_listed_and_those_beyond(tmp_path: Path) -> None:
    header = HEADER.replace("Ch2=Cz", "Ch7=Cz")
    with open_recording(write(tmp_path, header)) as recording:
        assert [channel.label for channel in recording.channels] == ["Fz", "Ch2"]
        assert "1 of 2 channels are not in" in said(recording)
        assert "1 channels of [Channel Infos] are beyond" in said(recording)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("NumberOfChannels=2", "NumberOfChannels=2000000000", "there must be 1 to 16384"),
        ("NumberOfChannels=2", "NumberOfChannels=-2", "it must be a count"),
        ("INT_16", "INT_24", "it must be one of"),
        ("MULTIPLEXED", "DIAGONAL", "MULTIPLEXED or VECTORIZED"),
        ("DataFormat", "DataType=FREQUENCYDOMAIN\nDataFormat", "only samples over time"),
        ("[Common Infos]", "[Uncommon Infos]", r"without \[Common Infos\]"),
        ("2000", "0", "set `sampling_frequency:`"),
        ("[Binary Infos]\n", "[Binary Infos]\nSegmentHeaderSize=12\n", "export it without"),
    ],
)
def test_what_cannot_be_understood_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = write(tmp_path, HEADER.replace(old, new))
    with pytest.raises(ReaderError, match=words):
        open_recording(path)
    (candidate,) = list_candidates(path)
    assert candidate.problem is None or words.split("\\")[0] in candidate.problem


ASCII = (
    HEADER.replace("BINARY", "ASCII").replace("rec.eeg", "rec.dat").replace("INT_16", "") + "[ASCII Infos]\n"
)


def write_text(folder: Path, infos: str, text: str, vectorized: bool = False) -> Path:
    """A recording whose samples are text."""
    header = ASCII.replace("MULTIPLEXED", "VECTORIZED") if vectorized else ASCII
    (folder / "rec.vhdr").write_text(header + infos, encoding="utf-8")
    (folder / "rec.dat").write_text(text)
    return folder / "rec.vhdr"


NUMBERS = np.round(np.random.default_rng(5).normal(0, 500, (3000, 2)), 3)


@pytest.mark.parametrize("symbol", [".", ","])
def test_samples_as_text_are_those_that_mne_reads(tmp_path: Path, symbol: str) -> None:
    lines = [" ".join(f"{value:.3f}".replace(".", symbol) for value in row) for row in NUMBERS]
    infos = f"DecimalSymbol={symbol}\nSkipLines=1\nSkipColumns=0\n"
    path = write_text(tmp_path, infos, "\n".join(["Fz Cz", *lines, ""]))
    with open_recording(tmp_path / "rec.dat") as recording:
        np.testing.assert_array_equal(stored(recording), NUMBERS)
        assert (recording.dtype, recording.sampling_frequency, recording.layout) == ("float64", 500, None)
        raw = read_by_mne(path)
        volts = [{"uV": 1e-6, "mV": 1e-3}[str(each.unit)] for each in recording.channels]
        np.testing.assert_allclose(physical(recording) * volts, raw.get_data().T, rtol=1e-9)
        out = np.empty((10, 2))
        recording.read_into(1234, out)
        np.testing.assert_array_equal(out, NUMBERS[1234:1244])
    built = seriesview.build_workspace(path, store=tmp_path / "store")
    series = seriesview.open_series(next(iter(built.series.values())).uri, store=tmp_path / "store")
    np.testing.assert_array_equal(series.values(0, 100, 200), NUMBERS[100:200])


def test_text_with_a_line_for_each_channel(tmp_path: Path) -> None:
    many = np.tile(NUMBERS, (60, 1))
    lines = [
        f"{name} " + "  ".join(map(str, column)) for name, column in zip(["Fz", "Cz"], many.T, strict=True)
    ]
    path = write_text(tmp_path, "SkipColumns=1\n", "\n".join(lines), vectorized=True)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), many)
        out = np.empty((10, 2))
        recording.read_into(170_000, out)
        np.testing.assert_array_equal(out, many[170_000:170_010])


@pytest.mark.parametrize(
    ("text", "vectorized", "words"),
    [
        ("1 2\n3 4 5\n", False, "line 2 .* has 3 columns where 2 are expected"),
        ("1 2\n3 four\n", False, "no numbers"),
        ("\n\n", False, "there is no line with numbers"),
        ("1 2 3\n4 5\n", True, "channel 2 has 2 of the 3 samples"),
        ("1 2 3\n4 5 6 7\n", True, "channel 2 has more than the 3 samples"),
        ("1" * 100 + " 2\n", False, "one has 100 characters"),
    ],
)
def test_text_that_is_no_table_of_samples_is_refused(
    tmp_path: Path, text: str, vectorized: bool, words: str
) -> None:
    with pytest.raises(ReaderError, match=words):
        open_recording(write_text(tmp_path, "", text, vectorized))


def test_damaged_texts_are_errors_or_data(tmp_path: Path) -> None:
    path = write_text(tmp_path, "SkipLines=1\n", "Fz Cz\n1 2\n3 4\n")
    check_survives(BrainVisionReader(), path, path, 300)
    check_survives(BrainVisionReader(), tmp_path / "rec.dat", path, 300)


def test_markers_lie_at_their_samples(tmp_path: Path) -> None:
    lines = [
        "Mk1=New Segment,,1,1,0,20240301080000500000",
        "Mk2=Stimulus,S  1,1,1,0",
        r"Mk3=Comment,one\1 two,21,0,0",
        "Mk4=Comment,three, four,31,1,0",
        "Mk5=Response,R  2,0,1,0",
        "Mk6=Bad Interval,muscle,11,20,2",
        "Mk7=Stimulus,S  9,5000,1,0",
        "Mk8=Stimulus",
    ]
    path = write(tmp_path, markers="\n".join(lines))
    with open_recording(path, None, ReadOptions(dataset="markers", start_time=1.0)) as markers:
        times, which = markers.events()
        labels = [markers.channels[index].label for index in which]
        assert sorted(zip(times.tolist(), labels, strict=True)) == [
            (1.0, "New Segment"),
            (1.0, "Response/R  2"),
            (1.0, "Stimulus/S  1"),
            (1.04, "Comment/one, two"),
            (1.06, "Comment/three, four"),
        ]
        assert markers.session_start == "2024-03-01T08:00:00.500000"
        text = said(markers)
        assert "1 markers lie behind the last sample" in text
        assert "1 markers lie at position 0" in text
        assert "1 markers of rec.vmrk cannot be understood" in text
    with open_recording(path, None, ReadOptions(dataset="intervals")) as spans:
        bounds, _, labels = spans.intervals()
        assert (bounds.tolist(), labels) == ([[0.02, 0.06]], ["Bad Interval/muscle (Cz)"])


def test_new_segments_are_pauses_as_long_as_their_dates_say(tmp_path: Path) -> None:
    lines = [
        "Mk1=New Segment,,1,1,0,20240301080000000000",
        "Mk2=New Segment,,11,1,0,20240301080010000000",
        # Not a pause: the date is where the samples end, but for the clock of the computer.
        "Mk3=New Segment,,21,1,0,20240301080010021000",
        "Mk4=Stimulus,S  1,31,1,0",
        "Mk5=New Segment,,36,1,0",
    ]
    path = write(tmp_path, markers="\n".join(lines))
    with open_recording(path) as recording:
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [
            (0.0, 10),
            (10.0, 25),
            (10.05, 5),
        ]
        assert "1 new segments have no date" in said(recording)
    with open_recording(path, None, ReadOptions(dataset="markers")) as markers:
        times, which = markers.events()
        assert times[[markers.channels[index].label for index in which].index("Stimulus/S  1")] == 10.04


def test_dates_that_contradict_the_samples(tmp_path: Path) -> None:
    lines = ["Mk1=New Segment,,1,1,0,20240301080000000000", "Mk2=New Segment,,21,1,0,20240301070000000000"]
    with open_recording(write(tmp_path, markers="\n".join(lines))) as recording:
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [(0.0, 20), (0.04, 20)]
        assert "lie before the end of the one before" in said(recording)


@pytest.mark.parametrize(
    "date", ["", ",00000000000000000000", ",20249901080000000000", ",00010101000000000000", ",today"]
)
def test_without_a_date_there_is_no_wall_clock(tmp_path: Path, date: str) -> None:
    path = write(tmp_path, markers=f"Mk1=New Segment,,1,1,0{date}\n")
    with open_recording(path) as recording:
        assert recording.session_start is None
        assert "no date" in said(recording)


def test_segments_of_equal_length_without_markers(tmp_path: Path) -> None:
    header = HEADER.replace("MarkerFile=rec.vmrk\n", "SegmentationType=MARKERBASED\nSegmentDataPoints=16\n")
    with open_recording(write(tmp_path, header)) as recording:
        assert recording.segments is not None
        assert [each.num_samples for each in recording.segments] == [16, 16, 8]


def test_markers_that_are_named_but_not_there_are_told(tmp_path: Path) -> None:
    with open_recording(write(tmp_path)) as recording:
        assert "its markers ('rec.vmrk') are not there" in said(recording)


def test_the_channel_that_a_v_amp_does_not_count_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER.replace("Data Exchange", "V-Amp Data"), np.arange(120, dtype="<i2"))
    path = path.rename(tmp_path / "rec.ahdr")
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), np.arange(120).reshape(40, 3)[:, :2])


@pytest.mark.parametrize("changed", ["rec.vhdr", "rec.vmrk"])
def test_damaged_headers_and_markers(tmp_path: Path, changed: str) -> None:
    path = write(tmp_path, markers="Mk1=New Segment,,1,1,0,20240301080000500000\nMk2=Bad Interval,x,3,9,1\n")
    readable = check_survives(BrainVisionReader(), path, tmp_path / changed)
    assert readable > 100


def test_two_gigabytes_are_read_in_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path)
    os.truncate(tmp_path / "rec.eeg", 2 << 30)
    samples, peak = read_through(path)
    assert samples == 1 << 29
    assert peak < 250 << 20


def test_a_workspace_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(3)
    samples = random.integers(-3000, 3000, (5000, 2)).astype("<i2")
    path = write(
        tmp_path,
        samples=samples,
        markers="Mk1=New Segment,,1,1,0,20240301080000000000\nMk2=Stimulus,S  1,3001,1,0\n"
        "Mk3=New Segment,,2501,1,0,20240301080100000000\n",
    )
    built = seriesview.build_workspace(path, store=tmp_path / "store")
    by_type = {each.type: each.open() for each in built.series.values()}
    series = by_type["continuous"]
    assert [segment.start_time for segment in series.segments] == [0.0, 60.0]
    np.testing.assert_array_equal(series.values(1, 100, 200), samples[2600:2700])
    np.testing.assert_array_equal(series.window(0, 0, 100, 25)[0, 0], samples[:101].min(axis=0))
    manifest = built.store.get_json(built.series["rec"].uri)
    assert "link" in manifest["values"]
    assert manifest["session_start"] == "2024-03-01T08:00:00"
