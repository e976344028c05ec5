"""The phy and Kilosort folders that belong to a SpikeGLX run."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.phy.offers import sorting_folders
from seriesview.readers.phy.params import read_params
from seriesview.readers.phy.sorting import Sorting
from seriesview.readers.spikeglx.streams import Stream

_LIKE_SORTING = re.compile(r"kilosort|sort|phy|ks\d|catgt", re.IGNORECASE)
_DEEPEST_BESIDE = 3
_MOST_SORTINGS = 100


def sortings_of(
    folder: Path, streams: list[Stream], problems: list[ReaderError]
) -> list[tuple[str, Sorting]]:
    """Sortings in the folder, and those beside it whose dat_path names one of its files, with what to call each by.

    That is the probe that was sorted, with the folder's name where several are of one probe. What cannot be read
    is added to `problems`.
    """
    opened: list[tuple[str, Path, Sorting]] = []
    for place in [*sorting_folders(folder), *_beside(folder, streams)][:_MOST_SORTINGS]:
        try:
            sorting = Sorting(place, streams=streams, likely=_likely(place, folder, streams))
        except ReaderError as error:
            problems.append(error)
            continue
        opened.append((_probe(sorting, streams), place, sorting))
    times = Counter(probe for probe, _, _ in opened)
    names = [
        ".".join(
            part for part in (probe, _short(place, folder) if times[probe] > 1 or not probe else "") if part
        )
        for probe, place, _ in opened
    ]
    unique = [name if names.count(name) == 1 else f"{name}_{number}" for number, name in enumerate(names, 1)]
    return [(f"{name}.", sorting) for name, (_, _, sorting) in zip(unique, opened, strict=True)]


def _likely(place: Path, folder: Path, streams: list[Stream]) -> Stream | None:
    """The probe in whose folder a sorting lies, or the only one of the run."""
    probes = [stream for stream in streams if stream.first.saved.of_kind("AP")]
    for above in [place, *place.parents]:
        near = [stream for stream in probes if stream.first.path.parent == above]
        if near or above == folder:
            return near[0] if len(near) == 1 else None
    return None


def _beside(folder: Path, streams: list[Stream]) -> list[Path]:
    files = {piece.file.path.name for stream in streams for piece in stream.pieces}
    runs = {stream.first.name.run for stream in streams}
    try:
        entries = sorted(
            entry.name for entry in os.scandir(folder.resolve().parent) if entry.is_dir(follow_symlinks=False)
        )
    except OSError:
        return []
    found: list[Path] = []
    for name in entries:
        place = folder.resolve().parent / name
        if place == folder.resolve() or not (_LIKE_SORTING.search(name) or any(run in name for run in runs)):
            continue
        found.extend(each for each in sorting_folders(place, _DEEPEST_BESIDE) if _names(each, files))
    return found


def _names(sorting: Path, files: set[str]) -> bool:
    """Whether what was sorted is one of the files, by name."""
    try:
        said = read_params(sorting).dat_paths
    except ReaderError:
        return False
    return any(text.replace("\\", "/").rpartition("/")[2] in files for text in said)


def _probe(sorting: Sorting, streams: list[Stream]) -> str:
    """The probe that was sorted, as the streams of the folder call it; empty where it is none of theirs."""
    known = sorting.clock.stream
    for stream in streams:
        if known is not None and known.first.path in [piece.file.path for piece in stream.pieces]:
            return re.sub(r"\.(ap|lf)\b", "", stream.dataset)
    return ""


def _short(place: Path, folder: Path) -> str:
    parts = place.relative_to(folder).parts if place.is_relative_to(folder) else place.parts[-2:]
    return ".".join(part for part in parts if part not in (".", "sorter_output")) or place.name
