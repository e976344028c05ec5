"""Rows of a montage, and the names that channels go by."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seriesview.steps.operations import Row

_MOST_WEIGHT = 1e6
# One place under two names (American Clinical Neurophysiology Society, guideline 2: T7 for T3 and so on).
_SAME = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8", "a1": "m1", "a2": "m2"}


def row_of(document: Any) -> Row:
    """A row out of its JSON: see StepKeys.montage. Raises ValueError with what was expected."""
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], Mapping):
        document = document[0]
    if not isinstance(document, Mapping):
        return Row(_label(document), _weights(document))
    if len(document) != 1:
        raise ValueError("expected one label with its channels, as {F3-M2: [F3, M2]}")
    [(label, content)] = document.items()
    if not isinstance(label, str) or not label:
        raise ValueError("expected a text as label")
    return Row(label, _weights(content))


def _weights(content: Any) -> tuple[tuple[str, float], ...]:
    """Channels with their weights, each once and none with 0."""
    if isinstance(content, str):
        terms = _mean(content, 1.0)
    elif isinstance(content, Mapping):
        terms = list(content.items())
    elif isinstance(content, list) and len(content) == 2:
        terms = [*_mean(content[0], 1.0), *_mean(content[1], -1.0)]
    else:
        raise ValueError("expected [A, B], [A, [B, C]], a label, or labels with weights, as {F3: 1, M2: -1}")
    found: dict[str, float] = {}
    for name, weight in terms:
        if not isinstance(name, str) or not name:
            raise ValueError("expected a text as label of a channel")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not abs(weight) < _MOST_WEIGHT:
            raise ValueError(f"expected a number as weight of {name:.60}")
        found[name] = found.get(name, 0.0) + float(weight)
    if not any(found.values()):
        raise ValueError("nothing is left of it: weights of every channel add up to 0")
    return tuple((name, weight) for name, weight in found.items() if weight)


def _mean(names: Any, weight: float) -> list[tuple[Any, float]]:
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names:
        raise ValueError("expected a label of a channel, or a list of some")
    return [(name, weight / len(names)) for name in names]


def _label(content: Any) -> str:
    """`A-B` for [A, B], `A-(B+C)/2` for [A, [B, C]]."""
    if not isinstance(content, list):
        return str(content)
    sides = [[side] if isinstance(side, str) else side for side in content]
    if not all(isinstance(side, list) and side for side in sides):
        return ""
    return "-".join(
        str(side[0]) if len(side) == 1 else f"({'+'.join(map(str, side))})/{len(side)}" for side in sides
    )


def canonical(name: str) -> str:
    """A channel's name as names are compared: without case, `EEG ` before and `-Ref` behind, T3 as T7 and so on."""
    found = re.sub(r"\s+", " ", name.strip().casefold())
    found = re.sub(r"^(eeg|eog|ecg|emg|seeg|ecog)[ _:]+(?=\S)", "", found)
    found = re.sub(r"[-_ /](ref|le|av|avg)$", "", found)
    return _SAME.get(found, found)


def finder(labels: Sequence[str]) -> Callable[[str], int | None]:
    """Finds the channel that a name means: the first of that very label, else the only one whose name is the same."""
    exact = {label: place for place, label in reversed(list(enumerate(labels)))}
    alike: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        alike.setdefault(canonical(label), []).append(place)

    def find(name: str) -> int | None:
        if name in exact:
            return exact[name]
        found = alike.get(canonical(name), [])
        return found[0] if len(found) == 1 else None

    return find
