"""Points that the viewer's sources read of stored series are what Python reads of them, but for whole bins."""

import json

import numpy as np
import pytest
from series_builder import store_events, store_rows, store_series
from source_server import numbers, recording
from test_viewer_sources import check_windows

import seriesview
from seriesview.envelope.counts import count_level


def stepping(random, length):
    """Times that never fall, with repeats and a burst."""
    steps = random.choice([0.0, 0.01, 0.5, 1.0], length)
    steps[length // 2 : length // 2 + 50] = 0.001
    return np.cumsum(steps)


@pytest.mark.parametrize("samples", ["store", "omit"])
@pytest.mark.parametrize("timing", ["regular", "irregular"])
def test_points_of_samples(server, timing, samples):
    random = np.random.default_rng(6)
    segments = recording(random, "float32", [3000, 70, 500], 2)
    timestamps = None
    if timing == "irregular":
        starts = [0.0, 2500.0, 3000.0]
        timestamps = [start + stepping(random, len(s)) for start, s in zip(starts, segments, strict=True)]
    uri = store_series(server.store, segments, samples=samples, timestamps=timestamps, part_rows=64)
    series = seriesview.open_series(uri, server.store)
    end = max(segment.end_time for segment in series.segments)
    requests = []
    for _ in range(60):
        start = float(random.uniform(-10, end))
        length = float(10 ** random.uniform(-1, np.log10(end)))
        requests.append(("getPoints", uri, start, start + length, int(random.choice([5, 50, 400]))))
    exact = 0
    for (_, _, first, last, bins), found in zip(
        requests, server.values("static-files", requests), strict=True
    ):
        expected = series.points(first, last, bins)
        if expected.times is not None:
            np.testing.assert_array_equal(numbers(found["times"], -1), expected.times)
            np.testing.assert_array_equal(numbers(found["values"], (-1, 2)), expected.values)
            continue
        np.testing.assert_array_equal(numbers(found["edges"], -1), expected.edges)
        counts, envelope = numbers(found["counts"], -1), numbers(found["envelope"], (-1, 2, 2))
        if not found.get("approximate"):
            exact += 1
            np.testing.assert_array_equal(counts, expected.counts)
            if samples == "store":
                np.testing.assert_array_equal(envelope, expected.envelope)
            continue
        check_nearly(series, first, last, bins, counts, envelope, samples)
    assert exact or samples == "omit"


def check_nearly(series, first, last, bins, counts, envelope, samples):
    """What was rounded to whole bins lies between the columns made narrower and wider by bins."""
    column = (last - first) / bins
    times = np.concatenate([series.times(n, 0, s.num_samples) for n, s in enumerate(series.segments)])
    inside = ((first <= times) & (times <= last)).sum()
    assert counts.sum() == pytest.approx(inside, abs=bins + 2)
    if samples == "store":
        whole = series.time_window(first, last, 1).envelope[0]
        np.testing.assert_array_equal(np.fmin.reduce(envelope[:, 0]), whole[0])
        np.testing.assert_array_equal(np.fmax.reduce(envelope[:, 1]), whole[1])
    edges = first + column * np.arange(bins)
    for index in np.flatnonzero(counts)[:20]:
        around = series.time_window(edges[index] - column / 4, edges[index] + 1.25 * column, 1).envelope[0]
        if samples == "store" and not np.isnan(envelope[index]).all():
            assert (envelope[index, 0] >= around[0]).all() or np.isnan(envelope[index, 0]).any()
            assert (envelope[index, 1] <= around[1]).all() or np.isnan(envelope[index, 1]).any()


@pytest.mark.parametrize("kind", ["tasks", "tasks-decoded"])
def test_points_through_a_backend(server, kind):
    random = np.random.default_rng(7)
    segments = recording(random, "int16", [500], 2)
    uri = store_series(server.store, segments, timestamps=[stepping(random, 500)])
    events = store_events(server.store, np.sort(random.uniform(0, 50, 300)), random.integers(0, 4, 300), 4)
    asked = [("getPoints", each, 3.0, 40.0, most) for each in (uri, events) for most in (10, 5000)]
    for (_, each, first, last, most), found in zip(asked, server.values(kind, asked), strict=True):
        expected = vars(seriesview.open_series(each, server.store).points(first, last, most))
        assert {key for key, value in expected.items() if value is not None} == set(found)
        for key, value in found.items():
            np.testing.assert_array_equal(numbers(value, expected[key].shape), expected[key])


def counted_events(store, times, channels, num_channels, widths):
    """URI of an event series with counts of these bin widths."""
    manifest = store.get_json(store_events(store, times, channels, num_channels, part_rows=128))
    start = float(times[0])
    for width in widths:
        bins = int((times[-1] - start) // width) + 1
        rows = count_level(times, channels, num_channels, start, width, bins)
        array = store_rows(store, rows, 50).to_json_dict()
        manifest["counts"].append({"bin_seconds": width, "start_time": start, **array})
    return store.put_json(manifest, name="events.json")


def test_few_events_are_exact(server):
    random = np.random.default_rng(8)
    times = np.round(np.sort(random.uniform(100, 200, 4000)), 2)
    uri = counted_events(server.store, times, random.integers(0, 5, 4000), 5, [0.25, 1.0, 4.0])
    series = seriesview.open_series(uri, server.store)
    requests = [("getPoints", uri, 50.0, 99.0, 10), ("getPoints", uri, 200.5, 300.0, 10)]
    for _ in range(60):
        first = round(float(random.uniform(80, 200)), 2)
        last = round(first + float(10 ** random.uniform(-2, 2)), 2)
        requests.append(("getPoints", uri, first, last, int(random.choice([4, 100, 1000]))))
    for (_, _, first, last, most), found in zip(
        requests, server.values("static-files", requests), strict=True
    ):
        expected = vars(series.points(first, last, most))
        assert {key for key, value in expected.items() if value is not None} == set(found)
        for key, value in found.items():
            np.testing.assert_array_equal(numbers(value, expected[key].shape), expected[key])


def test_many_events_are_read_from_counts(server):
    random = np.random.default_rng(9)
    times = np.sort(random.uniform(0, 1000, 400_000))
    channels = random.integers(0, 3, len(times))
    uri = server.store.put_json(
        {
            **server.store.get_json(counted_events(server.store, times[:2], channels[:2], 3, [])),
            **{"segments": [{"start_time": times[0], "end_time": times[-1], "num_samples": len(times)}]},
            "events": {
                "times": store_rows(server.store, times, 65536).to_json_dict(),
                "channels": store_rows(server.store, channels.astype(np.uint32), 65536).to_json_dict(),
            },
            "counts": [
                {
                    "bin_seconds": width,
                    "start_time": times[0],
                    **store_rows(
                        server.store,
                        count_level(times, channels, 3, times[0], width, int(1000 // width) + 1),
                        4096,
                    ).to_json_dict(),
                }
                for width in (0.25, 1.0)
            ],
        },
        name="events.json",
    )
    found, narrow = server.values(
        "static-files", [("getPoints", uri, 0.0, 1000.0, 200), ("getPoints", uri, 500.0, 501.0, 5000)]
    )
    assert found["approximate"] is True
    counts = numbers(found["counts"], (200, 3))
    exact = np.histogram2d(times, channels, [np.linspace(0, 1000, 201), np.arange(4) - 0.5])[0]
    assert counts.sum() == len(times)
    assert np.abs(np.cumsum(counts - exact, axis=0)).max() <= exact.max() / 4
    inside = (times >= 500) & (times <= 501)
    np.testing.assert_array_equal(numbers(narrow["times"], -1), times[inside])
    np.testing.assert_array_equal(numbers(narrow["channels"], -1), channels[inside])


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_series_of_the_original_package(server, dtype):
    random = np.random.default_rng(10)
    segments = [
        {
            "timestamps": start + np.cumsum(random.random(200)),
            "values": random.normal(0, 50, 200).astype(dtype),
        }
        for start in (0.0, 300.0)
    ]
    uris = [
        server.store.put_bytes(array.tobytes(), name="array.dat")
        for segment in segments
        for array in (segment["timestamps"], segment["values"])
    ]
    manifest = {
        "type": "discrete",
        "sampling_frequency": 1,
        "segments": [
            {
                "start_time": float(segment["timestamps"][0]),
                "end_time": float(segment["timestamps"][-1]),
                "num_samples": 200,
                "min_value": float("nan"),
                "max_value": 1,
                "timestamps_uri": uris[2 * number],
                "timestamps_dtype": "float64",
                "values_uri": uris[2 * number + 1],
                "values_dtype": dtype,
            }
            for number, segment in enumerate(segments)
        ],
    }
    uri = server.store.put_bytes(json.dumps(manifest).encode(), name="series.json")
    series = seriesview.open_series(uri, server.store)
    requests = [("getPoints", uri, 20.0, 350.0, most) for most in (10, 1000)]
    binned, few = server.values("static-files", requests)
    expected = series.points(20.0, 350.0, 10)
    np.testing.assert_array_equal(binned["counts"], expected.counts)
    filled = expected.counts > 0
    envelope = numbers(binned["envelope"], (10, 2, 1))
    np.testing.assert_array_equal(envelope[filled], expected.envelope[filled].astype(float))
    expected = series.points(20.0, 350.0, 1000)
    np.testing.assert_array_equal(few["times"], expected.times)
    np.testing.assert_array_equal(numbers(few["values"], (-1, 1)), expected.values.astype(float))
    window = {"segment": 1, "firstSample": 3, "samplesPerColumn": 5, "columns": 100, "channels": None}
    answers = server.ask("static-files", [("getWindow", uri, window)])
    check_windows(series, [("getWindow", uri, window)], answers)
    [statistics] = server.values("static-files", [("getStatistics", uri, 0, 5, 150, None)])
    assert statistics["mean"] == pytest.approx(series.statistics(0, 5, 150)["mean"])
