"""One dataset -> its artifacts: the job that reads samples, and the small JSON that says what it made."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.build import ARTIFACT_VERSION
from seriesview.build.clock import counts_from_1970, epoch_of, wall_clock
from seriesview.build.dataset import (
    Dataset,
    naming_dataset,
    opened_recording,
    unused_keys,
    what_decides_samples,
    without_descriptions,
)
from seriesview.build.events import event_fields, interval_fields
from seriesview.build.ledger import Ledger
from seriesview.build.level_rows import LevelRows
from seriesview.build.linking import FileLinks
from seriesview.build.notes import notes_of
from seriesview.build.plan import SamplesPlan, plan_samples
from seriesview.build.progress import BuildStep, Progress, Report
from seriesview.build.reuse import differs_in_place_alone, fields_made_before, links_same_bytes
from seriesview.build.room import Need, ensure_room
from seriesview.build.sampled import FinestPacks, SampledBuild, finest_arrays
from seriesview.build.shards import Shard
from seriesview.build.source import RecordingIdentity, identify_recording, in_memory
from seriesview.build.timeline import Timeline
from seriesview.build.typical import Typical
from seriesview.envelope.missing import Missing
from seriesview.errors import BuildError
from seriesview.layout.layouts import FilesLayout
from seriesview.readers.protocol import Channel, Recording
from seriesview.series.links import values_to_json
from seriesview.series.manifest import ChannelInfo, SegmentInfo, SeriesManifest
from seriesview.store import Store

# What a reader says of a channel that stands in the manifest as it is.
_CHANNEL_WORDS = tuple(
    {field.name for field in dataclasses.fields(ChannelInfo)}
    & {field.name for field in dataclasses.fields(Channel)} - {"missing"}
)


@dataclass(frozen=True)
class Job:
    """Where one job of a build keeps its things, how many threads unpack samples (0: as many as suit), and who hears
    of its steps: standard error where there is no `report`. `held` is read in place of the dataset's file. `watch` gets
    a dataset's name, and its levels when they begin to be made."""

    store: Store
    ledger: Path
    threads: int = 0
    report: Report | None = None
    held: Recording | None = None
    watch: Callable[[str, Sequence[LevelRows]], None] | None = None

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
        with made as build:
            before = made.made_before(plan)
            if before is None:
                made.ensure_room(plan.need)
            fields = build.build() if before is None else before
            source.check_unchanged()
            result = _result(
                dataset, job, recording, source, _with_plan(fields, plan), began, plan.bytes_to_read
            )
            made.note(result["manifest"])
        return result


def provisional_manifest(
    dataset: Dataset, recording: Recording, plan: SamplesPlan, typical: Sequence[Typical | None]
) -> SeriesManifest:
    """What the manifest will say of a series of samples, without its arrays and the ranges of its segments."""
    times = [(part.start_time, part.end_time, part.num_samples) for part in plan.timeline.segments]
    fields = {"segments": tuple(SegmentInfo(*each) for each in times), "typical": typical}
    return _manifest(dataset, recording, _with_plan(fields, plan), lambda _: None)


def build_shard(dataset: Dataset, job: Job, shard: Shard) -> dict[str, Any]:
    """Build one shard's share of a dataset's finest arrays; events and intervals are left to the gathering job."""
    with job.opened(dataset) as recording:
        source = identify_recording(recording)
        if recording.type in ("event", "interval"):
            return {"source": source.as_json(), "packs": {}}
        plan = plan_samples(recording, dataset, source.size, may_link=job.store.takes_links)
        made = _sampled_build(recording, dataset, plan, source, job, shard)
        with made as build:
            made.ensure_room(plan.need.shared_by(shard.count))
            packs = build.build_shard(shard)
        hexadecimal = {name: [entry.hex() for entry in entries] for name, entries in packs.items()}
        return {"source": source.as_json(), "packs": hexadecimal}


def gather_shards(dataset: Dataset, job: Job, shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put together what the shards made, in their order; the same result as `build_artifacts` gives."""
    with job.opened(dataset) as recording:
        if recording.type in ("event", "interval"):
            return build_artifacts(dataset, job)
        began = time.monotonic()
        source = identify_recording(recording)
        for shard in shards:
            if shard["source"] != source.as_json():
                raise BuildError(
                    "changed since one of its shards was built; build again", file=str(recording.path)
                )
        plan = plan_samples(recording, dataset, source.size, may_link=job.store.takes_links)
        with _sampled_build(recording, dataset, plan, source, job) as build:
            fields = build.gather([_packs(shard) for shard in shards])
        return _result(dataset, job, recording, source, _with_plan(fields, plan), began, plan.bytes_to_read)


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
        what = {
            "version": ARTIFACT_VERSION,
            "source": _what_is_read(recording, source),
            "reader": dataset.reader,
            "options": without_descriptions(dataclasses.asdict(dataset.options)),
            "dtype": plan.dtype.name,
            "channels": plan.num_channels,
            "segments": plan.segment_lengths,
            "base": plan.base,
            "ratio": plan.ratio,
            "missing": [missing and dataclasses.asdict(missing) for missing in _all_missing(plan)],
            "resolution": plan.resolution,
            "shard": None if shard is None else [shard.index, shard.count],
        }
        self._what = what
        self._ledger = Ledger(job.ledger, what)
        self._store = job.store
        self._job, self._dataset, self._recording, self._source = job, dataset, recording, source
        self._arrays = [array for array in finest_arrays(plan) if array is not None]
        name = dataset.name if shard is None else f"{dataset.name} (shard {shard.index + 1} of {shard.count})"
        self._progress = Progress(name, plan.bytes_to_read, dataset=dataset.name, report=job.report)
        watch = None if job.watch is None else partial(job.watch, dataset.name)
        self._build = SampledBuild(
            recording, dataset, plan, source, job.store, self._ledger, self._progress, job.hashes, watch
        )

    def ensure_room(self, need: Need) -> None:
        """Raise BuildError where not so much is free, less the packs that are there already."""
        for array in self._arrays:
            packs = len(self._ledger.finished(array.name, array.pack_bytes, self._store))
            need = need.without(Need(array.pack_bytes * packs, packs))
        ensure_room(need, self._store.room(), self._store.place)

    def made_before(self, plan: SamplesPlan) -> dict[str, Any] | None:
        """Fields of the manifest that was made of the same samples, where words or places alone have changed since."""
        fields = fields_made_before(self._ledger.made, plan, self._store)
        if fields is None and plan.resolution == "link" and self._ledger.before is not None:
            what, made = self._ledger.before
            if isinstance(made, dict) and differs_in_place_alone(what, self._what):
                # A link to a file that was written again leads nowhere.
                fields = self._relinked(made, fields_made_before({**made, "values": None}, plan, self._store))
        if fields is not None:
            self._progress.skip(plan.bytes_to_read)
        return fields

    def _relinked(self, made: Any, fields: dict[str, Any] | None) -> dict[str, Any] | None:
        """The fields with links to the files where they lie now, None where these do not hold the same bytes."""
        layout = self._recording.layout
        if fields is None or layout is None:
            return None
        said = "its files are elsewhere, or were written again: they are hashed, to see whether they are the same"
        self._job.say(self._dataset, said)
        links = FileLinks(layout, self._source.samples, self._job.hashes, is_whole_job=False)
        try:
            values = links.values(self._dataset, self._store)
        finally:
            links.close()
        is_same = links_same_bytes(made.get("values"), values_to_json(values))
        return {**fields, "values": values} if is_same else None

    def note(self, manifest: Mapping[str, Any]) -> None:
        """Note what was made."""
        if self._ledger.made != manifest:
            self._ledger.note(manifest)

    def __enter__(self) -> SampledBuild:
        return self._build

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ledger.close()
        if kind is None:
            self._progress.finish()


def _what_is_read(recording: Recording, source: RecordingIdentity) -> dict[str, Any]:
    """What decides which samples are read: where the layout says where they lie, other files change words alone."""
    layout = recording.layout
    if layout is None:
        return source.as_json()
    pieces = layout.pieces if isinstance(layout, FilesLayout) else (layout,)
    places = [{key: str(value) for key, value in vars(piece).items() if key != "chunks"} for piece in pieces]
    return {**replace(source, others=()).as_json(), "layout": places}


def _all_missing(plan: SamplesPlan) -> list[Missing | None]:
    """What is missing in the series, then in each channel that has its own, if there are such."""
    own = plan.channel_missing if any(plan.channel_missing) else ()
    return [plan.missing, *own]


def _channel_info(channel: Channel) -> ChannelInfo:
    return ChannelInfo(**{name: getattr(channel, name) for name in _CHANNEL_WORDS})


def _on_its_clock(
    manifest: SeriesManifest, session_start: str | None, dataset: Dataset, say: Callable[[str], None]
) -> SeriesManifest:
    """The manifest with the session start that the file tells; times that count from 1970 have that of 1970."""
    if session_start is None:
        return manifest
    clock = wall_clock(session_start, dataset.options.timezone)
    if manifest.segments and counts_from_1970(clock, manifest.segments[0].start_time):
        say(f"its times are taken to count from 1970, not from its session start, {clock}")
        clock = epoch_of(clock)
    return dataclasses.replace(manifest, session_start=clock)


def _packs(shard: Mapping[str, Any]) -> FinestPacks:
    return {name: [bytes.fromhex(entry) for entry in entries] for name, entries in shard["packs"].items()}


def _with_plan(fields: dict[str, Any], plan: SamplesPlan) -> dict[str, Any]:
    return {
        **fields,
        "dtype": plan.dtype.name,
        "sampling_frequency": plan.timeline.sampling_frequency,
        "options": {"base": plan.base, "ratio": plan.ratio},
        "timeline": plan.timeline,
        "missing": None if plan.missing is None or plan.missing.is_empty else plan.missing,
        "channel_missing": plan.channel_missing,
    }


def _result(
    dataset: Dataset,
    job: Job,
    recording: Recording,
    source: RecordingIdentity,
    fields: dict[str, Any],
    began: float,
    read_bytes: int,
) -> dict[str, Any]:
    timeline: Timeline | None = fields.get("timeline")
    if unused := unused_keys(dataset, recording):
        job.say(dataset, unused)
    manifest = _manifest(dataset, recording, fields, partial(job.say, dataset))
    if timeline is not None and (said := timeline.in_words()):
        job.say(dataset, said)
    seconds = time.monotonic() - began
    return {
        "artifact_version": ARTIFACT_VERSION,
        "made_with": what_decides_samples(dataset),
        "manifest": manifest.to_json_dict(),
        "largest_timestamp_deviation": timeline.largest_deviation if timeline else 0.0,
        "scale_problem": recording.scale_problem,
        "source": source.as_result(),
        "timing": {"seconds": round(seconds, 3), "bytes": read_bytes},
    }


def _manifest(
    dataset: Dataset, recording: Recording, fields: Mapping[str, Any], say: Callable[[str], None]
) -> SeriesManifest:
    nothing = (None,) * recording.num_channels
    channel_missing, channel_typical = (fields.get(key, nothing) for key in ("channel_missing", "typical"))
    apart = ("timeline", "channel_missing", "typical")
    manifest = SeriesManifest(
        **{
            "type": recording.type,
            "dtype": np.dtype(recording.dtype).name,
            "sampling_frequency": None,
            "channels": tuple(
                dataclasses.replace(_channel_info(channel), missing=missing, typical=typical)
                for channel, missing, typical in zip(
                    recording.channels, channel_missing, channel_typical, strict=True
                )
            ),
            "label": recording.label or "",
            "unit": recording.unit,
            "scale": float(recording.scale),
            "offset": float(recording.offset),
            "session_start": None,
            "notes": notes_of(recording),
            **{key: value for key, value in fields.items() if key not in apart},
        }
    )
    return _on_its_clock(manifest, recording.session_start, dataset, say)
