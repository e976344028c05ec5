"""Continuous and discrete series: samples -> parts, resumable, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.build.blocks import BlockReader, ReadInto, block_samples, preferred_rows
from seriesview.build.dataset import Dataset
from seriesview.build.finest import FinestPacks, KnownRows, finest_arrays
from seriesview.build.grid import stretches, values_grid
from seriesview.build.hashing import lies_in_order
from seriesview.build.ledger import Ledger
from seriesview.build.level_rows import LevelRows, level_rows
from seriesview.build.linking import FileLinks
from seriesview.build.plan import SamplesPlan, why_not_linkable
from seriesview.build.progress import Progress
from seriesview.build.reduction import Coarsening, SampleReduction, Target, feed_rows
from seriesview.build.shards import WHOLE, Shard, rows_of_packs
from seriesview.build.source import RecordingIdentity
from seriesview.build.timestamps import write_timestamps
from seriesview.build.typical import TypicalSamples, clipped_of, typical_of
from seriesview.envelope.moments import MOMENTS_FACTOR, moments_dtype
from seriesview.readers.protocol import Recording
from seriesview.series.arrays import ArrayWriter, describe_array, finish_arrays
from seriesview.series.manifest import ArrayInfo, LevelInfo, MomentsInfo, SegmentInfo
from seriesview.series.packs import PartPool
from seriesview.store import Store

_TYPICAL = "typical"


class SampledBuild:
    """Builds the arrays of one series of samples in one job, or a shard's share of the finest ones."""

    def __init__(
        self,
        recording: Recording,
        dataset: Dataset,
        plan: SamplesPlan,
        source: RecordingIdentity,
        store: Store,
        ledger: Ledger,
        progress: Progress,
        hashes: Path,
        watch: Callable[[Sequence[LevelRows]], None] | None = None,
    ) -> None:
        """`watch` gets the levels of a build in one job when they begin to be made."""
        self._watch = watch
        self._recording = recording
        self._dataset = dataset
        self._plan = plan
        self._source = source
        self._store = store
        self._ledger = ledger
        self._progress = progress
        self._hashes = hashes
        self._finest = finest_arrays(plan)

    def build(self, known: Mapping[str, KnownRows]) -> dict[str, Any]:
        """Every array of the series, as the fields of its manifest; `known`: rows of the finest, by their names."""
        with ExitStack() as stack:
            pool = stack.enter_context(PartPool(self._store))
            link = self._link(stack, is_whole_job=True)
            targets = self._targets(pool, WHOLE, known)
            level_writers, moments_writers = self._coarse_writers(pool)
            coarsening = self._coarsening(level_writers, moments_writers)
            if self._watch is not None and targets[0] is not None:
                self._watch(level_rows(self._store, self._plan, [targets[0].writer, *level_writers]))
            self._take_rests(targets, known)
            begin = self._begin(targets)
            self._feed_known(targets, begin, coarsening, known)
            reading = (
                link.reading if link is not None and link.reading is not None else self._recording.read_into
            )
            typical = self._typical_samples(WHOLE)
            self._reduce(reading, targets, begin, coarsening, typical)
            self._complete(typical)
            writers = [None if target is None else target.writer for target in targets]
            arrays = self._finished([*writers, *level_writers, *moments_writers])
            return self._fields(arrays, coarsening, link, typical.samples)

    def build_shard(self, shard: Shard) -> FinestPacks:
        """Entries of the shard's packs of each finest array."""
        with PartPool(self._store) as pool:
            targets = self._targets(pool, shard)
            typical = self._typical_samples(shard)
            self._reduce(self._recording.read_into, targets, self._begin(targets), None, typical)
            self._complete(typical)
            made: FinestPacks = {_TYPICAL: [self._store.put_part(typical.samples)]}
            for array, target in zip(self._finest, targets, strict=True):
                if array is not None and target is not None:
                    target.writer.flush()
                    made[array.name] = list(target.writer.entries)
        self._source.check_unchanged()
        return made

    def gather(self, shards: Sequence[FinestPacks]) -> dict[str, Any]:
        """Every array of the series from what its shards made, as the fields of its manifest."""
        plan = self._plan
        with ExitStack() as stack:
            pool = stack.enter_context(PartPool(self._store))
            link = self._link(stack, is_whole_job=False)
            level_writers, moments_writers = self._coarse_writers(pool)
            coarsening = self._coarsening(level_writers, moments_writers)
            finest: list[ArrayInfo | None] = []
            takes = (
                (coarsening.add_bins, coarsening.end_bins),
                (coarsening.add_moments, coarsening.end_moments),
                None,
            )
            for array, take in zip(self._finest, takes, strict=True):
                if array is None:
                    finest.append(None)
                    continue
                entries = [entry for shard in shards for entry in shard[array.name]]
                num_rows = array.grid.num_rows
                if take is not None:
                    parts = array.stored_parts(self._store, num_rows, entries)
                    feed_rows(array.grid, parts, num_rows, *take)
                shape = (num_rows, *array.row_shape)
                finest.append(
                    describe_array(
                        self._store, array.dtype, shape, array.part_rows, array.pack_parts, entries
                    )
                )
            if self._finest[0] is None:
                self._ranges_of_samples(coarsening)
            coarse = self._finished([*level_writers, *moments_writers])
            stored = [self._store.get_part(digest) for shard in shards for digest in shard[_TYPICAL]]
            typical = np.frombuffer(b"".join(stored), plan.dtype).reshape(-1, plan.num_channels)
            return self._fields([*finest, *coarse], coarsening, link, typical)

    def _typical_samples(self, shard: Shard) -> TypicalSamples:
        plan = self._plan
        stretch = shard.samples(plan.num_samples)
        return TypicalSamples(plan.dtype, plan.num_channels, plan.num_samples, stretch)

    def _complete(self, typical: TypicalSamples) -> None:
        """Read what is typical of samples that were not read before: of parts that were known already."""
        recording = self._recording
        typical.complete(
            recording.read_into, recording.dtype, preferred_rows(recording), self._plan.num_samples
        )

    @staticmethod
    def _finished(writers: Sequence[ArrayWriter | None]) -> list[ArrayInfo | None]:
        """The writers' arrays, None where there is no writer."""
        found = iter(finish_arrays([writer for writer in writers if writer is not None]))
        return [None if writer is None else next(found) for writer in writers]

    def _link(self, stack: ExitStack, is_whole_job: bool) -> FileLinks | None:
        """The files, to be linked; where samples are left out they are hashed, if that takes no reading."""
        layout, resolution = self._recording.layout, self._plan.resolution
        is_hashed = (
            is_whole_job and resolution == "omit" and why_not_linkable(self._recording, layout) is None
        )
        if layout is None or not (resolution == "link" or (is_hashed and lies_in_order(layout))):
            return None
        link = FileLinks(layout, self._source.samples, self._hashes, is_whole_job)
        stack.callback(link.close)
        return link

    def _targets(
        self, pool: PartPool, shard: Shard, earlier: Mapping[str, KnownRows] | None = None
    ) -> list[Target | None]:
        targets: list[Target | None] = []
        lengths, moments = self._plan.segment_lengths, self._finest[1]
        assert moments is not None
        samples = shard.covers(moments.grid, moments.pack_rows, lengths)
        for array in self._finest:
            if array is None:
                targets.append(None)
                continue
            first_row, end_row = rows_of_packs(samples, array.grid, array.pack_rows, lengths)
            known = self._ledger.finished(array.name, array.pack_bytes, self._store)
            if earlier and array.name in earlier:
                # Noted, so that a build that is killed goes on from them.
                for index in range(len(known), len(earlier[array.name].packs)):
                    known.append(earlier[array.name].packs[index])
                    self._ledger.add(array.name, index, known[index])
            writer = ArrayWriter(
                self._store,
                array.dtype,
                array.row_shape,
                pool=pool,
                known_packs=known[: (end_row - first_row) // array.pack_rows],
                on_pack=self._recorder(array.name),
            )
            targets.append(Target(array.grid, writer, first_row, end_row))
        return targets

    def _recorder(self, array: str) -> Callable[[int, bytes], None]:
        return lambda index, entry: self._ledger.add(array, index, entry)

    def _coarse_writers(self, pool: PartPool) -> tuple[list[ArrayWriter], list[ArrayWriter]]:
        plan = self._plan
        channels = plan.num_channels
        levels = [
            ArrayWriter(self._store, plan.dtype, (2, channels), pool=pool) for _ in plan.level_factors[1:]
        ]
        dtype = moments_dtype(plan.dtype)
        moments = [
            ArrayWriter(self._store, dtype, (3, channels), pool=pool) for _ in plan.moments_factors[1:]
        ]
        return levels, moments

    def _coarsening(
        self, level_writers: Sequence[ArrayWriter], moments_writers: Sequence[ArrayWriter]
    ) -> Coarsening:
        plan = self._plan
        missing = plan.missing_values
        return Coarsening(
            plan.dtype,
            plan.num_channels,
            plan.ratio,
            level_writers,
            moments_writers,
            missing,
            of_means=plan.kind == "means",
        )

    def _begin(self, targets: Sequence[Target | None]) -> tuple[int, int]:
        """Segment and sample from which samples must be read: all rows before are known."""
        wanted = [
            target.grid.locate(target.next_row)
            for target in targets
            if target is not None and not target.is_complete
        ]
        if not wanted:
            last = len(self._plan.segment_lengths) - 1
            wanted = [(last, self._plan.segment_lengths[last])]
        segment, sample = min(wanted)
        return segment, sample // self._plan.alignment * self._plan.alignment

    def _end(self, targets: Sequence[Target | None]) -> tuple[int, int]:
        ends = [
            target.grid.locate(target.end_row)
            for target in targets
            if target is not None and not target.is_complete
        ]
        return max(ends, default=(0, 0))

    def _take_rests(self, targets: Sequence[Target | None], known: Mapping[str, KnownRows]) -> None:
        """Give writers the known rows behind those in full packs."""
        for array, target in zip(self._finest, targets, strict=True):
            if array is not None and target is not None and array.name in known:
                for rows in known[array.name].rows(target.writer.first_row):
                    target.writer.append(rows)

    def _feed_known(
        self,
        targets: Sequence[Target | None],
        begin: tuple[int, int],
        coarsening: Coarsening,
        known: Mapping[str, KnownRows],
    ) -> None:
        segment, sample = begin
        feeds = (
            (self._plan.base, coarsening.add_bins, coarsening.end_bins),
            (MOMENTS_FACTOR, coarsening.add_moments, coarsening.end_moments),
        )
        for array, target, (factor, take, end_segment) in zip(self._finest, targets, feeds, strict=False):
            if array is None or target is None:
                continue
            first = target.writer.first_row
            parts = array.stored_parts(self._store, first, target.writer.entries)
            rest = known[array.name].rows(first) if array.name in known else ()
            end_row = array.grid.first_row(segment) + sample // factor
            feed_rows(array.grid, chain(parts, rest), end_row, take, end_segment)

    def _reduce(
        self,
        read_into: ReadInto,
        targets: Sequence[Target | None],
        begin: tuple[int, int],
        coarsening: Coarsening | None,
        typical: TypicalSamples | None = None,
    ) -> None:
        plan = self._plan
        lengths = plan.segment_lengths
        end = (len(lengths) - 1, lengths[-1]) if coarsening is not None else self._end(targets)
        found = stretches(lengths, begin, end, plan.alignment)
        rows = block_samples(plan.dtype, plan.num_channels, plan.alignment, preferred_rows(self._recording))
        row_bytes = plan.dtype.itemsize * plan.num_channels
        firsts = values_grid(lengths)
        if coarsening is not None:
            self._progress.skip((firsts.first_row(begin[0]) + begin[1]) * row_bytes)
        else:
            self._progress.expect(sum(stretch.last - stretch.first for stretch in found) * row_bytes)
        reduction = self._reduction(targets, coarsening)
        with BlockReader(read_into, self._recording.dtype, plan.num_channels, lengths, found, rows) as blocks:
            for block in blocks:
                first_row = firsts.first_row(block.segment) + block.first
                reduction.add(block, first_row)
                if typical is not None:
                    typical.take(first_row, block.samples)
                if block.first + len(block.samples) == lengths[block.segment]:
                    reduction.end_segment()
                self._progress.add(len(block.samples) * row_bytes)

    def _reduction(self, targets: Sequence[Target | None], coarsening: Coarsening | None) -> SampleReduction:
        plan = self._plan
        return SampleReduction(
            plan.dtype,
            plan.num_channels,
            plan.base,
            plan.base_grid,
            plan.finest_moments_grid,
            targets,
            coarsening,
            plan.missing_values,
            of_means=plan.kind == "means",
        )

    def _ranges_of_samples(self, coarsening: Coarsening) -> None:
        """The segments' ranges of a series too short for levels, whose shards left no bins to take them from."""
        nothing: list[Target | None] = [None, None, None]
        self._reduce(self._recording.read_into, nothing, (0, 0), coarsening)

    def _fields(
        self,
        arrays: Sequence[ArrayInfo | None],
        coarsening: Coarsening,
        link: FileLinks | None,
        typical: npt.NDArray[Any],
    ) -> dict[str, Any]:
        """The fields of the manifest; `arrays` are the finest level, moments and values, then the coarser ones."""
        plan = self._plan
        level, moments, values, *coarser = arrays
        num_levels = max(0, len(plan.level_factors) - 1)
        levels = [
            replace(array, kind=plan.kind) for array in (level, *coarser[:num_levels]) if array is not None
        ]
        if values is not None:
            values = replace(values, kind=plan.kind)
        all_moments = [moments, *coarser[num_levels:]]
        times, timestamps = self._times()
        self._source.check_unchanged()
        ranges = coarsening.ranges
        segments = tuple(
            SegmentInfo(part.start_time, part.end_time, part.num_samples, *ranges.of_segment(number))
            for number, part in enumerate(plan.timeline.segments)
        )
        return {
            "segments": segments,
            "levels": tuple(
                LevelInfo(factor, array, times.get(factor))
                for factor, array in zip(plan.level_factors, levels, strict=True)
            ),
            "moments": tuple(
                MomentsInfo(factor, array)
                for factor, array in zip(plan.moments_factors, all_moments, strict=True)
                if array is not None
            ),
            "values": values
            if link is None or plan.resolution != "link"
            else link.values(self._dataset, self._store),
            "sha1s": None if link is None else link.sha1s(),
            "timestamps": timestamps,
            "typical": typical_of(typical, plan.missing_values),
            "clipped": clipped_of(typical, plan.missing_values, self._recording.channels),
        }

    def _times(self) -> tuple[dict[int, ArrayInfo], ArrayInfo | None]:
        """Times of each level's bins, by factor, and all timestamps, of an irregular series."""
        plan = self._plan
        if plan.timeline.sampling_frequency is not None:
            return {}, None
        return write_timestamps(self._recording, plan, self._store)
