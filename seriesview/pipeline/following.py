"""Whoever looks on while a workspace is built in this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from seriesview.build.level_rows import Watcher
from seriesview.pipeline.configured import Configured
from seriesview.store import Store


class Follower(Watcher, Protocol):
    """Hears of a build, in its threads."""

    def wait_for_other(self) -> None:
        """Another process builds here: called again and again until it has ended, unless this raises an error."""

    def begins(
        self,
        configured: Configured,
        built: Mapping[str, Mapping[str, Any]],
        problems: Mapping[str, str],
        store: Store,
    ) -> None:
        """Samples will be read now. `built`: the series that are built already, as their results say them, by name;
        `problems`: why others cannot be."""

    def series(self, dataset: str, result: Mapping[str, Any]) -> None:
        """The series of a dataset is built."""
