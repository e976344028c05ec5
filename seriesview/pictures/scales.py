"""Which values an axis holds: where most of a channel's values lie, whatever artefacts and bad electrodes there are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seriesview.series.manifest import ChannelInfo
from seriesview.series.series import Series

Floats = npt.NDArray[np.float64]

_DEVIATIONS_OF_PERCENTILE = 2.326
"""From the middle to percentile 99 of a normal distribution."""
_SHOWN_DEVIATIONS = 6.0
_LOPSIDED = 8.0
"""One side of the middle that reaches so much further than the other is taken for an artefact."""
_FAR = 50.0
"""A range so many times the typical one is not shown as a whole."""
_RESOLUTION = 2.0**-50
"""Of a number, what doubles beside it still tell from it."""
_LEAST = 1e-300
_MOST = 8e307
_ROBUST_PERCENTILE = 99.0


def typical_of(series: Series, channels: Sequence[ChannelInfo]) -> tuple[Floats, Floats]:
    """The middle of each channel (C,) and its typical deviation from it (C,), physical; NaN where unknown."""
    stored = np.array([channel.typical or (np.nan,) * 3 for channel in channels], dtype=np.float64)
    scale = np.array([series.manifest.scale if c.scale is None else c.scale for c in channels])
    offset = np.array([series.manifest.offset if c.offset is None else c.offset for c in channels])
    with np.errstate(all="ignore"):
        low, middle, high = stored.T * scale + offset
        sides = np.sort(np.abs(np.stack([middle - low, high - middle])), axis=0)
        less, more = sides
        reach = np.where((less > 0) & (more > _LOPSIDED * less), less, more)
    return middle, reach / _DEVIATIONS_OF_PERCENTILE


def limits(values: Floats, middle: float, typical: float) -> tuple[float, float]:
    """The ends of an axis of some values: of all that are finite, unless they are far from what is typical.

    The ends are apart, by as much as doubles can tell.
    """
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    usual = 2 * _DEVIATIONS_OF_PERCENTILE * typical
    # Halves: the difference of two doubles may be none.
    if usual > 0 and high / 2 - low / 2 > _FAR * usual / 2:
        side = _SHOWN_DEVIATIONS * typical
        low, high = max(low, middle - side), min(high, middle + side)
    return apart(low, high)


def limits_of_all(values: Floats, middle: Floats, typical: Floats) -> tuple[float, float]:
    """The ends of one axis of several channels' values (..., C)."""
    found = [limits(values[..., n], middle[n], typical[n]) for n in range(values.shape[-1])]
    lows, highs = np.array(found).T
    if len(found) > 2 and np.isfinite(middle).all():
        distance = np.abs(middle - np.median(middle))
        near = distance <= _FAR * np.maximum(np.median(distance), (highs - lows) / 2)
        # Nothing makes all the others flat.
        lows, highs = (lows[near], highs[near]) if near.any() else (lows, highs)
    return apart(float(lows.min()), float(highs.max()))


def apart(low: float, high: float) -> tuple[float, float]:
    """The ends of an axis, moved apart where they are closer than doubles tell, and within half of what these hold."""
    if not math.isfinite(high - low):
        low, high = max(low, -_MOST), min(high, _MOST)
    least = max(max(abs(low), abs(high)) * _RESOLUTION, _LEAST)
    if high - low >= least:
        return low, high
    half = max(least, 0.5 if low == high else 0.0)
    return low - half, high + half


def common_scale(envelope: Floats, middle: Floats, typical: Floats) -> tuple[Floats, float]:
    """The middle of each channel (C,), and the reach in physical units that half a row stands for.

    `envelope` is (columns, 2, C). What is not known to be typical is taken from the envelope.
    """
    centers = np.zeros(envelope.shape[2])
    reaches = []
    for number in range(envelope.shape[2]):
        found = envelope[:, :, number]
        found = found[np.isfinite(found).all(axis=1)]
        if not found.size:
            continue
        is_known = bool(np.isfinite(middle[number]))
        centers[number] = middle[number] if is_known else np.median(found)
        reach = float(np.percentile(np.abs(found - centers[number]), _ROBUST_PERCENTILE))
        if is_known and typical[number] > 0:
            reach = min(reach, _SHOWN_DEVIATIONS * float(typical[number]))
        if np.isfinite(reach):
            reaches.append(reach)
    reach = float(np.median(reaches)) if reaches else 1.0
    reach = reach or max(reaches, default=1.0) or 1.0
    return centers, max(reach, float(np.median(np.abs(centers))) * _RESOLUTION, _LEAST)


def usual_most(known: Floats, middle: Floats, typical: Floats, percentile: float) -> float:
    """Up to where values of channels that are alike go: a high percentile, unless it is far above what is usual."""
    most = float(np.percentile(known, percentile)) if known.size else 1.0
    tops = middle + _SHOWN_DEVIATIONS * typical
    tops = tops[np.isfinite(tops) & (tops > 0)]
    usual = float(np.percentile(tops, 90)) if tops.size else most
    return usual if most > _FAR * usual else most
