"""The store that Python's users mean: one that they opened, a directory, or the default one, opened once."""

from __future__ import annotations

import sys
from functools import cache
from os import PathLike, environ
from typing import TYPE_CHECKING

from seriesview.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from seriesview.store import Store


def default_store() -> Store:
    """The default store, as `open_store()` finds it; one a process for each KACHERY_STORAGE_DIR.

    The node of `seriesview view` or `serve`, which happens to run, never decides.
    """
    return _open(environ.get("KACHERY_STORAGE_DIR"))


def default_store_to_write() -> Store:
    """The default store, for what is made in Python; standard error says once which one it is, unless that is named.

    Raises StoreError.
    """
    store = default_store()
    if not environ.get("KACHERY_STORAGE_DIR"):
        _say(store)
    return store


def chosen_store(store: Store | str | Path | None) -> Store:
    """The store itself, or as `open_store` finds it for a directory, or the default one. Raises StoreError."""
    from seriesview.store import Store, open_store

    if store is None:
        return default_store()
    if isinstance(store, Store):
        return store
    if isinstance(store, str | PathLike):
        return open_store(store)
    raise StoreError(
        f"store: an opened store or a storage directory is expected, found a {type(store).__name__}"
    )


@cache
def _open(storage_dir: str | None) -> Store:
    from seriesview.store import open_store

    return open_store(storage_dir, follows_figures=False)


@cache
def _say(store: Store) -> None:
    where = f"series made in Python are stored in {store.place}; KACHERY_STORAGE_DIR names another place"
    print(f"seriesview: {where}", file=sys.stderr)
