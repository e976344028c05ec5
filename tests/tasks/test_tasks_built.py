"""Tasks on series that were really built, from files to figurl."""

import numpy as np
import pytest
from built_series import built, saved
from figurl_reader import ask
from series_builder import lowest_highest
from test_tasks_windows import brute_columns

from seriesview.tasks import TaskContext

RANDOM = np.random.default_rng(8)


@pytest.mark.parametrize("how", ["link", "store", "omit"])
@pytest.mark.parametrize(("dtype", "channels"), [("int16", 6), ("float32", 1), ("uint8", 2)])
def test_windows_and_statistics_of_a_recording(store, tmp_path, how, dtype, channels):
    samples = (RANDOM.normal(100, 20, (30_000, channels))).astype(dtype)
    path = saved(tmp_path, samples)
    uri = built(store, path, sampling_frequency=1000, full_resolution=how)["uri"]
    context = TaskContext(store)
    base = ask(context, "get_series_manifest.1", series_uri=uri)["options"]["base"]
    windows = [(0, base), (base * 3, base * 5), (0, base * 64), (base * 20, 1024), (0, 40_960)]
    if how != "omit":
        windows += [(0, 1), (29_990, 1), (17, 2), (123, 77), (29_999, 5), (1, 29_998)]
    for first, per_column in windows:
        window = {"segment": 0, "first_sample": first, "samples_per_column": per_column, "columns": 200}
        found = ask(context, "get_window.1", series_uri=uri, **window)
        if per_column == 1:
            np.testing.assert_array_equal(found["values"], samples[first : first + 201])
        else:
            np.testing.assert_array_equal(found["envelope"], brute_columns(samples, first, per_column, 200))
        assert (found["factor"] == 1) == (per_column % base != 0 or first % base != 0)
    found = ask(context, "get_statistics.1", series_uri=uri, segment=0, first_sample=1024, last_sample=5119)
    span = samples[1024:5120].astype(np.float64)
    np.testing.assert_allclose(found["mean"], span.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["std"], span.std(axis=0), rtol=1e-9)
    reached = 5120 + (how == "omit")
    np.testing.assert_array_equal(found["max"], lowest_highest(samples[1024:reached])[1])


def test_points_of_irregular_samples(store, tmp_path):
    times = np.cumsum(RANDOM.exponential(0.1, 5000))
    values = RANDOM.normal(size=5000)
    table = tmp_path / "heart.csv"
    np.savetxt(table, np.column_stack([times, values]), "%.17g", ",", header="time,value", comments="")
    uri = built(store, table, name="heart", type="discrete")["uri"]
    context = TaskContext(store)
    found = ask(context, "get_points.1", series_uri=uri, start_time=10, end_time=12, max_points=100)
    inside = (times >= 10) & (times <= 12)
    np.testing.assert_array_equal(found["times"], times[inside])
    np.testing.assert_array_equal(found["values"][:, 0], values[inside])
    found = ask(context, "get_points.1", series_uri=uri, start_time=0, end_time=400, max_points=30)
    for column in range(30):
        inside = (found["edges"][column] <= times) & (times <= found["edges"][column + 1])
        assert found["counts"][column] == inside.sum()
        np.testing.assert_array_equal(
            found["envelope"][column], lowest_highest(values[inside][:, np.newaxis])
        )


@pytest.mark.parametrize(("dtype", "fill"), [("int16", -9999), ("uint8", 255), ("int64", 2**63 - 1)])
def test_missing_values_are_told_apart(store, tmp_path, dtype, fill):
    samples = RANDOM.integers(0, 200, (3000, 2)).astype(dtype)
    samples[500:900, 1] = fill
    samples[::7, 0] = fill
    uri = built(store, saved(tmp_path, samples), sampling_frequency=10, missing=fill)["uri"]
    context = TaskContext(store)
    # Doubles do not hold every 64-bit integer: there a missing value is NaN.
    sent = np.nan if dtype == "int64" else fill
    window = {"segment": 0, "first_sample": 490, "columns": 20}
    found = ask(context, "get_window.1", series_uri=uri, samples_per_column=1, **window)["values"]
    expected = samples[490:511].astype(np.float64)
    expected[samples[490:511] == fill] = sent
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == {"int16": np.int16, "uint8": np.uint8, "int64": np.float64}[dtype]
    found = ask(context, "get_window.1", series_uri=uri, samples_per_column=5, **window)["envelope"]
    for column in range(20):
        for channel in range(2):
            piece = samples[490 + 5 * column : 496 + 5 * column, channel]
            there = piece[piece != fill]
            pair = [there.min(), there.max()] if there.size else [sent, sent]
            np.testing.assert_array_equal(found[column, :, channel], pair)
    span = {"series_uri": uri, "segment": 0, "first_sample": 600, "last_sample": 800}
    found = ask(context, "get_statistics.1", **span)
    there = samples[600:801, 0][samples[600:801, 0] != fill]
    assert found["count"].tolist() == [len(there), 0]
    np.testing.assert_array_equal(found["min"], [there.min(), sent])
    assert np.isnan(found["mean"][1])
    points = ask(context, "get_points.1", series_uri=uri, start_time=0, end_time=300, max_points=8)
    assert points["envelope"].min() >= 0
    assert points["envelope"].max() <= 199
