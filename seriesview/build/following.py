"""One dataset that is still being written: followed until it has ended, and then left to an ordinary build."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

from seriesview.build.artifacts import Job
from seriesview.build.dataset import Dataset, naming_dataset
from seriesview.build.followed import FollowedBuild, Following, GrowingSamples
from seriesview.build.growing import OPEN_END, PrefixHash, while_growing, with_last_segment
from seriesview.build.hashing import FileHash
from seriesview.build.ledger import Ledger
from seriesview.build.made_of import what_is_made, what_stays
from seriesview.build.opening import opened_recording
from seriesview.build.plan import plan_samples
from seriesview.build.progress import Progress, seconds_in_words
from seriesview.build.source import RecordingIdentity, check_unchanged, identify, identify_recording
from seriesview.errors import BuildError, IntegrityError, SeriesviewError
from seriesview.readers.protocol import Recording
from seriesview.terms import bytes_in_words

_SAY_SECONDS = 10.0


def follow_samples(dataset: Dataset, job: Job, following: Following, is_built: bool) -> None:
    """Make packs of a dataset's samples as they are written, until the end of `following`.

    `is_built`: of the files as they are now everything is made; then nothing is done before they have changed. Events,
    and samples without a rate, wait for the end. Raises ReaderError where a file of samples was cut or replaced.
    """
    growing_dataset = while_growing(dataset)
    with opened_recording(growing_dataset, job.store) as recording, naming_dataset(dataset):
        source = identify_recording(recording)
        if is_built and not _has_changed(source, following):
            return
        if recording.type != "continuous" or recording.layout is None or recording.sampling_frequency is None:
            while _has_changed(source, following):
                source = identify_recording(recording)
            return
        _Followed(growing_dataset, recording, source, job, following).run()


def _has_changed(source: RecordingIdentity, following: Following) -> bool:
    """Wait until files are not what they were; False where the end of `following` comes before."""
    began = time.monotonic()
    while not following.waited_in_vain(began):
        for file in source.samples + source.others:
            try:
                check_unchanged(file)
            except BuildError:
                return True
    return False


class _Followed:
    def __init__(
        self,
        dataset: Dataset,
        recording: Recording,
        source: RecordingIdentity,
        job: Job,
        following: Following,
    ) -> None:
        assert recording.layout is not None
        self._dataset, self._recording, self._source = dataset, recording, source
        self._job, self._following = job, following
        self._plan = plan_samples(recording, dataset, source.size, may_link=job.store.takes_links)
        self._growing = GrowingSamples(recording.layout)
        self._said = 0.0

    def run(self) -> None:
        """Follow; then let all know the SHA-1 of the whole file."""
        job, dataset = self._job, self._dataset
        sha1 = PrefixHash(self._growing.path)
        stays = what_stays(what_is_made(self._recording, dataset, self._plan, self._source))
        try:
            ledger = Ledger(job.ledger, stays, stays, partial(self._begins_with, sha1))
            try:
                self._follow(ledger, sha1)
            finally:
                ledger.close()
        except SeriesviewError as error:
            job.say(dataset, str(error))
            if job.watch is not None:
                job.watch.written(dataset.name, str(error))
            raise
        finally:
            sha1.close()

    def _follow(self, ledger: Ledger, sha1: PrefixHash) -> None:
        job, dataset = self._job, self._dataset
        self._build(ledger).follow(self._growing, self._following, sha1, self._grew)
        if not self._following.has_ended:
            quiet = seconds_in_words(self._following.idle_seconds)
            job.say(dataset, f"nothing came for {quiet}: it has ended, and is built now")
        last = identify(self._growing.path)
        self._growing.look()
        if job.watch is not None:
            job.watch.written(dataset.name)
        sha1.go_on(last.size)
        ledger.covered(last.size, sha1.hexdigest, is_last=True)
        FileHash(last, job.hashes).keep(sha1.hexdigest(), sha1.starts)

    def _build(self, ledger: Ledger) -> FollowedBuild:
        job, dataset = self._job, self._dataset
        plan = with_last_segment(self._plan, OPEN_END)
        progress = Progress(dataset.name, 0, report=job.report)
        watch = None if job.watch is None else partial(job.watch.levels, dataset.name)
        return FollowedBuild(
            self._recording, dataset, plan, self._source, job.store, ledger, progress, job.hashes, watch
        )

    def _begins_with(self, sha1: PrefixHash, num_bytes: int, expected: str) -> bool:
        """Whether the file begins with bytes that were read before; their SHA-1 goes on from there."""
        said = f"the {bytes_in_words(num_bytes)} that were read before are hashed, to see whether they are the same"
        self._job.say(self._dataset, said)
        with suppress(IntegrityError):
            sha1.go_on(num_bytes)
            return sha1.hexdigest() == expected
        return False

    def _grew(self, num_samples: int, behind: int) -> None:
        if self._job.watch is not None:
            self._job.watch.grew(self._dataset.name, num_samples, behind)
        now = time.monotonic()
        if now - self._said < _SAY_SECONDS:
            return
        self._said = now
        rate = self._recording.sampling_frequency or 1.0
        left = f", {seconds_in_words(behind / rate)} behind" if behind else ""
        self._job.say(self._dataset, f"following: {seconds_in_words(num_samples / rate)} are written{left}")
