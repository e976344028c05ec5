"""What steps make of a whole segment at once, in plain numpy and scipy."""

import numpy as np
from scipy import signal

from seriesview.steps.traits import SourceTraits


def source_traits(channels=4, rate=1000.0, dtype="int16", **given):
    """Traits of a source whose channels are c0, c1, ..., alike but for what is given."""
    alike = {
        "scales": (0.5,) * channels,
        "offsets": (0.0,) * channels,
        "units": ("uV",) * channels,
        "types": (None,) * channels,
        "groups": (None,) * channels,
        "missing": (None,) * channels,
        "labels": tuple(f"c{place}" for place in range(channels)),
    }
    return SourceTraits(rate, np.dtype(dtype), **{**alike, **given})


def recording(rng, samples, channels, dtype="int16"):
    """Drifting noise with steps and an offset, as fits a dtype, (samples, channels)."""
    drift = rng.normal(0, 3, (samples, channels)).cumsum(axis=0)
    found = drift + rng.normal(0, 200, (samples, channels)) + rng.uniform(-500, 500, channels)
    limits = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else None
    if limits is None:
        return found.astype(dtype)
    if limits.min == 0:
        found += limits.max / 2
    return np.clip(found, limits.min, limits.max).astype(dtype)


def pieces(samples, most_bridged):
    """Samples with short inner runs of NaN filled, and the (start, end) of what lies between long ones, naively."""
    filled, runs, start = samples.copy(), [], None
    for place, is_missing in enumerate([*np.isnan(samples), False]):
        if is_missing and start is None:
            start = place
        if not is_missing and start is not None:
            runs.append((start, place))
            start = None
    ends, begin = [], 0
    for low, high in runs:
        if low > 0 and high < len(samples) and high - low <= most_bridged:
            weights = np.arange(1, high - low + 1) / (high - low + 1)
            filled[low:high] = samples[low - 1] + weights * (samples[high] - samples[low - 1])
        else:
            ends.append((begin, low))
            begin = high
    ends.append((begin, len(samples)))
    return filled, [(low, high) for low, high in ends if low < high]


def both_ways(sos, samples):
    """scipy's filter forward and backward over (n,), its padding cut where there are too few samples."""
    zeros = min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
    padlen = 3 * (2 * len(sos) + 1 - zeros)
    return signal.sosfiltfilt(sos, samples, padlen=min(padlen, len(samples) - 1))


def one_way(sos, samples):
    """scipy's filter forward over (n,), at rest on the first sample."""
    return signal.sosfilt(sos, samples, zi=signal.sosfilt_zi(sos) * samples[0])[0]


def filtered(values, sos, rate, edge, way=both_ways):
    """Physical or stored values (n, C), each channel and each piece by itself."""
    most_bridged = max(1, int(min(0.01, 0.5 / edge) * rate))
    found = np.full(values.shape, np.nan)
    for channel in range(values.shape[1]):
        filled, parts = pieces(values[:, channel], most_bridged)
        for start, end in parts:
            found[start:end, channel] = way(sos, filled[start:end])
    found[np.isnan(values)] = np.nan
    return found


def spans_of(rng, plan, inputs, count=4):
    """Random spans of the output, first and last samples and single ones with them."""
    total = plan.outputs_of(inputs)
    ends = [(0, total), (0, 1), (total - 1, total)]
    for _ in range(count):
        start = int(rng.integers(0, total))
        ends.append((start, int(rng.integers(start, min(total, start + 3000)) + 1)))
    return ends


def computed(plan, values, start, end):
    """Outputs of a span, out of the rows that the plan asks for alone."""
    low, high = plan.input_span(start, end, len(values))
    return plan.compute(values[low:high], low, len(values), start, end)
