"""Segments that a reader tells: what is made of them is what timestamps that say the same give."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import Dataset, dataset_from_config, unused_keys
from seriesview.build.plan import timeline_of
from seriesview.errors import ReaderError
from seriesview.readers import Channel, Recording, Segment
from seriesview.store import open_store

RATE = 1000.0
Parts = list[tuple[int, int]]


class Held(Recording):
    """Samples in memory, in parts of (samples, samples missing before them)."""

    def __init__(self, parts: Parts, channels: int, is_timed: bool = False) -> None:
        self.type = "continuous"
        self.path = Path("held")
        self.dtype = np.dtype(np.int16)
        self.num_samples = sum(count for count, _ in parts)
        self.channels = tuple(Channel(str(index), str(index)) for index in range(channels))
        random = np.random.default_rng(self.num_samples)
        self.samples = random.normal(0, 300, (self.num_samples, channels)).astype(np.int16)
        place, segments, times = 0, [], [np.empty(0)]
        for count, gap in parts:
            place += gap
            segments.append(Segment(place / RATE, count))
            times.append(np.arange(place, place + count) / RATE)
            place += count
        self.sampling_frequency = None if is_timed else RATE
        self.segments = None if is_timed else tuple(segments)
        self._times = np.concatenate(times)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        out[:] = self.samples[first_sample : first_sample + len(out)]

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        assert self.segments is None, "no timestamps are asked for"
        return self._times[first_sample:last_sample]


def dataset(**more: Any) -> Dataset:
    return dataset_from_config("held", {"path": "held", "full_resolution": "store", **more})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(2, 6000), st.integers(10, 5000)), min_size=1, max_size=6),
    channels=st.sampled_from([1, 5]),
)
def test_they_give_what_timestamps_give(parts: Parts, channels: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store", "embedded")
        made = [
            build_artifacts(
                dataset(),
                Job(store, Path(directory) / f"{is_timed}.jsonl", held=Held(parts, channels, is_timed)),
            )["manifest"]
            for is_timed in (False, True)
        ]
    if sum(count for count, _ in parts) > 2 * len(parts):
        assert made[0]["sampling_frequency"] == RATE
    lengths = [segment["num_samples"] for segment in made[0]["segments"]]
    assert lengths == [count for count, _ in parts]
    if [segment["num_samples"] for segment in made[1]["segments"]] == lengths:
        assert made[0] == made[1]


def test_what_cannot_be_is_refused() -> None:
    recording = Held([(100, 0), (100, 50)], 2)
    assert recording.segments is not None
    first, second = recording.segments
    for segments, said in (
        ((first,), "its segments are told to have 100 samples, and there are 200"),
        ((second, first), r"segment 1 begins at 0 s, before the end of the one before it \(0.25 s\)"),
        ((first, Segment(0.05, 100)), "segment 1 begins at 0.05 s"),
        ((first, Segment(float("nan"), 100)), "segment 1 begins at nan s"),
        ((Segment(0, 300), Segment(1, -100)), "its segments are told to have 200 samples"),
    ):
        recording.segments = segments
        with pytest.raises(ReaderError, match=said):
            timeline_of(recording, dataset())


def test_keys_of_clocks_mean_something_or_it_is_said() -> None:
    recording = Held([(100, 0), (100, 50)], 2)
    moved = timeline_of(recording, dataset(start_time=10))
    assert [(part.start_time, part.end_time) for part in moved.segments] == [(10.0, 10.1), (10.15, 10.25)]
    said = unused_keys(dataset(max_gap_seconds=1, max_time_shift=0.1), recording)
    assert (
        said
        == "max_gap_seconds, max_time_shift: not used, as the recording itself says where its segments begin"
    )
    assert unused_keys(dataset(), recording) is None
    assert unused_keys(dataset(max_gap_seconds=1), Held([(100, 0)], 1, is_timed=True)) is None


def test_no_timestamps_are_made_of_an_hour_in_two_parts() -> None:
    """108,000,000 samples of one channel, of which only the plan is made."""
    recording = Held([(2, 0), (2, 10)], 1)
    recording.num_samples = 108_000_000
    recording.segments = (Segment(0.0, 54_000_000), Segment(2000.0, 54_000_000))
    recording.sampling_frequency = 30_000.0
    timeline = timeline_of(recording, dataset())
    assert [part.end_time for part in timeline.segments] == [1800.0, 3800.0]
