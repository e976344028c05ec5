"""What a whole build will read and write, and whether that fits, from headers alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.dataset import Dataset, what_decides_samples
from seriesview.build.ledger import made_before, noted
from seriesview.build.made_of import what_is_made
from seriesview.build.opening import opened_recording
from seriesview.build.plan import SamplesPlan, plan_samples
from seriesview.build.results import read_results, uris
from seriesview.build.reuse import Earlier, find_earlier, seems_stored
from seriesview.build.room import NOTHING, Need, ensure_room, fits, room_in_words
from seriesview.build.source import RecordingIdentity, identify_recording
from seriesview.build.work_folder import WorkFolder, made_elsewhere
from seriesview.errors import BuildError, SeriesviewError
from seriesview.readers.protocol import Recording
from seriesview.store import Store
from seriesview.store.room import Room
from seriesview.terms import bytes_in_words

_EVENT_BYTES = 12 + 8
_EVENT_ARTIFACTS = 32
"""Of a series of some million events; what is written is not known before they are read."""


@dataclass(frozen=True)
class DatasetOutlook:
    """What building one dataset takes; `problem` says why it cannot be built, as far as its header shows.

    `bytes_to_hash`: of samples that were built before, if they are the same; `bytes_to_read` are others.
    """

    name: str
    bytes_to_read: int = 0
    need: Need = NOTHING
    is_built: bool = False
    bytes_to_hash: int = 0
    problem: SeriesviewError | None = None


@dataclass(frozen=True)
class BuildOutlook:
    """What building some datasets takes, and the room there is in the store."""

    datasets: tuple[DatasetOutlook, ...]
    room: Room
    store_description: str

    @property
    def bytes_to_read(self) -> int:
        """Bytes of samples to be read."""
        return sum(dataset.bytes_to_read for dataset in self.datasets)

    @property
    def need(self) -> Need:
        """What is to be written, at most."""
        return sum((dataset.need for dataset in self.datasets), NOTHING)

    @property
    def fits(self) -> bool:
        """Whether everything can be written."""
        return fits(self.need, self.room)

    def text(self) -> str:
        """The outlook in words, one line a fact."""
        waiting = [dataset for dataset in self.datasets if not dataset.is_built and dataset.problem is None]
        built = sum(dataset.is_built for dataset in self.datasets)
        lines = [
            f"store: {self.store_description}",
            f"datasets: {len(self.datasets)} ({built} built already, {len(waiting)} to build)",
            f"to read {bytes_in_words(self.bytes_to_read)}, to write {bytes_in_words(self.need.num_bytes)} "
            f"in {self.need.num_artifacts} artifacts, free {room_in_words(self.room)}",
        ]
        if to_hash := sum(dataset.bytes_to_hash for dataset in self.datasets):
            lines.append(
                f"to hash {bytes_in_words(to_hash)} that may be what was built before: then it stays"
            )
        lines += [f"problem: {dataset.problem}" for dataset in self.datasets if dataset.problem is not None]
        return "\n".join(lines)

    def ensure_fits(self) -> None:
        """Raise BuildError where the build does not fit."""
        ensure_room(self.need, self.room, self.store_description)


def build_outlook(
    datasets: Sequence[Dataset],
    work: WorkFolder,
    store: Store,
    exists: Callable[[str], bool] | None = None,
) -> BuildOutlook:
    """Outlook of a build that notes in `work` what it has done.

    A dataset counts as built that was made in the same way from the file as it is now. Packs that a ledger notes need
    not be written again. Timestamps are not read: a series that has them is taken for one segment. `exists` says of a
    URI whether the store has it. Raises BucketError: without the network the next dataset would wait as long.
    """
    found = tuple(_dataset_outlook(dataset, work, store, exists or store.exists) for dataset in datasets)
    return BuildOutlook(found, store.room(), store.description)


def _dataset_outlook(
    dataset: Dataset, work: WorkFolder, store: Store, exists: Callable[[str], bool]
) -> DatasetOutlook:
    try:
        with opened_recording(dataset, store) as recording:
            source = identify_recording(recording)
            made = built_samples(dataset, work.samples(dataset), source)
            if made is not None and all(map(exists, uris(made["manifest"]))):
                return DatasetOutlook(dataset.name, is_built=True)
            if recording.type in ("event", "interval"):
                # How many there are is not known before all samples were read: far fewer than these.
                size = recording.num_samples * _EVENT_BYTES if recording.span is None else 0
                return DatasetOutlook(dataset.name, size, Need(size, _EVENT_ARTIFACTS))
            plan = plan_samples(
                recording, dataset, source.size, read_timestamps=False, may_link=store.takes_links
            )
            kept = noted(work.ledger(dataset).parent, work.stem(dataset), store)
            need = plan.need.without(kept)
            earlier = _earlier(recording, dataset, plan, source, work)
            if earlier is None or not seems_stored(earlier, exists):
                return DatasetOutlook(dataset.name, plan.bytes_to_read, need)
            sample = plan.bytes_to_read // plan.num_samples
            new = plan.num_samples - earlier.num_samples
            to_hash = 0 if earlier.is_certain else earlier.num_samples * sample
            return DatasetOutlook(dataset.name, new * sample, need if new else NOTHING, bytes_to_hash=to_hash)
    except SeriesviewError as error:
        if error.code == "bucket-unusable":
            raise
        return DatasetOutlook(dataset.name, problem=error)


def _earlier(
    recording: Recording,
    dataset: Dataset,
    plan: SamplesPlan,
    source: RecordingIdentity,
    work: WorkFolder,
) -> Earlier | None:
    """What was made before of the same samples, or of the first of them, as far as that can be told without them."""
    what = what_is_made(recording, dataset, plan, source)
    made = made_before(work.ledger(dataset))
    if plan.timeline.sampling_frequency is None and made is not None:
        # Of the segments only times would tell.
        with suppress(KeyError, TypeError):
            *before, _ = made.what["segments"]
            what["segments"] = [*before, plan.num_samples - sum(before)]
    return find_earlier(made, what, recording, made_elsewhere())


def built_samples(dataset: Dataset, samples: Path, source: RecordingIdentity) -> dict[str, Any] | None:
    """What was made of a dataset's samples, where that is still what would be made of them."""
    try:
        (content,) = read_results([samples])
        made = [content[key] for key in ("source", "made_with", "artifact_version")]
    except (BuildError, KeyError, TypeError):
        return None
    return content if made == [source.as_result(), what_decides_samples(dataset), ARTIFACT_VERSION] else None
