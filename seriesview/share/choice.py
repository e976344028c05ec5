"""What of one series goes along when a workspace is shared, what is left out, and how many bytes that makes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seriesview.errors import SeriesviewError
from seriesview.series.array_info import ArrayInfo
from seriesview.series.derivation import ComputedValues
from seriesview.series.links import values_to_json
from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.series.named_arrays import arrays_of
from seriesview.series.packing import DIGEST_BYTES, num_parts, pack_parts, part_rows
from seriesview.share.dates import MovedClock, moved_document
from seriesview.terms import bytes_in_words

if TYPE_CHECKING:
    from seriesview.store import Store

Rows = tuple[int, int]
Why = Literal["not asked for", "size"]

VARIABLE_ARRAYS = ("levels", "moments", "counts")
"""Keys of the manifest whose finest arrays can be left out."""


@dataclass(frozen=True)
class Wish:
    """What is asked for: raw samples (all, of some series, of stretches of view time in seconds), bytes in all."""

    raw: bool = False
    raw_series: tuple[str, ...] = ()
    raw_ranges: tuple[tuple[float, float], ...] = ()
    without: tuple[str, ...] = ()
    max_bytes: int | None = None
    small_samples: bool = False
    """Whether all raw samples of small series go along that nothing else is said of."""
    moves_dates: bool = False
    days: int | None = None
    """By how many days dates are moved; None: so that the earliest is a date which tells nothing."""


@dataclass(frozen=True)
class LeftOut:
    """One entry of export.json's `left_out`."""

    series: str
    what: Literal["samples", "level", "moments", "counts", "series"]
    why: Why
    num_bytes: int = 0
    factor: int | None = None
    bin_seconds: float | None = None
    rows: tuple[Rows, ...] | None = None
    """Of samples: the stretches [first, last) that are left out; None is all of them."""

    def to_json_dict(self) -> dict[str, Any]:
        """The form in export.json: what does not apply is not there."""
        found: dict[str, Any] = {"series": self.series, "what": self.what, "why": self.why}
        if self.num_bytes:
            found["bytes"] = self.num_bytes
        if self.factor is not None:
            found["factor"] = self.factor
        if self.bin_seconds is not None:
            found["bin_seconds"] = self.bin_seconds
        if self.rows is not None:
            found["rows"] = [list(rows) for rows in self.rows]
        return found


@dataclass
class Choice:
    """What of one series goes along. `rows` are the stretches of raw samples, whole parts; none: no samples."""

    name: str
    uri: str
    document: Mapping[str, Any]
    manifest: SeriesManifest
    rows: tuple[Rows, ...] = ()
    dropped: dict[str, set[int]] = field(default_factory=lambda: {key: set() for key in VARIABLE_ARRAYS})
    """Numbers, in the manifest's lists, of the arrays that are left out for their size."""
    clock: MovedClock | None = None
    """Where its dates are moved: to where."""
    source_choice: Choice | None = None
    """What it is derived from, where that goes along."""

    @property
    def has_values(self) -> bool:
        """Whether the series has raw samples that are a matter of choice: stored or linked ones."""
        return self.manifest.values is not None

    @property
    def has_all_samples(self) -> bool:
        """Whether every sample of it can be had in the copy."""
        return self.is_computed or (self.has_values and not self.left_out_rows)

    @property
    def is_computed(self) -> bool:
        """Whether its samples are computed in the copy too, from those of its source, and none are written."""
        is_computed = isinstance(self.manifest.values, ComputedValues) and not self.rows
        return is_computed and self.source_choice is not None and self.source_choice.has_all_samples

    @property
    def is_computed_from_stored(self) -> bool:
        """Whether it is computed in the copy from samples that are stored there, as a viewer alone can do it."""
        return self.is_computed and self.source_choice is not None and bool(self.source_choice.rows)

    @property
    def samples(self) -> ArrayInfo:
        """The raw samples that go along, as an array whose pages are not known yet."""
        values, dtype = self.manifest.values, self.manifest.dtype
        shape = (self.manifest.num_samples, self.manifest.num_channels)
        if isinstance(values, ArrayInfo):
            return replace(values, pages=(), left_out=self.left_out_rows)
        rows, parts = part_rows(dtype, shape[1:]), pack_parts(dtype, shape[1:])
        return ArrayInfo(dtype, shape, rows, parts, (), self.left_out_rows)

    @property
    def row_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return np.dtype(self.manifest.dtype).itemsize * self.manifest.num_channels

    @property
    def is_unchanged(self) -> bool:
        """Whether the series goes along exactly as it is, under its own hash."""
        values = self.manifest.values
        if self.manifest.source is not None and not (self.source_choice and self.source_choice.is_unchanged):
            return False
        if self.is_computed:
            values = None
        whole = values is None or (isinstance(values, ArrayInfo) and self.left_out_rows == values.left_out)
        is_as_it_was = self.clock is None and not any(self.dropped.values())
        return whole and is_as_it_was and is_strict_json(self.document)

    @property
    def left_out_rows(self) -> tuple[Rows, ...]:
        """Stretches of samples that do not go along."""
        edges = [0, *(edge for rows in self.rows for edge in rows), self.manifest.num_samples]
        gaps = zip(edges[::2], edges[1::2], strict=True)
        return tuple((first, last) for first, last in gaps if first < last)

    def take_samples(self, stretches: Iterable[Rows]) -> None:
        """Let the samples of these stretches [first, last) go along, widened to whole parts, where they are."""
        size, total = self.samples.part_rows, self.manifest.num_samples
        wanted = {
            part
            for first, last in stretches
            for part in range(max(first, 0) // size, num_parts(min(last, total), size))
        }
        if isinstance(self.manifest.values, ArrayInfo):
            wanted = {part for part in wanted if self.manifest.values.has_part(part)}
        runs = []
        for _, run in groupby(enumerate(sorted(wanted)), lambda item: item[1] - item[0]):
            parts = [part for _, part in run]
            runs.append((parts[0] * size, min((parts[-1] + 1) * size, total)))
        self.rows = tuple(runs)

    def kept_arrays(self) -> Iterator[tuple[str, ArrayInfo]]:
        """(name, array) of everything but raw samples that goes along."""
        kept: dict[str, Any] = {
            key: tuple(
                item for number, item in enumerate(getattr(self.manifest, key)) if number not in dropped
            )
            for key, dropped in self.dropped.items()
        }
        yield from arrays_of(replace(self.manifest, values=None, **kept))

    def kept_files(self) -> Iterator[tuple[str, str, int]]:
        """(name, URI, bytes) of the segments' own files, which are all that such a series has."""
        for number, segment in enumerate(self.manifest.segments):
            for name, uri, dtype, width in (
                ("timestamps", segment.timestamps_uri, segment.timestamps_dtype, 1),
                ("values", segment.values_uri, segment.values_dtype, self.manifest.num_channels),
            ):
                if uri is not None and dtype is not None:
                    size = segment.num_samples * width * np.dtype(dtype).itemsize
                    yield f"{name} of segment {number}", uri, size

    @property
    def num_sample_bytes(self) -> int:
        """Bytes of the raw samples that go along."""
        return self.row_bytes * sum(last - first for first, last in self.rows)

    @property
    def num_bytes(self) -> int:
        """Bytes of all that goes along; the manifest is counted as it was."""
        arrays = sum(array_bytes(array) for _, array in self.kept_arrays())
        files = sum(size for _, _, size in self.kept_files())
        samples = array_bytes(self.samples) if self.rows else 0
        return arrays + files + samples + len(json_bytes(self.document))

    def droppable(self) -> list[tuple[int, str, int]]:
        """(bytes, key, number) of the finest arrays that could be left out; one of each kind stays."""
        found = []
        for key in VARIABLE_ARRAYS:
            kept = [n for n in self._by_fineness(key) if n not in self.dropped[key]]
            if len(kept) > 1:
                found.append((self._bytes_of(key, kept[0]), key, kept[0]))
        return found

    def left_out(self) -> Iterator[LeftOut]:
        """What is left out, the finest first."""
        if self.has_values and not self.is_computed and (rows := self.left_out_rows):
            num_bytes = self.row_bytes * sum(last - first for first, last in rows)
            yield LeftOut(self.name, "samples", "not asked for", num_bytes, rows=rows if self.rows else None)
        for number in self._by_fineness("levels"):
            if number in self.dropped["levels"]:
                level = self.manifest.levels[number]
                size = self._bytes_of("levels", number)
                yield LeftOut(self.name, "level", "size", size, factor=level.factor)
        for number in self._by_fineness("moments"):
            if number in self.dropped["moments"]:
                moments = self.manifest.moments[number]
                size = self._bytes_of("moments", number)
                yield LeftOut(self.name, "moments", "size", size, factor=moments.factor)
        for number in self._by_fineness("counts"):
            if number in self.dropped["counts"]:
                counts = self.manifest.counts[number]
                size = self._bytes_of("counts", number)
                yield LeftOut(self.name, "counts", "size", size, bin_seconds=counts.bin_seconds)

    def new_document(
        self,
        values: ArrayInfo | None,
        arrays: Mapping[str, ArrayInfo],
        files: Mapping[str, str],
        source: str | None = None,
    ) -> dict[str, Any]:
        """The series' manifest as JSON with these raw samples and without what was dropped.

        Where dates are moved, with these `arrays` of times, by name, and `files` of timestamps, by their URI before.
        `source`: the URI here of the series that it is derived from, where that goes along.
        """
        found = {**self.document, **self._kept_lists()}
        if self.clock is not None:
            found = moved_document(found, self.manifest, self.clock, arrays, files)
        if self.has_values:
            found["values"] = None if values is None else values.to_json_dict()
        if self.manifest.source is not None:
            found["from"] = None if source is None else {**found["from"], "uri": source}
            if self.is_computed and source is not None:
                found["values"] = values_to_json(self.manifest.values)
        if not is_strict_json(found):
            return parse_series_manifest(found).to_json_dict()
        return found

    def _kept_lists(self) -> dict[str, Any]:
        return {
            key: [item for number, item in enumerate(self.document[key]) if number not in dropped]
            for key, dropped in self.dropped.items()
            if dropped
        }

    def _by_fineness(self, key: str) -> list[int]:
        manifest = self.manifest
        widths: list[float]
        if key == "levels":
            widths = [level.factor for level in manifest.levels]
        elif key == "moments":
            widths = [moments.factor for moments in manifest.moments]
        else:
            widths = [counts.bin_seconds for counts in manifest.counts]
        return sorted(range(len(widths)), key=lambda number: widths[number])

    def _bytes_of(self, key: str, number: int) -> int:
        if key == "moments":
            return array_bytes(self.manifest.moments[number].array)
        if key == "counts":
            return array_bytes(self.manifest.counts[number].array)
        level = self.manifest.levels[number]
        return array_bytes(level.array) + (0 if level.times is None else array_bytes(level.times))


def read_choice(store: Store, name: str, uri: str) -> Choice:
    """A series of which everything but raw samples goes along, or all where it has nothing else."""
    document = store.get_json(uri)
    manifest = parse_series_manifest(document)
    choice = Choice(name, uri, document, manifest)
    if choice.has_values and not manifest.levels:
        choice.take_samples([(0, manifest.num_samples)])
    return choice


def fit(choices: list[Choice], max_bytes: int, other_bytes: int) -> None:
    """Drop finest arrays, the largest first, until all choices fit beside `other_bytes`; SeriesviewError."""
    sizes = {choice.name: choice.num_bytes for choice in choices}
    while sum(sizes.values()) + other_bytes > max_bytes:
        candidates = [
            (size, -number, key, item)
            for number, choice in enumerate(choices)
            for size, key, item in choice.droppable()
        ]
        if not candidates:
            total = sum(sizes.values()) + other_bytes
            samples = sum(choice.num_sample_bytes for choice in choices if choice.manifest.levels)
            if samples and total - samples <= max_bytes:
                advice = f"allow more, or ask for fewer raw samples (now {bytes_in_words(samples)})"
            elif choices:
                largest = max(choices, key=lambda choice: sizes[choice.name])
                advice = f"allow more, or leave a series out (--without {largest.name})"
            else:
                advice = "allow more"
            raise SeriesviewError(
                f"--max-size: {bytes_in_words(total)} remain when everything but the coarsest levels is left out, "
                f"{bytes_in_words(max_bytes)} are allowed; {advice}",
                code="too-large",
                key="--max-size",
            )
        size, place, key, item = max(candidates)
        chosen = choices[-place]
        chosen.dropped[key].add(item)
        sizes[chosen.name] -= size


def array_bytes(array: ArrayInfo) -> int:
    """Bytes of an array's packs, as far as they are there, and of its pages."""
    pages = DIGEST_BYTES * (array.num_parts + array.num_packs)
    return array.num_bytes - array.num_bytes_left_out + pages


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """JSON as the store writes it."""
    import json

    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def is_strict_json(value: Any) -> bool:
    """Whether a parsed document holds no NaN or infinity, which JSON does not have."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(is_strict_json(item) for item in value.values())
    return not isinstance(value, list) or all(is_strict_json(item) for item in value)
