"""Spectrograms: series whose channels are bins of frequency, each sample the power density about one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seriesview.errors import SeriesviewError
from seriesview.steps.choice import ELECTRODES, LINES, REFERENCES, Names
from seriesview.steps.pieces import Rows, longest_bridge, pieces_of
from seriesview.steps.spectra import Estimate
from seriesview.steps.spectrogram_keys import SpectrogramKeys
from seriesview.steps.storing import Counted, rows_of
from seriesview.steps.traits import SourceTraits, channels_of, missing_values

MOST_BINS = 4096
_BLOCK_VALUES = 2**18


@dataclass(frozen=True)
class SpectrogramPlan:
    """What a spectrogram makes of a series; spans are half-open, as those of a DerivedPlan.

    Output j is of source samples [j hop, j hop + window); it is drawn from `delay` seconds after j hop samples on for
    one step: the middle of that is the middle of the window. A segment shorter than a window has no output.
    """

    source: SourceTraits
    output: SourceTraits
    frequencies: tuple[float, ...]
    spectrogram: dict[str, Any]
    """As JSON, all defaults written out."""
    left_out: tuple[int, ...]
    places: tuple[int, ...]
    hop: int
    estimate: Estimate
    most_bridged: int

    @property
    def margin(self) -> int:
        """Samples of the source to either side: the window's reach, and a run that is bridged."""
        return self.estimate.window + self.most_bridged

    @property
    def delay(self) -> float:
        """Seconds from the first sample of a segment to the time of its first output."""
        return (self.estimate.window - self.hop) / 2 / self.source.sampling_frequency

    @property
    def block_samples(self) -> int:
        """Outputs of a block of the grid that begins with each segment."""
        return int(min(1024, max(16, 2 ** int(np.log2(max(1, _BLOCK_VALUES // self.hop))))))

    def outputs_of(self, input_samples: int) -> int:
        """How many outputs a segment of `input_samples` has."""
        return max(0, (input_samples - self.estimate.window) // self.hop + 1)

    def input_span(self, start: int, end: int, segment_samples: int) -> tuple[int, int]:
        """The rows of the source that outputs [start, end) are computed from."""
        first = start * self.hop - self.most_bridged
        last = max(start, end - 1) * self.hop + self.estimate.window + self.most_bridged
        return max(0, first), min(segment_samples, last)

    def compute(
        self, values: NDArray[Any], first: int, segment_samples: int, start: int, end: int
    ) -> NDArray[np.float32]:
        """Densities (end - start, bins) of outputs [start, end), of the source's rows (n, C) from `first` on.

        A window with missing samples, but for short runs, which are bridged, is NaN; the average is over the others.
        """
        low, high = self.input_span(start, end, segment_samples)
        if low < first or high > first + len(values) or not 0 <= start <= end:
            raise ValueError(f"outputs {start} to {end} need rows {low} to {high} of the source")
        total = np.zeros((end - start, len(self.frequencies)))
        counts = np.zeros((end - start, 1))
        if end == start:
            return total.astype(np.float32)
        chosen = list(self.places)
        rows = rows_of(values[low - first : high - first, chosen], missing_values(self.source, chosen))
        from_window = start * self.hop - low
        until = from_window + (end - start - 1) * self.hop + self.estimate.window
        for place, row in zip(chosen, rows, strict=True):
            samples = self._bridged(row)[from_window:until] * self.source.scales[place]
            found = self.estimate.density(samples + self.source.offsets[place], self.hop)
            is_there = ~np.isnan(found[:, :1])
            total += np.where(is_there, found, 0.0)
            counts += is_there
        with np.errstate(invalid="ignore"):
            return (total / counts).astype(np.float32)

    def compute_counted(
        self, values: NDArray[Any], first: int, segment_samples: int, start: int, end: int
    ) -> Counted:
        """The same; nothing is ever clipped."""
        return Counted(self.compute(values, first, segment_samples, start, end))

    def _bridged(self, row: Rows) -> Rows:
        """Samples with short runs of NaN filled, and NaN in longer ones."""
        if not np.isnan(row).any():
            return row
        filled, pieces = pieces_of(row, self.most_bridged)
        found = np.full(len(row), np.nan)
        for start, end in pieces:
            found[start:end] = filled[start:end]
        return found


def plan_spectrogram(
    keys: SpectrogramKeys, traits: SourceTraits, where: str = "spectrogram"
) -> SpectrogramPlan:
    """The plan of a spectrogram of a series. Raises SeriesviewError that says what cannot be, and what to set."""
    rate = float(traits.sampling_frequency)
    places, left_out = _places(keys, traits, where)
    hop, window = keys.step * rate, round(keys.window * rate)
    if round(hop) < 1 or abs(hop - round(hop)) > 1e-6 * hop:
        near = max(1, round(hop)) / rate
        raise _refused(
            f"{where}.step: {keys.step:g} s are no whole number of samples at {rate!r} Hz", f"write {near!r}"
        )
    length = window if keys.segment is None else round(keys.segment * rate)
    if length < 4 or (keys.method == "multitaper" and length <= 2 * (keys.tapers or 7)):
        raise _refused(f"{where}.window: {length} samples are too few", f"set more than {keys.window:g} s")
    if keys.range[1] > rate / 2 * (1 + 1e-9):
        raise _refused(
            f"{where}.range: {keys.range[1]:g} Hz is above half of the {rate:g} samples a second",
            f"set at most {rate / 2:g}",
        )
    tapers = (keys.tapers or 7) if keys.method == "multitaper" else 0
    low, high = keys.range
    estimate = Estimate(rate, window, length, float(low), float(high), tapers)
    bins = len(estimate.bins)
    if not 1 <= bins <= MOST_BINS:
        resolution = rate / length
        raise _refused(
            f"{where}.range: {bins} bins of {resolution:.3g} Hz lie in it, not 1 to {MOST_BINS}",
            "set another range, or a longer window"
            if bins < 1
            else "set a shorter window or a narrower range",
        )
    unit = traits.units[places[0]]
    frequencies = tuple(float(frequency) for frequency in estimate.frequencies)
    output = SourceTraits(
        rate / round(hop),
        np.dtype(np.float32),
        tuple(f"{frequency:.6g} Hz" for frequency in frequencies),
        (1.0,) * bins,
        (0.0,) * bins,
        (f"{unit}^2/Hz" if unit else "1/Hz",) * bins,
        (None,) * bins,
        (None,) * bins,
        (None,) * bins,
    )
    return SpectrogramPlan(
        traits,
        output,
        frequencies,
        keys.document(),
        left_out,
        places,
        round(hop),
        estimate,
        longest_bridge(rate, keys.range[1]),
    )


def _places(
    keys: SpectrogramKeys, traits: SourceTraits, where: str
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The channels that it is of, and those that are left out of the average."""
    channels = channels_of(traits)
    if keys.channel is not None:
        return (Names(channels).place_of(keys.channel, f"{where}.channel"),), ()
    if keys.average is not None:
        names = Names(channels)
        found = tuple(dict.fromkeys(names.place_of(name, f"{where}.average") for name in keys.average))
        left_out: tuple[int, ...] = ()
    else:
        found = tuple(
            place for place, each in enumerate(channels) if each.type in ELECTRODES and not each.is_bad
        )
        left_out = tuple(
            place
            for place, each in enumerate(channels)
            if each.type in LINES | REFERENCES or (each.type in ELECTRODES and each.is_bad)
        )
    if not found:
        raise _refused(f"{where}: no channel is an electrode", "name a `channel`, or some to `average`")
    units = sorted({traits.units[place] for place in found})
    if len(units) > 1:
        raise _refused(
            f"{where}: channels in {units[0] or 'no unit'} and in {units[1] or 'no unit'} cannot be averaged",
            "name a `channel`, or some to `average` of one unit",
        )
    return found, left_out


def _refused(sentence: str, advice: str) -> SeriesviewError:
    return SeriesviewError(sentence, advice=advice, code="bad-config", key="spectrogram")
