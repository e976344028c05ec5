"""Times of samples and events: from a rate, from stored timestamps, or from the files of segments."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.manifest import SegmentInfo, SeriesManifest
from seriesview.series.segment_files import load_timestamps

if TYPE_CHECKING:
    from seriesview.store import Store

Floats = npt.NDArray[np.float64]
MANY_PARTS = 64


class SegmentTimes(Protocol):
    """Times, in seconds and never falling, of the samples of one segment."""

    def __len__(self) -> int: ...

    def read(self, first: int, last: int) -> Floats:
        """Times (last - first,) of samples [first, last) of the segment."""
        ...

    def count_before(self, times: Floats, inclusive: bool) -> npt.NDArray[np.int64]:
        """How many samples lie before each of the sorted `times` (inclusive: or at it)."""
        ...

    def reach(self) -> tuple[float, float] | None:
        """Times of the first and the last sample; None without samples."""
        ...


class RegularTimes:
    """Sample i is at start_time + i / sampling_frequency, the index an integer."""

    def __init__(self, segment: SegmentInfo, sampling_frequency: float) -> None:
        self._start = segment.start_time
        self._rate = sampling_frequency
        self._length = segment.num_samples

    def __len__(self) -> int:
        return self._length

    def read(self, first: int, last: int) -> Floats:
        """Times (last - first,) of samples [first, last)."""
        return self._start + np.arange(first, last, dtype=np.int64) / self._rate

    def count_before(self, times: Floats, inclusive: bool) -> npt.NDArray[np.int64]:
        """How many samples lie before each of the sorted `times` (inclusive: or at it)."""
        guess = np.clip((times - self._start) * self._rate, -1, self._length).astype(np.int64)
        index = guess + np.arange(-1, 3)[:, None]
        at = self._start + index / self._rate
        before = (at <= times) if inclusive else (at < times)
        counts: npt.NDArray[np.int64] = np.clip(guess - 1 + before.sum(axis=0), 0, self._length)
        return counts

    def reach(self) -> tuple[float, float] | None:
        """Times of the first and the last sample; None without samples."""
        if not self._length:
            return None
        return float(self._start), self._start + (self._length - 1) / self._rate


class StoredTimes:
    """Times in the rows [first_row, first_row + num_rows) of a stored array."""

    def __init__(self, array: ArrayReader, first_row: int, num_rows: int) -> None:
        self._array = array
        self._first = first_row
        self._length = num_rows
        self._reach: tuple[float, float] | None = None

    def __len__(self) -> int:
        return self._length

    def read(self, first: int, last: int) -> Floats:
        """Times (last - first,) of samples [first, last)."""
        return self._array.read(self._first + first, self._first + last)

    def count_before(self, times: Floats, inclusive: bool) -> npt.NDArray[np.int64]:
        """How many samples lie before each of the sorted `times` (inclusive: or at it)."""
        if not self._length:
            return np.zeros(len(times), np.int64)
        low, high = self._part_of(times[0], inclusive), self._part_of(times[-1], inclusive)
        if high - low < MANY_PARTS:
            firsts = np.array([self._first_of(part) for part in range(low + 1, high + 1)])
            parts = low + np.searchsorted(firsts, times, "right" if inclusive else "left")
        else:
            parts = np.array([self._part_of(time, inclusive) for time in times])
        found = np.empty(len(times), np.int64)
        for part in np.unique(parts):
            begin, end = self._rows(int(part))
            chosen = parts == part
            inside = np.searchsorted(
                self._array.read(begin, end), times[chosen], "right" if inclusive else "left"
            )
            found[chosen] = begin - self._first + inside
        return found

    def reach(self) -> tuple[float, float] | None:
        """Times of the first and the last sample; None without samples."""
        if self._reach is None and self._length:
            self._reach = float(self.read(0, 1)[0]), float(self.read(self._length - 1, self._length)[0])
        return self._reach

    def _rows(self, part: int) -> tuple[int, int]:
        size = self._array.info.part_rows
        last = self._first + self._length
        return max(part * size, self._first), min((part + 1) * size, last)

    def _first_of(self, part: int) -> float:
        begin, _ = self._rows(part)
        return float(self._array.read(begin, begin + 1)[0])

    def _part_of(self, time: float, inclusive: bool) -> int:
        """The part in which counting the samples before `time` ends."""
        size = self._array.info.part_rows
        low, high = self._first // size, (self._first + self._length - 1) // size
        while low < high:
            middle = (low + high + 1) // 2
            first = self._first_of(middle)
            if first < time or (inclusive and first == time):
                low = middle
            else:
                high = middle - 1
        return low


class FileTimes:
    """Times in the timestamps file of a segment made with `SVSeries`."""

    def __init__(self, store: Store, segment: SegmentInfo, cache: PartCache) -> None:
        self._store = store
        self._segment = segment
        self._cache = cache
        self._reach: tuple[float, float] | None = None

    def __len__(self) -> int:
        return self._segment.num_samples

    def read(self, first: int, last: int) -> Floats:
        """Times (last - first,) of samples [first, last)."""
        return self._all()[first:last]

    def count_before(self, times: Floats, inclusive: bool) -> npt.NDArray[np.int64]:
        """How many samples lie before each of the sorted `times` (inclusive: or at it)."""
        return np.searchsorted(self._all(), times, "right" if inclusive else "left")

    def reach(self) -> tuple[float, float] | None:
        """Times of the first and the last sample; None without samples."""
        if self._reach is None and self._segment.num_samples:
            times = self._all()
            self._reach = float(times[0]), float(times[-1])
        return self._reach

    def _all(self) -> Floats:
        return load_timestamps(self._store, self._segment, self._cache).astype(np.float64, copy=False)


def open_times(store: Store, manifest: SeriesManifest, cache: PartCache) -> list[SegmentTimes]:
    """The times of every segment: its file's, the stored ones, or those that the rate gives."""
    array = manifest.events.times if manifest.events is not None else manifest.timestamps
    reader = None if array is None else ArrayReader(store, array, cache)
    firsts = [0, *accumulate(segment.num_samples for segment in manifest.segments)]
    found: list[SegmentTimes] = []
    for number, segment in enumerate(manifest.segments):
        if segment.timestamps_uri is not None:
            found.append(FileTimes(store, segment, cache))
        elif reader is not None:
            found.append(StoredTimes(reader, firsts[number], segment.num_samples))
        elif manifest.sampling_frequency is not None:
            found.append(RegularTimes(segment, manifest.sampling_frequency))
    return found
