"""A checked configuration, as builds use it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seriesview.build.dataset import Dataset, dataset_from_config
from seriesview.build.outlook import BuildOutlook
from seriesview.errors import ConfigError, SeriesviewError
from seriesview.pipeline.sessions import ConfiguredSession, configured_sessions
from seriesview.store import Store, open_store

_RESULTS = Path("results")


@dataclass(frozen=True)
class Configured:
    """What a configuration says, whose keys were checked; where it names a store it may be relative."""

    label: str
    id: str | None
    """Of the workspace; None: its label."""
    datasets: tuple[Dataset, ...]
    views: tuple[Mapping[str, Any], ...]
    store: Mapping[str, Any]
    results: Path | None = None
    """The folder of results; None where nothing names one."""
    sessions: tuple[ConfiguredSession, ...] = ()
    """Each has a workspace of its own; `datasets` has theirs too, called SESSION/NAME."""

    @classmethod
    def of(
        cls, content: Mapping[str, Any], sessions: Sequence[ConfiguredSession] | None = None
    ) -> Configured:
        """What a checked configuration with its defaults filled in says; `sessions`: its own, where they are known.

        Raises ConfigError of sessions.
        """
        results = Path(content["results"]).expanduser() if content.get("results") else None
        if sessions is None:
            sessions = configured_sessions(content, results or _RESULTS)
        entries = {**content["datasets"]}
        for session in sessions:
            entries |= session.datasets
        return cls(
            label=content.get("workspace") or "workspace",
            id=content.get("id"),
            datasets=tuple(dataset_from_config(name, entry, entries) for name, entry in entries.items()),
            views=tuple(content.get("views") or ()),
            store=content.get("store") or {},
            results=results,
            sessions=tuple(sessions),
        )

    @cached_property
    def _by_id(self) -> dict[str, ConfiguredSession]:
        return {session.id: session for session in self.sessions}

    def panel_of(self, name: str) -> Mapping[str, Any]:
        """The first panel that shows a dataset, as whose its picture is drawn; an empty one where none does."""
        identity, _, own_name = name.rpartition("/")
        session = self._by_id.get(identity)
        if session is None:
            return picture_panel(self.views, name)
        panel = picture_panel(session.views, own_name)
        return {**panel, "series": name} if panel else panel

    def open_store(self) -> Store:
        """The store that it names, else the default one. Raises StoreError."""
        return store_of(self.store)


def store_of(named: Mapping[str, Any]) -> Store:
    """The store that the `store` of a configuration names, else the default one. Raises StoreError."""
    return open_store(named.get("storage_dir"), named.get("mode") or "auto")


def one_workspace(configured: Configured) -> Configured:
    """The same, where it is of one workspace; raises ConfigError where it has sessions."""
    if configured.sessions:
        raise ConfigError(
            ["sessions: each is a workspace of its own: build them with `seriesview.build_sessions`"]
        )
    return configured


@contextmanager
def building(store: Store) -> Iterator[Store]:
    """Let nothing be removed from a store meanwhile; its record is written out at the end."""
    with store.building():
        try:
            yield store
        except BaseException:
            # What ended the build is told, not what follows from it.
            with suppress(SeriesviewError):
                store.close()
            raise
        store.close()


def check_datasets(outlook: BuildOutlook) -> None:
    """Raise ConfigError with everything that is wrong with datasets, as far as headers show."""
    problems = [str(entry.problem) for entry in outlook.datasets if entry.problem is not None]
    if problems:
        raise ConfigError(problems)


def picture_panel(views: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The first panel that shows a series, as whose its picture is drawn; an empty one where none does.

    Pictures are of one series each: nothing is drawn over it.
    """
    panels = (panel for view in views for panel in view["panels"])
    found: Mapping[str, Any] = next((panel for panel in panels if panel["series"] == name), {})
    return {key: value for key, value in found.items() if key != "over"}
