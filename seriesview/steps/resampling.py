"""Another rate: a simple fraction or multiple of the one before, through a filter that lets nothing fold back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from seriesview.errors import SeriesviewError
from seriesview.steps.convolution import continued, convolved
from seriesview.steps.pieces import Rows, gaps_of, pieces_of
from seriesview.steps.stages import Places, among

BETA = 10.06
"""Of the filter's Kaiser window: 100 dB."""
CUTOFF = 0.9
"""Where its gain is a half, of half of the lower rate: it passes up to 0.8, and stops from 1."""
REACH = 33
"""Its samples to each side, over the larger of both terms of the ratio."""
_MOST_TERM = 100_000
_MOST_UP = 1000
_NEARNESS = 1e-10
_CHANNELS_AT_ONCE = 8


def ratio_of(rate: float, wanted: float, where: str) -> Fraction:
    """Wanted over given rate, both in Hz, exactly. Raises SeriesviewError where it is no simple ratio."""
    asked = Fraction(wanted) / Fraction(rate)
    found = next(
        (
            near
            for most in (10, 100, 1000, _MOST_TERM)
            if _is_near(near := asked.limit_denominator(most), asked)
        ),
        None,
    )
    if found == 1:
        raise SeriesviewError(
            f"{where}: resample: it has {rate:g} samples a second already", advice="leave it out"
        )
    if found is None or found.numerator > _MOST_UP or (found.numerator > 1 and found.denominator > _MOST_UP):
        near = _simple(asked)
        up, down = near.numerator, near.denominator
        raise SeriesviewError(
            f"{where}: resample: {wanted!r} Hz is no simple ratio of {rate!r} Hz",
            advice=f"write {rate * up / down!r}, which is {up}/{down} of it",
            code="bad-config",
        )
    return found


def _simple(asked: Fraction) -> Fraction:
    """A whole fraction of the rate that is near, or else the nearest with small terms."""
    asked = min(max(asked, Fraction(1, _MOST_TERM)), Fraction(_MOST_UP))
    whole = Fraction(1, max(1, round(1 / asked)))
    return whole if abs(whole / asked - 1) < 0.02 else max(asked.limit_denominator(50), Fraction(1, 50))


def _is_near(found: Fraction, asked: Fraction) -> bool:
    return found > 0 and abs(found / asked - 1) < _NEARNESS


@dataclass(frozen=True)
class Resampling:
    """The stage: output j lies at input j * down / up; `held` are rows of which the sample at or before it is taken."""

    up: int
    down: int
    held: tuple[int, ...]
    most_bridged: int
    may_miss: bool

    @property
    def ratio(self) -> float:
        """Samples that it makes of one."""
        return self.up / self.down

    @property
    def reach(self) -> int:
        """Of the filter to each side, in samples of the rate times `up`."""
        return REACH * max(self.up, self.down)

    @property
    def margin(self) -> int:
        """In samples of its input."""
        return -(-self.reach // self.up) + self.most_bridged

    @cached_property
    def kernel(self) -> NDArray[np.float64]:
        """The filter at the rate times `up`, (2 reach + 1,)."""
        from scipy import signal

        found: NDArray[np.float64] = signal.firwin(
            2 * self.reach + 1, CUTOFF / max(self.up, self.down), window=("kaiser", BETA)
        )
        return found * self.up

    def only(self, chosen: Places) -> Resampling:
        """The same of some of the rows."""
        return replace(self, held=tuple(among(np.array(self.held, np.intp), chosen).tolist()))

    def outputs_of(self, inputs: int) -> int:
        """Those up to the last sample."""
        return (inputs - 1) * self.up // self.down + 1 if inputs else 0

    def needs(self, start: int, end: int) -> tuple[int, int]:
        """The inputs about the first and the last output, and the margin."""
        last = -(-(max(end, start + 1) - 1) * self.down // self.up)
        return start * self.down // self.up - self.margin, last + 1 + self.margin

    def apply(self, rows: Rows, first: int, start: int, end: int) -> Rows:
        """Outputs [start, end) of rows (C, n) from `first` on."""
        found = np.full((len(rows), end - start), np.nan)
        at = np.arange(start, end, dtype=np.int64) * self.down // self.up - first
        has_gaps = gaps_of(rows, self.may_miss)
        whole = np.setdiff1d(np.flatnonzero(~has_gaps), self.held)
        for begin in range(0, len(whole), _CHANNELS_AT_ONCE):
            chosen = whole[begin : begin + _CHANNELS_AT_ONCE]
            found[chosen] = self._piece(rows[chosen], first, start, end)
        found[list(self.held)] = rows[list(self.held)][:, at]
        nearest = (2 * np.arange(start, end, dtype=np.int64) * self.down + self.up) // (2 * self.up) - first
        for channel in np.setdiff1d(np.flatnonzero(has_gaps), self.held):
            bridged, pieces = pieces_of(rows[channel], self.most_bridged)
            for start_of, stop in pieces:
                low = max(start, -(-(first + start_of) * self.up // self.down))
                high = min(end, (first + stop - 1) * self.up // self.down + 1)
                if low < high:
                    part = self._piece(bridged[np.newaxis, start_of:stop], first + start_of, low, high)
                    found[channel, low - start : high - start] = part[0]
            found[channel, np.isnan(rows[channel, np.minimum(nearest, rows.shape[1] - 1)])] = np.nan
        return found

    def _piece(self, rows: Rows, first: int, start: int, end: int) -> Rows:
        """Outputs [start, end) of rows without gaps that begin at `first` and stand alone."""
        if self.up == 1:
            return convolved(rows, self.kernel)[:, start * self.down - first :: self.down][:, : end - start]
        from scipy import signal

        by = -(-self.reach // self.up)
        behind = self.reach - (first - by) * self.up
        filling = -behind % self.down
        kernel = np.concatenate([np.zeros(filling), self.kernel])
        made: Rows = signal.upfirdn(kernel, continued(rows, by), self.up, self.down, axis=1)
        skipped = (behind + filling) // self.down
        return made[:, start + skipped : end + skipped]
