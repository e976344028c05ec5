"""What a series needs of the store, down to its packs: what is gone, as after a purge, and what is old."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seriesview.build.results import uris
from seriesview.errors import SeriesviewError
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.store import Store
from seriesview.store.paths import artifact_path
from seriesview.store.uris import parse_uri


@dataclass(frozen=True)
class Kept:
    """The artifacts of a series: how many, how many of them are `gone`, and when the others were written, in order.

    Times are seconds since 1970; of what is only linked there is none.
    """

    num_artifacts: int
    gone: int
    written: tuple[float, ...] = ()


def kept_of(result: Mapping[str, Any], store: Store, exists: Callable[[str], bool], packs: bool) -> Kept:
    """Look for what the result of building a series, or of its samples, names; with `packs` for its packs too.

    `exists` says of a URI whether the store has it. A link to a recording that changed, or is elsewhere, is there.
    """
    named = {parse_uri(uri)[0]: exists(uri) or _is_linked(uri, store) for uri in uris(dict(result))}
    written, gone = [], sum(not is_there for is_there in named.values())
    sha1s = [sha1 for sha1, is_there in named.items() if is_there]
    held = list(_packs_of(result, store)) if packs else []
    for sha1 in [*sha1s, *held]:
        try:
            written.append(artifact_path(store.directory, sha1).stat().st_mtime)
        except OSError:
            # What was looked for above and is no file is a link.
            gone += sha1 not in named
    return Kept(len(named) + len(held), gone, tuple(sorted(written)))


def _is_there(uri: str, store: Store) -> bool:
    return store.exists(uri) or (store.takes_links and store.stored_size(parse_uri(uri)[0]) is not None)


def _is_linked(uri: str, store: Store) -> bool:
    return store.takes_links and store.stored_size(parse_uri(uri)[0]) is not None


def _packs_of(result: Mapping[str, Any], store: Store) -> Iterator[str]:
    """The SHA-1s of packs, as far as the pages that list them are there."""
    try:
        arrays = list(arrays_of(parse_series_manifest(result["manifest"])))
    except (SeriesviewError, KeyError, TypeError):
        return
    for _, info in arrays:
        reader = ArrayReader(store, info)
        try:
            for pack in range(info.num_packs):
                yield reader.pack_digest(pack).hex()
        except SeriesviewError:
            continue
