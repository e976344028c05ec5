"""What a step does, as a value: its operation, its numbers, and the channels that it is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class OnChannels:
    """A step for channels of some types or labels; None of either: for all that are signals."""

    types: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None

    def chosen(self) -> JsonObject:
        """The keys that say which channels."""
        found = {"types": self.types, "channels": self.channels}
        return {key: list(names) for key, names in found.items() if names is not None}


@dataclass(frozen=True)
class Filter(OnChannels):
    """A Butterworth filter; `edges` in Hz, one or two; `order` is scipy's N of one pass."""

    kind: Literal["highpass", "lowpass", "bandpass"]
    edges: tuple[float, ...]
    order: int = 5
    is_causal: bool = False

    def document(self) -> JsonObject:
        """The step as JSON."""
        edges = list(self.edges) if self.kind == "bandpass" else self.edges[0]
        phase = "causal" if self.is_causal else "zero"
        return {self.kind: edges, "order": self.order, "phase": phase, **self.chosen()}


@dataclass(frozen=True)
class Notch(OnChannels):
    """Narrow stop bands at a frequency in Hz and at multiples of it, `harmonics` with itself, each of quality `q`."""

    frequency: float
    harmonics: int = 1
    q: float = 30.0

    def document(self) -> JsonObject:
        """The step as JSON."""
        return {"notch": self.frequency, "harmonics": self.harmonics, "q": self.q, **self.chosen()}


@dataclass(frozen=True)
class Reference(OnChannels):
    """Subtracts mean or median of the channels (of each group), or the mean of the channels with some labels."""

    of: str | tuple[str, ...]
    in_groups: bool = False

    def document(self) -> JsonObject:
        """The step as JSON."""
        of = self.of if isinstance(self.of, str) else list(self.of)
        return {"reference": of, **({"within": "group"} if self.in_groups else {}), **self.chosen()}


@dataclass(frozen=True)
class Row:
    """A row of a montage: a sum of channels, by their names, with weights."""

    label: str
    weights: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Montage(OnChannels):
    """Channels made of others, in place of those that the step is for."""

    rows: tuple[Row, ...]

    def document(self) -> JsonObject:
        """The step as JSON."""
        return {"montage": [{row.label: dict(row.weights)} for row in self.rows], **self.chosen()}


@dataclass(frozen=True)
class Resample:
    """Another rate, in samples a second, of all channels."""

    rate: float

    def document(self) -> JsonObject:
        """The step as JSON."""
        return {"resample": self.rate}


@dataclass(frozen=True)
class PhaseShift:
    """Moves channels that were digitized after one another to the instant of the first."""

    def document(self) -> JsonObject:
        """The step as JSON."""
        return {"phase_shift": True}


@dataclass(frozen=True)
class Absolute(OnChannels):
    """The physical value without its sign."""

    def document(self) -> JsonObject:
        """The step as JSON."""
        return {"absolute": True, **self.chosen()}


Step = Filter | Notch | Reference | Montage | Resample | PhaseShift | Absolute
