"""Where a build notes what it has done: in a folder of results by name, or in the user's own folder by content."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seriesview.build.dataset import Dataset, what_decides_samples
from seriesview.build.made_elsewhere import MadeElsewhere
from seriesview.errors import BuildError
from seriesview.store import Store

_KEPT_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True)
class WorkFolder:
    """The files of a build's datasets: in `results/` they are called by name; where `store` is given, by a hash of what
    is made and into which store, so that any number of builds share the folder."""

    folder: Path
    store: Store | None = None

    def samples(self, dataset: Dataset) -> Path:
        """What was made of a dataset's samples, as JSON."""
        return self.folder / "artifacts" / f"{self.stem(dataset)}.json"

    def ledger(self, dataset: Dataset) -> Path:
        """Parts that a build which was killed need not make again."""
        return self.folder / "ledger" / f"{self.stem(dataset)}.jsonl"

    def stem(self, dataset: Dataset) -> str:
        """What a dataset's files are called, without their suffixes."""
        if self.store is None:
            return dataset.name
        what = [self.store.place, what_decides_samples(dataset)]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    @contextmanager
    def building(self, dataset: Dataset) -> Iterator[None]:
        """Hold off others who would make the same; a folder of results has a lock for all. Raises BuildError."""
        if self.store is None:
            yield
            return
        path = self.folder / f"{self.stem(dataset)}.lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BuildError(
                f"{path}: cannot be written ({error.strerror}); give a folder of results"
            ) from error
        try:
            with suppress(OSError):  # a file system without locks: both build, and get the same
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def own_work_folder(store: Store) -> WorkFolder:
    """The folder for builds that have no folder of results. Raises BuildError."""
    return WorkFolder(_own_folder(_state()), store)


def made_elsewhere() -> MadeElsewhere | None:
    """Notes of what this user's builds made, None where none can be kept."""
    with suppress(BuildError):
        return MadeElsewhere(_own_folder(_state()) / "made")
    return None


def _state() -> Path:
    named = os.environ.get("XDG_STATE_HOME", "")
    # Only absolute paths count.
    return Path(named) if named.startswith("/") else Path("~/.local/state").expanduser()


def _own_folder(state: Path) -> Path:
    """The folder. Raises BuildError."""
    folder = state / "seriesview" / "builds"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = (
            "a build notes there what it need not do again; give a folder of results, or set XDG_STATE_HOME"
        )
        raise BuildError(f"{folder}: cannot be written ({error.strerror}); {reason}") from error
    _forget_old(folder)
    return folder


@cache
def _forget_old(folder: Path) -> None:
    """Remove what is older than a month, once in a process."""
    oldest = time.time() - _KEPT_SECONDS
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
