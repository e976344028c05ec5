"""What steps must know of the series before them, and say of the one that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seriesview.envelope.missing import Missing, MissingValues


@dataclass(frozen=True)
class SourceTraits:
    """A continuous series of C channels at a fixed rate; tuples hold one entry a channel.

    Physical value = stored value * scale + offset, in `units`.
    """

    sampling_frequency: float
    dtype: np.dtype[Any]
    labels: tuple[str, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    units: tuple[str, ...]
    types: tuple[str | None, ...]
    groups: tuple[str | None, ...]
    missing: tuple[Missing | None, ...]
    bad: frozenset[int] = frozenset()
    sample_shifts: tuple[float, ...] | None = None
    """How much later than the first a channel was digitized, in samples; None: not known."""

    @property
    def num_channels(self) -> int:
        """C."""
        return len(self.labels)


@dataclass(frozen=True)
class Channel:
    """A channel on its way through the steps: its samples are float64, NaN where missing, times `scale` + `offset`.

    `source` is the channel of the source that it is, None where it is made of several; `keeps_steps`: whether its
    values are as fine as the source's; `is_centred`: whether they lie on both sides of 0 whatever the source's do.
    """

    label: str
    scale: float
    offset: float
    unit: str
    type: str | None
    group: str | None
    missing: Missing | None
    is_bad: bool
    source: int | None
    shift: float | None = None
    keeps_steps: bool = True
    is_centred: bool = False
    may_miss: bool = False


def channels_of(traits: SourceTraits) -> tuple[Channel, ...]:
    """The channels of the source, before any step."""
    return tuple(
        Channel(
            traits.labels[place],
            traits.scales[place],
            traits.offsets[place],
            traits.units[place],
            traits.types[place],
            traits.groups[place],
            traits.missing[place],
            place in traits.bad,
            place,
            None if traits.sample_shifts is None else traits.sample_shifts[place],
            may_miss=traits.dtype.kind == "f"
            or bool((found := traits.missing[place]) and not found.is_empty),
        )
        for place in range(traits.num_channels)
    )


def missing_values(traits: SourceTraits, places: Sequence[int]) -> MissingValues | None:
    """What stands for no value in some channels; None where nothing does."""
    found = [traits.missing[place] for place in places]
    has_some = any(missing is not None and not missing.is_empty for missing in found)
    return MissingValues(traits.dtype, found) if has_some else None
