"""What is known of probes by their part number, for .meta files that do not say it themselves.

Distances in micrometres, gains and ADC ranges from https://github.com/billkarsh/ProbeTable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from seriesview.readers.spikeglx.meta import Meta


@dataclass(frozen=True)
class Probe:
    """Where the electrodes of a probe lie, and how its counts become volts.

    Column c of row r lies at x = (even_x or odd_x, by r) + c*x_pitch from the shank's left edge, y = r*y_pitch
    above the lowest row. `gain` is None where the gains can be chosen. `max_int`: counts of the ADC's half range.
    `has_banks`: whether electrode = bank * channels + channel, in rows of `columns`.
    `per_adc`: channels that one converter digitizes after one another, 0 where their order is another one than that of
    most probes; `slots` of a sample: one for each of them and, in probes with an LF band, one for that.
    """

    x_pitch: float
    y_pitch: float
    even_x: float
    odd_x: float
    shank_pitch: float = 0.0
    gain: float | None = None
    max_int: int = 512
    columns: int = 2
    has_banks: bool = True
    per_adc: int = 12
    slots: int = 13

    def sample_shift(self, channel: int) -> float | None:
        """How much later than the sample's time a channel of the AP band is digitized, in samples.

        Neighbouring channels, an even and an odd one, are digitized together, by two converters (the multiplexing
        tables of ProbeTable).
        """
        return channel % (2 * self.per_adc) // 2 / self.slots if self.per_adc else None

    @property
    def has_gain_table(self) -> bool:
        """Whether each channel's gains stand in the imro table."""
        return self.gain is None

    def place(self, shank: float, column: float, row: float) -> tuple[float, float]:
        """x from the left edge of the first shank, and y, of an electrode."""
        left = self.odd_x if row % 2 else self.even_x
        return shank * self.shank_pitch + left + column * self.x_pitch, float(row * self.y_pitch)


_NP1 = Probe(32, 20, 27, 11)
_NP2_EARLY = Probe(32, 15, 27, 27, gain=80, max_int=8192, has_banks=False, per_adc=16, slots=16)
_NP2 = replace(_NP2_EARLY, gain=100, max_int=2048)
_FOUR_SHANKS = 250.0

# The first pattern that a part number begins with.
_PARTS: tuple[tuple[str, Probe], ...] = (
    (r"NP100|NP101[0-4]|PRB_1_", _NP1),
    (r"NP101[5-7]", replace(_NP1, odd_x=27)),
    (r"NP102[01]|NP103[01]", replace(_NP1, x_pitch=87)),
    (r"NP1022|NP103[23]|NP104|NP105", replace(_NP1, x_pitch=103, even_x=11)),
    (r"NP1100", Probe(6, 6, 14, 14, columns=8)),
    (r"NP1110", Probe(6, 6, 15.5, 15.5, columns=8, has_banks=False)),
    (r"NP1120", Probe(4.5, 4.5, 6.75, 6.75)),
    (r"NP1121", Probe(0, 3, 6.25, 6.25, columns=1)),
    (r"NP1122", Probe(3, 3, 12.5, 12.5, columns=16)),
    (r"NP1123", Probe(4.5, 4.5, 10.25, 10.25, columns=12)),
    (r"NP12[012]", Probe(32, 31, 56.5, 36.5, per_adc=0)),
    (r"NP1[34]00", replace(_NP1, x_pitch=48, even_x=11)),
    (r"NP2000|PRB2_1_", _NP2_EARLY),
    (r"NP2010|PRB2_4_", replace(_NP2_EARLY, shank_pitch=_FOUR_SHANKS)),
    (r"NP2006", replace(_NP2, odd_x=11)),
    (r"NP200", _NP2),
    (r"NP2022", replace(_NP2, x_pitch=20, odd_x=11, shank_pitch=2141.45)),
    (r"NP20[12]", replace(_NP2, shank_pitch=_FOUR_SHANKS)),
    (r"NP2300", replace(_NP2, x_pitch=48, even_x=11, odd_x=11)),
    (r"NP3000", Probe(0, 15, 59, 59, columns=1, per_adc=0)),
    (r"NP301", _NP2),
    (r"NP302", replace(_NP2, shank_pitch=_FOUR_SHANKS)),
)
# Probe types that .meta files named before part numbers.
_PART_OF_TYPE = {"0": "NP1000", "21": "NP2000", "24": "NP2010"}


def part_number(meta: Meta) -> str:
    """The probe's part number, made of its type where only that is said; phase 3A had one kind."""
    part, kind = meta.get("imDatPrb_pn"), meta.get("imDatPrb_type")
    if part is not None and probe_of_part(part) is not None:
        return part
    if kind is None:
        return part or "NP1000"
    return _PART_OF_TYPE.get(kind, f"NP{kind}")


def probe_of(meta: Meta) -> Probe | None:
    """What is known of the probe; None of one that is not known."""
    return probe_of_part(part_number(meta))


def probe_of_part(part: str) -> Probe | None:
    """What is known of a part number; None of one that is not known."""
    return next((probe for pattern, probe in _PARTS if re.match(pattern, part)), None)
