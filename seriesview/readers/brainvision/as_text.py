"""Samples that were exported as text (DataFormat=ASCII): a line for each sample, or one for each channel."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError

_BLOCK = 1 << 20
_LONGEST_LINE = 16 << 20
_LONGEST_WORD = 64
_FLOAT = np.dtype(np.float64)


@dataclass(frozen=True)
class TextFormat:
    """How numbers stand in lines; those of [ASCII Infos]."""

    num_channels: int
    is_multiplexed: bool
    has_commas: bool = False
    skip_lines: int = 0
    skip_columns: int = 0


def count_samples(path: Path, form: TextFormat) -> int:
    """Samples of each channel; one pass over the lines, or over the first channel. Raises ReaderError."""
    with path.open("rb") as file:
        _skip(file, form.skip_lines)
        if form.is_multiplexed:
            return sum(len(lines) for lines in _blocks_of_lines(file, path))
        return max(0, sum(len(words) for words in _words_of_line(file)) - form.skip_columns)


class TextSamples:
    """Samples float64 (num_samples, channels), turned into numbers in a temporary file once. Raises ReaderError."""

    def __init__(self, path: Path, form: TextFormat, num_samples: int) -> None:
        self._form, self._num_samples = form, num_samples
        self._numbers: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            with path.open("rb") as file:
                _skip(file, form.skip_lines)
                if form.is_multiplexed:
                    self._take_lines(file, path)
                else:
                    self._take_channels(file, path)
        except BaseException:
            self._numbers.close()
            raise

    def _take_lines(self, file: BinaryIO, path: Path) -> None:
        wanted, first, done = self._form.skip_columns + self._form.num_channels, self._form.skip_columns, 0
        for lines in _blocks_of_lines(file, path):
            words = [line.split() for line in lines]
            wrong = next((at for at, each in enumerate(words) if len(each) != wanted), None)
            if wrong is not None:
                number = self._form.skip_lines + done + wrong + 1
                raise ReaderError(
                    f"line {number} (empty ones aside) has {len(words[wrong])} columns where {wanted} are expected; "
                    "mend SkipColumns or NumberOfChannels in the header",
                    file=path,
                )
            values = self._values([word for each in words for word in each[first:]], path)
            self._numbers.write(values.tobytes())
            done += len(lines)

    def _take_channels(self, file: BinaryIO, path: Path) -> None:
        for channel in range(self._form.num_channels):
            left_out, taken = self._form.skip_columns, 0
            for words in _words_of_line(file):
                here = words[left_out:]
                left_out = max(0, left_out - len(words))
                taken += len(here)
                if taken > self._num_samples:
                    break
                self._numbers.write(self._values(here, path).tobytes())
            if taken != self._num_samples:
                raise ReaderError(
                    f"channel {channel + 1} has {'more than' if taken > self._num_samples else f'{taken} of'} "
                    f"the {self._num_samples} samples of the first one; export it again",
                    file=path,
                )

    def _values(self, words: list[bytes], path: Path) -> npt.NDArray[np.float64]:
        longest = max(map(len, words), default=0)
        if longest > _LONGEST_WORD:
            raise ReaderError(f"its samples are no numbers: one has {longest} characters", file=path)
        try:
            text = [word.replace(b",", b".") for word in words] if self._form.has_commas else words
            return np.array(text, dtype=np.bytes_).astype(np.float64)
        except ValueError as error:
            raise ReaderError(f"its samples are no numbers ({str(error)[:100]})", file=path) from None

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        if self._form.is_multiplexed:
            out[:] = self._read(first_sample * out.shape[1], out.size).reshape(out.shape)
            return
        for channel in range(out.shape[1]):
            out[:, channel] = self._read(channel * self._num_samples + first_sample, len(out))

    def _read(self, first: int, count: int) -> npt.NDArray[np.float64]:
        self._numbers.seek(first * _FLOAT.itemsize)
        return np.frombuffer(self._numbers.read(count * _FLOAT.itemsize), np.float64)

    def close(self) -> None:
        """Let go of the numbers."""
        self._numbers.close()


def _skip(file: BinaryIO, lines: int) -> None:
    for _ in range(lines):
        if not file.readline(_LONGEST_LINE):
            return


def _blocks_of_lines(file: BinaryIO, path: Path) -> Iterator[list[bytes]]:
    """Lines that are not empty, block by block."""
    while block := file.read(_BLOCK):
        rest = file.readline(_LONGEST_LINE)
        if len(rest) == _LONGEST_LINE:
            raise ReaderError("a line is too long for one sample; is DataOrientation wrong?", file=path)
        yield [line for line in (block + rest).splitlines() if line.strip()]


def _words_of_line(file: BinaryIO) -> Iterator[list[bytes]]:
    """The words of the next line that is not empty, block by block."""
    kept, begun = b"", False
    while True:
        piece = file.readline(_BLOCK)
        ends = not piece or piece.endswith(b"\n")
        content = kept + piece
        # A word that a block cuts goes with the next one.
        cut = len(content) if ends else max(content.rfind(b" "), content.rfind(b"\t")) + 1
        if not cut and len(content) > _BLOCK:
            cut = len(content)
        words, kept = content[:cut].split(), content[cut:]
        begun = begun or bool(words)
        if words:
            yield words
        if not piece or (ends and begun):
            return
