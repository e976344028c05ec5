"""What a build gives: a workspace, its series by name, and what is missing and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seriesview.series.series import Series, open_series
from seriesview.store import Store
from seriesview.workspace.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class BuiltSeries:
    """A series that was built, by its name in the configuration.

    `source` is the file that holds its samples; `seconds` and `num_bytes`: how long reading them took, and how many
    they are, whenever that was.
    """

    name: str
    uri: str
    type: str
    source: Path
    seconds: float
    num_bytes: int
    store: Store = field(repr=False)

    def open(self) -> Series:
        """The series, to read from. Raises StoreError."""
        return open_series(self.uri, self.store)


@dataclass(frozen=True)
class BuiltWorkspace:
    """A workspace that was built. `missing`: why each dataset that could not be built is missing, by name.

    `seconds`: how long the whole took, what was built before not included. `results` is the folder of results, None
    where only the store was written.
    """

    uri: str
    label: str
    series: Mapping[str, BuiltSeries]
    missing: Mapping[str, str]
    seconds: float
    store: Store = field(repr=False)
    results: Path | None = None

    def open(self) -> Workspace:
        """The workspace, to read from. Raises StoreError."""
        return open_workspace(self.uri, self.store)


@dataclass(frozen=True)
class BuiltSessions:
    """Sessions that were built: what the index says of each (docs/sessions.md), the index's page and its folder.

    `pictures`: why series that are built have no picture, by SESSION/NAME, where Snakemake built them.
    """

    sessions: tuple[Mapping[str, Any], ...]
    index: Path
    results: Path
    store: Store = field(repr=False)
    pictures: Mapping[str, str] = field(default_factory=dict)

    def open(self, session: str) -> Workspace:
        """The workspace of a session, to read from. Raises StoreError, KeyError where it has none."""
        uri = next((each["workspace"] for each in self.sessions if each["id"] == session), None)
        if uri is None:
            raise KeyError(session)
        return open_workspace(uri, self.store)


def built_series(result: Mapping[str, Any], store: Store) -> BuiltSeries:
    """What the result of building a series says."""
    return BuiltSeries(
        name=result["name"],
        uri=result["uri"],
        type=result["manifest"]["type"],
        source=Path(result["source"]["path"]),
        seconds=result["timing"]["seconds"],
        num_bytes=result["timing"]["bytes"],
        store=store,
    )
