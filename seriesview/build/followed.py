"""Following a recording that is still written: packs are made as its samples come, and the ledger tells of which bytes.

When it has ended an ordinary build takes them up, with headers that were read again: it makes the same series as one
from nothing, whatever was made meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seriesview.build.blocks import Block, block_samples, preferred_rows
from seriesview.build.finest import KnownRows, known_rows
from seriesview.build.grid import values_grid
from seriesview.build.growing import Covered, PrefixHash, begins_with
from seriesview.build.level_rows import level_rows
from seriesview.build.made_of import what_is_made
from seriesview.build.reuse import find_earlier
from seriesview.build.sampled import SampledBuild
from seriesview.build.shards import WHOLE
from seriesview.errors import ReaderError
from seriesview.layout.growing import bytes_up_to, growing_piece, samples_in, with_samples
from seriesview.layout.layouts import Layout
from seriesview.layout.sample_file import SampleFile
from seriesview.series.packs import PartPool

_LOOK_SECONDS = 0.2
_TELL_SECONDS = 0.1


@dataclass(frozen=True)
class Following:
    """How long a recording is followed: until nothing came for so many seconds, or until `end`.

    `beside`: whether something may be written on the file system that is recorded to.
    """

    idle_seconds: float
    beside: bool = False
    _ended: threading.Event = field(default_factory=threading.Event)

    def end(self) -> None:
        """Have it end with what is written by now."""
        self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Whether it was told to end."""
        return self._ended.is_set()

    def waited_in_vain(self, since: float) -> bool:
        """Wait a moment; whether the end has come, where nothing was new since then (monotonic seconds)."""
        self._ended.wait(_LOOK_SECONDS)
        return self.has_ended or time.monotonic() - since >= self.idle_seconds


class GrowingSamples:
    """The samples of a layout whose last file grows; `look` says how many there are."""

    def __init__(self, layout: Layout) -> None:
        """Raises ReaderError for a layout to which nothing is appended."""
        piece = growing_piece(layout)
        if piece is None:
            raise ReaderError(
                "its samples do not follow one another: it cannot be followed", file=layout.path
            )
        self._piece = piece
        self._before = layout.num_samples - piece.num_samples
        self._file = Covered.of(str(piece.path))
        self.layout = layout

    @property
    def path(self) -> Path:
        """The file that grows."""
        return self._piece.path

    @property
    def num_bytes(self) -> int:
        """Its size when it was looked at."""
        return self._file.num_bytes

    def look(self) -> int:
        """Whole samples of all files now. Raises ReaderError where the last one was cut or replaced, or is gone."""
        self._file = self._file.now()
        return self._before + samples_in(self._piece, self._file.num_bytes)

    def bytes_of(self, num_samples: int) -> int:
        """Bytes of the file up to so many samples of all files."""
        return bytes_up_to(self._piece, max(0, num_samples - self._before))

    def opened(self, num_samples: int) -> SampleFile:
        """The files, for reading so many samples of them."""
        return SampleFile(with_samples(self.layout, num_samples - self._before), reads_ahead=False)


class FollowedBuild(SampledBuild):
    """Makes packs of samples as they come; its plan has a last segment without end."""

    def follow(
        self,
        growing: GrowingSamples,
        following: Following,
        sha1: PrefixHash,
        grew: Callable[[int, int], None],
    ) -> None:
        """Go on until the end of `following`. Raises ReaderError where the file was cut or replaced.

        `grew` hears now and then how many samples there are, and how many of them were not read.
        """
        with ExitStack() as stack:
            pool = stack.enter_context(PartPool(self._store))
            known = self._known(sha1)
            targets = self._targets(pool, WHOLE, known)
            level_writers, moments_writers = self._coarse_writers(pool)
            coarsening = self._coarsening(level_writers, moments_writers)
            if self._watch is not None and targets[0] is not None:
                writers = [targets[0].writer, *level_writers]
                self._watch(level_rows(self._store, self._plan, writers, is_open=True))
            self._take_rests(targets, known)
            begin = self._begin(targets)
            self._feed_known(targets, begin, coarsening, known)
            reduction = self._reduction(targets, coarsening)

            def told(num_samples: int, behind: int) -> None:
                coarsening.flush()
                grew(num_samples, behind)

            beside = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="hash"))
            samples = stack.enter_context(growing.opened(self._plan.num_samples))
            for block, first_row in self._blocks(samples, begin, growing, following, told):
                hashing = beside.submit(sha1.go_on, growing.bytes_of(first_row + len(block.samples)))
                reduction.add(block, first_row)
                if block.first + len(block.samples) == self._plan.segment_lengths[block.segment]:
                    reduction.end_segment()
                hashing.result()
                self._ledger.covered(sha1.num_bytes, sha1.hexdigest)

    def _known(self, sha1: PrefixHash) -> dict[str, KnownRows]:
        """Rows of what was built of the first samples before these were followed."""
        what = what_is_made(self._recording, self._dataset, self._plan, self._source)
        earlier = find_earlier(self._ledger.made, what, self._recording, None)
        if earlier is None or earlier.sha1s is None or len(self._source.samples) > 1:
            return {}
        size, expected = earlier.file_sizes[0], earlier.sha1s[0]
        is_same = (
            begins_with(self._source, self._hashes, size, expected)
            if sha1.num_bytes
            else self._ledger.begins_with(size, expected)
        )
        if not is_same:
            return {}
        sha1.starts[size] = expected
        return known_rows(self._store, earlier.manifest, self._plan)

    def _blocks(
        self,
        samples: SampleFile,
        begin: tuple[int, int],
        growing: GrowingSamples,
        following: Following,
        grew: Callable[[int, int], None],
    ) -> Iterator[tuple[Block, int]]:
        """Blocks as they come, and the first sample of each in the series; each is valid until the next one."""
        plan, recording = self._plan, self._recording
        rows = block_samples(plan.dtype, plan.num_channels, plan.alignment, preferred_rows(recording))
        buffer = np.empty((rows, plan.num_channels), recording.dtype)
        firsts = values_grid(plan.segment_lengths)
        (segment, first), begins, there = begin, True, 0
        since = told = time.monotonic()
        while True:
            if (now_there := growing.look()) > there:
                there, since = now_there, time.monotonic()
            position = firsts.first_row(segment) + first
            count = min(rows, there - position, plan.segment_lengths[segment] - first)
            if count > 0:
                samples.read_into(position, buffer[:count])
                yield Block(segment, first, buffer[:count], begins), position
                first, begins = first + count, False
                if first == plan.segment_lengths[segment]:
                    segment, first, begins = segment + 1, 0, True
            behind = there - position - max(count, 0)
            if not behind or time.monotonic() - told >= _TELL_SECONDS:
                told = time.monotonic()
                grew(there, behind)
            if following.has_ended or (not behind and following.waited_in_vain(since)):
                return
