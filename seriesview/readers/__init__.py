"""Files in: one module a format, one small protocol, found by entry point."""

from seriesview.readers.protocol import (
    Candidate,
    Channel,
    Decision,
    Missing,
    Reader,
    ReadOptions,
    Recording,
    Role,
    Segment,
    SeriesType,
)
from seriesview.readers.registry import find_readers, guess_reader, list_candidates, open_recording

__all__ = [
    "Candidate",
    "Channel",
    "Decision",
    "Missing",
    "ReadOptions",
    "Reader",
    "Recording",
    "Role",
    "Segment",
    "SeriesType",
    "find_readers",
    "guess_reader",
    "list_candidates",
    "open_recording",
]
