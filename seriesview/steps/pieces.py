"""Channels with missing samples: short runs are bridged, longer ones split a channel into pieces that stand alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

_VALUES_AT_ONCE = 2**19
_LONGEST_BRIDGE = 0.01


def longest_bridge(rate: float, lowest_edge: float | None) -> int:
    """The most missing samples that are bridged: the shorter of 10 ms and half a period of an edge, at least one."""
    seconds = _LONGEST_BRIDGE if lowest_edge is None else min(_LONGEST_BRIDGE, 0.5 / lowest_edge)
    return max(1, int(seconds * rate))


def in_pieces(
    rows: Rows,
    places: NDArray[np.intp],
    whole: Callable[[Rows], Rows],
    piece: Callable[[Rows], Rows],
    most_bridged: int,
    may_miss: bool,
) -> None:
    """Process the rows (C, n) at `places` in place, some whole ones at a time, and each piece of others; NaN stay."""
    has_gaps = gaps_of(rows, may_miss)[places]
    at_once = max(1, _VALUES_AT_ONCE // rows.shape[1])
    without_gaps = places[~has_gaps]
    for start in range(0, len(without_gaps), at_once):
        chosen = without_gaps[start : start + at_once]
        if chosen[-1] - chosen[0] == len(chosen) - 1:
            part = rows[chosen[0] : chosen[-1] + 1]
            part[:] = whole(part)
        else:
            rows[chosen] = whole(rows[chosen])
    for channel in places[has_gaps]:
        is_missing = np.isnan(rows[channel])
        bridged, pieces = pieces_of(rows[channel], most_bridged)
        for start, end in pieces:
            rows[channel, start:end] = piece(bridged[np.newaxis, start:end])[0]
        rows[channel, is_missing] = np.nan


def gaps_of(rows: Rows, may_miss: bool) -> NDArray[np.bool_]:
    """Which of the rows (C, n) have NaN, where they may."""
    found = np.zeros(len(rows), bool)
    if may_miss:
        np.isnan(rows).any(axis=1, out=found)
    return found


def pieces_of(samples: Rows, most_bridged: int) -> tuple[Rows, list[tuple[int, int]]]:
    """Samples (n,) with short runs of NaN filled linearly, and the half-open pieces between longer ones."""
    present = np.flatnonzero(~np.isnan(samples))
    if not present.size:
        return samples, []
    jumps = np.diff(present)
    cuts = np.flatnonzero(jumps > most_bridged + 1)
    starts = present[np.concatenate([[0], cuts + 1])]
    ends = present[np.concatenate([cuts, [present.size - 1]])] + 1
    bridged = np.interp(np.arange(len(samples)), present, samples[present])
    return bridged, list(zip(starts.tolist(), ends.tolist(), strict=True))
