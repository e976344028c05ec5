"""Progress of long work: bytes, rate and time left, for a terminal or for a log."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from seriesview.terms import bytes_in_words

_TERMINAL_SECONDS = 0.25
_LOG_SECONDS = 10.0


def seconds_in_words(seconds: float) -> str:
    """A duration as people write it."""
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@dataclass(frozen=True)
class BuildStep:
    """One thing that a build says: how far a dataset is, or, where the bytes are None, a line for people."""

    dataset: str
    text: str
    done_bytes: int | None = None
    total_bytes: int | None = None


Report = Callable[[BuildStep], None]


class Progress:
    """Counts bytes of one dataset's task; writes one rewritten line on a terminal, else a plain line now and then.

    Where there is a `report` it gets the steps, and nothing is written.
    """

    def __init__(
        self,
        label: str,
        total_bytes: int,
        stream: TextIO | None = None,
        dataset: str | None = None,
        report: Report | None = None,
    ) -> None:
        self._label = label
        self._total = total_bytes
        self._done = 0
        self._dataset = label if dataset is None else dataset
        self._report = report
        self._stream = stream if stream is not None else sys.stderr
        self._is_terminal = report is None and self._stream.isatty()
        self._interval = _TERMINAL_SECONDS if self._is_terminal or report else _LOG_SECONDS
        self._began = time.monotonic()
        self._skipped = 0
        self._spoke = self._began

    def expect(self, total_bytes: int) -> None:
        """Take this for the whole, in place of what it was thought to be."""
        self._total = total_bytes

    def skip(self, count: int) -> None:
        """Count bytes that an earlier run has done already; they say nothing about the rate."""
        self._skipped += count
        self._done += count

    def add(self, count: int) -> None:
        """Count bytes as done; speak if it is time to."""
        self._done += count
        now = time.monotonic()
        if now - self._spoke >= self._interval:
            self._spoke = now
            self._write(self._line(now))

    def finish(self) -> float:
        """Say what was done in all, if anything; seconds since the beginning."""
        now = time.monotonic()
        elapsed = now - self._began
        done = self._done - self._skipped
        if done == 0:
            return elapsed
        rate = done / max(elapsed, 1e-9)
        self._write(
            f"{self._label}: {bytes_in_words(done)} in {seconds_in_words(elapsed)} ({bytes_in_words(rate)}/s)"
        )
        if self._is_terminal:
            self._stream.write("\n")
            self._stream.flush()
        return elapsed

    def _line(self, now: float) -> str:
        rate = (self._done - self._skipped) / max(now - self._began, 1e-9)
        left = (self._total - self._done) / rate if rate > 0 else float("inf")
        percent = 100 * self._done / self._total if self._total else 100
        time_left = f", {seconds_in_words(max(left, 0))} left" if left != float("inf") else ""
        return (
            f"{self._label}: {bytes_in_words(self._done)} of {bytes_in_words(self._total)} "
            f"({percent:.0f} %), {bytes_in_words(rate)}/s{time_left}"
        )

    def _write(self, line: str) -> None:
        if self._report is not None:
            return self._report(BuildStep(self._dataset, line, self._done, self._total))
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K{line}")
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()
