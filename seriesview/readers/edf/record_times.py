"""When each record of an EDF+ file begins: the first annotation of its first annotation signal says it.

edfplus.info/specs/edfplus.html, section 2.2.4. Records that follow one another make a stretch; nothing is kept of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from seriesview.errors import ReaderError
from seriesview.layout.byte_file import ByteFile
from seriesview.readers.edf.header import Header
from seriesview.readers.protocol import Decision

_ONSET = re.compile(rb"\s*([+-]?\d{1,20}(?:[.,]\d{0,40})?)[\x14\x15]")
_ONSET_BYTES = 72
_BLOCK_BYTES = 1 << 20
# Records of more bytes are not read through for some of them.
_LARGE_RECORD = 16 << 10
_SHORTEST_GAP = 1e-3
_MOST_STRETCHES = 100_000


@dataclass(frozen=True)
class Stretch:
    """Records that follow one another: the first one's time in seconds from the header's clock, and how many."""

    start_time: float
    num_records: int


def record_bytes(header: Header, begin: int, length: int, records: range) -> Iterator[bytes]:
    """Bytes [begin, begin + length) of each of the records."""
    stride = header.record_bytes
    file = ByteFile(header.path)
    try:
        at_once = 1 if stride - length > _LARGE_RECORD else max(1, _BLOCK_BYTES // stride)
        for first in range(records.start, records.stop, at_once):
            count = min(at_once, records.stop - first)
            place = header.data_offset + first * stride + begin
            block = file.read((count - 1) * stride + length, place).tobytes()
            for number in range(count):
                yield block[number * stride : number * stride + length]
    finally:
        file.close()


@lru_cache(maxsize=2)
def stretches_of(header: Header) -> tuple[tuple[Stretch, ...], tuple[Decision, ...]]:
    """Stretches without a gap, and what is to be said. Raises ReaderError where records go back in time."""
    whole = Stretch(0.0, header.num_records)
    if not header.annotation_signals or header.num_records == 0 or header.record_seconds == 0:
        return (whole,), ()
    if not header.is_discontinuous:
        first, last = (next(_onsets(header, range(at, at + 1))) for at in (0, header.num_records - 1))
        start = first or 0.0
        expected = start + (header.num_records - 1) * float(header.record_seconds)
        if last is None or not header.is_plus or abs(last - expected) <= _tolerance(header):
            return (Stretch(start, header.num_records),), ()
    stretches, said = _found_stretches(header)
    if len(stretches) > 1 and not header.is_discontinuous:
        text = (
            f"the header says that it has no gaps, and the times of its records tell of {len(stretches) - 1}"
        )
        said.insert(0, Decision(text))
    return tuple(stretches), tuple(said)


def _tolerance(header: Header) -> float:
    """How much later than the end of the one before it a record begins without a gap: half a sample, or 1 ms."""
    most = max((s.samples_per_record for s in header.signals if not s.is_annotations), default=0)
    return max(_SHORTEST_GAP, float(header.record_seconds) / max(1, most) / 2)


def _onsets(header: Header, records: range) -> Iterator[float | None]:
    signal = header.annotation_signals[0]
    length = min(_ONSET_BYTES, signal.samples_per_record * header.sample_bytes)
    for found in record_bytes(header, signal.record_offset, length, records):
        told = _ONSET.match(found)
        yield None if told is None else float(told[1].replace(b",", b"."))


def _found_stretches(header: Header) -> tuple[list[Stretch], list[Decision]]:
    seconds, tolerance = float(header.record_seconds), _tolerance(header)
    stretches: list[Stretch] = []
    start, count, before = 0.0, 0, float("-inf")
    untold, overlapping, furthest = 0, 0, 0.0
    for record, onset in enumerate(_onsets(header, range(header.num_records))):
        if onset is None:
            untold, count = untold + 1, count + 1
            continue
        if onset < before:
            raise ReaderError(
                f"record {record + 1} begins at {onset:.6g} s, before record {record}, which does at {before:.6g} s: "
                "its records are out of order; sort them (EDFbrowser or a program of its kind can) and try again",
                file=header.path,
            )
        end = start + count * seconds
        if before == float("-inf"):
            # Records before the first that tells its time lie before that.
            start = onset - count * seconds
        elif onset - end > tolerance:
            stretches.append(Stretch(start, count))
            start, count = onset, 0
            if len(stretches) > _MOST_STRETCHES:
                raise ReaderError(f"has more than {_MOST_STRETCHES} gaps, too many to show", file=header.path)
        elif end - onset > tolerance:
            overlapping, furthest = overlapping + 1, max(furthest, end - onset)
        count, before = count + 1, onset
    stretches.append(Stretch(start, count))
    return stretches, list(_said(untold, overlapping, furthest))


def _said(untold: int, overlapping: int, furthest: float) -> Iterator[Decision]:
    if untold:
        yield Decision(
            f"{untold} records do not tell when they begin: they follow the one before them", is_guess=True
        )
    if overlapping:
        yield Decision(
            f"{overlapping} records begin before the end of those before them (by up to {furthest:.6g} s): their "
            "samples are put behind those, later than the file says",
            is_guess=True,
        )
