"""The reader of WAV files: samples of 8 to 32 bits, or floats, as they are; those of 24 bits as int32."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.byte_file import ByteFile
from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.in_memory import IntervalRecording, as_they_come, labelled_events
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels, required_rate
from seriesview.readers.wav.header import WavHeader, format_of, read_wav_header

CUES, REGIONS = "cues", "regions"
FULL_SCALE = "FS"
"""The unit of values that are shares of the largest one that can be stored."""


class WavRecording(LaidOutRecording):
    """The samples of a file; integers are shares of full scale, as audio programs have them."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        header = read_wav_header(path)
        stored = header.format
        if header.num_samples == 0:
            raise ReaderError("no samples in it yet", file=path)
        assert stored.dtype is not None
        self.type = "continuous"
        self.path = path
        self.dtype = stored.dtype
        self.num_samples = header.num_samples
        self.sampling_frequency = _rate(header, options)
        self.session_start = header.session_start
        self.channels = make_channels(stored.num_channels, options, path)
        self.decisions = header.decisions
        if self.dtype.kind in "iu":
            most = 1 << (8 * stored.sample_bytes - 1)
            self.unit, self.scale = FULL_SCALE, 1 / most
            # Samples of one byte have no sign.
            self.offset = -1.0 if self.dtype.kind == "u" else 0.0
            words = f"values are shares of full scale ({most}); `scale:` and `unit:` say what they measure"
            self.decisions = (*self.decisions, Decision(words))
        describe(self, options)
        if stored.sample_bytes == 3:
            self._samples = _Int24File(header)
            return
        self.layout = ContiguousLayout(
            path=path,
            dtype=stored.dtype.newbyteorder(header.kind.order),
            num_samples=header.num_samples,
            num_channels=stored.num_channels,
            offset=header.data_offset,
            row_stride=stored.row_bytes,
            channel_stride=stored.sample_bytes,
        )
        self._samples = SampleFile(self.layout)


class _Int24File:
    """Samples of three bytes, as int32."""

    def __init__(self, header: WavHeader) -> None:
        self._header = header
        self._file = ByteFile(header.path)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) int32. Raises IntegrityError where the file ends first."""
        row = self._header.format.row_bytes
        packed = self._file.read(len(out) * row, self._header.data_offset + first_sample * row)
        wide = out.reshape(-1).view(np.uint8).reshape(-1, 4)
        triples = packed.reshape(-1, 3)
        # Into the upper three bytes: the shift back brings the sign along.
        wide[:, 1:] = triples if self._header.kind.order == "<" else triples[:, ::-1]
        wide[:, 0] = 0
        np.right_shift(out, 8, out=out)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _rate(header: WavHeader, options: ReadOptions) -> float:
    configured = checked_rate(options.sampling_frequency, header.path)
    return configured or header.format.rate or required_rate(options, header.path)


def _open_cues(path: Path, options: ReadOptions) -> Recording:
    header = read_wav_header(path)
    rate = _rate(header, options)
    start = options.start_time or 0.0
    as_regions = options.dataset == REGIONS
    chosen = [cue for cue in header.cues if (cue.size > 0) == as_regions]
    labels = [cue.label for cue in chosen]
    first = np.array([cue.sample for cue in chosen], np.int64)
    recording: Recording
    if as_regions:
        last = first + np.array([cue.size for cue in chosen], np.int64)
        recording = IntervalRecording(path, np.column_stack([first, last]) / rate + start, labels, options)
    else:
        recording = labelled_events(path, first / rate + start, labels, options, as_they_come)
    recording.session_start = recording.session_start or header.session_start
    recording.decisions = header.decisions
    return recording


class WavReader:
    """Reader of WAV, RF64, BW64 and W64 files whose samples are not compressed."""

    name = "wav"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins like a WAV file, and its samples lie plain."""
        try:
            stored = format_of(path)
        except OSError:
            return False
        return stored is not None and stored.dtype is not None

    def candidates(self, path: Path) -> list[Candidate]:
        """The samples; cues and regions where there are any. Raises ReaderError."""
        header = read_wav_header(path)
        stored = header.format
        samples = Candidate(
            None,
            "continuous",
            str(stored.dtype),
            (header.num_samples, stored.num_channels),
            float(stored.rate) or None,
            None,
            {} if stored.rate else {"sampling_frequency": None},
            "no samples in it yet" if header.num_samples == 0 else None,
            role="analog",
        )
        regions = sum(cue.size > 0 for cue in header.cues)
        listed = [samples]
        if (cues := len(header.cues) - regions) > 0:
            options = {"dataset": CUES}
            listed.append(Candidate(CUES, "event", "float64", (cues,), None, None, options, role="markers"))
        if regions:
            options = {"dataset": REGIONS}
            listed.append(
                Candidate(REGIONS, "interval", "float64", (regions,), None, None, options, role="annotations")
            )
        return listed

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the samples, or with `dataset` cues or regions. Raises ReaderError."""
        kinds = {None: "continuous", CUES: "event", REGIONS: "interval"}
        kind = kinds.get(options.dataset)
        if kind is None:
            raise ReaderError(
                f"dataset: there is no {options.dataset!r}; leave it out for the samples, or write {CUES} or {REGIONS}",
                file=path,
            )
        if options.type not in (None, kind):
            raise ReaderError(f"type: this is {kind}, not {options.type}", file=path)
        if options.timestamps is not None:
            raise ReaderError("timestamps: WAV files have a rate; leave it out", file=path)
        return WavRecording(path, options) if kind == "continuous" else _open_cues(path, options)
