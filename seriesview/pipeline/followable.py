"""What can be followed while it is written, and that nothing is written meanwhile where it is recorded to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from seriesview.build.dataset import Dataset
from seriesview.errors import BuildError, ReaderError
from seriesview.readers.registry import choose_reader, follows, is_remote, located, the_recording

_FOLLOWED = "flat binary, SpikeGLX and Open Ephys are; view or build it when it is whole"


def check_followable(datasets: Iterable[Dataset]) -> None:
    """Raise ReaderError, naming the dataset, where one is not followed; what is made of others comes at the end."""
    for dataset in datasets:
        if dataset.source is not None:
            continue
        path = located(dataset.path)
        if dataset.is_kachery_uri or is_remote(path):
            reason = "it is no file of this machine, and is not followed"
        else:
            reader = choose_reader(the_recording(path, dataset.reader), dataset.reader)
            if follows(reader):
                continue
            reason = f"what reader {reader.name} reads is not followed while it is written"
        problem = ReaderError(reason, file=dataset.path, advice=_FOLLOWED)
        raise problem.within(f"dataset {dataset.name}", dataset=dataset.name)


def check_apart(recordings: Iterable[str], places: Sequence[Path]) -> None:
    """Raise BuildError where a place that is written to is on the file system of a recording that is followed."""
    for recording in map(located, recordings):
        if not recording.exists():
            continue
        device = recording.stat().st_dev
        for place in places:
            if _there(place).stat().st_dev == device:
                raise BuildError(
                    f"{place}: is on the file system that {recording} is recorded to, which may not keep up",
                    advice="name others with --storage-dir and --directory, or say --same-disk",
                    path=str(place),
                )


def _there(place: Path) -> Path:
    """The place, or the nearest folder around it that there is."""
    return next(each for each in (place.absolute(), *place.absolute().parents) if each.exists())
