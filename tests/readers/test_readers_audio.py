"""Sound files of libsndfile, against what soundfile reads at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from large_recordings import read_through
from mutations import check_survives

import seriesview
from seriesview.errors import ReaderError
from seriesview.readers import Recording, list_candidates, open_recording
from seriesview.readers.adapters.audio import AudioReader
from seriesview.readers.registry import guess_reader

NOISE = np.random.default_rng(0).uniform(-1, 1, (30_000, 2))


def in_blocks(recording: Recording, size: int = 7001) -> np.ndarray[Any, Any]:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    for first in range(0, len(out), size):
        recording.read_into(first, out[first : first + size])
    return out


@pytest.mark.parametrize(
    ("suffix", "format", "subtype", "dtype"),
    [
        ("flac", "FLAC", "PCM_S8", "int16"),
        ("flac", "FLAC", "PCM_16", "int16"),
        ("flac", "FLAC", "PCM_24", "int32"),
        ("aiff", "AIFF", "PCM_S8", "int16"),
        ("aiff", "AIFF", "PCM_16", "int16"),
        ("aiff", "AIFF", "PCM_24", "int32"),
        ("aifc", "AIFF", "FLOAT", "float32"),
        ("caf", "CAF", "PCM_32", "int32"),
        ("caf", "CAF", "ALAC_16", "int16"),
        ("caf", "CAF", "ALAC_20", "int32"),
        ("caf", "CAF", "DOUBLE", "float64"),
        ("au", "AU", "PCM_16", "int16"),
        ("ogg", "OGG", "VORBIS", "float32"),
        ("opus", "OGG", "OPUS", "float32"),
        ("mp3", "MP3", "MPEG_LAYER_III", "float32"),
        ("wav", "WAV", "ULAW", "int16"),
        ("wav", "WAV", "IMA_ADPCM", "int16"),
        ("w64", "W64", "ALAW", "int16"),
        ("voc", "VOC", "PCM_16", "int16"),
        ("sph", "NIST", "PCM_16", "int16"),
        ("iff", "SVX", "PCM_16", "int16"),
        ("paf", "PAF", "PCM_16", "int16"),
    ],
)
def test_values_are_those_of_the_library(
    tmp_path: Path, suffix: str, format: str, subtype: str, dtype: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    samples = NOISE[:, :1] if format == "SVX" else NOISE
    soundfile.write(path, samples, 48000, subtype, format=format)
    assert guess_reader(path).name == "audio"
    expected, rate = soundfile.read(path, always_2d=True)
    with open_recording(path) as recording:
        assert (str(recording.dtype), recording.sampling_frequency) == (dtype, rate)
        values = in_blocks(recording)
        np.testing.assert_array_equal(values * recording.scale, expected)
        # And again from the middle, where it has to be looked for.
        middle = np.empty((100, recording.num_channels), recording.dtype)
        recording.read_into(15_000, middle)
        if subtype not in ("OPUS", "MPEG_LAYER_III"):
            np.testing.assert_array_equal(middle, values[15_000:15_100])
    (candidate,) = list_candidates(path)
    assert candidate.shape == expected.shape


def test_integers_are_those_that_were_written(tmp_path: Path) -> None:
    written = np.random.default_rng(1).integers(-(2**23), 2**23, (1000, 2)).astype(np.int32)
    soundfile.write(tmp_path / "a.flac", written << 8, 8000, "PCM_24")
    with open_recording(tmp_path / "a.flac") as recording:
        np.testing.assert_array_equal(in_blocks(recording), written)
        assert (recording.scale, recording.unit) == (2.0**-23, "FS")


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, NOISE, 8000)
    whole, _ = soundfile.read(path, dtype="int16")
    path.write_bytes(path.read_bytes()[:60_000])
    with open_recording(path) as recording:
        assert 10_000 < recording.num_samples < len(NOISE)
        np.testing.assert_array_equal(in_blocks(recording), whole[: recording.num_samples])
        assert any("counts other samples" in decision.text for decision in recording.decisions)


def test_without_the_library_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.flac", NOISE, 8000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ReaderError, match=r"pip install 'seriesview\[audio\]'"):
        list_candidates(tmp_path / "a.flac")


def test_damaged_files(tmp_path: Path) -> None:
    # FLAC and Ogg have checksums: of what is damaged hardly anything can be read.
    for name, count, least in (("a.flac", 700, 1), ("a.aiff", 700, 50), ("a.ogg", 600, 1)):
        path = tmp_path / name
        soundfile.write(path, NOISE[:400], 8000)
        assert check_survives(AudioReader(), path, path, count) >= least


def test_a_long_file_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    silence = np.zeros((1 << 20, 4), np.int16)
    with soundfile.SoundFile(path, "w", 48000, 4, "PCM_16") as file:
        for _ in range(64):
            file.write(silence)
    samples, peak = read_through(path)
    assert samples == 1 << 26
    assert peak < 250 << 20


def test_a_workspace_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write(tmp_path / "a.flac", NOISE, 8000)
    samples, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    built = seriesview.build_workspace(tmp_path / "a.flac", store=tmp_path / "store")
    series = built.series["a"].open()
    np.testing.assert_array_equal(series.values(0, 100, 200), samples[100:200])
    np.testing.assert_array_equal(series.window(0, 0, 100, 25)[3, 0], samples[300:401].min(axis=0))
