"""Sound files of libsndfile: FLAC, Ogg, AIFF, CAF, AU, MP3 and the like, and WAV files that are compressed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.extras import imported
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels, required_rate
from seriesview.readers.wav.header import format_of
from seriesview.readers.wav.reader import FULL_SCALE

_BEGINNINGS = (b"fLaC", b"caff", b".snd", b"dns.", b"NIST_1A", b"Creative Voice File", b" paf", b"fap ")
_FORMS = (b"AIFF", b"AIFC", b"8SVX", b"16SV")
_OGG = (b"vorbis", b"OpusHead", b"\x7fFLAC", b"Speex")
# Of formats without loss, bits of a sample; libsndfile gives them in the upper ones of 16 or 32.
_BITS = {
    "PCM_S8": 8,
    "PCM_U8": 8,
    "DPCM_8": 8,
    "PCM_24": 24,
    "ALAC_20": 20,
    "ALAC_24": 24,
    "PCM_32": 32,
    "ALAC_32": 32,
}
_FLOATS = {"FLOAT": "float32", "DOUBLE": "float64", "VORBIS": "float32", "OPUS": "float32"}
# Of a block that a file ends in libsndfile gives nothing; so much may be lost where one was cut off.
_BLOCK = 512
# Where the last sample alone is looked for, libFLAC may decode all of the file on its way.
_LAST = 1 << 14


class AudioRecording(Recording):
    """Samples as one decoder gives them, which stays open: what is read in order is never searched for."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        if options.dataset is not None:
            raise ReaderError("dataset: a sound file holds one series; leave it out", file=path)
        if options.type not in (None, "continuous") or options.timestamps is not None:
            raise ReaderError(
                "sound files hold samples of a rate; leave `type` and `timestamps` out", file=path
            )
        self.type = "continuous"
        self.path = path
        self._file = _opened(path)
        subtype = self._file.subtype
        bits = _BITS.get(subtype, 16)
        self._is_lossy_mp3 = subtype.startswith("MPEG")
        is_float = subtype in _FLOATS or self._is_lossy_mp3
        self.dtype = np.dtype(
            _FLOATS.get(subtype, "float32") if is_float else "int16" if bits <= 16 else "int32"
        )
        self._shift = 0 if is_float else 8 * self.dtype.itemsize - bits
        status = path.stat()
        self.num_samples = _num_samples(str(path), status.st_size, status.st_mtime_ns)
        if self.num_samples == 0:
            raise ReaderError("no samples in it yet", file=path)
        said = [f"{self._file.format_info}, {self._file.subtype_info}"]
        if self.num_samples != self._file.frames:
            said.append(f"its head counts other samples than the {self.num_samples} that are there")
        rate = checked_rate(options.sampling_frequency, path)
        self.sampling_frequency = rate or float(self._file.samplerate) or required_rate(options, path)
        self.channels = make_channels(self._file.channels, options, path)
        if not is_float:
            most = 1 << (bits - 1)
            self.unit, self.scale = FULL_SCALE, 1 / most
            said.append(
                f"values are shares of full scale ({most}); `scale:` and `unit:` say what they measure"
            )
        self.decisions = tuple(Decision(text) for text in said)
        describe(self, options)
        self._position = 0

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on. Raises ReaderError where they cannot be decoded."""
        try:
            if first_sample != self._position:
                self._file.seek(first_sample)
            self._position = -1
            count = len(self._file.read(out=out))
        except RuntimeError as error:
            raise ReaderError(
                f"samples from {first_sample} on cannot be decoded ({error}); copy it again", file=self.path
            ) from error
        if count < len(out):
            raise ReaderError(f"it ends at sample {first_sample + count}; copy it again", file=self.path)
        self._position = first_sample + count
        if self._shift:
            np.right_shift(out, self._shift, out=out)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _opened(path: Path) -> Any:
    soundfile = imported("soundfile", extra="audio", file=path)
    try:
        return soundfile.SoundFile(str(path))
    except (RuntimeError, TypeError, ValueError, OSError) as error:
        raise ReaderError(f"libsndfile cannot read it ({error})", file=path) from error


@lru_cache(maxsize=64)
def _num_samples(path: str, size: int, mtime_ns: int) -> int:
    """Samples that can be decoded. Where the last one of the head is not there (cut off, a stream), all are decoded."""
    with _opened(Path(path)) as file:
        if 0 < file.frames < 1 << 60:
            try:
                last = min(file.frames, _LAST)
                file.seek(file.frames - last)
                if len(file.read(last, "float32")) == last:
                    return int(file.frames)
            except RuntimeError:
                pass
    with _opened(Path(path)) as file:
        block = np.empty((_BLOCK, file.channels), np.float32)
        count = 0
        try:
            while got := len(file.read(out=block)):
                count += got
        except RuntimeError:
            pass
        return count


class AudioReader:
    """Reader of the files of libsndfile, through soundfile."""

    name = "audio"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins like one of a known format; an MP3 file is known by its name, too."""
        try:
            with path.open("rb") as file:
                head = file.read(64)
            if head.startswith(_BEGINNINGS) or (head[:4] == b"FORM" and head[8:12] in _FORMS):
                return True
            if head[:4] == b"OggS":
                return any(codec in head for codec in _OGG)
            if path.suffix.lower() == ".mp3":
                return head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0")
            stored = format_of(path)
        except OSError:
            return False
        return stored is not None and stored.dtype is None

    def candidates(self, path: Path) -> list[Candidate]:
        """The one series. Raises ReaderError."""
        with AudioRecording(path, ReadOptions()) as recording:
            shape = (recording.num_samples, recording.num_channels)
            rate = recording.sampling_frequency
            return [Candidate(None, "continuous", str(recording.dtype), shape, rate, None, {}, role="analog")]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the file. Raises ReaderError."""
        return AudioRecording(path, options)
