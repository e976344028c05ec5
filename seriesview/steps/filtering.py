"""Filters over rows: scipy's sosfiltfilt, or one pass that begins at rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.convolution import continued
from seriesview.steps.design import Sections
from seriesview.steps.pieces import Rows, in_pieces
from seriesview.steps.stages import Places, SameRate, among

_LONG = 8
"""Of so many margins are rows whose ends, which are filtered by themselves, are few."""


@dataclass(frozen=True)
class Filtering:
    """A filter for the rows at `places`; runs of missing samples up to `most_bridged` are bridged for it."""

    places: Places
    sections: Sections
    most_bridged: int
    may_miss: bool

    def __call__(self, rows: Rows, before: int = 0, behind: int = 0) -> Rows:
        """The rows, these filtered; in place. Of as many samples before and behind nobody needs the values."""
        whole, piece = self._causal, self._causal
        if not self.sections.is_causal:
            reach = self.sections.margin
            whole, piece = (
                partial(self._both_ways, begins=before < reach, ends=behind < reach),
                self._both_ways,
            )
        in_pieces(rows, self.places, whole, piece, self.most_bridged, self.may_miss)
        return rows

    def only(self, chosen: Places) -> Filtering:
        """The same of some of the rows."""
        return replace(self, places=among(self.places, chosen))

    def _both_ways(self, rows: Rows, begins: bool = True, ends: bool = True) -> Rows:
        """What scipy's sosfiltfilt makes of rows.

        Far from their ends that is a convolution with what it makes of an impulse, which takes a third of the time by
        Fourier transform. Where they do not begin or end, but are cut, nobody needs what lies there.
        """
        reach = self.sections.margin
        if rows.shape[1] < _LONG * reach:
            return self._pass_by_pass(rows)
        found = self.sections.impulse.convolved(rows)
        if begins:
            found[:, :reach] = self._pass_by_pass(rows[:, : 2 * reach])[:, :reach]
        if ends:
            found[:, -reach:] = self._pass_by_pass(rows[:, -2 * reach :])[:, -reach:]
        return found

    def _pass_by_pass(self, rows: Rows) -> Rows:
        """As sosfiltfilt does it, which would find the state at rest anew for each of the rows."""
        by = min(padding(self.sections.sos), rows.shape[1] - 1)
        forward = self._causal(continued(rows, by))
        return self._causal(forward[:, ::-1])[:, ::-1][:, by : by + rows.shape[1]]

    def _causal(self, rows: Rows) -> Rows:
        from scipy import signal

        rest = self.sections.rest * rows[np.newaxis, :, :1]
        found: Rows = signal.sosfilt(self.sections.sos, rows, axis=-1, zi=rest)[0]
        return found


class FilterStage(SameRate):
    """A filter that is told what of its output nobody needs."""

    run: Filtering

    def apply(self, rows: Rows, first: int, start: int, end: int) -> Rows:
        """The outputs of the span."""
        before, behind = start - first, first + rows.shape[1] - end
        return self.run(rows, before, behind)[:, before : end - first]


def padding(sos: NDArray[np.float64]) -> int:
    """By how many samples scipy's sosfiltfilt continues its input to each side where nothing else is said."""
    zeros = min(int((sos[:, 2] == 0).sum()), int((sos[:, 5] == 0).sum()))
    return int(3 * (2 * len(sos) + 1 - zeros))
