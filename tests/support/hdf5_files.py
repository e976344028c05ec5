"""Writing small HDF5 files, and reading them back through the readers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from seriesview.errors import ReaderError
from seriesview.readers import Candidate, ReadOptions, Recording, list_candidates, open_recording

SAMPLES = np.arange(40, dtype=np.int16).reshape(20, 2)


def write(path: Path, fill: Callable[[h5py.File], object], **options: Any) -> Path:
    with h5py.File(path, "w", **options) as file:
        fill(file)
    return path


def opened(path: Path, dataset: str | None = None, **options: Any) -> Recording:
    return open_recording(path, options=ReadOptions(dataset=dataset, **options))


def read(recording: Recording, first: int = 0, last: int | None = None) -> Any:
    last = recording.num_samples if last is None else last
    out = np.empty((last - first, recording.num_channels), recording.dtype)
    recording.read_into(first, out)
    return out


def refused(path: Path, dataset: str | None = None, **options: Any) -> str:
    with pytest.raises(ReaderError) as error:
        opened(path, dataset, **options)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def by_path(path: Path) -> dict[str | None, Candidate]:
    return {candidate.dataset: candidate for candidate in list_candidates(path)}
