"""Re-hashing everything that a series reaches: what is missing, truncated or altered."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from seriesview.errors import FormatError, IntegrityError, MissingArtifactError, SeriesviewError
from seriesview.series.array_info import PAGE_PARTS, ArrayInfo, num_parts
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.manifest import ChunkedLink, ContiguousLink, parse_series_manifest
from seriesview.series.named_arrays import arrays_of

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
        if isinstance(manifest.values, ContiguousLink | ChunkedLink):
            self.artifact(manifest.values.uri, f"{what}: linked file")

    def artifact(self, uri: str, what: str, size: int | None = None) -> bool:
        """Whether the bytes of an artifact, stored or linked, are right; `size` where it is known."""
        digest = uri.removeprefix("sha1://")[:40]
        if digest in self.found.seen:
            return all(problem.artifact[7:47] != digest for problem in self.found.problems)
        self.found.seen.add(digest)
        self.found.num_artifacts += 1
        try:
            path = self.store.path(uri)
            length = self.store.size(uri)
            if size is not None and length != size:
                kind = "truncated" if length < size else "altered"
                self.problem(kind, uri, what, f"{path} has {length} bytes, {size} are expected")
                return False
            if self._hash(uri) != digest:
                self.problem("altered", uri, what, f"the bytes of {path} have another SHA-1")
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
            self.problem("invalid", uri, what, str(error))
            return False
        return True

    def problem(self, kind: str, uri: str, what: str, message: str) -> None:
        """Note a problem."""
        self.found.problems.append(Problem(kind, uri, what, message))

    def _array(self, info: ArrayInfo, what: str) -> None:
        reader = ArrayReader(self.store, info, PartCache(0))
        parts = num_parts(info.shape[0], info.part_rows)
        for number, page in enumerate(info.pages):
            first, last = number * PAGE_PARTS, min((number + 1) * PAGE_PARTS, parts)
            if not self.artifact(page, f"{what}: page {number}", (last - first) * 20):
                continue
            for part in range(first, last):
                if not info.has_part(part):
                    continue
                size = math.prod(reader.part_shape(part)) * np.dtype(info.dtype).itemsize
                self.artifact(f"sha1://{reader.digest(part).hex()}/part.dat", f"{what}: part {part}", size)

    def _hash(self, uri: str) -> str:
        hasher = hashlib.sha1(usedforsecurity=False)
        for block in self.store.blocks(uri):
            hasher.update(block)
            self.found.num_bytes += len(block)
            if self._on_bytes is not None:
                self._on_bytes(len(block))
        return hasher.hexdigest()
