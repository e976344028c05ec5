"""What the pipeline's job commands share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from seriesview.store import Store, open_store


@contextmanager
def job_store(store_json: str) -> Iterator[Store]:
    """The store that the configuration's `store`, as JSON, describes; its record is written out at the end.

    Nothing is removed from it meanwhile.
    """
    config = json.loads(store_json) or {}
    store = open_store(config.get("storage_dir"), config.get("mode") or "auto")
    with store.building():
        try:
            yield store
        finally:
            store.close()
