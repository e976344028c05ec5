"""A build that a page follows: how far it is, snapshots of its series, and what it ends with."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from seriesview.build.level_rows import LevelRows
from seriesview.build.progress import BuildStep, Report
from seriesview.build.workspace import workspace_manifest
from seriesview.errors import SeriesviewError
from seriesview.live.snapshot import Snapshot
from seriesview.pipeline.configured import Configured
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.series import Series
from seriesview.store import Store

LOCAL = "local:"
"""What URIs of snapshots begin with; behind it the name of the series."""
MOST_SNAPSHOTS = 64
"""Of one workspace: each has files open."""
QUIET_SECONDS = 15.0
"""Without a step: a disk, or a network, may have stalled."""
_TELL_SECONDS = 1.0
"""Between two times that nothing new is told of a recording that is followed."""
_NOT_YET = "not built yet"


@dataclass(frozen=True)
class _Growing:
    """A recording that is followed: its samples, since when there are so many, how many seconds of them were not read,
    and when that was told (monotonic seconds)."""

    num_samples: int
    behind: float
    since: float
    told: float


class LiveBuild:
    """Follows a build in its threads, and tells it to others; `key` names it, and is a secret of this process's page.

    In a build that was stopped its next step raises KeyboardInterrupt: it has not failed, and goes on another time.
    """

    def __init__(self, label: str, say: Report, follows: bool = False) -> None:
        """`say` gets the steps too. `follows`: recordings are still written."""
        self._follows = follows
        self._growing: dict[str, _Growing] = {}
        self._problems: list[str] = []
        self.key = secrets.token_hex(20)
        self._label = label
        self._say = say
        self._changed = threading.Condition()
        self._version = 1
        self._listeners: list[Callable[[], None]] = []
        self._text = "reading what the recording says of itself"
        self._steps: dict[str, BuildStep] = {}
        self._workspace: dict[str, Any] | None = None
        self._waiting: list[str] = []
        self._snapshots: dict[str, Snapshot] = {}
        self._store: Store | None = None
        self._end: dict[str, Any] = {}
        self._is_stopped = threading.Event()
        self._waits = False
        self._heard = time.monotonic()

    def progress(self, step: BuildStep) -> None:
        """Hear of a step of the build. Raises KeyboardInterrupt once it was stopped."""
        self._raise_if_stopped()
        self._say(step)
        with self._changed:
            if step.done_bytes is not None:
                self._steps[step.dataset] = step
            self._waits = False
        self._tell()

    def wait_for_other(self) -> None:
        """Hear that another process builds the same. Raises KeyboardInterrupt once it was stopped."""
        self._raise_if_stopped()
        if not self._waits:
            self._waits = True
            self._text = "another process builds this; what it makes is shown at its end"
            self._say(BuildStep("", self._text))
            self._tell()

    def begins(
        self,
        configured: Configured,
        built: Mapping[str, Mapping[str, Any]],
        problems: Mapping[str, str],
        store: Store,
    ) -> None:
        """Open snapshots of what is not built, and let them be shown. Raises KeyboardInterrupt once it was stopped."""
        missing = dict(problems)
        found = dict(built)
        snapshots: dict[str, Snapshot] = {}
        waiting: list[str] = []
        for dataset in configured.datasets:
            name = dataset.name
            if name in found or name in missing:
                continue
            snapshot = None
            # What is made of a recording that is still written comes at the end.
            is_late = self._follows and dataset.source is not None
            if len(snapshots) < MOST_SNAPSHOTS and not is_late:
                # What is wrong with it the build will say.
                with suppress(SeriesviewError, OSError):
                    snapshot = Snapshot.open(dataset, store, self._follows)
            if snapshot is None:
                missing[name] = _NOT_YET
                waiting.append(name)
                continue
            snapshots[name] = snapshot
            found[name] = {"name": name, "uri": _PLACE, "manifest": {"type": snapshot.manifest.type}}
        names = [dataset.name for dataset in configured.datasets if dataset.name in found]
        workspace = workspace_manifest(
            configured.label, [found[name] for name in names], configured.views, list(missing.items())
        )
        workspace["series"] = [
            {"name": name, "uri": f"{LOCAL}{name}" if name in snapshots else found[name]["uri"]}
            for name in names
        ]
        with self._changed:
            self._store = store
            self._snapshots = snapshots
            self._workspace = workspace if names else None
            self._waiting = waiting
            self._text = "building"
        if self._is_stopped.is_set():
            # Nobody else will.
            self.close()
            raise KeyboardInterrupt
        self._tell()

    def levels(self, dataset: str, levels: Sequence[LevelRows]) -> None:
        """Let a snapshot be read from levels, as they are made."""
        if (snapshot := self._snapshots.get(dataset)) is not None:
            snapshot.use_levels(levels)

    def grew(self, dataset: str, num_samples: int, behind: int) -> None:
        """Let a snapshot end with the samples that are written. Raises KeyboardInterrupt once it was stopped."""
        self._raise_if_stopped()
        snapshot = self._snapshots.get(dataset)
        if snapshot is None:
            return
        before, now = self._growing.get(dataset), time.monotonic()
        is_more = before is None or num_samples > before.num_samples
        if before is not None and not is_more and now - before.told < _TELL_SECONDS:
            return
        snapshot.grow(num_samples)
        since = now if is_more or before is None else before.since
        rate = snapshot.manifest.sampling_frequency or 1.0
        with self._changed:
            self._growing[dataset] = _Growing(num_samples, behind / rate, since, now)
        self._tell()

    def written(self, dataset: str, problem: str | None = None) -> None:
        """Follow a recording no more: it has ended, or there is a problem with its file."""
        with self._changed:
            self._growing.pop(dataset, None)
            if problem is not None:
                self._problems.append(problem)
        if (snapshot := self._snapshots.get(dataset)) is not None:
            snapshot.end_growing()
        self._tell()

    def series(self, dataset: str, result: Mapping[str, Any]) -> None:
        """Let a snapshot be read from its series, which is built."""
        snapshot = self._snapshots.get(dataset)
        if snapshot is None or self._store is None:
            return
        snapshot.use_series(Series(parse_series_manifest(result["manifest"]), self._store, result["uri"]))
        with self._changed:
            done = self._steps.get(dataset)
            total = None if done is None else done.total_bytes
            self._steps[dataset] = BuildStep(dataset, "", total or 0, total or 0, 0.0)
        self._tell()

    def finish(self, uri: str) -> None:
        """Tell that all is built, and what it is."""
        with self._changed:
            self._end = {"state": "done", "uri": uri}
        self._tell()

    def fail(self, error: SeriesviewError) -> None:
        """Tell why it ended; what there is of it stays to be seen."""
        with self._changed:
            self._end = {"state": "failed", "error": str(error)}
        self._tell()

    def stop(self) -> None:
        """Have the build end at its next step."""
        self._is_stopped.set()

    def close(self) -> None:
        """Let go of the recordings."""
        for snapshot in self._snapshots.values():
            snapshot.close()

    @property
    def is_shown(self) -> bool:
        """Whether a page can show anything of it."""
        return self._workspace is not None

    @property
    def artifacts(self) -> list[str]:
        """URIs of the series that were built before, which the page reads as what they are."""
        series = self._workspace["series"] if self._workspace is not None else []
        return [each["uri"] for each in series if not each["uri"].startswith(LOCAL)]

    @property
    def version(self) -> int:
        """Grows whenever there is something new to tell."""
        return self._version

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have a function called, in any thread, whenever there is something new; what is given back ends that."""
        with self._changed:
            self._listeners.append(listener)

        def end() -> None:
            with self._changed, suppress(ValueError):
                self._listeners.remove(listener)

        return end

    def snapshot(self, uri: str) -> Snapshot | None:
        """The snapshot of a series, by its URI in `state`; None where there is none."""
        return self._snapshots.get(uri.removeprefix(LOCAL))

    def state(self) -> dict[str, Any]:
        """All that is to be told, as JSON; viewer/source/live.js says what it is."""
        with self._changed:
            steps = dict(self._steps)
            found: dict[str, Any] = {
                "version": self._version,
                "state": "building",
                "label": self._label,
                "text": self._text,
                "workspace": self._workspace,
                "waiting": self._waiting,
                **self._end,
            }
            growing = list(self._growing.values())
        under_way = [step for step in steps.values() if step.done_bytes != step.total_bytes]
        lefts = [step.seconds_left for step in under_way if step.seconds_left is not None]
        found["seconds_left"] = max(lefts) if lefts else None
        found["problems"] = list(self._problems)
        found["behind_seconds"] = max(each.behind for each in growing) if growing else None
        quiet = time.monotonic() - self._heard
        if growing and found["state"] == "building":
            found["state"] = "following"
            quiet = time.monotonic() - max(each.since for each in growing)
        is_quiet = found["state"] in ("building", "following") and not self._waits and quiet >= QUIET_SECONDS
        found["quiet_seconds"] = round(quiet) if is_quiet else None
        found["series"] = {
            f"{LOCAL}{name}": {
                "manifest": snapshot.manifest.to_json_dict(),
                "factors": list(snapshot.level_factors),
                "exact_until": until,
                "done": done,
            }
            for name, snapshot in self._snapshots.items()
            for until, done in [snapshot.reached]
        }
        return found

    def _raise_if_stopped(self) -> None:
        if self._is_stopped.is_set():
            raise KeyboardInterrupt

    def _tell(self) -> None:
        with self._changed:
            self._version += 1
            self._heard = time.monotonic()
            listeners = list(self._listeners)
        for listener in listeners:
            listener()


_PLACE = f"sha1://{'0' * 40}/series.json"
"""In place of the URI of a series that is not built yet, where one is expected."""
