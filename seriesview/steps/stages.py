"""Steps that are ready to run: what each needs of its input, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows

Places = NDArray[np.intp]


class Stage(Protocol):
    """One step over the samples of a segment; all spans are half-open, counted from the segment's first sample."""

    @property
    def margin(self) -> int:
        """Samples of its input that it needs on either side."""
        ...

    @property
    def ratio(self) -> float:
        """Samples that it makes of one."""
        ...

    def outputs_of(self, inputs: int) -> int:
        """How many samples it makes of a segment of `inputs` samples."""
        ...

    def needs(self, start: int, end: int) -> tuple[int, int]:
        """The span of its input that outputs [start, end) depend on, if the segment reaches so far."""
        ...

    def apply(self, rows: Rows, first: int, start: int, end: int) -> Rows:
        """Outputs [start, end) of rows (C, n) that begin at `first` and that it may overwrite: (C', end - start)."""
        ...

    def only(self, chosen: Places) -> Stage | None:
        """The same of some of the rows, in their order, which ascends; None where rows are mixed."""
        ...


@runtime_checkable
class OfEachRow(Protocol):
    """What takes each row by itself, so that some can be taken at a time."""

    def only(self, chosen: Places) -> Self:
        """The same of some of the rows, in their order."""
        ...


def among(places: Places, chosen: Places) -> Places:
    """Where those of `places` are that are among the chosen ones, which ascend."""
    return np.flatnonzero(np.isin(chosen, places))


@dataclass(frozen=True)
class SameRate:
    """A stage that makes one sample of each: `run` takes rows (C, n), which it may overwrite, to rows (C', n)."""

    run: Callable[[Rows], Rows]
    margin: int = 0
    ratio: float = 1.0

    def only(self, chosen: Places) -> SameRate | None:
        """The same of some of the rows; None where rows are mixed."""
        return replace(self, run=self.run.only(chosen)) if isinstance(self.run, OfEachRow) else None

    def outputs_of(self, inputs: int) -> int:
        """As many."""
        return inputs

    def needs(self, start: int, end: int) -> tuple[int, int]:
        """The same samples, and the margin."""
        return start - self.margin, end + self.margin

    def apply(self, rows: Rows, first: int, start: int, end: int) -> Rows:
        """The outputs of the span."""
        return self.run(rows)[:, start - first : end - first]
