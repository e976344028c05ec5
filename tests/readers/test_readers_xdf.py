"""XDF files, against what pyxdf reads."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf
from mutations import check_survives
from read_recordings import stored
from shared_recordings import shared_recordings

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, list_candidates, open_recording
from seriesview.readers.adapters.xdf import XdfReader
from seriesview.readers.registry import guess_reader

EEG = np.random.default_rng(0).normal(0, 50, (2000, 2)).astype(np.float32)
CODES = {"float32": "<f4", "int32": "<i4", "double64": "<f8"}
CHANNELS = """<desc><channels>
<channel><label>Fz</label><unit>microvolts</unit><type>EEG</type></channel>
<channel><label>left</label><unit>µV</unit><type>EOG</type></channel>
</channels></desc>"""


def chunk(tag: int, content: bytes) -> bytes:
    return b"\4" + struct.pack("<IH", len(content) + 2, tag) + content


def stream(
    number: int,
    name: str,
    kind: str,
    format: str,
    rate: float,
    values: Any,
    times: Any,
    desc: str = "<desc/>",
) -> bytes:
    """Header, samples with a time each, and footer."""
    count = 1 if format == "string" else np.shape(values)[1]
    header = (
        f"<?xml version='1.0'?><info><name>{name}</name><type>{kind}</type><channel_count>{count}</channel_count>"
        f"<nominal_srate>{rate}</nominal_srate><channel_format>{format}</channel_format>{desc}</info>"
    )
    samples = b""
    for value, time in zip(values, times, strict=True):
        samples += b"\x08" + struct.pack("<d", time)
        if format == "string":
            samples += b"\4" + struct.pack("<I", len(value.encode())) + value.encode()
        else:
            samples += np.asarray(value).astype(CODES[format]).tobytes()
    content = struct.pack("<I", number) + b"\4" + struct.pack("<I", len(times)) + samples
    clocks = b"".join(chunk(4, struct.pack("<Idd", number, 1000.0 + 5 * each, 0.25)) for each in range(4))
    footer = "<?xml version='1.0'?><info/>"
    return (
        chunk(2, struct.pack("<I", number) + header.encode())
        + chunk(3, content)
        + clocks
        + chunk(6, struct.pack("<I", number) + footer.encode())
    )


def write(path: Path, *streams: bytes, date: str = "2024-03-01T08:00:00+0100") -> Path:
    header = f"<?xml version='1.0'?><info><version>1.0</version><datetime>{date}</datetime></info>"
    path.write_bytes(b"XDF:" + chunk(1, header.encode()) + b"".join(streams))
    return path


def times_with_a_gap() -> np.ndarray[Any, Any]:
    return 1000 + np.arange(2000) / 100 + np.where(np.arange(2000) < 1200, 0, 60.0)


def whole(path: Path) -> Path:
    return write(
        path,
        stream(1, "amp", "EEG", "float32", 100, EEG, times_with_a_gap(), CHANNELS),
        stream(2, "keys", "Markers", "string", 0, ["left", "right", "left"], [999.5, 1003.0, 1004.5]),
        stream(3, "codes", "Markers", "int32", 0, [[7], [8]], [1001.0, 1002.0]),
        stream(4, "gaze", "Gaze", "double64", 0, [[0.5, 1], [0.25, 2], [1, 3]], [1000.0, 1000.1, 1007.0]),
        stream(5, "silent", "EEG", "float32", 100, np.empty((0, 2)), []),
    )


def check_against_pyxdf(path: Path) -> None:
    """Values and times, from the earliest sample of all on."""
    streams, _ = pyxdf.load_xdf(str(path))
    zero = min(each["time_stamps"][0] for each in streams if len(each["time_stamps"]))
    candidates = list_candidates(path)
    assert len(candidates) == len(streams)
    for candidate, expected in zip(candidates, streams, strict=True):
        if candidate.problem is not None:
            assert len(expected["time_stamps"]) == 0
            continue
        with open_recording(path, None, ReadOptions(**candidate.options)) as recording:
            if candidate.type == "event":
                times, which = recording.events()
                np.testing.assert_array_equal(times, np.sort(expected["time_stamps"] - zero))
                texts = {"".join(str(part) for part in row) for row in expected["time_series"]}
                assert {recording.channels[index].label for index in which} == texts
            else:
                np.testing.assert_array_equal(stored(recording), expected["time_series"])
                times = recording.timestamps(0, recording.num_samples)
                np.testing.assert_array_equal(times, expected["time_stamps"] - zero)


def test_streams_are_what_pyxdf_reads(tmp_path: Path) -> None:
    path = whole(tmp_path / "a.xdf")
    assert guess_reader(path).name == "xdf"
    check_against_pyxdf(path)
    roles = {candidate.dataset: candidate.role for candidate in list_candidates(path)}
    assert roles == {"amp": "eeg", "keys": "markers", "codes": "markers", "gaze": "analog", "silent": None}
    with open_recording(path, None, ReadOptions(dataset="amp")) as recording:
        assert [(c.label, c.unit, c.type) for c in recording.channels] == [
            ("Fz", "uV", "EEG"),
            ("left", "uV", "EOG"),
        ]
        assert recording.session_start == "2024-03-01T08:00:00+01:00"
    with open_recording(path, None, ReadOptions(dataset="codes")) as codes:
        assert [channel.label for channel in codes.channels] == ["7", "8"]


@pytest.mark.parametrize("path", shared_recordings("xdf"), ids=lambda path: path.name)
def test_recordings_of_others_are_what_pyxdf_reads(path: Path) -> None:
    check_against_pyxdf(path)


def test_streams_of_one_name_are_told_apart(tmp_path: Path) -> None:
    streams = [
        stream(number, "amp", "EEG", "float32", 100, EEG[:50], 1000 + np.arange(50) / 100)
        for number in (4, 9)
    ]
    path = write(tmp_path / "a.xdf", *streams, date="never")
    assert [candidate.dataset for candidate in list_candidates(path)] == ["amp (4)", "amp (9)"]
    with pytest.raises(ReaderError, match="choose one of the streams"):
        open_recording(path)
    with open_recording(path, None, ReadOptions(dataset="amp (9)")) as recording:
        assert recording.session_start is None


def test_a_file_too_large_to_load_is_refused(tmp_path: Path) -> None:
    path = whole(tmp_path / "a.xdf")
    os.truncate(path, 3 << 30)
    with pytest.raises(ReaderError, match="load whole"):
        list_candidates(path)


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = whole(tmp_path / "a.xdf")
    monkeypatch.setitem(sys.modules, "pyxdf", None)
    with pytest.raises(ReaderError, match=r"pip install 'seriesview\[lsl\]'"):
        list_candidates(path)


def test_damaged_files(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.xdf",
        stream(1, "amp", "EEG", "float32", 100, EEG[:9], 1000 + np.arange(9) / 100, CHANNELS),
        stream(2, "keys", "Markers", "string", 0, ["left", "right"], [1000.0, 1000.05]),
    )
    assert check_survives(XdfReader(), path, path, 400) > 10


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = stream(1, "amp", "EEG", "float32", 100, EEG[:50], 1000 + np.arange(50) / 100)
    cut = stream(1, "amp", "EEG", "float32", 100, EEG[50:99], 1000.5 + np.arange(49) / 100)
    path = write(tmp_path / "a.xdf", whole, cut[cut.index(b"</info>") + 7 :][:300])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), EEG[:50])


def test_a_workspace_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = whole(tmp_path / "a.xdf")
    built = seriesview.build_workspace(path, store=tmp_path / "store")
    (amp,) = [each for each in built.series.values() if each.name.endswith("amp")]
    series = amp.open()
    assert built.store.get_json(amp.uri)["sampling_frequency"] == pytest.approx(100)
    # From the earliest of all streams on, a key half a second before; pauses are segments.
    assert [segment.start_time for segment in series.segments] == pytest.approx([0.5, 72.5], abs=1e-3)
    np.testing.assert_array_equal(series.values(1, 0, 100), EEG[1200:1300])
