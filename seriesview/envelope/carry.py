"""Rows that wait between blocks until their group is full."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cut:
    """How a block falls into groups.

    `lead` is the group that waiting rows began, if this block filled it; then come the whole groups in rows
    first <= row < last; what follows waits.
    """

    lead: NDArray[Any] | None
    first: int
    last: int


class Carry:
    """Cuts one segment's blocks of rows into groups of `factor` rows, whatever the blocks' sizes."""

    def __init__(self, dtype: np.dtype[np.generic], row_shape: tuple[int, ...], factor: int) -> None:
        self._waiting = np.empty((factor, *row_shape), dtype)
        self._count = 0

    @property
    def rows(self) -> NDArray[Any]:
        """The waiting rows (fewer than factor, *row_shape); valid until the next block."""
        return self._waiting[: self._count]

    def cut(self, rows: NDArray[Any]) -> Cut:
        """Fill the waiting group from `rows`; follow with keep() once the lead has been used."""
        factor, first, lead = len(self._waiting), 0, None
        if self._count:
            first = min(factor - self._count, len(rows))
            self._waiting[self._count : self._count + first] = rows[:first]
            self._count += first
            if self._count == factor:
                lead, self._count = self._waiting, 0
        return Cut(lead, first, first + (len(rows) - first) // factor * factor)

    def keep(self, rows: NDArray[Any]) -> None:
        """Let `rows`, those behind the cut's last, wait."""
        self._waiting[self._count : self._count + len(rows)] = rows
        self._count += len(rows)

    def clear(self) -> None:
        """Forget the waiting rows."""
        self._count = 0
