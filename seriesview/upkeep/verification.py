"""Re-hashing everything that a series reaches: what is missing, truncated or altered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from seriesview.errors import FormatError, IntegrityError, MissingArtifactError, SeriesviewError
from seriesview.series.array_info import ArrayInfo
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.derivation import ComputedValues
from seriesview.series.links import linked_uris
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.series.packing import DIGEST_BYTES, MAX_PAGE_BYTES, PAGE_PACKS, pack_digest, part_digests
from seriesview.store.chunks import sha1_digest
from seriesview.store.uris import parse_uri

if TYPE_CHECKING:
    from seriesview.store import Store


@dataclass(frozen=True)
class Problem:
    """One artifact that is not as it should be; `kind`: missing, truncated, altered or invalid."""

    kind: str
    artifact: str
    what: str
    message: str


@dataclass
class Verification:
    """What was found: problems, and how many artifacts and bytes were read. Each artifact is read once."""

    problems: list[Problem] = field(default_factory=list)
    num_artifacts: int = 0
    num_bytes: int = 0
    seen: set[str] = field(default_factory=set)


class Verifier:
    """Re-hashes artifacts of one store; `on_bytes` hears how many bytes were read."""

    def __init__(self, store: Store, on_bytes: Callable[[int], None] | None = None) -> None:
        self.store = store
        self._on_bytes = on_bytes
        self._packs: set[bytes] = set()
        self.found = Verification()

    def series(self, uri: str, what: str) -> None:
        """Check a series manifest and everything that it reaches; `what` names it in problems."""
        if not self.artifact(uri, f"{what}: manifest"):
            return
        try:
            manifest = parse_series_manifest(self.store.get_json(uri))
        except FormatError as error:
            self.problem("invalid", uri, f"{what}: manifest", str(error))
            return
        for name, info in arrays_of(manifest):
            self._array(info, f"{what}: {name}")
        for segment_number, segment in enumerate(manifest.segments):
            for name, file_uri, dtype, width in (
                ("timestamps", segment.timestamps_uri, segment.timestamps_dtype, 1),
                ("values", segment.values_uri, segment.values_dtype, manifest.num_channels),
            ):
                if file_uri is not None and dtype is not None:
                    size = segment.num_samples * width * np.dtype(dtype).itemsize
                    self.artifact(file_uri, f"{what}: {name} of segment {segment_number}", size)
        uris = linked_uris(manifest.values)
        for number, linked in enumerate(uris):
            self.artifact(linked, f"{what}: linked file" + (f" {number}" if uris[1:] else ""))
        if isinstance(manifest.values, ComputedValues) and manifest.source is not None:
            source = parse_uri(manifest.source.uri)[0]
            if source not in self.found.seen:
                self.series(manifest.source.uri, f"{what}: source")

    def artifact(self, uri: str, what: str, size: int | None = None) -> bool:
        """Whether the bytes of an artifact, stored or linked, are right; `size` where it is known."""
        digest = uri.removeprefix("sha1://")[:40]
        if digest in self.found.seen:
            return all(problem.artifact[7:47] != digest for problem in self.found.problems)
        self.found.seen.add(digest)
        return self._check(uri, what, size, lambda place: self._whole_problem(uri, place))

    def problem(self, kind: str, uri: str, what: str, message: str) -> None:
        """Note a problem."""
        self.found.problems.append(Problem(kind, uri, what, message))

    def _array(self, info: ArrayInfo, what: str) -> None:
        reader = ArrayReader(self.store, info, PartCache(MAX_PAGE_BYTES))
        for number, page in enumerate(info.pages):
            packs = range(number * PAGE_PACKS, min((number + 1) * PAGE_PACKS, info.num_packs))
            listed = len(packs) + sum(len(info.parts_of_pack(pack)) for pack in packs)
            if self.artifact(page, f"{what}: page {number}", listed * DIGEST_BYTES):
                for pack in packs:
                    self._pack(info, pack, reader.entry(pack), f"{what}: pack {pack}")

    def _pack(self, info: ArrayInfo, pack: int, entry: bytes, what: str) -> None:
        """Check the SHA-1 of a pack, and those of its parts."""
        size = info.pack_bytes(pack)
        if size and entry not in self._packs:
            self._packs.add(entry)
            self.found.seen.add(pack_digest(entry).hex())
            uri = f"sha1://{pack_digest(entry).hex()}/pack.dat"
            self._check(uri, what, size, lambda place: self._pack_problem(info, pack, entry, place))

    def _check(
        self, uri: str, what: str, size: int | None, find_problem: Callable[[str], str | None]
    ) -> bool:
        """Whether an artifact is there, has its size, and `find_problem` finds none in its bytes."""
        self.found.num_artifacts += 1
        try:
            place = self.store.place_of(uri)
            length = self.store.size(uri)
            if size is not None and length != size:
                kind = "truncated" if length < size else "altered"
                self.problem(kind, uri, what, f"{place} has {length} bytes, {size} are expected")
                return False
            message = find_problem(place)
            if message is not None:
                self.problem("altered", uri, what, message)
                return False
        except (MissingArtifactError, FileNotFoundError) as error:
            self.problem("missing", uri, what, str(error))
            return False
        except IntegrityError as error:
            self.problem("truncated", uri, what, str(error))
            return False
        except OSError as error:
            self.problem("invalid", uri, what, f"{error.filename or uri}: {error.strerror or error}")
            return False
        except SeriesviewError as error:
            if error.code == "bucket-unusable":
                raise
            self.problem("invalid", uri, what, str(error))
            return False
        return True

    def _whole_problem(self, uri: str, place: str) -> str | None:
        hasher = hashlib.sha1(usedforsecurity=False)
        for block in self.store.blocks(uri):
            hasher.update(block)
            self._count(len(block))
        return None if hasher.hexdigest() == uri[7:47] else f"the bytes of {place} have another SHA-1"

    def _pack_problem(self, info: ArrayInfo, pack: int, entry: bytes, place: str) -> str | None:
        digest, parts = pack_digest(entry), part_digests(entry)
        hasher = hashlib.sha1(usedforsecurity=False)
        altered = []
        for part, listed in zip(info.parts_of_pack(pack), parts, strict=True):
            if info.has_part(part):
                start = info.part_offset(part)
                data = memoryview(
                    self.store.get_chunk(listed, digest, start, start + info.part_size(part), verify=False)
                )
                hasher.update(data)
                self._count(len(data))
                if sha1_digest(data) != listed:
                    altered.append(str(part))
        if altered:
            return f"the bytes of {place} have another SHA-1 in the array's {_parts_in_words(altered)}"
        return None if hasher.digest() == digest else f"the bytes of {place} have another SHA-1"

    def _count(self, num_bytes: int) -> None:
        self.found.num_bytes += num_bytes
        if self._on_bytes is not None:
            self._on_bytes(num_bytes)


def _parts_in_words(parts: Sequence[str]) -> str:
    return f"part {parts[0]}" if len(parts) == 1 else f"parts {', '.join(parts)}"
