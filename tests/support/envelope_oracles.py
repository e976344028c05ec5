"""Obvious definitions in plain Python, sharing nothing with the package."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

DTYPES = (
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
)


def hull(values):
    """Lowest and highest of a list of numbers, NaN left out; None where nothing is left."""
    present = [value for value in values if value == value]
    return (min(present), max(present)) if present else None


def closed_bins(column, factor):
    """Bins of one channel's samples (a list): bin b holds samples b * factor to (b + 1) * factor inclusive."""
    bins, first = [], 0
    while first == 0 or first < len(column) - 1:
        bins.append(hull(column[first : first + factor + 1]))
        first += factor
    return bins


def as_envelope_column(bins):
    """Bins with NaN for None and 0.0 for -0.0, as rows [low, high]."""
    return [[math.nan, math.nan] if pair is None else [pair[0] + 0, pair[1] + 0] for pair in bins]


def integer_moments(values):
    return [len(values), sum(values), sum(value * value for value in values)]


def folded_sum(values):
    """The documented fold, one addition at a time."""
    stripes = min(16, len(values))
    lanes = len(values) // stripes
    sums = values[:lanes]
    for stripe in range(1, stripes):
        sums = [total + value for total, value in zip(sums, values[stripe * lanes :][:lanes], strict=True)]
    values = sums
    while len(values) > 1:
        half = len(values) // 2
        values = [values[i] + values[i + half] for i in range(half)]
    return values[0]


def float_moments(values, factor):
    """Count, mean and M2 of one bin of at most `factor` floats, as docs/format.md orders the operations."""
    padded = 1
    while padded < factor:
        padded *= 2
    slots = [value if math.isfinite(value) else None for value in values] + [None] * (padded - len(values))
    count = float(sum(slot is not None for slot in slots))
    if count == 0:
        return [0.0, 0.0, 0.0]
    mean = folded_sum([0.0 if slot is None else slot for slot in slots]) / count + 0.0
    squares = folded_sum([0.0 if slot is None else (slot - mean) * (slot - mean) for slot in slots])
    return [count, mean, squares]


def exact_statistics(values):
    """Mean, rms and std of finite numbers, from exact fractions."""
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    square = sum(value * value for value in exact) / len(exact)
    spread = sum((value - mean) ** 2 for value in exact) / len(exact)
    return float(mean), math.sqrt(square), math.sqrt(spread)


def columns_between_samples(samples: np.ndarray, columns_per_sample: int) -> np.ndarray:
    """Columns ((n - 1) * columns_per_sample, 2, C) closer than a sample: the polyline's range, float64.

    Column i * columns_per_sample + j covers the polyline from sample i to i + 1, of k = columns_per_sample equal
    stretches the j-th, both ends included. The point at j/k is a + (b - a) * (j/k), at the ends a
    and b themselves. Beside a NaN there is no line: such a column holds the sample at its edge, if any, else NaN.
    """
    values = samples.astype(np.float64)
    left, right = values[:-1, np.newaxis], values[1:, np.newaxis]
    share = (np.arange(columns_per_sample + 1) / columns_per_sample)[:, np.newaxis]
    with np.errstate(invalid="ignore", over="ignore"):
        points = left + (right - left) * share
        points[:, :1], points[:, -1:] = left, right
        shape = (-1, samples.shape[1])
        ends = points[:, :-1].reshape(shape), points[:, 1:].reshape(shape)
        columns = np.stack([np.fmin(*ends), np.fmax(*ends)], axis=1)
        columns += 0.0
    return columns


def sample_spans(times: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The samples of each column between neighbouring `edges` (columns + 1,), as half-open (columns, 2) indices.

    A column [t0, t1] holds the samples with t0 <= t <= t1; `times` (n,) are ascending, repeats included.
    """
    first = np.searchsorted(times, edges[:-1], side="left")
    last = np.searchsorted(times, edges[1:], side="right")
    return np.stack([first, last], axis=1).astype(np.int64)


def source_factor(samples_per_column: int, factors: Sequence[int], has_samples: bool = True) -> int | None:
    """What columns are read from: the coarsest stored factor that divides samples_per_column, 1 for samples.

    Below 4 * base samples are read where there are any. None where nothing stored divides it.
    """
    if has_samples and (not factors or samples_per_column < 4 * factors[0]):
        return 1
    dividing = [factor for factor in factors if samples_per_column % factor == 0]
    return max(dividing, default=1 if has_samples else None)
