"""WFDB records against what the WFDB library reads: formats, rates, segments, missing samples, annotations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import edf_files
import numpy as np
import pytest
import wfdb
from large_recordings import read_through
from mutations import check_survives
from read_recordings import stored
from remote_files import file_server
from shared_recordings import shared_recordings
from wfdb_files import BITS, encoded, noise, write

import seriesview
from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout, RecordsLayout
from seriesview.layout.remote_path import located
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording
from seriesview.readers.wfdb.reader import WfdbReader


def opened(path: Path, dataset: str | None = None, **words: Any) -> Recording:
    return open_recording(path, options=ReadOptions(dataset=dataset, **words))


def physical(recording: Recording) -> Any:
    """Samples in physical units (n, C), NaN where they are missing."""
    values = stored(recording)
    out = values.astype(np.float64)
    for column, channel in enumerate(recording.channels):
        scale = recording.scale if channel.scale is None else channel.scale
        offset = recording.offset if channel.offset is None else channel.offset
        out[:, column] = out[:, column] * scale + offset
        missing = channel.missing or recording.missing
        if missing is not None:
            out[np.isin(values[:, column], missing.values), column] = np.nan
    return out


def said(recording: Recording) -> str:
    return " | ".join(decision.text for decision in recording.decisions)


def check_record(header: Path) -> None:
    """All signals are those of the library: values, missing ones, units, labels, rates."""
    theirs = wfdb.rdrecord(str(header.with_suffix("")), smooth_frames=False)
    for candidate in list_candidates(header):
        if candidate.type != "continuous":
            continue
        with opened(header, candidate.dataset) as recording:
            rate = recording.sampling_frequency
            assert rate is not None
            for column, channel in enumerate(recording.channels):
                index = theirs.sig_name.index(channel.label)
                assert rate == theirs.fs * theirs.samps_per_frame[index]
                assert (channel.unit or recording.unit) == theirs.units[index]
                signal = theirs.e_p_signal[index]
                found = with_gaps(recording, column, len(signal))
                np.testing.assert_allclose(found, signal, rtol=1e-12, atol=1e-9)


def with_gaps(recording: Recording, column: int, length: int) -> Any:
    """Samples of a channel in physical units (length,), NaN in gaps."""
    values, rate = physical(recording)[:, column], recording.sampling_frequency or 0
    if recording.segments is None:
        return values
    out, done = np.full(length, np.nan), 0
    for segment in recording.segments:
        begin = round(segment.start_time * rate)
        out[begin : begin + segment.num_samples] = values[done : done + segment.num_samples]
        done += segment.num_samples
    return out


@pytest.mark.parametrize("path", shared_recordings("wfdb", "*.hea"), ids=lambda path: path.name)
def test_records_of_other_programs(path: Path) -> None:
    check_record(path)


def check_annotations(path: Path) -> None:
    theirs = wfdb.rdann(str(path.with_suffix("")), path.suffix[1:])
    expected = [
        (sample / theirs.fs, note.strip("\0") if symbol in '+"' and note.strip("\0") else symbol)
        for sample, symbol, note in zip(theirs.sample, theirs.symbol, theirs.aux_note, strict=True)
    ]
    with opened(path.with_suffix(".hea"), path.suffix[1:], type="event") as recording:
        times, channels = recording.events()
        found = [(t, recording.channels[i].label) for t, i in zip(times.tolist(), channels, strict=True)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("path", shared_recordings("wfdb", "*.atr"), ids=lambda path: path.name)
def test_annotations_of_other_programs(path: Path) -> None:
    check_annotations(path)


@pytest.mark.parametrize("count", [7, 8])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fmt", ["16", "61", "80", "160", "212", "32"])
def test_formats_that_are_read_here(tmp_path: Path, fmt: str, channels: int, count: int) -> None:
    samples = noise(count * channels, BITS[fmt]).reshape(count, channels)
    gains = ["200", "100(-12)/uV", "3.5/mmHg"][:channels]
    header = write(tmp_path / "a", fmt, samples, gains=gains)
    check_record(header)
    with opened(header) as recording:
        assert (recording.layout is None) == (fmt == "212")
        whole = stored(recording)
        for first in range(count):
            np.testing.assert_array_equal(stored(recording, first, count), whole[first:])
        assert isinstance(recording.layout, ContiguousLayout | None)


def test_a_byte_offset_is_skipped_and_a_gain_of_none_is_200(tmp_path: Path) -> None:
    header = write(tmp_path / "a", "16", noise(40, 16).reshape(20, 2), prefix=b"MATLAB", gains=["0", "0/uV"])
    check_record(header)
    with opened(header) as recording:
        assert recording.scale == 1 / 200
    header.write_text("a 1 360 20\na.dat 16+6\n")
    with opened(header) as recording:
        assert (recording.unit, recording.scale, recording.channels[0].label) == ("mV", 0.005, "signal 0")


@pytest.mark.parametrize("fmt", ["16", "212", "160"])
def test_several_samples_a_frame_are_rates_of_their_own(tmp_path: Path, fmt: str) -> None:
    samples = noise(30 * 7, BITS[fmt]).reshape(30, 7)
    header = write(tmp_path / "a", fmt, samples, formats=[f"{fmt}x4", fmt, f"{fmt}x2"], rate="62.5")
    check_record(header)
    assert [each.dataset for each in list_candidates(header)] == ["250 Hz", "62.5 Hz", "125 Hz"]
    with opened(header, "250 Hz") as recording:
        assert isinstance(recording.layout, RecordsLayout | None)
        whole = stored(recording)
        np.testing.assert_array_equal(stored(recording, 5, 11), whole[5:11])
    with pytest.raises(ReaderError, match=r"choose one: 250 Hz, 62\.5 Hz, 125 Hz"):
        opened(header)


@pytest.mark.parametrize("fmt", ["16", "212"])
def test_skewed_signals_are_put_right(tmp_path: Path, fmt: str) -> None:
    samples = noise(60, 12).reshape(20, 3)
    header = write(tmp_path / "a", fmt, samples, formats=[fmt, f"{fmt}:5", f"{fmt}:5"])
    # The library shifts signals by the largest skew alone, and only where it gives one sample a frame.
    expected = wfdb.rdrecord(str(tmp_path / "a")).p_signal
    with opened(header) as recording:
        np.testing.assert_allclose(physical(recording), expected, rtol=1e-12)
        np.testing.assert_array_equal(stored(recording)[:15, 2], samples[5:, 2])


def test_signals_of_several_files_are_one_series(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(encoded("212", noise(20, 12)))
    (tmp_path / "b.dat").write_bytes(encoded("80", noise(40, 8, 1)))
    (tmp_path / "c.dat").write_bytes(encoded("16", noise(20, 16, 2)))
    header = tmp_path / "a.hea"
    lines = [
        "a 4 100 20",
        "a.dat 212 200 0 0 0 0 0 I",
        "b.dat 80 10 8 3 0 0 0 II",
        "b.dat 80 10 8 0 0 0 0 ABP",
    ]
    header.write_text("\n".join([*lines, "c.dat 16 200 0 0 0 0 0 D"]))
    check_record(header)
    with opened(header) as recording:
        assert (recording.dtype, recording.layout, recording.missing) == (np.int16, None, None)
        assert {path.name for path in recording.files} == {"a.hea", "a.dat", "b.dat", "c.dat"}
        assert [each.type for each in recording.channels] == ["ECG", "ECG", None, None]


@pytest.mark.parametrize("fmt", ["24", "311", "310", "516"])
def test_other_formats_are_read_by_the_library(tmp_path: Path, fmt: str) -> None:
    if fmt in ("24", "311"):
        header = write(tmp_path / "a", fmt, noise(60, BITS[fmt]).reshape(20, 3))
    elif fmt == "516":
        signals = np.random.default_rng(0).normal(0, 1, (500, 2))
        signals[20:30, 1] = np.nan
        wfdb.wrsamp(
            "a", 100, ["mV", "uV"], ["I", "II"], p_signal=signals, fmt=["516", "516"], write_dir=str(tmp_path)
        )
        header = tmp_path / "a.hea"
    else:
        (tmp_path / "a.dat").write_bytes(bytes(np.random.default_rng(1).integers(0, 256, 80, np.uint8)))
        header = tmp_path / "a.hea"
        header.write_text(f"a 1 100 60\na.dat {fmt} 200 0 0 0 0 0 I\n")
    check_record(header)
    with opened(header) as recording:
        whole = stored(recording)
        np.testing.assert_array_equal(stored(recording, 7, 13), whole[7:13])


def test_formats_that_cannot_be_read_say_what_to_do(tmp_path: Path) -> None:
    header = write(tmp_path / "a", "24", noise(20, 24).reshape(10, 2), formats=["24", "24:3"])
    with (
        pytest.raises(ReaderError, match="skewed cannot be read; write it in format 16"),
        opened(header) as recording,
    ):
        stored(recording)
    for fmt in ("8", "9"):
        header.write_text(f"a 1 100 60\na.dat {fmt}\n")
        with pytest.raises(ReaderError, match=f"format {fmt} cannot be read; write it in format 16"):
            opened(header)
    # Its annotations are shown all the same.
    write_annotations(tmp_path / "a.atr", aux_note=[""] * 6)
    signals, notes = list_candidates(header)
    assert "format 9 cannot be read" in str(signals.problem)
    assert (notes.dataset, notes.problem) == ("atr", None)


def test_a_library_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = write(tmp_path / "a", "24", noise(20, 24).reshape(20, 1))
    monkeypatch.setitem(sys.modules, "wfdb", None)
    with pytest.raises(ReaderError, match="wfdb") as caught, opened(header) as recording:
        stored(recording)
    assert "seriesview[wfdb]" in str(caught.value)


def write_segments(folder: Path, gains: tuple[str, str] = ("200(5)", "200(5)"), fmt: str = "16") -> Path:
    for number, gain in enumerate(gains):
        write(folder / f"s{number}", fmt, noise(20, BITS[fmt], number).reshape(10, 2), gains=[gain, "50/NU"])
    header = folder / "r.hea"
    header.write_text("r/4 2 250 43 23:59:58.5 26/10/1994\ns0 10\ns1 10\n~ 13\ns0 10\n")
    return header


@pytest.mark.parametrize("fmt", ["16", "212", "80"])
def test_segments_follow_one_another_and_null_segments_are_gaps(tmp_path: Path, fmt: str) -> None:
    header = write_segments(tmp_path, fmt=fmt)
    # The library stops at null segments of a fixed layout; without it they are compared one by one.
    with opened(header) as recording:
        assert recording.session_start == "1994-10-26T23:59:58.500000"
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [
            (0, 20),
            (33 / 250, 10),
        ]
        parts = np.split(physical(recording), [10, 20])
        assert isinstance(recording.layout, FilesLayout | None)
        assert (recording.layout is None) == (fmt == "212")
        np.testing.assert_array_equal(stored(recording, 7, 25), stored(recording)[7:25])
    for part, name in zip(parts, ("s0", "s1", "s0"), strict=True):
        np.testing.assert_allclose(part, wfdb.rdrecord(str(tmp_path / name)).p_signal, rtol=1e-12)


def test_gains_that_change_make_physical_values(tmp_path: Path) -> None:
    header = write_segments(tmp_path, ("200(5)", "100(7)"))
    header.write_text("r/2 2 250 20\ns0 10\ns1 10\n")
    with opened(header) as recording:
        assert recording.dtype == np.float64
        assert "lead 0: gain, baseline or unit change" in said(recording)
        whole = stored(recording)
    theirs = [wfdb.rdrecord(str(tmp_path / name)).p_signal for name in ("s0", "s1")]
    np.testing.assert_allclose(whole, np.concatenate(theirs), rtol=1e-12)


@pytest.mark.parametrize("gain", ["200", "100"])
def test_segments_with_signals_of_their_own(tmp_path: Path, gain: str) -> None:
    write(tmp_path / "v1", "16", noise(20, 16).reshape(10, 2), labels=["II", "ABP"], gains=["200", "50/mmHg"])
    write(tmp_path / "v2", "16", noise(12, 16, 1).reshape(12, 1), labels=["ABP"], gains=["50/mmHg"])
    write(tmp_path / "v3", "80", noise(16, 8, 2).reshape(8, 2), labels=["PLETH", "II"], gains=["10/NU", gain])
    (tmp_path / "r_layout.hea").write_text(
        "r_layout 3 125 0\n~ 0 200 0 0 0 0 0 II\n~ 0 50/mmHg 0 0 0 0 0 ABP\n~ 0 10/NU 0 0 0 0 0 PLETH\n"
    )
    header = tmp_path / "r.hea"
    header.write_text("r/6 3 125 47\nr_layout 0\nv1 10\n~ 10\nv2 12\nv3 8\n~ 7\n")
    check_record(header)
    with opened(header) as recording:
        assert [each.label for each in recording.channels] == ["II", "ABP", "PLETH"]
        assert recording.dtype == (np.int16 if gain == "200" else np.float64)
        assert [each.num_samples for each in recording.segments or ()] == [10, 20]


def test_a_header_may_name_an_edf_file(tmp_path: Path) -> None:
    path = edf_files.write(
        tmp_path / "a.edf",
        [edf_files.signal(50, 4, "ECG"), edf_files.signal(10, 4, "Resp", 1)],
        data_record_duration=1,
    )
    header = tmp_path / "a.hea"
    header.write_text("a 2 1 4\na.edf 16x50+768 200 16 0 0 0 0 ECG\na.edf 16x10+768 200 16 0 0 0 0 RESP\n")
    check_record(header)
    with opened(path, "50 Hz") as edf, opened(header, "50 Hz") as record:
        np.testing.assert_array_equal(stored(record), stored(edf))


def test_segments_that_are_not_there_are_gaps_that_are_told(tmp_path: Path) -> None:
    header = write_segments(tmp_path)
    (tmp_path / "s1.dat").unlink()
    with opened(header) as recording:
        assert "s1.dat not there: left out, as gaps" in said(recording)
        assert [each.num_samples for each in recording.segments or ()] == [10, 10]
    (tmp_path / "s0.hea").unlink()
    with pytest.raises(ReaderError, match="must lie beside the header"):
        opened(header)


@pytest.mark.parametrize(
    ("start", "session_start", "start_time"),
    [
        ("8:26:04 26/10/1994", "1994-10-26T08:26:04", 0.0),
        ("23:59:59.25 31/12/1999", "1999-12-31T23:59:59.250000", 0.0),
        ("10:30", None, 630.0),
        ("8:26:04.5", None, 30364.5),
        ("", None, 0.0),
    ],
)
def test_when_it_began(tmp_path: Path, start: str, session_start: str | None, start_time: float) -> None:
    header = write(tmp_path / "a", "16", noise(20, 16).reshape(20, 1), start=start)
    with opened(header) as recording:
        assert (recording.session_start, recording.start_time) == (session_start, start_time)


def test_files_that_are_shorter_or_longer_than_the_header_says(tmp_path: Path) -> None:
    header = write(tmp_path / "a", "212", noise(40, 12).reshape(20, 2))
    header.write_text(header.read_text().replace("250 20", "250 30"))
    with opened(header) as recording:
        assert recording.num_samples == 20
        assert "a has 20 of 30 samples: it was cut short" in said(recording)
    header.write_text(header.read_text().replace("250 30", "250 12"))
    with opened(header) as recording:
        assert recording.num_samples == 12
        assert "8 samples more than its header says" in said(recording)
    header.write_text(header.read_text().replace("250 12", ""))
    with opened(header) as recording:
        assert recording.num_samples == 20
        assert "no rate: 250 Hz" in said(recording)


def write_annotations(path: Path, **words: Any) -> Path:
    given = {
        "record_name": path.stem,
        "extension": path.suffix[1:],
        "sample": np.array([3, 40, 41, 2000, 100_000, 100_500]),
        "symbol": ["N", "+", '"', "V", "N", "+"],
        "aux_note": ["", "(AFIB", "cable moved, \xb5", "", "", "(N"],
    }
    wfdb.wrann(**(given | words), write_dir=str(path.parent))
    return path


def test_annotations_are_events_by_symbol_or_text(tmp_path: Path) -> None:
    header = write(
        tmp_path / "a", "16", noise(20, 16).reshape(20, 1), rate="360", start="10:00:00 01/02/2020"
    )
    path = write_annotations(tmp_path / "a.atr", aux_note=["", "(AFIB", "cable moved", "", "", "(N"])
    check_annotations(path)
    write_annotations(tmp_path / "a.qrs", fs=1000, aux_note=[""] * 6)
    with opened(path, "atr") as recording:
        assert [each.label for each in recording.channels] == ["(AFIB", "(N", "N", "V", "cable moved"]
        assert recording.session_start == "2020-02-01T10:00:00"
        assert {each.name for each in recording.files} == {"a.hea", "a.atr"}
    # A file of annotations may count by a clock of its own.
    with opened(header, "qrs") as recording:
        np.testing.assert_allclose(recording.events()[0][:2], [0.003, 0.04])
    assert [(each.dataset, each.role) for each in list_candidates(header)] == [
        (None, "eeg"),
        ("atr", "markers"),
        ("qrs", "markers"),
    ]


def test_symbols_that_a_file_defines(tmp_path: Path) -> None:
    write(tmp_path / "a", "16", noise(20, 16).reshape(20, 1))
    path = write_annotations(
        tmp_path / "a.ecg",
        symbol=["N", "W", "W", "V", "N", "N"],
        aux_note=[""] * 6,
        custom_labels=[(42, "W", "wave")],
    )
    check_annotations(path)


def test_every_file_of_a_record_opens_it(tmp_path: Path) -> None:
    header = write(tmp_path / "a", "16", noise(20, 16).reshape(20, 1))
    write_annotations(tmp_path / "a.atr", aux_note=[""] * 6)
    (tmp_path / "a.txt").write_text("notes")
    (tmp_path / "b.dat").write_bytes(bytes(20))
    reader = WfdbReader()
    assert [reader.can_read(tmp_path / name) for name in ("a.hea", "a.dat", "a.atr")] == [True] * 3
    assert not any(reader.can_read(tmp_path / name) for name in ("a.txt", "b.dat", "c.dat", "."))
    with pytest.raises(ReaderError, match=r"no such file; there is a\.hea"):
        opened(tmp_path / "a")
    assert len({len(list_candidates(path)) for path in (header, tmp_path / "a.dat", tmp_path / "a.atr")}) == 1


def test_files_elsewhere_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "secret.dat").write_bytes(bytes(40))
    header = tmp_path / "inner" / "a.hea"
    for name in ("../secret.dat", str(tmp_path / "secret.dat"), ".."):
        header.write_text(f"a 1 100 20\n{name} 16\n")
        with pytest.raises(ReaderError, match="no file beside the header"):
            opened(header)


@pytest.mark.parametrize("kind", ["a.hea", "r.hea", "a.atr"])
def test_mutated_files_are_errors_or_data(tmp_path: Path, kind: str) -> None:
    formats = ["212x2", "212", "212:1"]
    write(tmp_path / "a", "212", noise(80, 12).reshape(20, 4), formats=formats, start="10:00:00 01/02/2020")
    write_annotations(tmp_path / "a.atr", aux_note=["", "(AFIB", "note", "", "", "(N"])
    write_segments(tmp_path)
    assert check_survives(WfdbReader(), tmp_path / f"{kind[0]}.hea", tmp_path / kind) > 200


@pytest.mark.parametrize(("fmt", "size"), [("16", 2 << 30), ("212", 600 << 20)])
def test_a_large_record_takes_little_memory(tmp_path: Path, fmt: str, size: int) -> None:
    header = write(tmp_path / "a", fmt, noise(24, 12).reshape(2, 12))
    with (tmp_path / "a.dat").open("r+b") as file:
        file.truncate(size)
    header.write_text(header.read_text().replace("250 2\n", "250\n"))
    samples, peak = read_through(header)
    assert samples == size // (12 * BITS[fmt] // 8)
    assert peak < 250 << 20


def test_a_remote_record_is_read_by_range(tmp_path: Path) -> None:
    for fmt in ("16", "212"):
        header = write(tmp_path / f"a{fmt}", fmt, noise(2000, 12).reshape(1000, 2))
        write_annotations(header.with_suffix(".atr"), aux_note=[""] * 6)
        with opened(header) as recording:
            expected = stored(recording)
        with file_server(tmp_path) as server:
            path = located(f"{server.address}/{header.name}")
            assert [each.dataset for each in WfdbReader().candidates(path)] == [None, "atr"]
            with WfdbReader().open(path, ReadOptions()) as recording:
                np.testing.assert_array_equal(stored(recording), expected)


def test_a_workspace_of_it_has_the_right_values(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-2000, 2000, (40_000, 2))
    samples[100:200, 1] = -32768
    header = write(tmp_path / "a", "16", samples, rate="360")
    write_annotations(tmp_path / "a.atr", aux_note=[""] * 6)
    built = seriesview.build_workspace(header, store=tmp_path / "store")
    assert list(built.series) == ["a", "a_atr"]
    series = built.series["a"].open()
    np.testing.assert_array_equal(series.values(0, 0, len(samples)), samples)
    window = series.window(0, first_sample=0, samples_per_column=16, columns=100)
    # What is missing is none: no column reaches the lowest integer but those without any sample.
    assert (window[20:, 0] > -2100).all()
    assert series.manifest.to_json_dict()["values"]["link"]


def test_a_record_without_its_samples_says_what_is_lacking(tmp_path: Path) -> None:
    (tmp_path / "a.hea").write_text("a 1 250 100\na.dat 16 200 16 0 0 0 0 ECG\n")
    (candidate,) = list_candidates(tmp_path / "a.hea")
    assert candidate.problem == "no samples: a.dat must lie beside the header"
    with pytest.raises(ReaderError, match=r"a\.dat must lie beside"):
        open_recording(tmp_path / "a.hea")


def test_the_layout_of_a_record_of_segments_leads_to_its_header(tmp_path: Path) -> None:
    (tmp_path / "a_layout.hea").write_text("a_layout 1 250 0\n~ 0 200/mV 16 0 0 0 0 ECG\n")
    with pytest.raises(ReaderError, match="name that record's header"):
        list_candidates(tmp_path / "a_layout.hea")
