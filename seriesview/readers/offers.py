"""What a recording of several streams offers: each candidate with the way to open it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Candidate, ReadOptions, Recording


@dataclass(frozen=True)
class Offer:
    """A dataset: what is said of it, and how it is opened. One that is `hidden` is opened by its name alone."""

    candidate: Candidate
    open: Callable[[ReadOptions], Recording]
    hidden: bool = False


def open_offer(offers: Sequence[Offer], options: ReadOptions, path: Path) -> Recording:
    """Open what the options choose, the first that is not hidden where they choose none. Raises ReaderError."""
    wanted = [
        offer
        for offer in offers
        if (not offer.hidden if options.dataset is None else offer.candidate.dataset == options.dataset)
    ]
    if not wanted:
        names = ", ".join(dict.fromkeys(str(offer.candidate.dataset) for offer in offers)) or "none"
        raise ReaderError(f"dataset: no {options.dataset!r}; there are {names}", file=path)
    chosen = next((offer for offer in wanted if options.type in (None, offer.candidate.type)), wanted[0])
    return chosen.open(options)
