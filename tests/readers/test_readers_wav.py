"""WAV, RF64 and W64 files, against what libsndfile and scipy write and read."""

from __future__ import annotations

import os
import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io.wavfile
import soundfile
from large_recordings import read_through
from mutations import check_survives

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording
from seriesview.readers.wav.reader import WavReader

NOISE = np.random.default_rng(0).uniform(-1, 1, (1000, 3))


def stored(recording: Recording) -> np.ndarray[Any, Any]:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    recording.read_into(0, out)
    # In pieces, too.
    some = np.empty((7, recording.num_channels), recording.dtype)
    recording.read_into(recording.num_samples - 7, some)
    np.testing.assert_array_equal(some, out[-7:])
    return out


def said(recording: Recording) -> str:
    return "; ".join(decision.text for decision in recording.decisions)


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    length = len(content) if size is None else size
    return name + struct.pack("<I", length) + content + b"\0" * (len(content) % 2)


def fmt(channels: int = 2, bits: int = 16, tag: int = 1, rate: int = 8000) -> bytes:
    row = channels * (bits // 8)
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * row, row, bits))


def write(path: Path, *chunks: bytes) -> Path:
    content = b"WAVE" + b"".join(chunks)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(content)) + content)
    return path


SAMPLES = np.arange(200, dtype="<i2").reshape(100, 2)
DATA = chunk(b"data", SAMPLES.tobytes())


@pytest.mark.parametrize(
    ("format", "endian"),
    [("WAV", "LITTLE"), ("WAV", "BIG"), ("WAVEX", "LITTLE"), ("RF64", "LITTLE"), ("W64", "LITTLE")],
)
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_what_libsndfile_wrote_is_what_it_reads(
    tmp_path: Path, format: str, subtype: str, endian: str
) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, NOISE, 44100, subtype, endian, format)
    assert WavReader().can_read(path)
    expected, rate = soundfile.read(path, always_2d=True)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording) * recording.scale + recording.offset, expected)
        assert (recording.sampling_frequency, recording.num_channels) == (rate, 3)
        assert (recording.layout is None) == (subtype == "PCM_24")
        assert recording.unit == ("" if subtype in ("FLOAT", "DOUBLE") else "FS")


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
def test_what_scipy_wrote_is_what_it_reads(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "a.wav"
    scipy.io.wavfile.write(path, 8000, (NOISE * 100 + 100).astype(dtype))
    with open_recording(path) as recording:
        rate, expected = scipy.io.wavfile.read(path)
        values = stored(recording)
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected)
        assert recording.sampling_frequency == rate


def test_what_the_standard_library_wrote(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(SAMPLES.tobytes())
    with open_recording(tmp_path / "a.wav") as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)


@pytest.mark.parametrize(
    "before", [(), (chunk(b"JUNK", b"odd"),), (chunk(b"LIST", b"INFOabc"), chunk(b"fact", b"\1\2\3\4"))]
)
@pytest.mark.parametrize("padded", [True, False])
def test_chunks_in_any_order_odd_ones_too(tmp_path: Path, before: tuple[bytes, ...], padded: bool) -> None:
    parts = [part if padded else part.removesuffix(b"\0") for part in before]
    with open_recording(write(tmp_path / "a.wav", *parts, fmt(), DATA)) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)
    with open_recording(write(tmp_path / "b.wav", *parts, DATA, fmt())) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_stream_is_read_up_to_its_end(tmp_path: Path, size: int) -> None:
    path = write(tmp_path / "a.wav", fmt(), chunk(b"data", SAMPLES.tobytes() + b"\1", size)[:-1])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES)
        assert "does not say how many samples" in said(recording)
        assert "1 bytes behind the last whole sample" in said(recording)


def test_a_file_that_was_cut_short_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", fmt(), chunk(b"data", SAMPLES.tobytes()[:-10], 400))
    with open_recording(path) as recording:
        np.testing.assert_array_equal(stored(recording), SAMPLES[:97])
        assert "says 400 bytes of samples, and 390 are there" in said(recording)


def test_no_samples(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO"))
    with pytest.raises(ReaderError, match="no samples in it yet"):
        open_recording(path)
    with pytest.raises(ReaderError, match="without samples"):
        open_recording(write(tmp_path / "b.wav", fmt()))


def test_compressed_samples_are_left_to_others(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", NOISE, 8000, "ULAW")
    soundfile.write(tmp_path / "b.flac", NOISE, 8000)
    assert not any(WavReader().can_read(path) for path in tmp_path.iterdir())
    with pytest.raises(ReaderError, match="convert it to PCM"):
        open_recording(tmp_path / "a.wav", "wav")


def broadcast(date: bytes, clock: bytes, reference: int) -> bytes:
    return chunk(b"bext", bytes(320) + date + clock + struct.pack("<Q", reference) + bytes(256))


@pytest.mark.parametrize(
    ("date", "clock", "reference", "start"),
    [
        (b"2024-03-01", b"08:00:01", 0, "2024-03-01T08:00:01"),
        (b"2024:03:01", b"08-00-01", 8000 * 28801 + 2000, "2024-03-01T08:00:01.250000"),
        (b"2024-03-01", b"08:00:01", 8000 * 3600, "2024-03-01T08:00:01"),
        (b"0001-01-01", b"08:00:01", 0, None),
        (b"\0" * 10, b"\0" * 8, 5, None),
    ],
)
def test_a_broadcast_extension_says_when_it_began(
    tmp_path: Path, date: bytes, clock: bytes, reference: int, start: str | None
) -> None:
    with open_recording(
        write(tmp_path / "a.wav", broadcast(date, clock, reference), fmt(), DATA)
    ) as recording:
        assert recording.session_start == start
        assert ("time reference" in said(recording)) == (reference == 8000 * 3600)


def test_cues_and_regions(tmp_path: Path) -> None:
    points = [(1, 40), (2, 8), (7, 20), (9, 5000)]
    cue = struct.pack("<I", len(points)) + b"".join(
        struct.pack("<II4sIII", number, 0, b"data", 0, 0, sample) for number, sample in points
    )
    labels = (
        chunk(b"labl", struct.pack("<I", 1) + "çall\0".encode())
        + chunk(b"labl", struct.pack("<I", 7) + "é song\0".encode("cp1252"))
        + chunk(b"ltxt", struct.pack("<II4sHHHH", 7, 16, b"rgn ", 0, 0, 0, 0))
    )
    path = write(tmp_path / "a.wav", fmt(), DATA, chunk(b"cue ", cue), chunk(b"LIST", b"adtl" + labels))
    assert [candidate.role for candidate in list_candidates(path)] == ["analog", "markers", "annotations"]
    with open_recording(path, None, ReadOptions(dataset="cues")) as cues:
        times, which = cues.events()
        assert times.tolist() == [0.001, 0.005]
        assert [cues.channels[index].label for index in which] == ["cue", "çall"]
        assert "1 cues lie behind the last sample" in said(cues)
    with open_recording(path, None, ReadOptions(dataset="regions")) as regions:
        bounds, _, names = regions.intervals()
        assert (bounds.tolist(), names) == ([[0.0025, 0.0045]], ["é song"])


def test_damaged_files(tmp_path: Path) -> None:
    cue = struct.pack("<I", 1) + struct.pack("<II4sIII", 1, 5, b"data", 0, 0, 5)
    adtl = b"adtl" + chunk(b"labl", struct.pack("<I", 1) + b"call\0")
    path = write(
        tmp_path / "a.wav", broadcast(b"2024-03-01", b"08:00:01", 5), fmt(), chunk(b"cue ", cue), chunk(b"LIST", adtl),
        chunk(b"data", SAMPLES[:20].tobytes()),
    )  # fmt: skip
    assert check_survives(WavReader(), path, path) > 100
    path = tmp_path / "b.wav"
    soundfile.write(path, NOISE[:20], 8000, "PCM_24", format="RF64")
    assert check_survives(WavReader(), path, path) > 100
    soundfile.write(path, NOISE[:20], 8000, format="W64")
    assert check_survives(WavReader(), path, path) > 100


def test_two_gigabytes_are_read_in_little_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", fmt(bits=24), chunk(b"data", b"", 0xFFFFFFFF))
    os.truncate(path, (2 << 30) + 44)
    samples, peak = read_through(path)
    assert samples == (2 << 30) // 6
    assert peak < 250 << 20


def test_a_workspace_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(3)
    samples = random.integers(-3000, 3000, (5000, 2)).astype("<i2")
    soundfile.write(tmp_path / "a.wav", samples, 8000, "PCM_16")
    built = seriesview.build_workspace(tmp_path / "a.wav", store=tmp_path / "store")
    series = built.series["a"].open()
    np.testing.assert_array_equal(series.values(0, 100, 200), samples[100:200])
    np.testing.assert_array_equal(series.window(0, 0, 100, 25)[0, 1], samples[:101].max(axis=0))
    assert "link" in built.store.get_json(built.series["a"].uri)["values"]
