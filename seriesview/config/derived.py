"""Datasets that are made of other ones: what does not go together in their entries, and what defaults they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seriesview.config.model import DERIVED_KEYS, KEYS_OF_DERIVED
from seriesview.documents.problems import shown, suggestion

MOST_MADE = 7
"""Datasets that are made of one another; whoever reads samples that are computed goes back over no more."""


def contradictions_of_datasets(datasets: Any, *, have_paths: bool) -> Iterator[str]:
    """What does not go together in entries of `datasets`, a line each; what is not of its type is told by the schema.

    `have_paths`: whether each one that is not made of another must name its recording itself.
    """
    entries = {str(name): entry for name, entry in datasets.items() if isinstance(entry, Mapping)}
    for name, entry in entries.items():
        place = f"datasets.{name}"
        if "from" in entry:
            yield from (f"{place}{problem}" for problem in _wrong_with_derived(name, entry, entries))
            continue
        for key in DERIVED_KEYS:
            if key in entry:
                yield f"{place}.{key}: is for what is made of another dataset: name that in `from`"
        if entry.get("full_resolution") == "compute":
            yield f"{place}.full_resolution: compute: is for what is made of another dataset: a dataset with `from`"
        if have_paths and "path" not in entry:
            yield f"{place}: path is missing"


def with_defaults_of(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with the defaults that it does not overrule; what is made of another dataset takes few of them."""
    if "from" in entry:
        given = {key: value for key, value in defaults.items() if key in KEYS_OF_DERIVED}
        if given.get("full_resolution") == "link":
            del given["full_resolution"]
        return {**given, **entry}
    return {**defaults, **entry}


def _wrong_with_derived(
    name: str, entry: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    source = entry["from"]
    for key in entry:
        if key not in KEYS_OF_DERIVED:
            yield f".{key}: means nothing here: samples, channels and times are those of the dataset in `from`"
    if isinstance(source, str):
        if source not in entries:
            others = [each for each in entries if each != name]
            there = ", ".join(others)
            yield f".from: there is no dataset {shown(source)}{suggestion(source, others)}; there are {there:.300}"
        elif (way := _circle(name, entries)) is not None:
            yield f".from: goes round in a circle: {' from '.join(way)}"
        elif len(way := _way(name, entries)) > MOST_MADE + 1:
            yield (
                f".from: {len(way) - 1} datasets are made of one another, one after the other, at most {MOST_MADE}: "
                "name their steps in one"
            )
    if "steps" not in entry and "spectrogram" not in entry:
        yield ": steps is missing, or spectrogram: what is made of the samples of the dataset in `from`"
    if entry.get("full_resolution") == "link":
        yield ".full_resolution: link: what is made of another dataset lies in no file; compute or store its samples"


def _way(name: str, entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A dataset, its source, the source of that and so on, to the last one or the first that comes again."""
    way = [name]
    while isinstance(source := entries.get(way[-1], {}).get("from"), str) and source not in way:
        way.append(source)
    return way


def _circle(name: str, entries: Mapping[str, Mapping[str, Any]]) -> list[str] | None:
    """The way from a dataset over its sources back to itself; None where there is none."""
    way = _way(name, entries)
    return [*way, name] if entries.get(way[-1], {}).get("from") == name else None
