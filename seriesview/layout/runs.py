"""Which channels go where in a block of samples, as runs of neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seriesview.errors import RequestError


@dataclass(frozen=True)
class Run:
    """Channels [first, first + length) go to the columns [out, out + length) of a block."""

    first: int
    out: int
    length: int

    @property
    def last(self) -> int:
        """The channel behind the run."""
        return self.first + self.length

    @property
    def channels(self) -> range:
        """The channels of the run."""
        return range(self.first, self.last)

    def within(self, first: int, last: int) -> Run | None:
        """The part of the run in channels [first, last), or None."""
        begin, end = max(self.first, first), min(self.last, last)
        return Run(begin, self.out + begin - self.first, end - begin) if begin < end else None


def channel_runs(channels: Sequence[int] | None, num_channels: int) -> list[Run]:
    """Runs in rising order of channels; None means all. Raises RequestError for a channel that there is not."""
    if channels is None:
        return [Run(0, 0, num_channels)]
    for channel in channels:
        if not 0 <= channel < num_channels:
            raise RequestError(f"channel {channel}: there are only channels 0 to {num_channels - 1}")
    runs: list[Run] = []
    for channel, out in sorted((int(channel), out) for out, channel in enumerate(channels)):
        if runs and runs[-1].last == channel and runs[-1].out + runs[-1].length == out:
            runs[-1] = Run(runs[-1].first, runs[-1].out, runs[-1].length + 1)
        else:
            runs.append(Run(channel, out, 1))
    return runs
