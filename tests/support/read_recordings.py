"""What tests of readers do with each recording: open it, and read its samples."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.readers import ReadOptions, Recording
from seriesview.readers.registry import open_recording


def opened(path: Path, dataset: str | None = None, **options: Any) -> Recording:
    """A recording by the reader that takes it for its own."""
    return open_recording(path, options=ReadOptions(dataset=dataset, **options))


def stored(recording: Recording, first: int = 0, last: int | None = None) -> npt.NDArray[Any]:
    """Samples [first, last) as they are stored, in one piece."""
    out = np.empty(((last or recording.num_samples) - first, recording.num_channels), recording.dtype)
    recording.read_into(first, out)
    return out
