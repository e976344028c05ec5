"""Colours that people with any kind of colour vision can tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Color = tuple[int, int, int]

BACKGROUND: Color = (255, 255, 255)
"""A grey, of which a picture is filled a hundred times faster than of a colour."""
INK: Color = (32, 36, 44)
SOFT_INK: Color = (98, 106, 118)
CUT: Color = (165, 35, 27)
FRAME: Color = (196, 202, 210)
GRID: Color = (232, 235, 239)
GAP: Color = (226, 229, 234)

SERIES_COLORS: tuple[Color, ...] = (
    (0, 92, 158),
    (200, 82, 0),
    (0, 128, 98),
    (168, 74, 132),
    (42, 138, 190),
    (176, 116, 0),
    (70, 76, 90),
)

BAND_COLORS: tuple[Color, ...] = (
    (140, 190, 228),
    (246, 186, 130),
    (132, 206, 184),
    (226, 172, 204),
    (236, 214, 118),
    (190, 196, 206),
    (176, 168, 226),
)

# Dark to light in nearly even steps of lightness, and readable without red or green.
_HEAT_STOPS: tuple[Color, ...] = (
    (10, 16, 56),
    (24, 52, 110),
    (30, 98, 140),
    (46, 146, 146),
    (128, 188, 118),
    (226, 212, 98),
    (255, 246, 196),
)


def heat(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    """Colours (..., 3) of values between two limits; NaN is the colour of a gap."""
    span = high - low if high > low else 1.0
    position = np.clip((values.astype(np.float64) - low) / span, 0.0, 1.0)
    known = np.isfinite(position)
    position = np.where(known, position, 0.0) * (len(_HEAT_STOPS) - 1)
    stops = np.array(_HEAT_STOPS, dtype=np.float64)
    grid = np.arange(len(stops))
    colors = np.stack([np.interp(position, grid, stops[:, part]) for part in range(3)], axis=-1)
    colors[~known] = GAP
    return np.rint(colors).astype(np.uint8)


def color_of_group(groups: list[str | None]) -> list[Color]:
    """A colour for each channel: by group where there are groups, else two tones in turn (or each its own)."""
    names = list(dict.fromkeys(group for group in groups if group is not None))
    if len(names) > 1:
        where = {name: number for number, name in enumerate(names)}
        return [
            SERIES_COLORS[where.get(g, 6) % len(SERIES_COLORS)] if g else SERIES_COLORS[6] for g in groups
        ]
    if len(groups) <= 4:
        return [SERIES_COLORS[number] for number in range(len(groups))]
    return [SERIES_COLORS[0] if number % 2 == 0 else SERIES_COLORS[6] for number in range(len(groups))]
