"""Progress of long work: bytes, rate and time left, for a terminal or for a log."""

import sys
import threading
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
    """One thing that a build says: how far a dataset is, or, where the bytes are None, a line for people.

    `seconds_left`: about how long it still takes; None where that is not known.
    """

    dataset: str
    text: str
    done_bytes: int | None = None
    total_bytes: int | None = None
    seconds_left: float | None = None


Report = Callable[[BuildStep], None]


class StepLines:
    """Writes steps for people: progress in one rewritten line on a terminal, else in a line now and then."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._is_terminal = self._stream.isatty()
        self._lock = threading.Lock()
        self._spoke: dict[str, float] = {}
        self._is_open = False

    def __call__(self, step: BuildStep) -> None:
        """Write a step; safe in threads."""
        now = time.monotonic()
        is_under_way = step.done_bytes is not None and step.done_bytes != step.total_bytes
        with self._lock:
            if is_under_way and not self._is_terminal:
                if now - self._spoke.setdefault(step.dataset, now) < _LOG_SECONDS:
                    return
                self._spoke[step.dataset] = now
            text = (
                step.text
                if step.done_bytes is not None or not step.dataset
                else f"{step.dataset}: {step.text}"
            )
            begin = "\r\x1b[K" if self._is_open else ""
            self._is_open = is_under_way and self._is_terminal
            end = "" if self._is_open else "\n"
            self._stream.write(f"{begin}{text}{end}")
            self._stream.flush()


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

    @property
    def done_now(self) -> int:
        """Bytes that were done by now, without those that an earlier run had done."""
        return self._done - self._skipped

    def expect(self, total_bytes: int) -> None:
        """Take this for the whole, in place of what it was thought to be."""
        self._total = total_bytes

    def skip(self, count: int) -> None:
        """Count bytes that an earlier run has done already; they say nothing about the rate, nor what came before."""
        self._began = time.monotonic()
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
        done = self.done_now
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

    def _rate(self, now: float) -> float:
        return self.done_now / max(now - self._began, 1e-9)

    def _seconds_left(self) -> float | None:
        rate = self._rate(time.monotonic())
        return max((self._total - self._done) / rate, 0.0) if rate > 0 else None

    def _line(self, now: float) -> str:
        rate, left = self._rate(now), self._seconds_left()
        percent = 100 * self._done / self._total if self._total else 100
        time_left = "" if left is None else f", {seconds_in_words(left)} left"
        return (
            f"{self._label}: {bytes_in_words(self._done)} of {bytes_in_words(self._total)} "
            f"({percent:.0f} %), {bytes_in_words(rate)}/s{time_left}"
        )

    def _write(self, line: str) -> None:
        if self._report is not None:
            left = self._seconds_left()
            return self._report(BuildStep(self._dataset, line, self._done, self._total, left))
        if self._is_terminal:
            self._stream.write(f"\r\x1b[K{line}")
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()
