"""get_statistics, against brute force and through JSON."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from figurl_reader import ask
from hypothesis import given, settings
from hypothesis import strategies as st
from series_builder import lowest_highest, store_series
from test_tasks_windows import segments

from seriesview.errors import TaskError
from seriesview.store import open_store
from seriesview.tasks import TaskContext


@settings(max_examples=50, deadline=None)
@given(data=st.data(), arrays=segments(), how=st.sampled_from(["store", "link"]))
def test_statistics_of_any_span(data, arrays, how):
    number = data.draw(st.integers(0, len(arrays) - 1))
    length, width = arrays[number].shape
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first, length - 1))
    channel = data.draw(st.none() | st.integers(0, width - 1))
    with tempfile.TemporaryDirectory() as directory:
        context = TaskContext(open_store(Path(directory) / "store", "embedded"))
        uri = store_series(context.store, arrays, samples=how, link_path=Path(directory) / "raw.dat")
        found = ask(
            context,
            "get_statistics.1",
            series_uri=uri,
            segment=number,
            first_sample=first,
            last_sample=last,
            channels=None if channel is None else [f"ch{channel}"],
        )
    span = (
        arrays[number][first : last + 1] if channel is None else arrays[number][first : last + 1, [channel]]
    )
    assert set(found) == {"count", "mean", "rms", "std", "min", "max"}
    np.testing.assert_array_equal(np.stack([found["min"], found["max"]]), lowest_highest(span))
    for column, values in enumerate(span.T):
        numbers = [float(value) for value in values if math.isfinite(value)]
        assert found["count"][column] == len(numbers)
        if not numbers:
            assert all(math.isnan(found[name][column]) for name in ("mean", "rms", "std"))
            continue
        mean = math.fsum(numbers) / len(numbers)
        std = math.sqrt(math.fsum((n - mean) ** 2 for n in numbers) / len(numbers))
        rms = math.sqrt(math.fsum(n * n for n in numbers) / len(numbers))
        scale = max(abs(n) for n in numbers)
        for name, expected in (("mean", mean), ("std", std), ("rms", rms)):
            assert found[name][column] == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale + 1e-300)


def test_without_raw_samples_whole_bins_alone(store):
    context = TaskContext(store)
    samples = np.arange(200, dtype=np.int16)[:, None]
    uri = store_series(store, [samples], samples="omit")
    found = ask(context, "get_statistics.1", series_uri=uri, segment=0, first_sample=8, last_sample=63)
    assert (found["count"].tolist(), found["mean"].tolist()) == ([56], [35.5])
    with pytest.raises(TaskError, match="begin at a multiple of 8"):
        ask(context, "get_statistics.1", series_uri=uri, segment=0, first_sample=7, last_sample=63)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"last_sample": 200}, "of 200 samples"),
        ({"first_sample": 6, "last_sample": 5}, "last_sample: expected an integer from 6"),
        ({"segment": 9}, "the series has 1 segments"),
        ({"last_sample": None}, "found null"),
        ({"channels": "ch0"}, "found 'ch0'"),
    ],
)
def test_what_cannot_be_asked(store, wrong, message):
    context = TaskContext(store)
    uri = store_series(store, [np.zeros((200, 2), np.int16)])
    arguments = {"segment": 0, "first_sample": 0, "last_sample": 5} | wrong
    with pytest.raises(TaskError, match=message):
        ask(context, "get_statistics.1", series_uri=uri, **arguments)
