"""What a whole build will read and write, and whether that fits, from headers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.artifacts import ensure_room, has_room, source_path
from seriesview.build.dataset import Dataset, opened_recording
from seriesview.build.ledger import noted_bytes
from seriesview.build.plan import plan_samples
from seriesview.build.results import read_results
from seriesview.build.source import identify
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
    problem: str | None = None


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


def build_outlook(datasets: Sequence[Dataset], artifacts: Path, store: Store) -> BuildOutlook:
    """Outlook of a build whose artifacts files lie, NAME.json, in the directory `artifacts`, and ledgers beside it.

    A dataset that has one, made from the file as it is now, counts as built. Packs that a ledger notes need not be
    written again. Timestamps are not read: a series
    that has them is taken for one segment.
    """
    found = tuple(
        _dataset_outlook(dataset, artifacts / f"{dataset.name}.json", store) for dataset in datasets
    )
    return BuildOutlook(found, store.free_bytes(), store.description)


def _dataset_outlook(dataset: Dataset, artifacts: Path, store: Store) -> DatasetOutlook:
    try:
        with opened_recording(dataset, store) as recording:
            source = identify(source_path(recording))
            if _is_built(artifacts, source.path, source.size, source.mtime):
                return DatasetOutlook(dataset.name, is_built=True)
            if recording.type in ("event", "interval"):
                size = recording.num_samples * _EVENT_BYTES
                return DatasetOutlook(dataset.name, size, size)
            plan = plan_samples(recording, dataset, source.size, read_timestamps=False)
            kept = noted_bytes(artifacts.parent.parent / "ledger", dataset.name, store)
            return DatasetOutlook(dataset.name, plan.bytes_to_read, max(0, plan.bytes_to_write - kept))
    except SeriesviewError as error:
        return DatasetOutlook(dataset.name, problem=str(error))


def _is_built(artifacts: Path, path: str, size: int, mtime: float) -> bool:
    try:
        (content,) = read_results([artifacts])
        source = {"path": path, "size": size, "mtime": mtime}
        return bool(content["source"] == source and content["artifact_version"] == ARTIFACT_VERSION)
    except (BuildError, KeyError, TypeError):
        return False


def forget_lost_results(results: Sequence[Path], store: Store) -> bool:
    """Remove the result files that name something which is no longer in the store; whether there were any.

    Only manifests, pages and links are looked for, which are few; `seriesview verify` looks at every part.
    """
    lost = False
    for path in results:
        try:
            (content,) = read_results([path])
        except BuildError:
            continue
        if not all(store.exists(uri) for uri in _uris(content)):
            path.unlink(missing_ok=True)
            lost = True
    return lost


def _uris(value: object) -> list[str]:
    """Every kachery URI in a JSON value."""
    if isinstance(value, str):
        return [value] if value.startswith("sha1://") else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [uri for entry in inner for uri in _uris(entry)]
