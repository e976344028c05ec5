"""What a whole build will read and write, and whether that fits, from headers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.artifacts import ensure_room, has_room, source_path
from seriesview.build.dataset import Dataset, opened_recording, what_decides_samples
from seriesview.build.ledger import noted_bytes
from seriesview.build.plan import plan_samples
from seriesview.build.results import read_results
from seriesview.build.source import SourceIdentity, identify
from seriesview.build.work_folder import WorkFolder
from seriesview.errors import BuildError, SeriesviewError
from seriesview.store import Store
from seriesview.terms import bytes_in_words

_EVENT_BYTES = 12 + 8


@dataclass(frozen=True)
class DatasetOutlook:
    """What building one dataset takes; `problem` says why it cannot be built, as far as its header shows."""

    name: str
    bytes_to_read: int = 0
    bytes_to_write: int = 0
    is_built: bool = False
    problem: SeriesviewError | None = None


@dataclass(frozen=True)
class BuildOutlook:
    """What building some datasets takes, and the room there is in the store."""

    datasets: tuple[DatasetOutlook, ...]
    free_bytes: int
    store_description: str

    @property
    def bytes_to_read(self) -> int:
        """Bytes of samples to be read."""
        return sum(dataset.bytes_to_read for dataset in self.datasets)

    @property
    def bytes_to_write(self) -> int:
        """Bytes of artifacts to be written, at most."""
        return sum(dataset.bytes_to_write for dataset in self.datasets)

    @property
    def fits(self) -> bool:
        """Whether everything can be written."""
        return has_room(self.bytes_to_write, self.free_bytes)

    def text(self) -> str:
        """The outlook in words, one line a fact."""
        waiting = [dataset for dataset in self.datasets if not dataset.is_built and dataset.problem is None]
        built = sum(dataset.is_built for dataset in self.datasets)
        lines = [
            f"store: {self.store_description}",
            f"datasets: {len(self.datasets)} ({built} built already, {len(waiting)} to build)",
            f"to read {bytes_in_words(self.bytes_to_read)}, to write {bytes_in_words(self.bytes_to_write)}, "
            f"free {bytes_in_words(self.free_bytes)}",
        ]
        lines += [f"problem: {dataset.problem}" for dataset in self.datasets if dataset.problem is not None]
        return "\n".join(lines)

    def ensure_fits(self) -> None:
        """Raise BuildError where the build does not fit."""
        ensure_room(self.bytes_to_write, self.free_bytes, self.store_description)


def build_outlook(datasets: Sequence[Dataset], work: WorkFolder, store: Store) -> BuildOutlook:
    """Outlook of a build that notes in `work` what it has done.

    A dataset counts as built that was made in the same way from the file as it is now. Packs that a ledger notes need
    not be written again. Timestamps are not read: a series that has them is taken for one segment.
    """
    found = tuple(_dataset_outlook(dataset, work, store) for dataset in datasets)
    return BuildOutlook(found, store.free_bytes(), store.description)


def _dataset_outlook(dataset: Dataset, work: WorkFolder, store: Store) -> DatasetOutlook:
    try:
        with opened_recording(dataset, store) as recording:
            source = identify(source_path(recording))
            if built_samples(dataset, work.samples(dataset), source) is not None:
                return DatasetOutlook(dataset.name, is_built=True)
            if recording.type in ("event", "interval"):
                size = recording.num_samples * _EVENT_BYTES
                return DatasetOutlook(dataset.name, size, size)
            plan = plan_samples(recording, dataset, source.size, read_timestamps=False)
            kept = noted_bytes(work.ledger(dataset).parent, work.stem(dataset), store)
            return DatasetOutlook(dataset.name, plan.bytes_to_read, max(0, plan.bytes_to_write - kept))
    except SeriesviewError as error:
        return DatasetOutlook(dataset.name, problem=error)


def built_samples(dataset: Dataset, samples: Path, source: SourceIdentity) -> dict[str, Any] | None:
    """What was made of a dataset's samples, where that is still what would be made of them."""
    try:
        (content,) = read_results([samples])
        made = [content[key] for key in ("source", "made_with", "artifact_version")]
    except (BuildError, KeyError, TypeError):
        return None
    now = {"path": source.path, "size": source.size, "mtime": source.mtime}
    return content if made == [now, what_decides_samples(dataset), ARTIFACT_VERSION] else None
