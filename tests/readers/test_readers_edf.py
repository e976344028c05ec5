"""EDF, EDF+, BDF and BDF+ against what edfio, pyedflib and MNE read, and headers as files really have them."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import edfio
import mne
import numpy as np
import pyedflib
import pytest
from edf_files import patch, set_record_times, signal, write
from large_recordings import read_through
from mutations import check_survives
from read_recordings import stored
from remote_files import file_server
from shared_recordings import shared_recordings

import seriesview
from seriesview.errors import ReaderError
from seriesview.layout.layouts import RecordsLayout
from seriesview.layout.remote_path import located
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording
from seriesview.readers.edf.reader import EdfReader
from seriesview.readers.edf.stages import are_stages

START = datetime.datetime(2024, 3, 14, 22, 15, 30)
WORDS: dict[str, Any] = {
    "recording": edfio.Recording(startdate=START.date()),
    "starttime": START.time(),
}


def opened(path: Path, dataset: str | None = None, **words: Any) -> Recording:
    return open_recording(path, options=ReadOptions(dataset=dataset, **words))


def physical(recording: Recording) -> Any:
    """Samples in physical units, (n, C)."""
    of = [
        (
            recording.scale if each.scale is None else each.scale,
            recording.offset if each.offset is None else each.offset,
        )
        for each in recording.channels
    ]
    return stored(recording) * np.array([scale for scale, _ in of]) + np.array([offset for _, offset in of])


def units(recording: Recording) -> list[str]:
    return [recording.unit if each.unit is None else each.unit for each in recording.channels]


def said(recording: Recording) -> str:
    return " | ".join(decision.text for decision in recording.decisions)


def annotations_of(path: Path, dataset: str = "annotations", **words: Any) -> list[tuple[float, float, str]]:
    """Onset, end and text of each."""
    with opened(path, dataset, **words) as recording:
        if recording.type == "event":
            times, indices = recording.events()
            return [(t, t, recording.channels[i].label) for t, i in zip(times.tolist(), indices, strict=True)]
        bounds, indices, labels = recording.intervals()
        return [(*each, labels[i]) for each, i in zip(bounds.tolist(), indices, strict=True)]


@pytest.fixture
def polygraphy(tmp_path: Path) -> Path:
    """Three rates, mixed, with annotations."""
    signals = [
        signal(256, 20, "EEG Fpz-Cz", 1),
        signal(1, 20, "Temp rectal", 2, physical_dimension="degC"),
        signal(256, 20, "EOG horizontal", 3),
        signal(100, 20, "Resp oro-nasal", 4, physical_dimension=""),
        signal(256, 20, "EMG submental", 5, physical_range=(-2000, 1500), digital_range=(-2048, 2047)),
    ]
    return write(
        tmp_path / "night.edf", signals, [(1.5, 2.25, "Obstructive Apnea"), (4, None, "Lights off")], **WORDS
    )


def check_signals(path: Path) -> None:
    """All signals are those that pyedflib reads, in physical units."""
    found: dict[str, list[Any]] = {}
    for candidate in list_candidates(path):
        if candidate.type == "continuous":
            with opened(path, candidate.dataset) as recording:
                values = physical(recording)
                for channel, column, unit in zip(recording.channels, values.T, units(recording), strict=True):
                    found.setdefault(channel.label, []).append((recording.sampling_frequency, unit, column))
    with pyedflib.EdfReader(str(path)) as file:
        for index, head in enumerate(file.getSignalHeaders()):
            if head["label"] == "EDF Annotations":  # where the file does not say that it is EDF+
                continue
            rate, unit, column = found[head["label"]].pop(0)
            assert rate == head["sample_frequency"]
            assert unit == head["dimension"]
            np.testing.assert_allclose(column, file.readSignal(index), rtol=1e-12, atol=1e-9)
        assert not any(found.values())


def test_signals_are_those_of_pyedflib(polygraphy: Path) -> None:
    check_signals(polygraphy)


OF_PYEDFLIB = sorted(Path(pyedflib.__file__).parent.glob("tests/data/*.[eb]df"))


@pytest.mark.parametrize("path", [*shared_recordings("edf"), *OF_PYEDFLIB], ids=lambda path: path.name)
def test_signals_of_other_programs_files(path: Path) -> None:
    try:
        pyedflib.EdfReader(str(path)).close()
    except OSError:  # test.edf breaks a rule that pyedflib insists on
        with opened(path) as recording:
            theirs = edfio.read_edf(path)
            assert [each.label for each in recording.channels] == list(theirs.labels)
            for column, one in zip(physical(recording).T, theirs.signals, strict=True):
                np.testing.assert_allclose(column, one.data, rtol=1e-12, atol=1e-9)
        return
    check_signals(path)


def test_each_rate_is_a_series_whose_samples_lie_plain(polygraphy: Path) -> None:
    candidates = list_candidates(polygraphy)
    assert [each.dataset for each in candidates] == ["256 Hz", "1 Hz", "100 Hz", "annotations"]
    assert [each.role for each in candidates] == ["eeg", "eeg", "eeg", "annotations"]
    with opened(polygraphy, "256 Hz") as recording:
        assert [each.id for each in recording.channels] == ["EEG Fpz-Cz", "EOG horizontal", "EMG submental"]
        assert [each.type for each in recording.channels] == ["EEG", "EOG", "EMG"]
        assert (recording.unit, recording.sampling_frequency, recording.segments) == ("uV", 256, None)
        assert recording.session_start == START.isoformat()
        assert isinstance(recording.layout, RecordsLayout)
        assert recording.layout.num_channels == 3
    with pytest.raises(ReaderError, match="choose one: 256 Hz, 1 Hz, 100 Hz"):
        opened(polygraphy)


def test_any_stretch_of_samples_is_read(tmp_path: Path) -> None:
    for bdf in (False, True):
        signals = [signal(64, 30, f"EEG {n}", n, bdf) for n in range(3)] + [signal(8, 30, "Resp", 9, bdf)]
        path = write(tmp_path / f"a{bdf}", signals)
        with opened(path, "64 Hz") as recording:
            whole = stored(recording)
            for first, last in ((0, 1), (63, 65), (5, 1900), (64, 128), (1919, 1920), (7, 7)):
                np.testing.assert_array_equal(stored(recording, first, last), whole[first:last])


def test_samples_of_24_bits_are_int32(tmp_path: Path) -> None:
    ends = {"physical_range": (-8388608, 8388607), "digital_range": (-8388608, 8388607)}
    values = np.array([-8388608, -1, 0, 1, 8388607, 70000, -70000, 255] * 4, float)
    signals = [
        edfio.BdfSignal(values, 8, label="EEG 1", physical_dimension="uV", **ends),
        edfio.BdfSignal(-values[::-1].clip(-8388607), 8, label="EEG 2", physical_dimension="uV", **ends),
    ]
    path = write(tmp_path / "a.bdf", signals, [(1, 1, "eyes closed")])
    with opened(path) as recording:
        assert recording.dtype == np.int32
        assert recording.layout is None
        assert {channel.limits for channel in recording.channels} == {(-8388608, 8388607)}
        np.testing.assert_array_equal(stored(recording)[:, 0], values)
        np.testing.assert_array_equal(stored(recording)[:, 1], -values[::-1].clip(-8388607))
    check_signals(path)
    assert annotations_of(path) == [(1.0, 2.0, "eyes closed")]


@pytest.mark.parametrize("path", shared_recordings("edf", "*.bdf"), ids=lambda path: path.name)
def test_triggers_are_those_of_mne(path: Path) -> None:
    raw = mne.io.read_raw_bdf(path, verbose="error")
    expected = mne.find_events(raw, "Status", consecutive=True, shortest_event=1, verbose="error")
    with opened(path, "triggers") as recording:
        times, channels = recording.events()
        codes = [int(recording.channels[i].label) for i in channels]
        np.testing.assert_array_equal(np.round(times * recording_rate(path)), expected[:, 0])
        assert codes == (expected[:, 2] & 0xFFFF).tolist()
    assert [each.role for each in list_candidates(path)] == ["eeg", "markers"]


def recording_rate(path: Path) -> float:
    with opened(path) as recording:
        assert recording.sampling_frequency is not None
        assert recording.channels[-1].type == "TRIG"
        return recording.sampling_frequency


def write_status(path: Path, codes: Any) -> Path:
    ends = {"physical_range": (-8388608, 8388607), "digital_range": (-8388608, 8388607)}
    data = np.asarray(codes, float)
    status = edfio.BdfSignal(data, 100, label="Status", physical_dimension="Boolean", **ends)
    return write(path, [signal(100, len(data) / 100, "Cz", bdf=True), status])


def test_triggers_begin_where_the_low_bits_change(tmp_path: Path) -> None:
    codes = np.zeros(1000)
    codes[:10] = 7  # was there before the recording: no trigger
    codes[100:150], codes[150:200], codes[500] = 3, 65535, 3
    codes = codes + 0x100000  # the CMS is in range
    path = write_status(tmp_path / "a.bdf", codes - (codes >= 0x800000) * 0x1000000)
    assert annotations_of(path, "triggers") == [(1.0, 1.0, "3"), (1.5, 1.5, "65535"), (5.0, 5.0, "3")]


def test_lines_of_too_many_codes_are_shown_by_bit(tmp_path: Path) -> None:
    path = write_status(tmp_path / "a.bdf", np.arange(3000))
    with opened(path, "triggers") as recording:
        assert [each.label for each in recording.channels] == [f"bit {n}" for n in range(12)]
        assert "too many codes" in said(recording)
        times, channels = recording.events()
    assert times[channels == 11].tolist() == [20.48]


@pytest.mark.parametrize("instants", [False, True])
def test_annotations_are_those_of_mne_and_edfio(tmp_path: Path, instants: bool) -> None:
    texts = [(0.0, None, "start"), (3.25, None, "arousal Ä"), (3.25, None, "cough"), (7.125, None, "cough")]
    if not instants:
        texts += [(1.0, 30.5, "seizure"), (12.0, 0.004, "spike")]
    path = write(tmp_path / "a.edf", [signal(100, 20)], texts, **WORDS)
    ours = annotations_of(path)
    assert ours == sorted((onset, onset + (length or 0), text) for onset, length, text in texts)
    theirs = mne.read_annotations(path)
    assert ours == sorted(
        zip(
            theirs.onset.tolist(),
            (theirs.onset + theirs.duration).tolist(),
            theirs.description.tolist(),
            strict=True,
        )
    )
    candidate = list_candidates(path)[-1]
    assert (candidate.type, candidate.role) == (
        ("event", "markers") if instants else ("interval", "annotations")
    )
    assert annotations_of(path, type="interval") == ours


@pytest.mark.parametrize("path", shared_recordings("edf", "test.edf"), ids=lambda path: path.name)
def test_annotations_of_other_programs_files(path: Path) -> None:
    theirs = mne.read_annotations(path)
    assert annotations_of(path) == sorted(
        zip(
            theirs.onset.tolist(),
            (theirs.onset + theirs.duration).tolist(),
            theirs.description.tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize("path", OF_PYEDFLIB, ids=lambda path: path.name)
def test_annotations_are_those_of_pyedflib(path: Path) -> None:
    with pyedflib.EdfReader(str(path)) as file:
        onsets, _, texts = file.readAnnotations()
    if len(onsets):
        # There they count from the first sample.
        with opened(path) as recording:
            begun = recording.start_time
        found = annotations_of(path)
        np.testing.assert_allclose([onset - begun for onset, _, _ in found], onsets, atol=1e-6)
        assert [text for _, _, text in found] == texts.tolist()


def test_texts_that_never_come_again_are_intervals_without_length(tmp_path: Path) -> None:
    texts = [(float(n), None, f"comment {n}") for n in range(100)]
    path = write(tmp_path / "a.edf", [signal(100, 100)], texts)
    assert list_candidates(path)[-1].type == "interval"
    assert annotations_of(path)[99] == (99.0, 99.0, "comment 99")


def test_annotations_in_several_signals_and_of_several_texts(tmp_path: Path) -> None:
    made = edfio.Edf(
        [signal(100, 4)],
        annotations=[edfio.EdfAnnotation(n * 0.02, None, f"text {n % 7} {'x' * 20}") for n in range(200)],
    )
    made.write(tmp_path / "a.edf")
    path = patch(tmp_path / "a.edf", "reserved", "EDF+C")
    assert len(annotations_of(path)) == 200
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\x14text 0 ", b"\x14te\x14t 0 "))
    assert len(annotations_of(path)) == 229
    # An onset that is none is left out and said; Latin-1 is read.
    path.write_bytes(content.replace(b"+0.02\x14", b"+0.0x\x14").replace(b"text 2", b"t\xe4xt 2"))
    with opened(path, "annotations") as recording:
        assert recording.num_samples == 199
        assert "1 annotations without a time" in said(recording)
        assert any(each.label.startswith("täxt 2") for each in recording.channels)


def test_stages_are_a_series_of_their_own(tmp_path: Path) -> None:
    names = ["W", "N1", "N2", "N3", "R", "?", "4"]
    texts = [(30.0 * n, 30, f"Sleep stage {name}") for n, name in enumerate(names)]
    path = write(tmp_path / "a.edf", [signal(10, 210)], [*texts, (31.0, 5, "Arousal")], **WORDS)
    assert [(each.dataset, each.role) for each in list_candidates(path)[1:]] == [
        ("stages", "stages"),
        ("annotations", "annotations"),
    ]
    assert annotations_of(path, "stages") == [(on, on + 30.0, text) for on, _, text in texts]
    assert annotations_of(path) == [(31.0, 36.0, "Arousal")]


def test_texts_that_name_the_signal_they_are_about(tmp_path: Path) -> None:
    texts = [
        (0.0, 30, "Sleep stage W@@EEG C4-A1"),
        (30.0, 30, "Sleep stage N2@@EEG C4-A1"),
        (31.0, None, "Limb movement@@EMG RAT"),
        (32.0, None, "a@@"),
    ]
    path = write(tmp_path / "a.edf", [signal(10, 60)], texts, **WORDS)
    with opened(path, "stages") as recording:
        assert sorted(recording.intervals()[2]) == ["Sleep stage N2", "Sleep stage W"]
    assert [text for _, _, text in annotations_of(path)] == ["Limb movement (EMG RAT)", "a@@"]


def test_stages_without_a_duration_last_until_the_next(tmp_path: Path) -> None:
    texts = [
        (0.0, None, "Stage - W"),
        (30.0, None, "Stage - N1"),
        (90.0, None, "Stage - R"),
        (120.0, None, "Stage - R"),
    ]
    path = write(tmp_path / "a.edf", [signal(10, 150)], texts)
    assert [each[:2] for each in annotations_of(path, "stages")] == [(0, 30), (30, 90), (90, 120), (120, 150)]
    with opened(path, "stages") as recording:
        assert "until the next" in said(recording)


def test_names_of_stages() -> None:
    named = [
        "Sleep stage W",
        "Sleep stage ?",
        "Stage - N3",
        "SLEEP-S2",
        "SLEEP-REM",
        "Stage 2 sleep|2",
        "sleep stage 1",
    ]
    assert are_stages(named).all()
    assert are_stages(["W", "N2", "R", "N2"]).all()
    assert are_stages(["Sleep stage 1", "Movement time", "Sleep stage ?"]).all()
    assert are_stages(["Sleep stage W", "Sleep stage N", "Sleep stage T"]).all()
    assert not are_stages(["Movement time", "Lights off"]).any()
    assert not are_stages(["W", "artefact"]).any()
    assert not are_stages(["Stage left", "Sleep", "R"]).any()


def test_a_file_of_annotations_alone(tmp_path: Path) -> None:
    path = tmp_path / "hypnogram.edf"
    edfio.Edf(
        [],
        annotations=[
            edfio.EdfAnnotation(0, 300, "Sleep stage W"),
            edfio.EdfAnnotation(300, 60, "Sleep stage 1"),
        ],
        **WORDS,
    ).write(path)
    assert [each.dataset for each in list_candidates(path)] == ["stages"]
    assert annotations_of(path, "stages") == [(0, 300, "Sleep stage W"), (300, 360, "Sleep stage 1")]
    assert opened(path, "stages").session_start == START.isoformat()


def test_gaps_are_segments(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.edf",
        [signal(100, 6), signal(10, 6, "Resp")],
        [(0, 1, "x")],
        data_record_duration=1,
        **WORDS,
    )
    with opened(path, "100 Hz") as recording:
        whole = stored(recording)
    set_record_times(path, [0, 1, 2.5, 3.5, 100, 101])
    with opened(path, "100 Hz") as recording:
        assert recording.segments is not None
        found = [(each.start_time, each.num_samples) for each in recording.segments]
        assert found == [(0, 200), (2.5, 200), (100, 200)]
        np.testing.assert_array_equal(stored(recording), whole)
        assert not said(recording)
    with opened(path, "10 Hz") as recording:
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [
            (0, 20),
            (2.5, 20),
            (100, 20),
        ]


def test_gaps_of_a_file_that_says_it_has_none_are_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [signal(100, 4)], [], data_record_duration=1, **WORDS)
    set_record_times(path, [0, 1, 5, 6], discontinuous=False)
    with opened(path) as recording:
        assert [each.start_time for each in recording.segments or ()] == [0, 5]
        assert "says that it has no gaps" in said(recording)


def test_the_first_record_tells_a_fraction_of_the_start(tmp_path: Path) -> None:
    words = WORDS | {"starttime": datetime.time(22, 15, 30, 250000)}
    path = write(tmp_path / "a.edf", [signal(100, 4)], [(1, 2, "x")], **words)
    with opened(path) as recording:
        assert (recording.session_start, recording.start_time) == (START.isoformat(), 0.25)
    # Annotations count from the whole second; edfio counts from the first sample.
    assert annotations_of(path) == [(1.25, 3.25, "x")]
    assert edfio.read_edf(path).annotations[0].onset == 1


def test_records_that_overlap_are_told_and_out_of_order_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [signal(100, 4)], [], data_record_duration=1, **WORDS)
    set_record_times(path, [0, 0.75, 2, None])
    with opened(path) as recording:
        assert recording.segments is None
        assert "1 records begin before the end of those before them (by up to 0.25 s)" in said(recording)
        assert "1 records do not tell" in said(recording)
    set_record_times(path, [0, 5, 2, 3])
    with pytest.raises(ReaderError, match="record 3 begins at 2 s, before record 2"):
        opened(path)


@pytest.mark.parametrize(
    ("day", "recording", "is_plus", "expected"),
    [
        ("14.03.24", "", False, "2024-03-14T22:15:30"),
        ("14.03.85", "", False, "1985-03-14T22:15:30"),
        ("14/03/84", "", False, "2084-03-14T22:15:30"),
        ("14.03.yy", "Startdate 14-mar-2090 X X X", True, "2090-03-14T22:15:30"),
        ("14.03.24", "Startdate X X X X", True, "2024-03-14T22:15:30"),
        ("14.03.24", "Startdate 15-MAR-2024 X X X", True, "2024-03-14T22:15:30"),
        ("01.01.85", "Startdate X X X X", True, None),
        ("01.01.85", "Startdate 01-JAN-1985 X X X", True, None),
        ("00.00.00", "", False, None),
    ],
)
def test_when_it_began(tmp_path: Path, day: str, recording: str, is_plus: bool, expected: str | None) -> None:
    path = write(tmp_path / "a.edf", [signal(100, 4)], [(1, 1, "x")], **WORDS)
    patch(patch(path, "date", day), "recording", recording)
    if not is_plus:
        patch(path, "reserved", "")
    with opened(path) as found:
        assert found.session_start == expected
        # A day that is not told leaves the time of day alone.
        seconds = 0 if expected else 22 * 3600 + 15 * 60 + 30
        assert found.start_time == seconds
        assert ("midnight" in said(found)) == (expected is None)
        assert ("two dates" in said(found)) == ("15-MAR" in recording)
    assert annotations_of(path) == [(seconds + 1.0, seconds + 2.0, "x")]
    with opened(path, session_start="2020-01-01T00:00:00") as found:
        assert found.start_time == 0


@pytest.mark.parametrize(
    ("field", "text", "index", "told"),
    [
        ("records", "-1", 0, "does not know how many records there are (-1): the file has 5"),
        ("records", "7", 0, "the header says 7 of the number of records: the file has 5"),
        ("records", "", 0, "the header says nothing of the number of records"),
        ("bytes", "0", 0, "says that it has 0 bytes"),
        ("bytes", "junk", 0, "the header's size is none"),
        ("pmin", "-100,5", 0, ""),
        ("label", b"EEG C\xe4", 0, ""),
        ("label", b"EEG\0\0\0\0\0\0\0\0\0\0\0\0\0", 0, ""),
        ("dimension", b"\xb5V", 0, ""),
        ("dimension", "µV".encode(), 0, ""),
    ],
)
def test_headers_as_files_have_them(
    tmp_path: Path, field: str, text: str | bytes, index: int, told: str
) -> None:
    path = write(tmp_path / "a.edf", [signal(100, 5), signal(100, 5, "EEG 2", 2)], **WORDS)
    with opened(path) as recording:
        before = stored(recording)
        assert not recording.decisions
    patch(path, field, text, index)
    with opened(path) as recording:
        np.testing.assert_array_equal(stored(recording), before)
        assert told in said(recording)
        assert bool(told) == bool(recording.decisions)
        if field == "label":
            assert recording.channels[0].label in ("EEG Cä", "EEG")
        assert units(recording) == ["uV", "uV"]


def test_ranges_that_are_none_leave_values_as_they_are_stored(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [signal(100, 5), signal(100, 5, "EEG 2", 2)], **WORDS)
    patch(patch(path, "pmin", "7", 0), "pmax", "7", 0)
    with opened(path) as recording:
        np.testing.assert_array_equal(physical(recording)[:, 0], stored(recording)[:, 0])
        assert units(recording) == ["", "uV"]
        assert "EEG Cz: the header's physical or digital range is empty" in said(recording)


def test_ends_in_the_other_order_are_the_same_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [signal(100, 5, physical_range=(-500, 700))], **WORDS)
    with opened(path) as recording:
        before = physical(recording)
    for field, text in {"pmin": "700", "pmax": "-500", "dmin": "32767", "dmax": "-32768"}.items():
        patch(path, field, text)
    with opened(path) as recording:
        np.testing.assert_allclose(physical(recording), before, rtol=1e-12)
    patch(patch(path, "dmin", "-32768"), "dmax", "32767")
    with opened(path) as recording:
        np.testing.assert_allclose(physical(recording), 200 - before, atol=0.02)


def test_a_longer_header_and_a_file_that_was_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [signal(100, 5)], data_record_duration=1, **WORDS)
    with opened(path) as recording:
        before = stored(recording)
    content = path.read_bytes()
    path.write_bytes(content[:512] + b" " * 256 + content[512:])
    patch(path, "bytes", "768")
    # 256 bytes more are no whole record, so that the header's word is taken.
    with opened(path) as recording:
        np.testing.assert_array_equal(stored(recording), before)
        assert "from byte 768 on" in said(recording)
    path.write_bytes(content[:-150])
    with opened(path) as recording:
        np.testing.assert_array_equal(stored(recording), before[:400])
        assert "the file has 4, and 50 bytes of one more, which are left out" in said(recording)
    path.write_bytes(content[:600])
    with pytest.raises(ReaderError, match="holds no whole record of 200 bytes"):
        opened(path)
    path.write_bytes(content[:400])
    with pytest.raises(ReaderError, match="ends inside its header"):
        opened(path)


def test_records_without_a_duration_ask_for_the_rate(tmp_path: Path) -> None:
    path = patch(write(tmp_path / "a.edf", [signal(100, 5)], **WORDS), "seconds", "0")
    (candidate,) = list_candidates(path)
    assert candidate.options == {"sampling_frequency": None}
    with pytest.raises(ReaderError, match="set `sampling_frequency:`"):
        opened(path)
    with opened(path, sampling_frequency=100.0) as recording:
        assert (recording.num_samples, recording.sampling_frequency) == (500, 100)


def test_labels_that_come_twice_have_ids_of_their_own(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.edf", [signal(10, 5, "C3"), signal(10, 5, "C4"), signal(10, 5, "C3"), signal(10, 5, "")]
    )
    with opened(path) as recording:
        assert [each.id for each in recording.channels] == ["C3", "C4", "C3 (2)", "signal 3"]
        assert [each.label for each in recording.channels] == ["C3", "C4", "C3", "signal 3"]


def test_what_is_no_edf_is_left_to_others(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("0       1\n" * 60)
    assert not EdfReader().can_read(table)
    assert not EdfReader().can_read(tmp_path)


@pytest.mark.parametrize("kind", ["edf", "bdf", "gaps"])
def test_mutated_headers_are_errors_or_data(tmp_path: Path, kind: str) -> None:
    bdf = kind == "bdf"
    signals = [signal(8, 4, "EEG 1", bdf=bdf), signal(2, 4, "Status" if bdf else "Resp", bdf=bdf)]
    path = write(
        tmp_path / f"a.{kind}", signals, [(1, 2, "Sleep stage W"), (2, 0, "x")], data_record_duration=1
    )
    if kind == "gaps":
        set_record_times(path, [0, 1, 3, 4])
    assert check_survives(EdfReader(), path, path) > 500


@pytest.mark.parametrize("bdf", [False, True])
def test_a_large_file_takes_little_memory(tmp_path: Path, bdf: bool) -> None:
    path = write(
        tmp_path / "a.edf", [signal(1000, 2, f"EEG {n}", bdf=bdf) for n in range(16)], data_record_duration=1
    )
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    samples, peak = read_through(path)
    per_record = 16 * 1000 * (3 if bdf else 2)
    assert samples == ((2 << 30) - 17 * 256) // per_record * 1000
    assert peak < 250 << 20


def test_times_of_a_million_records_take_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.edf", [signal(1, 2)], [], data_record_duration=1, **WORDS)
    patch(path, "reserved", "EDF+D")
    stride = (path.stat().st_size - 3 * 256) // 2
    with path.open("r+b") as file:
        file.truncate(3 * 256 + stride * 1_000_000)
    samples, peak = read_through(path)
    assert samples == 1_000_000
    assert peak < 250 << 20


def test_a_remote_file_is_read_by_range(polygraphy: Path) -> None:
    with opened(polygraphy, "256 Hz") as recording:
        expected = stored(recording)
    with file_server(polygraphy.parent) as server:
        path = located(f"{server.address}/{polygraphy.name}")
        assert EdfReader().can_read(path)
        with EdfReader().open(path, ReadOptions(dataset="256 Hz")) as recording:
            np.testing.assert_array_equal(stored(recording), expected)
        with EdfReader().open(path, ReadOptions(dataset="annotations")) as recording:
            assert recording.num_samples == 2


def test_a_workspace_of_it_has_the_right_values(polygraphy: Path, tmp_path: Path) -> None:
    with opened(polygraphy, "256 Hz") as recording:
        expected = stored(recording)
    built = seriesview.build_workspace(polygraphy, store=tmp_path / "store")
    assert list(built.series) == ["night_256_Hz", "night_1_Hz", "night_100_Hz", "night_annotations"]
    series = built.series["night_256_Hz"].open()
    np.testing.assert_array_equal(series.values(0, 0, len(expected)), expected)
    window = series.window(0, first_sample=0, samples_per_column=16, columns=10)
    closed = [expected[16 * column : 16 * column + 17] for column in range(10)]
    np.testing.assert_array_equal(window[:, 0], [each.min(axis=0) for each in closed])
    np.testing.assert_array_equal(window[:, 1], [each.max(axis=0) for each in closed])
    assert series.manifest.session_start == START.isoformat()
    # Most of the file's bytes are of this rate: they stay where they are.
    values = series.manifest.to_json_dict()["values"]
    assert "records" in values["link"], values


def test_segments_and_channels_reach_the_manifest(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.edf", [signal(100, 4), signal(100, 4, "ECG", 2)], [], data_record_duration=1, **WORDS
    )
    set_record_times(path, [0, 1, 2.5, 3.5])
    series = seriesview.build_workspace(path, store=tmp_path / "store").series["a"].open()
    assert [(each.start_time, each.num_samples) for each in series.segments] == [(0, 200), (2.5, 200)]
    assert [(each.id, each.type) for each in series.channels] == [("EEG Cz", "EEG"), ("ECG", "ECG")]
