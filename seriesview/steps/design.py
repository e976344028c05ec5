"""Filters as second-order sections: their design, whether they are what was asked for, and how long they ring."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.errors import SeriesviewError
from seriesview.steps.convolution import SymmetricKernel
from seriesview.steps.operations import Filter, Notch

TAIL = 1e-8
"""What is left of a filter's response outside its margin: the sum of its absolute values."""
_MOST_DEVIATION = 1e-3
"""How far the gain at an edge, and in the middle of what passes, may be from what the design says."""
_LONGEST = 2**24
_MOST_SECTIONS = 100
"""Those of a notch with all the harmonics that it may have."""
_MOST_COEFFICIENT = 1e6


@dataclass(frozen=True)
class Sections:
    """A stable filter: second-order sections (n, 6) as scipy's, and the samples that it rings to each side.

    `rest` (n, 1, 2): the state in which it stays when 1 goes in, for all time before and behind.
    """

    sos: NDArray[np.float64]
    rest: NDArray[np.float64]
    is_causal: bool
    margin: int

    @cached_property
    def impulse(self) -> SymmetricKernel:
        """What forward and backward passes make of an impulse, within the margin."""
        from scipy import signal

        samples = np.zeros(3 * self.margin + 1)
        samples[self.margin] = 1.0
        forward = signal.sosfilt(self.sos, samples)
        both = signal.sosfilt(self.sos, forward[::-1])[::-1]
        return SymmetricKernel(both[self.margin : 2 * self.margin + 1])


def designed(step: Filter | Notch, rate: float, where: str, sos: Any = None) -> Sections:
    """The filter of a step at a rate in Hz, or one whose sections are known. Raises SeriesviewError."""
    _check_edges(step, rate, where)
    if sos is None:
        found = _butterworth(step, rate) if isinstance(step, Filter) else _notches(step, rate)
    else:
        found = _sections_of(sos, where)
    _check_response(step, found, rate, where)
    is_causal = isinstance(step, Filter) and step.is_causal
    margin = _margin(found, is_causal)
    if margin > _LONGEST:
        raise SeriesviewError(
            f"{where}: at {rate:g} Hz this filter rings for {margin / rate:.3g} s", advice="resample first"
        )
    from scipy import signal

    return Sections(found, signal.sosfilt_zi(found)[:, np.newaxis], is_causal, margin)


def _sections_of(sos: Any, where: str) -> NDArray[np.float64]:
    """Sections (n, 6) as JSON has them. Raises SeriesviewError where they are none."""
    with suppress(TypeError, ValueError, OverflowError):
        found = np.array(sos, np.float64)
        is_some = found.shape[1:] == (6,) and 0 < len(found) <= _MOST_SECTIONS
        if is_some and (found[:, 3] == 1).all() and np.abs(found).max() < _MOST_COEFFICIENT:
            return found
    raise SeriesviewError(f"{where}: its coefficients are no second-order sections", code="bad-config")


def lowest_edge(step: Filter | Notch) -> float:
    """The lowest frequency in Hz that a filter is about."""
    return step.edges[0] if isinstance(step, Filter) else step.frequency


def _check_edges(step: Filter | Notch, rate: float, where: str) -> None:
    edges = step.edges if isinstance(step, Filter) else (step.frequency,)
    if max(edges) >= rate / 2:
        name = step.kind if isinstance(step, Filter) else "notch"
        raise SeriesviewError(
            f"{where}: {name}: {max(edges):g} Hz is not below half of the {rate:g} samples a second",
            advice=f"set a frequency below {rate / 2:g}, or leave the step out",
            code="bad-config",
        )


def _butterworth(step: Filter, rate: float) -> NDArray[np.float64]:
    from scipy import signal

    edges = step.edges if len(step.edges) > 1 else step.edges[0]
    found: NDArray[np.float64] = signal.butter(step.order, edges, step.kind, fs=rate, output="sos")
    return found


def _notches(step: Notch, rate: float) -> NDArray[np.float64]:
    """One section for each multiple of the frequency that lies below half of the rate."""
    from scipy import signal

    multiples = [step.frequency * number for number in range(1, step.harmonics + 1)]
    pairs = [signal.iirnotch(each, step.q, fs=rate) for each in multiples if each < rate / 2]
    return np.array([np.concatenate(pair) for pair in pairs])


def _check_response(step: Filter | Notch, sos: NDArray[np.float64], rate: float, where: str) -> None:
    """Raise where rounding has made of the design another filter, or one that never comes to rest."""
    from scipy import signal

    radii = np.abs(_poles(sos))
    is_right = bool(np.isfinite(sos).all() and radii.max(initial=0.0) < 1)
    if is_right and isinstance(step, Filter):
        low = {"highpass": None, "lowpass": 0.0, "bandpass": float(np.sqrt(np.prod(step.edges)))}[step.kind]
        points = [*step.edges, rate / 2 if low is None else low]
        gains = np.abs(signal.sosfreqz(sos, points, fs=rate)[1])
        # The middle of a band is not exactly where its gain is 1.
        is_right = bool(
            np.all(np.abs(gains[:-1] - np.sqrt(0.5)) < _MOST_DEVIATION)
            and 0.9 < gains[-1] < 1 + _MOST_DEVIATION
        )
    if not is_right:
        what = f"a {step.kind} of order {step.order}" if isinstance(step, Filter) else "a notch"
        raise SeriesviewError(
            f"{where}: {what} at {' to '.join(f'{each:g}' for each in _edges(step))} Hz is not stable at {rate:g} "
            "samples a second",
            advice="lower `order`, move its edges apart or up, or resample first",
            code="bad-config",
        )


def _edges(step: Filter | Notch) -> tuple[float, ...]:
    return step.edges if isinstance(step, Filter) else (step.frequency,)


def _poles(sos: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The poles of all sections, computed without loss where two of them nearly meet."""
    half = -sos[:, 4] / 2
    root = np.sqrt((half * half - sos[:, 5]).astype(np.complex128))
    first = half + np.where(half < 0, -root, root)
    with np.errstate(all="ignore"):
        second = np.where(np.abs(root.imag) > 0, half - np.where(half < 0, -root, root), sos[:, 5] / first)
    return np.concatenate([first, np.where(np.abs(first) > 0, second, 0)])


def _margin(sos: NDArray[np.float64], is_causal: bool) -> int:
    """The fewest samples beyond which the absolute values of the response sum up to less than TAIL, at most.

    The response at lag k is the sum of c p**k over the poles p, c the residue of the transfer function there (times
    the one of the other direction, where there are two): |c| |p|**k / (1 - |p|) bounds what is left from lag k on.
    """
    poles = _poles(sos)
    poles = poles[np.abs(poles) > 1e-3]
    room = 1 - np.abs(poles)
    distances = np.abs(poles[:, np.newaxis] - poles)
    # Poles that meet have residues of another form; taken a little apart they bound them.
    distances = np.maximum(distances, 1e-6 * room[:, np.newaxis])
    np.fill_diagonal(distances, 1.0)
    with np.errstate(divide="ignore"):
        residues = np.log(np.abs(_numerator(sos, poles))) - np.log(distances).sum(axis=1)
        if not is_causal:
            residues += np.log(np.abs(_gain(sos, 1 / poles)))
        lags = (np.log(TAIL / len(poles)) + np.log(room) - residues) / np.log(np.abs(poles))
    return max(1, int(np.ceil(lags.max(initial=1))))


def _numerator(sos: NDArray[np.float64], points: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The product of all numerators at some points, over the powers that a residue there has."""
    values = np.ones(len(points), np.complex128)
    for b0, b1, b2 in sos[:, :3]:
        values *= b0 * points * points + b1 * points + b2
    left_out = 2 * len(sos) - len(points)
    return values / points ** (left_out + 1)


def _gain(sos: NDArray[np.float64], points: NDArray[np.complex128]) -> NDArray[np.complex128]:
    values = np.ones(len(points), np.complex128)
    for b0, b1, b2, _, a1, a2 in sos:
        values *= (b0 + (b1 + b2 / points) / points) / (1 + (a1 + a2 / points) / points)
    return values
