"""Samples of a series made with `SVSeries`: one timestamps file and one values file a segment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import IntegrityError
from seriesview.series.manifest import SegmentInfo, SeriesManifest

if TYPE_CHECKING:
    from seriesview.store import Store

Selection = slice | npt.NDArray[np.intp]


def width(channels: Selection) -> int:
    """How many channels are chosen."""
    return channels.stop - channels.start if isinstance(channels, slice) else len(channels)


class SegmentFiles:
    """Samples of a series made with `SVSeries`: one values file a segment."""

    def __init__(self, store: Store, manifest: SeriesManifest) -> None:
        self._store = store
        self._manifest = manifest
        self._first = [0, *accumulate(segment.num_samples for segment in manifest.segments)]
        self._values: dict[int, npt.NDArray[Any]] = {}

    def read(self, first: int, last: int, channels: Selection) -> npt.NDArray[Any]:
        """Samples [first, last) of the chosen channels (n, C)."""
        pieces = [
            self._segment(number)[max(first - begin, 0) : last - begin]
            for number, begin in enumerate(self._first[:-1])
            if begin < last and first < self._first[number + 1]
        ]
        shape = (0, self._manifest.num_channels)
        rows = np.concatenate(pieces) if len(pieces) != 1 else pieces[0]
        return rows[:, channels] if pieces else np.empty(shape, self._manifest.dtype)[:, channels]

    def close(self) -> None:
        """Nothing is open."""

    def _segment(self, number: int) -> npt.NDArray[Any]:
        values = self._values.get(number)
        if values is None:
            values = load_values(self._store, self._manifest.segments[number], self._manifest.num_channels)
            self._values[number] = values = values.astype(self._manifest.dtype, copy=False)
        return values


def load_values(store: Store, segment: SegmentInfo, num_channels: int) -> npt.NDArray[Any]:
    """The values file of a segment (num_samples, C), checked by SHA-1; raises IntegrityError."""
    assert segment.values_uri is not None
    assert segment.values_dtype is not None
    shape = (segment.num_samples, num_channels)
    return _load(store, segment.values_uri, segment.values_dtype, shape)


def load_timestamps(store: Store, segment: SegmentInfo) -> npt.NDArray[np.float64 | np.float32]:
    """The timestamps file of a segment (num_samples,), checked by SHA-1; raises IntegrityError."""
    assert segment.timestamps_uri is not None
    assert segment.timestamps_dtype is not None
    return _load(store, segment.timestamps_uri, segment.timestamps_dtype, (segment.num_samples,))


def _load(store: Store, uri: str, dtype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    data = np.frombuffer(store.get_bytes(uri), np.dtype(dtype).newbyteorder("<"))
    if data.size != np.prod(shape):
        raise IntegrityError(f"{uri}: {data.size} {dtype} values, the manifest says {tuple(shape)}")
    return data.reshape(shape)
