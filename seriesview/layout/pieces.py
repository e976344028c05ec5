"""Samples in pieces that follow one another, most often files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import numpy.typing as npt

from seriesview.layout.runs import Run


class Samples(Protocol):
    """Reads samples of one layout."""

    def read_into(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        """Fill `out` (n, chosen channels) of native byte order, the runs saying which channels go where."""
        ...


class PartOfPiece(NamedTuple):
    """Samples [first, first + num_samples) of a piece, which are those from `done` on of what is read."""

    piece: int
    first: int
    num_samples: int
    done: int


class Pieces:
    """Pieces of so many samples each, counted through."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self._firsts = [0, *accumulate(lengths)]

    def parts(self, first_sample: int, num_samples: int) -> Iterator[PartOfPiece]:
        """Of which pieces samples [first_sample, first_sample + num_samples) are, in their order."""
        done = 0
        while done < num_samples:
            position = first_sample + done
            piece = bisect_right(self._firsts, position) - 1
            count = min(self._firsts[piece + 1] - position, num_samples - done)
            yield PartOfPiece(piece, position - self._firsts[piece], count, done)
            done += count


class PiecesSamples:
    """Reads samples of several pieces, each by a reader that is open while it is used."""

    def __init__(
        self, lengths: Sequence[int], open_piece: Callable[[int], AbstractContextManager[Samples]]
    ) -> None:
        self._pieces = Pieces(lengths)
        self._open_piece = open_piece

    def read_into(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        """Fill `out` (n, chosen channels) of native byte order, the runs saying which channels go where."""
        for piece, first, count, done in self._pieces.parts(first_sample, len(out)):
            with self._open_piece(piece) as samples:
                samples.read_into(first, out[done : done + count], runs)
