"""Files that a writer still appends to: what must not change of them meanwhile, and what is made of them so far."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from seriesview.build.dataset import Dataset
from seriesview.build.plan import SamplesPlan, moments_level_factors
from seriesview.build.source import HashRecord, RecordingIdentity
from seriesview.envelope.bins import level_factors
from seriesview.errors import ReaderError
from seriesview.layout.byte_file import ByteFile

OPEN_END = 1 << 47
"""Samples of a segment whose end is not known."""
_HASH_BYTES = 1 << 20


@dataclass(frozen=True)
class Covered:
    """A file as it was: no other one has its device and inode, and so many of its bytes are covered."""

    path: str
    device: int
    inode: int
    num_bytes: int

    @classmethod
    def of(cls, path: str) -> Covered:
        """The file as it is now. Raises ReaderError where it is not there."""
        try:
            status = os.stat(path)  # noqa: PTH116  (a path of any kind)
        except OSError as error:
            raise ReaderError(
                f"it cannot be read any more ({error.strerror})", file=path, code="source-gone"
            ) from error
        return cls(path, status.st_dev, status.st_ino, 0 if Path(path).is_dir() else status.st_size)

    def now(self) -> Covered:
        """The same file now. Raises ReaderError where it is another one, or has lost some of the covered bytes."""
        now = Covered.of(self.path)
        if (now.device, now.inode) != (self.device, self.inode):
            raise ReaderError(
                "another file has taken its place; view it again", file=self.path, code="source-changed"
            )
        if now.num_bytes < self.num_bytes:
            raise ReaderError(
                f"it has become shorter ({self.num_bytes} bytes then, {now.num_bytes} now); view it again",
                file=self.path,
                code="source-changed",
            )
        return now


class PrefixHash:
    """The SHA-1 of the first bytes of a file, which go on."""

    def __init__(self, path: str | Path) -> None:
        """Raises OSError."""
        self._file = ByteFile(Path(path))
        self._digest = hashlib.sha1(usedforsecurity=False)
        self.num_bytes = 0
        self.starts: dict[int, str] = {}
        """Those of fewer bytes that are known."""

    def go_on(self, num_bytes: int) -> None:
        """Take the bytes up to there. Raises IntegrityError where the file ends first."""
        while self.num_bytes < num_bytes:
            piece = self._file.read(min(num_bytes - self.num_bytes, _HASH_BYTES), self.num_bytes)
            self._digest.update(piece.data)
            self.num_bytes += len(piece)

    def hexdigest(self) -> str:
        """Of the bytes up to now."""
        return self._digest.copy().hexdigest()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def while_growing(dataset: Dataset) -> Dataset:
    """The dataset as it is opened while a writer may be in the middle of a sample."""
    source = None if dataset.source is None else while_growing(dataset.source)
    return replace(dataset, options=replace(dataset.options, allow_truncated=True), source=source)


def with_last_segment(plan: SamplesPlan, num_samples: int) -> SamplesPlan:
    """The plan where the last segment, of a series with a rate, has so many samples."""
    rate = plan.timeline.sampling_frequency
    assert rate is not None
    *before, last = plan.timeline.segments
    grown = replace(last, num_samples=num_samples, end_time=last.start_time + num_samples / rate)
    timeline = replace(plan.timeline, segments=(*before, grown))
    lengths = [segment.num_samples for segment in timeline.segments]
    return replace(
        plan,
        timeline=timeline,
        level_factors=level_factors(lengths, plan.num_channels, plan.base, plan.ratio),
        moments_factors=moments_level_factors(lengths),
    )


def begins_with(source: RecordingIdentity, hashes: Path, num_bytes: int, sha1: str) -> bool:
    """Whether so many first bytes of the last file of samples have this SHA-1; of a whole file it may be known."""
    last = source.samples[-1]
    if num_bytes > last.size:
        return False
    if num_bytes == last.size and (known := HashRecord(hashes, last).known()) is not None:
        return known == sha1
    prefix = PrefixHash(last.path)
    try:
        prefix.go_on(num_bytes)
        return prefix.hexdigest() == sha1
    finally:
        prefix.close()
