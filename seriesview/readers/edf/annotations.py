"""Annotations of EDF+ and BDF+: lists of a time, a duration and texts (edfplus.info/specs/edfplus.html, 2.2.2)."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.edf.header import Header
from seriesview.readers.edf.record_times import record_bytes
from seriesview.readers.edf.stages import are_stages
from seriesview.readers.protocol import Decision

_TIMES = re.compile(rb"\s*([+-]?\d{1,20}(?:[.,]\d{0,40})?)\s*(?:\x15\s*(\d{0,40}(?:[.,]\d{0,40})?)\s*)?")
_MOST_BYTES_A_RECORD = 64 << 20
_MOST_ANNOTATIONS = 2_000_000
_MOST_TEXT = 64 << 20
_LONGEST_TEXT = 4096


@dataclass(frozen=True)
class Annotations:
    """Onsets float64 (n,) in seconds from the header's clock, durations (n,), 0 where none is told, and texts."""

    onsets: npt.NDArray[np.float64]
    durations: npt.NDArray[np.float64]
    texts: tuple[str, ...]
    decisions: tuple[Decision, ...]


# Listing and opening ask again, and the whole file may have to be read for them.
@lru_cache(maxsize=2)
def read_annotations(header: Header) -> Annotations:
    """All annotations in the order of the file, but those that only tell a record's time. Raises ReaderError."""
    onsets, durations = array("d"), array("d")
    texts: list[str] = []
    known: dict[bytes, str] = {}
    unread, text_bytes = 0, 0
    for content in _contents(header):
        for entry in content.split(b"\0"):
            # Nothing but padding, or the time of the record without a text.
            if entry.strip(b"\x14 ") == b"":
                continue
            times, _, rest = entry.partition(b"\x14")
            told = _TIMES.fullmatch(times)
            if told is None:
                unread += 1
                continue
            onset, duration = _seconds(told[1]), _seconds(told[2])
            for text in filter(None, rest.split(b"\x14")):
                label = known.get(text)
                if label is None:
                    text_bytes += len(text)
                    label = known[text] = _decoded(text)
                if not label:
                    continue
                onsets.append(onset)
                durations.append(duration)
                texts.append(label)
        if len(texts) > _MOST_ANNOTATIONS or text_bytes > _MOST_TEXT:
            raise ReaderError(
                f"has more than {min(len(texts), _MOST_ANNOTATIONS)} annotations, too many to show",
                file=header.path,
            )
    said = (
        [Decision(f"{unread} annotations without a time that can be read are left out", is_warning=True)]
        if unread
        else []
    )
    return Annotations(np.array(onsets), np.array(durations), tuple(texts), tuple(said))


def _contents(header: Header) -> Iterator[bytes]:
    """What annotation signals hold, record by record."""
    for signal in header.annotation_signals:
        length = signal.samples_per_record * header.sample_bytes
        if length > _MOST_BYTES_A_RECORD:
            raise ReaderError(
                f"signal {signal.index} has {length} bytes of annotations a record, too many to read",
                file=header.path,
            )
        yield from record_bytes(header, signal.record_offset, length, range(header.num_records))


def _seconds(text: bytes | None) -> float:
    return float(text.replace(b",", b".")) if text and text not in (b".", b",") else 0.0


def _decoded(text: bytes) -> str:
    try:
        found = text.decode()
    except UnicodeDecodeError:
        found = text.decode("latin-1")
    plain = " ".join("".join(each if each.isprintable() else " " for each in found).split())
    # Behind @@ stands the label of the signal that a text is about; a stage is about the sleeper.
    words, at, signal = (part.strip() for part in plain.partition("@@"))
    if at and words and signal:
        plain = words if are_stages([words])[0] else f"{words} ({signal})"
    return plain[:_LONGEST_TEXT]
