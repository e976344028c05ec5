"""Samples in pieces that follow one another, most often files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy.typing as npt

from seriesview.layout.runs import Run


class Samples(Protocol):
    """Reads samples of one layout."""

    def read_into(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        """Fill `out` (n, chosen channels) of native byte order, the runs saying which channels go where."""
        ...

    def close(self) -> None:
        """Let go of what is open beside the file."""
        ...


class PiecesSamples:
    """Reads samples of several pieces, each by a reader of its own, which is opened when it is needed."""

    def __init__(self, lengths: Sequence[int], open_piece: Callable[[int], Samples]) -> None:
        self._firsts = [0, *accumulate(lengths)]
        self._open_piece = open_piece

    def read_into(self, first_sample: int, out: npt.NDArray[Any], runs: Sequence[Run]) -> None:
        """Fill `out` (n, chosen channels) of native byte order, the runs saying which channels go where."""
        done = 0
        while done < len(out):
            piece = bisect_right(self._firsts, first_sample + done) - 1
            count = min(self._firsts[piece + 1] - first_sample - done, len(out) - done)
            samples = self._open_piece(piece)
            samples.read_into(first_sample + done - self._firsts[piece], out[done : done + count], runs)
            done += count

    def close(self) -> None:
        """Whoever opens the pieces closes them."""
