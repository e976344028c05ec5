"""What was made of the same samples before, or of the first of them: it stays, wherever their files lie by now."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.build.blocks import BlockReader, block_samples, preferred_rows
from seriesview.build.grid import Stretch
from seriesview.build.hashing import FileHash
from seriesview.build.ledger import Made
from seriesview.build.made import MadeRecording, origin_of
from seriesview.build.made_elsewhere import MadeElsewhere
from seriesview.build.made_of import goes_on
from seriesview.build.plan import SamplesPlan
from seriesview.build.progress import Progress
from seriesview.build.results import uris
from seriesview.build.source import RecordingIdentity
from seriesview.build.timestamps import write_timestamps
from seriesview.errors import FormatError, IntegrityError, MissingArtifactError
from seriesview.readers.protocol import Recording
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import ArrayInfo, SeriesManifest, parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.store import Store
from seriesview.store.buffers import byte_view

_NOT_THERE = (MissingArtifactError, IntegrityError, FormatError)


@dataclass(frozen=True)
class Earlier:
    """A series that was made before, of files of so many bytes with these SHA-1s (None: not taken).

    `is_certain`: of just these files as they are; else their bytes are to be looked at.
    """

    manifest: SeriesManifest
    file_sizes: tuple[int, ...]
    sha1s: tuple[str, ...] | None
    is_certain: bool

    @property
    def lengths(self) -> list[int]:
        """Samples of each segment."""
        return [segment.num_samples for segment in self.manifest.segments]

    @property
    def num_samples(self) -> int:
        """Samples of all segments."""
        return sum(self.lengths)


def earlier_of(made: Made | None, what: dict[str, Any]) -> Earlier | None:
    """What was made, where that may be of the samples of which `what` is made now, or of the first of them, and where
    these can be told from others."""
    if made is None:
        return None
    with suppress(FormatError, KeyError, TypeError, AttributeError, ValueError):
        is_certain = made.what == what
        if not is_certain and not goes_on(made.what, what):
            return None
        manifest = parse_series_manifest(made.manifest)
        if is_certain or made.sha1s is not None or isinstance(manifest.values, ArrayInfo):
            sizes = tuple(int(file["size"]) for file in made.what["source"]["samples"])
            return Earlier(manifest, sizes, made.sha1s, is_certain)
    return None


def find_earlier(
    made: Made | None, what: dict[str, Any], recording: Recording, elsewhere: MadeElsewhere | None
) -> Earlier | None:
    """As `earlier_of` what was made here, else of what was made under other names."""
    earlier = earlier_of(made, what)
    if earlier is None and elsewhere is not None:
        earlier = earlier_of(elsewhere.find(what, recording), what)
    if earlier is not None and isinstance(recording, MadeRecording):
        # The last samples of what is made were made without what came since, be that too little for one more of them.
        sizes = tuple(int(file["size"]) for file in what["source"]["samples"])
        is_all = (earlier.num_samples, earlier.file_sizes) == (recording.num_samples, sizes)
        return earlier if is_all else None
    return earlier


def has_same_samples(
    earlier: Earlier,
    recording: Recording,
    plan: SamplesPlan,
    source: RecordingIdentity,
    hashes: Path,
    store: Store,
    progress: Progress,
) -> bool:
    """Whether the samples that the earlier series was made of are the first of the recording: stored ones are compared,
    files are hashed, as far as they went then. `progress` counts that. BuildError where a file changes meanwhile."""
    if earlier.sha1s is None and isinstance(earlier.manifest.values, ArrayInfo):
        return _begins_with(recording, plan, earlier.manifest.values, earlier.lengths, store, progress)
    if earlier.sha1s is None or not len(earlier.sha1s) == len(earlier.file_sizes) <= len(source.samples):
        return False
    progress.expect(source.size)
    then = zip(source.samples, earlier.file_sizes, earlier.sha1s, strict=False)
    return all(
        size <= file.size and FileHash(file, hashes).of_first(size, progress.add) == sha1
        for file, size, sha1 in then
    )


def sha1s_of_origin(recording: Recording, source: RecordingIdentity, hashes: Path) -> tuple[str, ...] | None:
    """SHA-1s of the files that samples are made of, None where there is no file, or where others beside them may say
    what they are. BuildError where one changes."""
    if source.others and origin_of(recording).layout is None:
        return None
    if not source.samples or not all(Path(file.path).is_file() for file in source.samples):
        return None
    return tuple(FileHash(file, hashes).get() for file in source.samples)


def is_whole(earlier: Earlier, plan: SamplesPlan, store: Store) -> bool:
    """Whether no samples have come, and everything is in the store, down to the packs, but for links."""
    if earlier.lengths != plan.segment_lengths or not seems_stored(earlier, store.exists):
        return False
    stored = _but_links(earlier.manifest)
    try:
        for _, info in arrays_of(stored):
            reader = ArrayReader(store, info)
            for pack in range(info.num_packs):
                if not store.has_pack(reader.pack_digest(pack), info.pack_bytes(pack)):
                    return False
    except _NOT_THERE:
        return False
    return True


def seems_stored(earlier: Earlier, exists: Callable[[str], bool]) -> bool:
    """Whether what lists the packs is in the store: these are not looked for."""
    return all(map(exists, uris(_but_links(earlier.manifest).to_json_dict())))


def fields_again(earlier: Earlier, recording: Recording, plan: SamplesPlan, store: Store) -> dict[str, Any]:
    """The fields of a series' manifest out of that of one of the same samples, with the times that they have now.

    Links to files are as they were.
    """
    before = earlier.manifest
    times: dict[int, ArrayInfo] = {}
    timestamps = None
    if plan.timeline.sampling_frequency is None:
        times, timestamps = write_timestamps(recording, plan, store)
    return {
        "segments": tuple(
            replace(old, start_time=now.start_time, end_time=now.end_time)
            for old, now in zip(before.segments, plan.timeline.segments, strict=True)
        ),
        "levels": tuple(replace(level, times=times.get(level.factor)) for level in before.levels),
        "moments": before.moments,
        "values": before.values,
        "timestamps": timestamps,
        "typical": [channel.typical for channel in before.channels],
        "clipped": [channel.clipped for channel in before.channels],
        "sha1s": earlier.sha1s,
    }


def has_links(manifest: SeriesManifest, store: Store) -> bool:
    """Whether the files that the series links, and what says where samples lie in them, are where the store says."""
    if manifest.values is None or isinstance(manifest.values, ArrayInfo):
        return True
    values = manifest.to_json_dict()["values"]
    return all(map(store.exists, uris(values)))


def _but_links(manifest: SeriesManifest) -> SeriesManifest:
    return manifest if isinstance(manifest.values, ArrayInfo) else replace(manifest, values=None)


def _begins_with(
    recording: Recording,
    plan: SamplesPlan,
    values: ArrayInfo,
    lengths: Sequence[int],
    store: Store,
    progress: Progress,
) -> bool:
    """Whether the recording's first samples are those of a stored array, by the SHA-1s of its parts."""
    reader = ArrayReader(store, values)
    stretches = [Stretch(number, 0, length) for number, length in enumerate(lengths)]
    rows = block_samples(plan.dtype, plan.num_channels, plan.alignment, preferred_rows(recording))
    wanted = sum(lengths)
    progress.expect(plan.bytes_to_read // plan.num_samples * wanted)
    part, left, digest = 0, min(values.part_rows, wanted), hashlib.sha1(usedforsecurity=False)
    blocks = BlockReader(
        recording.read_into, recording.dtype, plan.num_channels, plan.segment_lengths, stretches, rows
    )
    try:
        with blocks:
            for block in blocks:
                samples = np.ascontiguousarray(block.samples, reader.dtype)
                progress.add(samples.nbytes)
                while len(samples):
                    piece, samples = samples[:left], samples[left:]
                    digest.update(byte_view(piece))
                    left, wanted = left - len(piece), wanted - len(piece)
                    if left:
                        continue
                    if digest.digest() != reader.digest(part):
                        return False
                    part, left = part + 1, min(values.part_rows, wanted)
                    digest = hashlib.sha1(usedforsecurity=False)
    except _NOT_THERE:
        return False
    return not wanted
