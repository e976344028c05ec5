"""Intervals that NWB stores as switches: the values and timestamps of an IntervalSeries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError

Floats = npt.NDArray[np.float64]

NO_END = " (no stop time)"
NO_START = " (no start time)"


def switched(path: Path, times: Floats, values: Floats, name: str) -> tuple[Floats, list[str]]:
    """Start and end times (n, 2), and labels: a value above 0 begins an interval, its negative ends it.

    One that is begun and never ended, or ended and never begun, is kept with no length, and its label says so. `name`
    is the label where there is one kind alone. Raises ReaderError.
    """
    if len(values) != len(times):
        raise ReaderError(f"its data hold {len(values)} values for {len(times)} timestamps", file=path)
    is_switch = np.isfinite(values) & (values != 0)
    if not is_switch.all():
        row = int(np.argmin(is_switch))
        raise ReaderError(
            f"its data are {values[row]} in row {row}: neither a start (> 0) nor an end (< 0)", file=path
        )
    begun: dict[float, float] = {}
    found: list[tuple[float, float, float, str]] = []
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        start = begun.pop(abs(value), None)
        if value > 0:
            if start is not None:
                found.append((start, start, value, NO_END))
            begun[value] = time
        else:
            found.append((time if start is None else start, time, -value, NO_START if start is None else ""))
    found.extend((start, start, kind, NO_END) for kind, start in begun.items())
    kinds = {kind for _, _, kind, _ in found}
    labels = [f"{name if len(kinds) == 1 else f'{kind:g}'}{note}" for _, _, kind, note in found]
    bounds = np.array([(start, end) for start, end, _, _ in found], np.float64).reshape(-1, 2)
    return bounds, labels
