"""Steps over one series, ready to run: any span of its output, from the samples of the source that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.steps.pieces import Rows
from seriesview.steps.stages import Stage
from seriesview.steps.storing import Counted, Storing, rows_of
from seriesview.steps.traits import SourceTraits, missing_values

_LEAST_BLOCK = 2**12
_USUAL_BLOCK = 2**15
_USUAL_SAMPLES = 2**22
_MOST_SAMPLES = 2**26
_VALUES_AT_ONCE = 2**20


@dataclass(frozen=True)
class DerivedPlan:
    """What steps make of a series. Rows and spans are half-open, counted from a segment's first sample.

    Nothing in it changes: several threads may compute at once.
    """

    source: SourceTraits
    output: SourceTraits
    sources: tuple[int | None, ...]
    """Of each output channel the channel of the source that it is; None where it is made of several."""
    steps: tuple[dict[str, Any], ...]
    """As JSON, all defaults written out."""
    coefficients: tuple[dict[str, Any], ...]
    """Of each step, as JSON; `plan_steps` takes them again."""
    left_out: tuple[int, ...]
    """Channels of the source that references are not made from although they are electrodes, or that are no signal."""
    stages: tuple[Stage, ...]
    storing: Storing
    most_channels: int
    """Of the source, and after any step."""

    @cached_property
    def margin(self) -> int:
        """Samples of the source that an output depends on, to either side."""
        found, ratio = 0.0, 1.0
        for stage in self.stages:
            found += stage.margin / ratio
            ratio *= stage.ratio
        return int(np.ceil(found))

    @cached_property
    def block_samples(self) -> int:
        """Output samples of a block of the grid that begins with each segment: a power of two."""
        num_channels = self.source.num_channels
        usual = min(_USUAL_BLOCK, max(_LEAST_BLOCK, _power_of_two(_USUAL_SAMPLES / num_channels)))
        samples = max(usual, _power_of_two(4 * self.margin))
        while (
            samples > max(self.margin, _LEAST_BLOCK)
            and (samples + 2 * self.margin) * num_channels > _MOST_SAMPLES
        ):
            samples //= 2
        ratio = float(np.prod([stage.ratio for stage in self.stages]))
        return max(1, _power_of_two(samples * ratio))

    def outputs_of(self, input_samples: int) -> int:
        """How many output samples a segment of `input_samples` has."""
        return self._totals(input_samples)[-1]

    def input_span(self, start: int, end: int, segment_samples: int) -> tuple[int, int]:
        """The rows of the source that outputs [start, end) are computed from, margins with them.

        `segment_samples`: of the source's segment, which the span does not leave.
        """
        return self._spans(start, end, segment_samples)[0]

    def compute(
        self, values: NDArray[Any], first: int, segment_samples: int, start: int, end: int
    ) -> NDArray[Any]:
        """Outputs [start, end) as stored values (end - start, C_out) of the output's dtype.

        `values` (n, C) are the source's rows from `first` on, at least those of `input_span`.
        """
        return self.compute_counted(values, first, segment_samples, start, end).values

    def compute_counted(
        self, values: NDArray[Any], first: int, segment_samples: int, start: int, end: int
    ) -> Counted:
        """The same, with how many of them were clipped, or moved off the value that stands for none."""
        spans = self._spans(start, end, segment_samples)
        low, high = spans[0]
        if low < first or high > first + len(values):
            raise ValueError(f"outputs {start} to {end} need rows {low} to {high} of the source")
        rows, done = self._by_channels(values[low - first : high - first], spans)
        for stage, span, made in zip(self.stages[done:], spans[done:], spans[done + 1 :], strict=False):
            rows = stage.apply(rows, span[0], *made)
        return self.storing(rows)

    def _by_channels(self, values: NDArray[Any], spans: Sequence[tuple[int, int]]) -> tuple[Rows, int]:
        """What the first stages make, those that take each channel by itself, and how many these are."""
        num_channels = values.shape[1]
        at_once = max(1, min(num_channels, _VALUES_AT_ONCE // max(1, len(values))))
        rows: Rows | None = None
        done = 0
        for begin in range(0, num_channels, at_once):
            chosen = np.arange(begin, min(begin + at_once, num_channels))
            stages = list(
                takewhile(lambda each: each is not None, (each.only(chosen) for each in self.stages))
            )
            done = len(stages)
            part = rows_of(
                values[:, chosen[0] : chosen[-1] + 1], missing_values(self.source, chosen.tolist())
            )
            for stage, span, made in zip(stages, spans, spans[1:], strict=False):
                assert stage is not None
                part = stage.apply(part, span[0], *made)
            if at_once == num_channels:
                return part, done
            if rows is None:
                rows = np.empty((num_channels, part.shape[1]))
            rows[chosen] = part
        assert rows is not None
        return rows, done

    def _totals(self, input_samples: int) -> list[int]:
        """Samples of a segment before each stage, and behind the last."""
        totals = [input_samples]
        for stage in self.stages:
            totals.append(stage.outputs_of(totals[-1]))
        return totals

    def _spans(self, start: int, end: int, segment_samples: int) -> Sequence[tuple[int, int]]:
        """What each stage gets, and what is wanted of the last."""
        totals = self._totals(segment_samples)
        if not 0 <= start <= end <= totals[-1]:
            raise ValueError(f"outputs {start} to {end} of {totals[-1]}")
        spans = [(start, end)]
        for stage, total in zip(reversed(self.stages), reversed(totals[:-1]), strict=True):
            low, high = stage.needs(*spans[0])
            spans.insert(0, (max(0, low), min(total, high)))
        return spans


def _power_of_two(number: float) -> int:
    """The lowest power of two that is not below a number, at least 1."""
    return 1 << max(0, int(np.ceil(np.log2(max(1.0, number)))))
