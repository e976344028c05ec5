"""Samples of the signals of one part of a record, from as many files as they lie in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.byte_file import ByteFile
from seriesview.readers.extras import imported
from seriesview.readers.wfdb.formats import LIBRARYS, OWN, unpacked
from seriesview.readers.wfdb.record import Part

# What is read at once stays in the processor's cache: that is several times as fast.
_BLOCK_SAMPLES = 1 << 17
_LIBRARYS_SAMPLES = 1 << 20

Values = npt.NDArray[Any]


def invalid_of(part: Part, index: int) -> int:
    """The sample that stands for none in a signal's format."""
    own = OWN.get(part.header.signals[index].format)
    return LIBRARYS[part.header.signals[index].format] if own is None else own.invalid


class PartSamples:
    """Reads signals of a part, `indices` among those of its header, all with the same samples in a frame."""

    def __init__(self, part: Part, indices: Sequence[int]) -> None:
        self._part = part
        self._indices = list(indices)
        self._files: dict[str, ByteFile] = {}
        signals = part.header.signals
        self._per_frame = signals[self._indices[0]].samples_per_frame
        self._library: Any = None
        foreign = [signals[index] for index in self._indices if signals[index].format in LIBRARYS]
        if foreign:
            if any(signal.skew for signal in foreign):
                raise ReaderError(
                    f"signals in format {foreign[0].format} that are skewed cannot be read; write it in format 16, "
                    "with xform of the WFDB software package",
                    file=part.header.path,
                )
            self._library = imported("wfdb", extra="wfdb", file=part.header.path)

    @property
    def block_frames(self) -> int:
        """Frames that are read at once in bounded memory."""
        widest = max(self._part.header.places[index][0] for index in self._indices)
        if self._library is not None:
            return max(1, _LIBRARYS_SAMPLES // sum(s.samples_per_frame for s in self._part.header.signals))
        return max(1, _BLOCK_SAMPLES // widest)

    @property
    def are_frames(self) -> bool:
        """Whether the signals are all those of one file, a sample of each in a frame, unshifted."""
        own = self._part.header.signals
        return (
            self._library is None
            and self._indices == list(range(len(own)))
            and self._per_frame == 1
            and not any(signal.skew for signal in own)
            and len({signal.file for signal in own}) == 1
        )

    def read_frames(self, first_frame: int, frames: int) -> Values:
        """Samples (frames, signals) where `are_frames`."""
        return self._frames(0, first_frame, first_frame + frames)

    def read(self, first_frame: int, frames: int) -> list[Values]:
        """Samples int16 or int32 (frames * samples in a frame,) of each signal, from a frame of the part on."""
        if self._library is not None:
            return self._read_by_library(first_frame, frames)
        found: list[Values] = [np.empty(0)] * len(self._indices)
        signals = self._part.header.signals
        for file in dict.fromkeys(signals[index].file for index in self._indices):
            columns = [at for at, index in enumerate(self._indices) if signals[index].file == file]
            skews = [signals[self._indices[at]].skew for at in columns]
            first = first_frame + min(skews)
            last = min(first_frame + frames + max(skews), self._part.num_frames)
            block = self._frames(self._indices[columns[0]], first, last)
            for at, skew in zip(columns, skews, strict=True):
                own = self._of_signal(self._indices[at], block, first_frame + skew - first, frames)
                found[at] = own.reshape(-1)
        return found

    def _of_signal(self, index: int, block: Values, begin: int, frames: int) -> Values:
        """Frames of one signal (frames, samples in a frame); what skew puts behind the end is missing."""
        _, before = self._part.header.places[index]
        there: Values = block[begin : begin + frames, before : before + self._per_frame]
        if len(there) == frames:
            return there
        out = np.full((frames, self._per_frame), invalid_of(self._part, index), block.dtype)
        out[: len(there)] = there
        return out

    def _frames(self, index: int, first: int, last: int) -> Values:
        """Frames [first, last) of the file in which a signal lies (frames, samples of all its signals)."""
        signal, (count, _) = self._part.header.signals[index], self._part.header.places[index]
        kind = OWN[signal.format]
        if first >= last:
            return np.empty((0, count), np.int32 if kind.bits > 16 else np.int16)
        # Groups of a packed format begin at even samples.
        start = first * count // 2 * 2 if kind.dtype is None else first * count
        file = self._files.get(signal.file)
        if file is None:
            file = self._files[signal.file] = ByteFile(self._part.file(index))
        num_bytes = kind.num_bytes(last * count - start)
        content = file.read(num_bytes, signal.byte_offset + kind.num_bytes(start))
        samples = unpacked(content, kind)[first * count - start :][: (last - first) * count]
        return samples.reshape(last - first, count)

    def _read_by_library(self, first_frame: int, frames: int) -> list[Values]:
        try:
            record = self._library.rdrecord(
                str(self._part.header.path.with_suffix("")),
                sampfrom=first_frame,
                sampto=first_frame + frames,
                channels=self._indices,
                physical=False,
                smooth_frames=False,
            )
            return [np.asarray(each).astype(np.int32, copy=False) for each in record.e_d_signal]
        except Exception as error:  # another library may fail in any way over a damaged file
            raise ReaderError(
                f"the wfdb library cannot read it: {error}", file=self._part.header.path
            ) from error

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()
