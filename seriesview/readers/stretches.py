"""Where the numbers of samples jump, found without reading all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

_BLOCK = 1 << 16
_MOST_STRETCHES = 100_000


class Numbers(Protocol):
    """Numbers of samples in a file, read in parts."""

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        """Values [first, last)."""
        ...

    def at(self, index: int) -> Any:
        """One value."""
        ...


@dataclass(frozen=True)
class Stretch:
    """Rows whose sample numbers follow one another."""

    first_row: int
    num_rows: int
    first_number: int


def find_stretches(numbers: Numbers, count: int) -> list[Stretch] | None:
    """The stretches of the first `count` sample numbers; None where they repeat, go back or jump too often.

    Numbers grow, so that between two of them nothing is missing where their distance is that of their rows: what is
    whole is not read, and where something is missing halves are looked at until the place is found.
    """
    if count == 0:
        return []
    cuts = [(0, int(numbers.at(0)))]
    todo = [(0, cuts[0][1], count - 1, int(numbers.at(count - 1)))]
    while todo:
        low, low_number, high, high_number = todo.pop()
        missing = (high_number - low_number) - (high - low)
        if missing < 0:
            return None
        if missing == 0:
            continue
        if high - low < _BLOCK:
            block = numbers.read(low, high + 1).astype(np.int64)
            steps = np.diff(block)
            if (steps < 1).any():
                return None
            cuts.extend((low + row + 1, int(block[row + 1])) for row in np.flatnonzero(steps > 1).tolist())
        else:
            middle = (low + high) // 2
            left, right = (int(number) for number in numbers.read(middle, middle + 2).tolist())
            todo.append((middle + 1, right, high, high_number))
            todo.append((low, low_number, middle, left))
            if right <= left:
                return None
            if right > left + 1:
                cuts.append((middle + 1, right))
        if len(cuts) > _MOST_STRETCHES:
            return None
    cuts.sort()
    ends = [row for row, _ in cuts[1:]] + [count]
    return [Stretch(row, end - row, number) for (row, number), end in zip(cuts, ends, strict=True)]
