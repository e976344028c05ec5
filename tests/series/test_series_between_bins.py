"""Windows whose columns begin between bins: exact as brute force, from bins and few samples."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from series_builder import store_series

import seriesview
from seriesview.envelope.missing import Missing
from seriesview.series import between_bins
from seriesview.store import open_store

DTYPES = ["int8", "int16", "int64", "uint8", "uint64", "float16", "float32", "float64"]


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


FACTORS = [(4, 16, 64), (4, 8), (3, 9), (5,), (7, 14, 28), (16,)]


def brute(samples, missing):
    """Lowest and highest (2, C) of what is not missing, one value after the other."""
    found = np.empty((2, samples.shape[1]), samples.dtype)
    for channel, rule in enumerate(missing):
        values = [
            value
            for value in samples[:, channel].tolist()
            if not math.isnan(value)
            and value not in rule.values
            and not (rule.below is not None and value < rule.below)
            and not (rule.above is not None and value > rule.above)
        ]
        fill = rule.fill(samples.dtype)
        found[:, channel] = (min(values), max(values)) if values else (fill, fill)
    return found + np.zeros((), samples.dtype) if samples.dtype.kind == "f" else found


@st.composite
def recordings(draw):
    """Segments (n, C) with runs of missing values, and what is missing in each channel."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    width = draw(st.integers(1, 3))
    numbers = st.integers(0, 100)
    if dtype.kind == "f":
        numbers = st.integers(-100, 100) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0])
    rule = st.builds(
        Missing,
        st.sampled_from([(), (0,), (100, 7)]),
        st.sampled_from([None, 3]),
        st.sampled_from([None, 90]),
    )
    rules = draw(st.lists(rule, min_size=width, max_size=width)) if draw(st.booleans()) else None
    segments = []
    for length in draw(st.lists(st.integers(1, 300), min_size=1, max_size=3)):
        segment = draw(hnp.arrays(dtype, (length, width), elements=numbers, fill=numbers))
        begin = draw(st.integers(0, length))
        segment[begin : begin + draw(st.integers(0, 120))] = 0
        segments.append(segment)
    return segments, rules


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    recording=recordings(),
    factors=st.sampled_from(FACTORS),
    block=st.sampled_from([1, 10**6]),
)
def test_columns_between_bins_are_what_brute_force_finds(data, recording, factors, block):
    segments, rules = recording
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(between_bins, "_READ_BYTES", -(10**9))
        patch.setattr(between_bins, "_BLOCK_BYTES", block)
        patch.setattr(between_bins, "_COLUMN_BYTES", data.draw(st.sampled_from([100, 10**9, 10**9])))
        store = open_store(Path(directory) / "store", "embedded")
        times = None
        if data.draw(st.booleans()):
            times = [np.cumsum(np.linspace(0.5, 2.0, len(s))) + 1000 * n for n, s in enumerate(segments)]
        how = data.draw(st.sampled_from(["store", "link"]))
        link = Path(directory) / "raw.dat"
        uri = store_series(
            store,
            segments,
            factors,
            samples=how,
            link_path=link,
            timestamps=times,
            missing=rules,
            moments=(),
            part_rows=37,
        )
        series = seriesview.open_series(uri, store)
        for _ in range(4):
            number = data.draw(st.integers(0, len(segments) - 1))
            samples = segments[number]
            first = data.draw(st.integers(0, len(samples) - 1))
            step = data.draw(st.integers(2, 150))
            columns = data.draw(st.integers(1, 60))
            chosen = data.draw(st.lists(st.integers(0, samples.shape[1] - 1), min_size=1, unique=True))
            found = series.window(number, first, step, columns, [f"ch{c}" for c in chosen])
            begins = range(first, max(len(samples) - 1, first + 1), step)[:columns]
            expected = [
                brute(
                    samples[begin : begin + step + 1, chosen], [(rules or [Missing()] * 3)[c] for c in chosen]
                )
                for begin in begins
            ]
            np.testing.assert_array_equal(found, np.stack(expected))
            assert not np.signbit(found[found == 0]).any()
            assert found.dtype == samples.dtype
            assert found.flags.writeable


@pytest.mark.parametrize("samples_per_column", [101, 1000, 4097])
def test_few_samples_are_read(store, monkeypatch, samples_per_column):
    monkeypatch.setattr(between_bins, "_READ_BYTES", 0)
    samples = np.random.default_rng(3).integers(-999, 999, (20_000, 2)).astype(np.int16)
    series = seriesview.open_series(store_series(store, [samples], (16, 64), (), part_rows=512), store)
    whole, read = series._pyramid.samples, []

    class Counted:
        def read(self, first, last, channels):
            read.append(last - first)
            return whole.read(first, last, channels)

    series._pyramid.samples = Counted()
    columns = 19_000 // samples_per_column
    found = series.window(0, 7, samples_per_column, columns)
    for column in range(columns):
        begin = 7 + column * samples_per_column
        stretch = samples[begin : begin + samples_per_column + 1]
        np.testing.assert_array_equal(found[column], [stretch.min(axis=0), stretch.max(axis=0)])
    assert 0 < sum(read) <= (columns + 1) * (31 if samples_per_column < 1000 else 127)
