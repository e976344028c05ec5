"""One dataset -> its artifacts: the job that reads samples, and the small JSON that says what it made."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.dataset import (
    Dataset,
    naming_dataset,
    unused_keys,
    what_decides_samples,
)
from seriesview.build.events import event_fields, interval_fields
from seriesview.build.finest import FinestPacks, KnownRows, finest_arrays, known_rows
from seriesview.build.first_manifest import manifest_of, with_plan
from seriesview.build.growing import begins_with
from seriesview.build.ledger import Ledger, Made, made_before
from seriesview.build.level_rows import Watcher
from seriesview.build.linking import FileLinks
from seriesview.build.made import MadeRecording
from seriesview.build.made_elsewhere import MadeElsewhere
from seriesview.build.made_of import what_is_made, what_stays
from seriesview.build.opening import opened_recording
from seriesview.build.plan import SamplesPlan, plan_samples
from seriesview.build.progress import BuildStep, Progress, Report
from seriesview.build.reuse import (
    Earlier,
    fields_again,
    find_earlier,
    has_links,
    has_same_samples,
    is_whole,
    seems_stored,
    sha1s_of_origin,
)
from seriesview.build.room import Need, ensure_room
from seriesview.build.sampled import SampledBuild
from seriesview.build.shards import Shard
from seriesview.build.source import RecordingIdentity, identify_recording, in_memory
from seriesview.build.timeline import Timeline
from seriesview.errors import BuildError
from seriesview.readers.protocol import Recording
from seriesview.store import Store


@dataclass(frozen=True)
class Job:
    """Where one job of a build keeps its things, how many threads unpack samples (0: as many as suit), and who hears
    of its steps: standard error where there is no `report`. `held` is read in place of the dataset's file. `watch`
    looks on. `whole`, where this is one of several jobs: the ledger of the job that gathers. `elsewhere`: where what
    was made under other names is noted, if it is to be."""

    store: Store
    ledger: Path
    threads: int = 0
    report: Report | None = None
    held: Recording | None = None
    watch: Watcher | None = None
    whole: Path | None = None
    elsewhere: MadeElsewhere | None = None

    @property
    def hashes(self) -> Path:
        """Directory of the hashes of whole files, shared by all jobs beside this one."""
        return self.ledger.parent / "hashes"

    def say(self, dataset: Dataset, text: str) -> None:
        """Tell people something about a dataset, in one line."""
        if self.report is not None:
            self.report(BuildStep(dataset.name, text))
        else:
            sys.stderr.write(f"{dataset.name}: {text}\n")

    @contextmanager
    def opened(self, dataset: Dataset) -> Iterator[Recording]:
        """The dataset's recording, opened; messages name the dataset."""
        if self.held is not None:
            with naming_dataset(dataset):
                yield self.held
            return
        with opened_recording(dataset, self.store) as recording:
            if self.threads:
                recording.unpack_with(self.threads)
            yield recording


def build_artifacts(dataset: Dataset, job: Job) -> dict[str, Any]:
    """Build everything of one dataset; what its artifacts file holds: manifest, source and timing.

    Raises ReaderError, BuildError or StoreError, naming the dataset.
    """
    with job.opened(dataset) as recording:
        began = time.monotonic()
        source = _bytes_held(recording) if job.held is not None else identify_recording(recording)
        if recording.type in ("event", "interval"):
            make = event_fields if recording.type == "event" else interval_fields
            fields = make(recording, job.store)
            source.check_unchanged()
            return _result(dataset, job, recording, source, fields, began, recording.num_samples * 8)
        plan = plan_samples(recording, dataset, source.size, may_link=job.store.takes_links)
        made = _sampled_build(recording, dataset, plan, source, job)
        with made:
            fields = made.fields(recording)
            source.check_unchanged()
            result = _result(
                dataset,
                job,
                recording,
                source,
                with_plan(fields, plan),
                began,
                plan.bytes_to_read,
                made.bytes_reduced,
            )
            made.note(result["manifest"], fields, recording)
        return result


def build_shard(dataset: Dataset, job: Job, shard: Shard) -> dict[str, Any]:
    """Build one shard's share of a dataset's finest arrays.

    Left to the gathering job are events and intervals, and samples of which most may be what was built before.
    """
    with job.opened(dataset) as recording:
        source = identify_recording(recording)
        if recording.type in ("event", "interval"):
            return {"source": source.as_json(), "packs": {}}
        plan = plan_samples(recording, dataset, source.size, may_link=job.store.takes_links)
        if job.whole is not None and _may_stay(recording, dataset, plan, source, job):
            return {"source": source.as_json(), "packs": None}
        with _sampled_build(recording, dataset, plan, source, job, shard) as made:
            made.ensure_room(plan.need.shared_by(shard.count))
            packs = made.build.build_shard(shard)
        hexadecimal = {name: [entry.hex() for entry in entries] for name, entries in packs.items()}
        return {"source": source.as_json(), "packs": hexadecimal}


def gather_shards(dataset: Dataset, job: Job, shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put together what the shards made, in their order; the same result as `build_artifacts` gives."""
    with job.opened(dataset) as recording:
        if recording.type in ("event", "interval") or any(shard["packs"] is None for shard in shards):
            return build_artifacts(dataset, job)
        began = time.monotonic()
        source = identify_recording(recording)
        for shard in shards:
            if shard["source"] != source.as_json():
                raise BuildError(
                    "changed since one of its shards was built; build again", file=str(recording.path)
                )
        plan = plan_samples(recording, dataset, source.size, may_link=job.store.takes_links)
        with _sampled_build(recording, dataset, plan, source, job) as made:
            fields = made.build.gather([_packs(shard) for shard in shards])
            result = _result(
                dataset, job, recording, source, with_plan(fields, plan), began, plan.bytes_to_read
            )
            made.note(result["manifest"], fields, recording)
        return result


def _may_stay(
    recording: Recording, dataset: Dataset, plan: SamplesPlan, source: RecordingIdentity, job: Job
) -> bool:
    """Whether most samples may be what was built before, so that one job has little to do."""
    assert job.whole is not None
    what = what_is_made(recording, dataset, plan, source)
    earlier = find_earlier(made_before(job.whole), what, recording, job.elsewhere)
    return (
        earlier is not None
        and 2 * earlier.num_samples >= plan.num_samples
        and seems_stored(earlier, job.store.exists)
    )


def _bytes_held(recording: Recording) -> RecordingIdentity:
    return in_memory(recording.num_samples * max(recording.num_channels, 1) * recording.dtype.itemsize)


class _sampled_build:  # noqa: N801
    """A SampledBuild with its ledger and progress, which end with it."""

    def __init__(
        self,
        recording: Recording,
        dataset: Dataset,
        plan: SamplesPlan,
        source: RecordingIdentity,
        job: Job,
        shard: Shard | None = None,
    ) -> None:
        self._is_as_before = False
        self._what = what_is_made(recording, dataset, plan, source, shard)
        grew = what_stays(self._what) if recording.layout is not None and source.samples else None
        self._ledger = Ledger(job.ledger, self._what, grew, partial(begins_with, source, job.hashes))
        self._job, self._dataset, self._plan, self._source = job, dataset, plan, source
        name = dataset.name if shard is None else f"{dataset.name} (shard {shard.index + 1} of {shard.count})"
        self._progress = Progress(name, plan.bytes_to_read, dataset=dataset.name, report=job.report)
        watch = None if job.watch is None else partial(job.watch.levels, dataset.name)
        self.build = SampledBuild(
            recording, dataset, plan, source, job.store, self._ledger, self._progress, job.hashes, watch
        )

    @property
    def bytes_reduced(self) -> int:
        """Bytes of the samples that were reduced by now."""
        return self._progress.done_now

    def ensure_room(self, need: Need, known: Mapping[str, KnownRows] | None = None) -> None:
        """Raise BuildError where not so much is free, less the packs that are there already."""
        for array in finest_arrays(self._plan):
            if array is None:
                continue
            packs = len(self._ledger.finished(array.name, array.pack_bytes, self._job.store))
            if known and array.name in known:
                packs = max(packs, len(known[array.name].packs))
            need = need.without(Need(array.pack_bytes * packs, packs))
        ensure_room(need, self._job.store.room(), self._job.store.place)

    def fields(self, recording: Recording) -> dict[str, Any]:
        """Every array of the series: what was made of the same samples before, and what is made now of new ones."""
        store, plan = self._job.store, self._plan
        earlier = find_earlier(self._ledger.made, self._what, recording, self._job.elsewhere)
        known: dict[str, KnownRows] = {}
        if earlier is not None:
            is_all = is_whole(earlier, plan, store)
            known = {} if is_all else known_rows(store, earlier.manifest, plan)
            if (is_all or known) and not self._has_same_samples(earlier, recording):
                is_all, known = False, {}
            if is_all:
                self._progress.skip(plan.bytes_to_read)
                self._is_as_before = earlier.is_certain
                fields = fields_again(earlier, recording, plan, store)
                is_linked = earlier.is_certain and has_links(earlier.manifest, store)
                return fields if is_linked else {**fields, **self._linked(recording)}
        self.ensure_room(plan.need, known)
        return self.build.build(known)

    def _has_same_samples(self, earlier: Earlier, recording: Recording) -> bool:
        if earlier.is_certain:
            return True
        new = self._plan.num_samples - earlier.num_samples
        said = "its files are elsewhere, or were written again: they are"
        if new:
            said = f"{new} samples have come since it was built: those that were there are"
        self._say(f"{said} hashed, to see whether they are the same")
        job, name = self._job, self._dataset.name
        progress = Progress(f"{name} (hashed)", 0, dataset=name, report=job.report)
        is_same = has_same_samples(
            earlier, recording, self._plan, self._source, job.hashes, job.store, progress
        )
        progress.finish()
        if not is_same:
            self._say("they are not the same: it is built from nothing")
        return is_same

    def _say(self, text: str) -> None:
        self._job.say(self._dataset, text)

    def _linked(self, recording: Recording) -> dict[str, Any]:
        """The manifest's `values`, where they are files, which are linked where they lie now."""
        layout = recording.layout
        if self._plan.resolution != "link" or layout is None:
            return {}
        links = FileLinks(layout, self._source.samples, self._job.hashes, is_whole_job=False)
        try:
            return {"values": links.values(self._dataset, self._job.store)}
        finally:
            links.close()

    def note(self, manifest: Mapping[str, Any], fields: Mapping[str, Any], recording: Recording) -> None:
        """Note what was made, and of which files."""
        sha1s = fields["sha1s"]
        if isinstance(recording, MadeRecording):
            sha1s = sha1s_of_origin(recording, self._source, self._job.hashes)
        made = Made(manifest, self._what, sha1s)
        self._ledger.note(made)
        if self._job.elsewhere is not None and not self._is_as_before:
            self._job.elsewhere.keep(made, recording)

    def __enter__(self) -> _sampled_build:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ledger.close()
        if kind is None:
            self._progress.finish()


def _packs(shard: Mapping[str, Any]) -> FinestPacks:
    return {name: [bytes.fromhex(entry) for entry in entries] for name, entries in shard["packs"].items()}


def _result(
    dataset: Dataset,
    job: Job,
    recording: Recording,
    source: RecordingIdentity,
    fields: dict[str, Any],
    began: float,
    num_bytes: int,
    bytes_reduced: int | None = None,
) -> dict[str, Any]:
    timeline: Timeline | None = fields.get("timeline")
    if unused := unused_keys(dataset, recording):
        job.say(dataset, unused)
    manifest = manifest_of(dataset, recording, fields, partial(job.say, dataset))
    if timeline is not None and (said := timeline.in_words()):
        job.say(dataset, said)
    if isinstance(recording, MadeRecording) and (said := recording.in_words()):
        job.say(dataset, said)
    seconds = time.monotonic() - began
    return {
        "artifact_version": ARTIFACT_VERSION,
        "made_with": what_decides_samples(dataset),
        "manifest": manifest.to_json_dict(),
        "largest_timestamp_deviation": timeline.largest_deviation if timeline else 0.0,
        "scale_problem": recording.scale_problem,
        "source": source.as_result(),
        "timing": {
            "seconds": round(seconds, 3),
            "bytes": num_bytes,
            "bytes_reduced": num_bytes if bytes_reduced is None else bytes_reduced,
        },
    }
