"""Missing values come out of every source as NaN, in windows, points, rows and statistics."""

from itertools import product

import numpy as np
import pytest
from series_builder import store_series
from source_server import numbers, recording

import seriesview
from seriesview.envelope.missing import Missing

KINDS = ["static-files", "parent-files", "tasks", "tasks-decoded", "tasks-and-files"]
DTYPES = ["int8", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]


def with_missing(random, dtype, lengths):
    """Segments (n, 3) and what is missing in each channel: single samples, stretches, ends of the range."""
    kind = np.dtype(dtype)
    segments = recording(random, dtype, lengths)
    if kind.kind == "f":
        fills, ends = [-99.0, float(kind.type(60000.0))], (-150.0, 150.0)
    else:
        limits = np.iinfo(kind)
        segments = [(each // 2).astype(kind) for each in segments]
        fills = [int(limits.max), int(limits.min)]
        quarter = min(int(limits.max), 2**53) // 4
        ends = (1, quarter) if kind.kind == "u" else (-quarter, quarter)
    for samples in segments:
        samples[random.random(samples.shape) < 0.2] = fills[0]
        samples[len(samples) // 4 : len(samples) // 2, 0] = fills[0]
        samples[len(samples) // 3 :, 1] = fills[1]
    missing = [Missing((fills[0],)), Missing(tuple(fills), ends[0]), Missing((fills[0],), None, ends[1])]
    return segments, missing


def absent_as_nan(series, stored, channels=None):
    found = stored.astype(np.float64)
    found[series.is_missing(stored, channels)] = np.nan
    return found


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [*product(KINDS, DTYPES), *(("tasks-directly", dtype) for dtype in ("uint16", "int64", "float32"))],
)
def test_windows_points_and_statistics(server, kind, dtype):
    random = np.random.default_rng(len(dtype))
    segments, missing = with_missing(random, dtype, [300, 5, 130])
    for samples in ("store", "omit"):
        uri = store_series(server.store, segments, samples=samples, part_rows=40, missing=missing)
        series = seriesview.open_series(uri, server.store)
        requests, expected = [], []
        for segment, first, step in ((0, 0, 4), (0, 64, 16), (2, 0, 64), (2, 0, 100), (0, 10, 3), (0, 0, 1)):
            if samples == "omit" and (first % 4 or step % 4):
                continue
            for channels in (None, ["ch2", "ch0"]):
                asked = {"segment": segment, "firstSample": first, "samplesPerColumn": step, "columns": 50}
                requests.append(("getWindow", uri, asked | {"channels": channels}))
                if step == 1:
                    stored = series.values(segment, first, first + 51, channels)
                else:
                    stored = series.window(segment, first, step, 50, channels)
                expected.append(absent_as_nan(series, stored, channels))
        for (_, _, asked), answer, stored in zip(
            requests, server.values(kind, requests), expected, strict=True
        ):
            found = answer["values" if asked["samplesPerColumn"] == 1 else "envelope"]
            np.testing.assert_array_equal(numbers(found, stored.shape), stored)
        spans = [("getStatistics", uri, 0, 0, 299, ["ch1", "ch2"]), ("getStatistics", uri, 2, 0, 129, None)]
        for (_, _, segment, first, last, channels), found in zip(
            spans, server.values(kind, spans), strict=True
        ):
            width = len(channels or series.channels)
            for name, values in series.statistics(segment, first, last, channels).items():
                if name in ("min", "max"):
                    wanted = absent_as_nan(series, values, channels)
                    np.testing.assert_array_equal(numbers(found[name], width), wanted)
                else:
                    np.testing.assert_allclose(numbers(found[name], width), values, rtol=1e-7)
        factor = series.manifest.levels[-1].factor
        level = series.manifest.levels[-1].array
        (rows,) = server.values(kind, [("readLevelRows", uri, factor, 0, level.shape[0])])
        bins = np.concatenate([series.window(n, 0, factor, 10**4) for n in range(3)])
        np.testing.assert_array_equal(numbers(rows, bins.shape), absent_as_nan(series, bins))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["int16", "int64", "float32"])
def test_points(server, kind, dtype):
    random = np.random.default_rng(5)
    segments, missing = with_missing(random, dtype, [300, 40])
    times = [np.sort(random.random(300)) * 30, 50 + np.sort(random.random(40))]
    uri = store_series(server.store, segments, timestamps=times, missing=missing, part_rows=40)
    series = seriesview.open_series(uri, server.store)
    few, many = server.values(kind, [("getPoints", uri, 2.0, 9.0, 200), ("getPoints", uri, 0.0, 52.0, 4)])
    stored = series.points(2.0, 9.0, 200).values
    np.testing.assert_array_equal(numbers(few["values"], stored.shape), absent_as_nan(series, stored))
    if not kind.startswith("tasks"):
        # Static sources take whole bins; where these lie is tested elsewhere.
        return
    found = series.points(0.0, 52.0, 4)
    assert [int(count) for count in many["counts"]] == found.counts.tolist()
    envelope = numbers(many["envelope"], (4, 2, 3))[found.counts > 0]
    np.testing.assert_array_equal(envelope, absent_as_nan(series, found.envelope)[found.counts > 0])


@pytest.mark.parametrize("fill", [2**63 - 1, -(2**63), 2**53 + 1])
def test_64_bit_fills_are_told_from_their_neighbours(server, fill):
    """Where a double holds neither, nor the manifest as numbers."""
    beside = fill - 1 if fill > 0 else fill + 1
    samples = np.array([[fill], [beside], [5]] * 40, np.int64)
    uri = store_series(server.store, [samples], missing=[Missing((fill,))])
    window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 1, "columns": 100, "channels": None}
    for kind in KINDS:
        (found,) = server.values(kind, [("getWindow", uri, window)])
        np.testing.assert_array_equal(numbers(found["values"][:3], 3), [np.nan, beside, 5])
        (rows,) = server.values(kind, [("readLevelRows", uri, 64, 0, 2)])
        np.testing.assert_array_equal(numbers(rows, (2, 2)), [sorted([beside, 5])] * 2)


def test_a_manifest_that_says_no_such_thing_is_refused(server):
    uri = store_series(server.store, [np.zeros((10, 1), np.int16)])
    document = server.store.get_json(uri)
    for missing in ({"values": 5}, {"values": ["NaN"]}, {"below": "low"}, [5]):
        changed = server.store.put_json(document | {"missing": missing}, name="series.json")
        (answer,) = server.ask("static-files", [("getSeries", changed)])
        assert "missing" in answer["error"], answer


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_64_bit_integers_of_any_size_are_the_nearest_doubles(server, kind, dtype):
    limits = np.iinfo(dtype)
    random = np.random.default_rng(6)
    samples = random.integers(limits.min, limits.max, (300, 2), dtype, endpoint=True)
    uri = store_series(server.store, [samples])
    series = seriesview.open_series(uri, server.store)
    window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 1, "columns": 50, "channels": None}
    requests = [("getWindow", uri, window), ("getWindow", uri, window | {"samplesPerColumn": 7})]
    near, far = server.values(kind, requests)
    np.testing.assert_array_equal(numbers(near["values"], (51, 2)), samples[:51].astype(np.float64))
    envelope = series.window(0, 0, 7, 50).astype(np.float64)
    np.testing.assert_array_equal(numbers(far["envelope"], envelope.shape), envelope)
    (found,) = server.values(kind, [("getStatistics", uri, 0, 3, 280, None)])
    expected = series.statistics(0, 3, 280)
    np.testing.assert_array_equal(numbers(found["min"], 2), expected["min"].astype(np.float64))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_a_sample_of_64_bit_integers_is_told_exactly(server, kind, dtype):
    samples = np.array([[1, 2], [np.iinfo(dtype).max, 2**53 + 1], [np.iinfo(dtype).min, 2**62 + 3]], dtype)
    uri = store_series(server.store, [samples[:1], samples[1:]])
    requests = [("getExact", uri, 1, sample, ["ch1", "ch0"]) for sample in (0, 1)]
    found = server.values(kind, requests)
    assert [[int(value) for value in row] for row in found] == samples[1:, ::-1].tolist()
