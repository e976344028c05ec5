"""What a plan of jobs needs to know of recordings: their states, told apart without reading samples."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from seriesview.build.dataset import Dataset
from seriesview.build.source import identify, identify_recording
from seriesview.errors import SeriesviewError
from seriesview.layout.remote_path import is_remote, located
from seriesview.readers.registry import is_alone, open_recording


def state_of(dataset: Dataset) -> str:
    """What tells one state of a recording's files from another, "" where there is none or its URI says it all.

    Of a file on another machine nothing is asked: its address stands for it.

    Of a file that is a recording by itself its size and time alone are looked at; else its headers are read, which say
    what belongs to it.
    """
    dataset = dataset.origin
    path = located(dataset.path)
    if dataset.is_kachery_uri or is_remote(path):
        return ""
    try:
        if not is_alone(path, dataset.reader) or _is_file(path, dataset.options.timestamps):
            with (
                suppress(SeriesviewError),
                open_recording(path, dataset.reader, dataset.options) as recording,
            ):
                told = json.dumps(identify_recording(recording).as_json(), sort_keys=True)
                return hashlib.sha1(told.encode()).hexdigest()
        now = identify(path)
    except OSError:
        return ""
    return f"{now.size}:{now.mtime_ns}"


def _is_file(path: Path, timestamps: str | None) -> bool:
    """Whether timestamps lie in a file of their own."""
    return timestamps is not None and (Path(timestamps).is_file() or (path.parent / timestamps).is_file())


def bytes_to_read(dataset: Dataset) -> int:
    """Bytes of a recording's file or folder, 0 where they are not known."""
    try:
        return 0 if dataset.is_kachery_uri else identify(located(dataset.path)).size
    except (OSError, SeriesviewError):
        return 0


def path_here(dataset: Dataset) -> Path | None:
    """The file or folder of a dataset, None where it is not there, on another machine, or named by its URI."""
    path = located(dataset.path)
    return None if dataset.is_kachery_uri or is_remote(path) or not path.exists() else path
