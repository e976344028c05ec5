"""The zoom ladder: which whole numbers of samples one screen column may stand for, and what they are read from."""

from collections.abc import Sequence

_OCTAVE = (4, 5, 6, 7)
"""Steps of at most 25 %: these times powers of two."""


def zoom_ladder(factors: Sequence[int], num_samples: int, has_samples: bool = True) -> tuple[int, ...]:
    """Samples a column, ascending, up to the first at which `num_samples` fit one column.

    `factors` are those of the stored levels, ascending. From 4 * base on: each factor times 4, 5, 6, 7, 8, 10,
    12, 14, ... up to 4 times the next factor. Below that: 1, 2, 3, 4 and steps of at most 25 %, read from
    samples; without samples the multiples of base.
    """
    fine = 4 * factors[0] if factors else None
    rungs = [] if has_samples or not factors else [factors[0] * multiple for multiple in (1, 2, 3)]
    if has_samples:
        rungs = [1, 2, 3, *_steps(4, max(4, 2 * num_samples) if fine is None else fine - 1)]
    for index, factor in enumerate(factors):
        following = factors[index + 1] if index + 1 < len(factors) else None
        last = max(4, -(-2 * num_samples // factor)) if following is None else (4 * following - 1) // factor
        rungs += [factor * multiple for multiple in _steps(4, last)]
    enough = [rung for rung in rungs if rung >= num_samples]
    return tuple(rung for rung in rungs if rung < num_samples) + tuple(enough[:1])


def _steps(first: int, last: int) -> list[int]:
    """4, 5, 6, 7 times powers of two, from `first` (at least 4) to `last`, inclusive."""
    steps, scale = [], 1
    while _OCTAVE[0] * scale <= last:
        steps += [step * scale for step in _OCTAVE]
        scale *= 2
    return [step for step in steps if first <= step <= last]
