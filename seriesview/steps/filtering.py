"""Filters over rows: scipy's sosfiltfilt, or one pass that begins at rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.convolution import continued
from seriesview.steps.design import Sections
from seriesview.steps.pieces import Rows, in_pieces
from seriesview.steps.stages import Places, among


@dataclass(frozen=True)
class Filtering:
    """A filter for the rows at `places`; runs of missing samples up to `most_bridged` are bridged for it."""

    places: Places
    sections: Sections
    most_bridged: int
    may_miss: bool

    def __call__(self, rows: Rows) -> Rows:
        """The rows, these filtered; in place."""
        process = self._causal if self.sections.is_causal else self._both_ways
        in_pieces(rows, self.places, process, self.most_bridged, self.may_miss)
        return rows

    def only(self, chosen: Places) -> Filtering:
        """The same of some of the rows."""
        return replace(self, places=among(self.places, chosen))

    def _both_ways(self, rows: Rows) -> Rows:
        """What scipy's sosfiltfilt makes of rows, which would find the state at rest anew for each of them."""
        by = min(padding(self.sections.sos), rows.shape[1] - 1)
        forward = self._causal(continued(rows, by))
        return self._causal(forward[:, ::-1])[:, ::-1][:, by : by + rows.shape[1]]

    def _causal(self, rows: Rows) -> Rows:
        from scipy import signal

        rest = self.sections.rest * rows[np.newaxis, :, :1]
        found: Rows = signal.sosfilt(self.sections.sos, rows, axis=-1, zi=rest)[0]
        return found


def padding(sos: NDArray[np.float64]) -> int:
    """By how many samples scipy's sosfiltfilt continues its input to each side where nothing else is said."""
    zeros = min(int((sos[:, 2] == 0).sum()), int((sos[:, 5] == 0).sum()))
    return int(3 * (2 * len(sos) + 1 - zeros))
