"""Which channels a SpikeGLX file holds, in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Decision
from seriesview.readers.spikeglx.meta import Meta, parse_ranges

# Kinds of channels of each type of stream, in the order of each sample, and the key that counts those saved.
_KINDS = {
    "imec": ("ApLfSy", ("AP", "LF", "SY")),
    "nidq": ("MnMaXaDw", ("MN", "MA", "XA", "XD")),
    "obx": ("XaDwSy", ("XA", "XD", "SY")),
}
DIGITAL = ("XD", "SY")
_MOST_CHANNELS = 1 << 16


@dataclass(frozen=True)
class SavedChannel:
    """One channel: its kind, its place in each sample of the file, and its number among those of its kind acquired.

    AP and LF of one electrode have the same number.
    """

    kind: str
    position: int
    number: int
    label: str


@dataclass(frozen=True)
class SavedChannels:
    """All channels of a file, and what was decided about them."""

    channels: tuple[SavedChannel, ...]
    decisions: tuple[Decision, ...] = ()

    @property
    def analog(self) -> tuple[SavedChannel, ...]:
        """Those that are voltages; they come first in each sample."""
        return tuple(channel for channel in self.channels if channel.kind not in DIGITAL)

    def of_kind(self, kind: str) -> tuple[SavedChannel, ...]:
        """Those of one kind."""
        return tuple(channel for channel in self.channels if channel.kind == kind)


def saved_channels(meta: Meta) -> SavedChannels:
    """The channels of a .bin, as its .meta says. Raises ReaderError where its numbers contradict each other."""
    suffix, kinds = _KINDS[meta.type]
    counts = meta.counts(f"sns{suffix}", len(kinds))
    total = meta.integer("nSavedChans", _MOST_CHANNELS)
    if sum(counts) != total:
        raise ReaderError(
            f"nSavedChans={total}, but sns{suffix}={','.join(map(str, counts))} are {sum(counts)} channels",
            file=meta.path,
        )
    if total == 0:
        raise ReaderError("nSavedChans=0: it has no channels", file=meta.path)
    acquired = meta.counts(f"acq{suffix}", len(kinds)) if meta.get(f"acq{suffix}") is not None else counts
    numbers, decisions = _numbers(meta, counts, acquired)
    names = [entry.partition(";")[0] for entry in meta.table("snsChanMap")[1:]]
    if len(names) != total:
        if names:
            text = f"snsChanMap names {len(names)} of {total} channels: all are named by kind and number"
            decisions.append(Decision(text, is_guess=True))
        names = []
    kind_of = [kind for kind, count in zip(kinds, counts, strict=True) for _ in range(count)]
    channels = tuple(
        SavedChannel(
            kind, position, numbers[position], names[position] if names else f"{kind}{numbers[position]}"
        )
        for position, kind in enumerate(kind_of)
    )
    return SavedChannels(channels, tuple(decisions))


def _numbers(
    meta: Meta, counts: tuple[int, ...], acquired: tuple[int, ...]
) -> tuple[list[int], list[Decision]]:
    """Number of each saved channel among the acquired ones of its kind (`snsSaveChanSubset` counts all kinds)."""
    in_order = [number for count in counts for number in range(count)]
    subset = meta.get("snsSaveChanSubset") or "all"
    if subset == "all":
        return in_order, []
    saved = parse_ranges(subset)
    starts = [0, *accumulate(acquired)]
    if saved is not None and len(saved) == len(in_order):
        kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
        numbers = [index - starts[kind] for index, kind in zip(saved, kinds, strict=True)]
        if all(0 <= number < acquired[kind] for number, kind in zip(numbers, kinds, strict=True)):
            return numbers, []
    text = f"snsSaveChanSubset={subset[:40]} does not fit the channels that are saved: they are taken for the first"
    return in_order, [Decision(text, is_guess=True)]
