"""The store that the original API uses where none is named: opened once, silently."""

from __future__ import annotations

from functools import cache
from os import environ
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seriesview.store import Store


def default_store() -> Store:
    """The default store, as `open_store()` finds it; one a process for each KACHERY_STORAGE_DIR."""
    return _open(environ.get("KACHERY_STORAGE_DIR"))


@cache
def _open(storage_dir: str | None) -> Store:
    from seriesview.store import open_store

    return open_store(storage_dir)
