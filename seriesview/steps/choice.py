"""Which channels a step is for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from seriesview.documents.problems import suggestion
from seriesview.errors import SeriesviewError
from seriesview.steps.montages import finder
from seriesview.steps.operations import OnChannels
from seriesview.steps.traits import Channel

LINES = frozenset({"TRIG", "SYNC"})
"""Types of channels that are no signals: steps pass them unchanged unless they name them."""
ELECTRODES = frozenset({None, "EEG", "SEEG", "ECOG", "DBS", "IEEG", "LFP", "AP"})
"""Types of channels that are referenced where a reference does not say which."""
REFERENCES = frozenset({"REF"})

Places = NDArray[np.intp]


def chosen(step: OnChannels, channels: Sequence[Channel], where: str) -> Places:
    """The channels (places) that a step is for, in their order. Raises SeriesviewError where one is not there."""
    if step.types is None and step.channels is None:
        return places_where(channel.type not in LINES for channel in channels)
    names = Names(channels)
    named = {names.place_of(name, f"{where}: channels") for name in step.channels or ()}
    types = {kind.casefold() for kind in step.types or ()}
    present = {(channel.type or "").casefold() for channel in channels}
    if step.types is not None and not types & present:
        there = ", ".join(sorted({channel.type for channel in channels if channel.type})) or "none has a type"
        raise SeriesviewError(
            f"{where}: types: no channel is of type {' or '.join(step.types)} ({there})",
            advice="set `channel_types`, or name `channels`",
            code="bad-config",
        )
    return places_where(
        place in named or (channel.type or "").casefold() in types for place, channel in enumerate(channels)
    )


class Names:
    """The names of some channels."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._labels = [channel.label for channel in channels]
        self._find = finder(self._labels)

    def place_of(self, name: str, where: str) -> int:
        """The channel of a name. Raises SeriesviewError where there is none, or more than one."""
        found = self._find(name)
        if found is None:
            raise SeriesviewError(
                f"{where}: there is no channel {name!r:.60}, or more than one{suggestion(name, self._labels)}",
                advice=f"there are {', '.join(self._labels):.300}",
                code="bad-config",
            )
        return found


def places_where(is_chosen: Iterable[bool]) -> Places:
    """Where a sequence of truths is true."""
    return np.flatnonzero(np.fromiter(is_chosen, bool))
