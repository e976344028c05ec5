"""What SpikeInterface saves in folders: recordings (`binary`), sortings, and the sorting of an analyzer.

Its Zarr folders are read by the reader of Zarr. What it saves as a recipe (`.json`, `.pkl`) names classes to run, and
is not followed: that is loaded in Python.
"""

from __future__ import annotations

from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Candidate, ReadOptions, Recording
from seriesview.readers.spikeinterface.recordings import (
    BINARY,
    BinaryFolderRecording,
    SavedRecording,
    read_saved,
)
from seriesview.readers.spikeinterface.sortings import NPZ, NUMPY, count_spikes, open_sorting, read_sorting

_ANALYZER = "spikeinterface_info.json"
_FILES = (BINARY, NUMPY, NPZ, _ANALYZER)


class SpikeInterfaceReader:
    """Reader of folders that SpikeInterface saved, or of the file in them that describes them."""

    name = "spikeinterface"
    reads_folders = True

    def can_read(self, path: Path) -> bool:
        """Whether the folder, or that of the file, has a description of SpikeInterface's; looks at names alone."""
        try:
            return path.name in _FILES if path.is_file() else any((path / name).is_file() for name in _FILES)
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Recordings and sortings, one for each segment where these share no clock. Raises ReaderError."""
        folder = path.parent if path.is_file() else path
        found: list[Candidate] = []
        if (folder / BINARY).is_file():
            found.extend(_of_recording(read_saved(folder)))
        sorting = _sorting_folder(folder)
        if sorting is not None:
            found.extend(_of_sorting(sorting))
        if not found:
            raise ReaderError(f"an analyzer without a sorting in its folder {folder / 'sorting'}", file=path)
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the recording, the units, or one segment (`segment 0`, `units segment 0`); raises ReaderError."""
        folder = path.parent if path.is_file() else path
        found = self.candidates(path)
        fitting = [each for each in found if options.dataset in (None, each.dataset)]
        if not fitting or (options.dataset is None and len(fitting) > 1):
            names = ", ".join(each.dataset or "(the whole)" for each in found[:20])
            raise ReaderError(f"dataset: choose one of {names}", file=path)
        chosen = fitting[0]
        number = int(chosen.dataset.rpartition(" ")[2]) if chosen.dataset and " " in chosen.dataset else None
        if chosen.role == "units":
            sorting = _sorting_folder(folder)
            assert sorting is not None
            return open_sorting(path, read_sorting(sorting), number or 0, options)
        return BinaryFolderRecording(path, read_saved(folder), number, options)


def _sorting_folder(folder: Path) -> Path | None:
    """Where the sorting of a folder is: in it, or in the folder `sorting` of an analyzer."""
    for each in (folder, folder / "sorting"):
        if (each == folder or (folder / _ANALYZER).is_file()) and any(
            (each / name).is_file() for name in (NUMPY, NPZ)
        ):
            return each
    return None


def _of_recording(saved: SavedRecording) -> list[Candidate]:
    numbers = [None] if saved.is_one_series else list(range(len(saved.segments)))
    found = []
    for number in numbers:
        segments = saved.segments if number is None else (saved.segments[number],)
        dataset = None if number is None else f"segment {number}"
        found.append(
            Candidate(
                dataset,
                "continuous",
                str(segments[0].layout.dtype),
                (sum(each.layout.num_samples for each in segments), len(saved.channel_ids)),
                None if number is not None and segments[0].times is not None else saved.rate,
                "uV" if "gain_to_uV" in saved.properties else None,
                {} if dataset is None else {"dataset": dataset},
                label=saved.folder.name if dataset is None else f"{saved.folder.name} ({dataset})",
                role=saved.role,
            )
        )
    return found


def _of_sorting(folder: Path) -> list[Candidate]:
    count = read_sorting(folder).num_segments if count_spikes(folder) else 1
    found = []
    for number in range(min(count, 1000)):
        dataset = "units" if count == 1 else f"units segment {number}"
        label = "Units" if count == 1 else f"Units (segment {number})"
        shape = (count_spikes(folder),) if count == 1 else ()
        options = {"dataset": dataset}
        found.append(
            Candidate(dataset, "event", "float64", shape, None, None, options, label=label, role="units")
        )
    return found
