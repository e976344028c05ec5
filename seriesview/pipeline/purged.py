"""Stores that a site's policy clears of old files: what it took is built again, what it may take soon is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.build.dataset import Dataset
from seriesview.build.kept import Kept, kept_of
from seriesview.build.results import read_results
from seriesview.errors import BuildError
from seriesview.pipeline.results import Results
from seriesview.store import Store

_DAY = 24 * 3600.0
_SOON_DAYS = 14
_NAMED = 3


@dataclass(frozen=True)
class Purged:
    """`gone`: datasets that are built, and have lost artifacts; `lines` say so, and which others are old."""

    gone: tuple[Dataset, ...]
    lines: tuple[str, ...]


def look_for_purged(
    datasets: Sequence[Dataset],
    results: Results,
    store: Store,
    named: Mapping[str, Any],
    exists: Callable[[str], bool] | None = None,
) -> Purged:
    """Look for the artifacts of what is built; `named`: the configuration's `store`.

    `exists` says of a URI whether the store has it. With `purge_days` packs are looked for too: one question to the
    file system for each.
    """
    days = named.get("purge_days") if store.takes_links else None
    gone, lines = [], []
    old: list[tuple[float, str]] = []
    soon: list[tuple[float, str]] = []
    now, has_some = time.time(), False
    for dataset in datasets:
        kept = _kept(results.series(dataset.name), store, exists or store.exists, packs=days is not None)
        if kept is None:
            continue
        has_some = has_some or kept.gone < kept.num_artifacts
        if kept.gone:
            gone.append(dataset)
            lines.append(
                f"{dataset.name}: {kept.gone} of its {kept.num_artifacts} artifacts are no longer in the store; it is "
                "built again"
            )
        elif days is not None and kept.written:
            age = (now - kept.written[0]) / _DAY
            (old if age >= days else soon if age >= days - _SOON_DAYS else []).append((age, dataset.name))
    for found, when in ((old, "may be gone at any time"), (soon, f"will be within {_SOON_DAYS} days")):
        if found:
            lines.append(_warning(found, days, when))
    if gone and not has_some:
        lines = [
            f"nothing of what was built is in {store.description}: if its disk is not mounted, stop this, mount it, "
            "and build again; else all is built anew"
        ]
    return Purged(tuple(gone), tuple(lines))


def _kept(path: Path, store: Store, exists: Callable[[str], bool], packs: bool) -> Kept | None:
    """None of a dataset that is not built."""
    try:
        return kept_of(read_results([path])[0], store, exists, packs) if path.is_file() else None
    except (BuildError, KeyError, TypeError):
        return None


def _warning(found: list[tuple[float, str]], days: float | None, when: str) -> str:
    """One line about all datasets with old artifacts, the oldest first: at a site, they are many."""
    found.sort(reverse=True)
    names = ", ".join(name for _, name in found[:_NAMED])
    others = f" and {len(found) - _NAMED} others" if len(found) > _NAMED else ""
    return (
        f"store.purge_days: artifacts of {names}{others} were written up to {found[0][0]:.0f} days ago; where files of "
        f"{days:g} days are purged, they {when}: copy the store to where nothing is; what is gone is built again"
    )
