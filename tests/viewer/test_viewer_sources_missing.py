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


class Asked:
    """Requests to sources, and what is expected of each answer: one start of node answers all of them."""

    def __init__(self):
        self.requests, self.checks = [], []

    def add(self, request, check):
        self.requests.append(request)
        self.checks.append(check)

    def add_array(self, request, expected, key=None):
        """The answer, or what it has under a key, is an array."""

        def check(answer):
            found = answer if key is None else answer[key]
            np.testing.assert_array_equal(numbers(found, expected.shape), expected, str(request))

        self.add(request, check)

    def check(self, server, kind):
        for check, answer in zip(self.checks, server.values(kind, self.requests), strict=True):
            check(answer)


def ask_for_windows(asked, series, uri, samples):
    for segment, first, step in ((0, 0, 4), (0, 64, 16), (2, 0, 64), (2, 0, 100), (0, 10, 3), (0, 0, 1)):
        if samples == "omit" and (first % 4 or step % 4):
            continue
        for channels in (None, ["ch2", "ch0"]):
            given = {"segment": segment, "firstSample": first, "samplesPerColumn": step, "columns": 50}
            if step == 1:
                stored = series.values(segment, first, first + 51, channels)
            else:
                stored = series.window(segment, first, step, 50, channels)
            key = "values" if step == 1 else "envelope"
            request = ("getWindow", uri, given | {"channels": channels})
            asked.add_array(request, absent_as_nan(series, stored, channels), key)


def ask_for_statistics(asked, series, uri, segment, last, channels):
    width = len(channels or series.channels)
    expected = series.statistics(segment, 0, last, channels)

    def check(found):
        for name, values in expected.items():
            if name in ("min", "max"):
                wanted = absent_as_nan(series, values, channels)
                np.testing.assert_array_equal(numbers(found[name], width), wanted)
            else:
                np.testing.assert_allclose(numbers(found[name], width), values, rtol=1e-7)

    asked.add(("getStatistics", uri, segment, 0, last, channels), check)


@pytest.mark.parametrize("kind", [*KINDS, "tasks-directly"])
def test_windows_points_and_statistics(server, kind):
    asked = Asked()
    for dtype, samples in product(DTYPES, ("store", "omit")):
        segments, missing = with_missing(np.random.default_rng(len(dtype)), dtype, [300, 5, 130])
        uri = store_series(server.store, segments, samples=samples, part_rows=40, missing=missing)
        series = seriesview.open_series(uri, server.store)
        ask_for_windows(asked, series, uri, samples)
        ask_for_statistics(asked, series, uri, 0, 299, ["ch1", "ch2"])
        ask_for_statistics(asked, series, uri, 2, 129, None)
        level = series.manifest.levels[-1]
        bins = np.concatenate([series.window(n, 0, level.factor, 10**4) for n in range(3)])
        request = ("readLevelRows", uri, level.factor, 0, level.array.shape[0])
        asked.add_array(request, absent_as_nan(series, bins))
    asked.check(server, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_points(server, kind):
    asked = Asked()
    for dtype in ("int16", "int64", "float32"):
        random = np.random.default_rng(5)
        segments, missing = with_missing(random, dtype, [300, 40])
        times = [np.sort(random.random(300)) * 30, 50 + np.sort(random.random(40))]
        uri = store_series(server.store, segments, timestamps=times, missing=missing, part_rows=40)
        series = seriesview.open_series(uri, server.store)
        stored = series.points(2.0, 9.0, 200).values
        asked.add_array(("getPoints", uri, 2.0, 9.0, 200), absent_as_nan(series, stored), "values")
        # Static sources take whole bins; where these lie is tested elsewhere.
        if kind.startswith("tasks"):
            found = series.points(0.0, 52.0, 4)
            envelope = absent_as_nan(series, found.envelope)

            def check(many, counts=found.counts, envelope=envelope):
                assert [int(count) for count in many["counts"]] == counts.tolist()
                shown = numbers(many["envelope"], (4, 2, 3))
                np.testing.assert_array_equal(shown[counts > 0], envelope[counts > 0])

            asked.add(("getPoints", uri, 0.0, 52.0, 4), check)
    asked.check(server, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_64_bit_fills_are_told_from_their_neighbours(server, kind):
    """Where a double holds neither, nor the manifest as numbers."""
    asked = Asked()
    for fill in (2**63 - 1, -(2**63), 2**53 + 1):
        beside = fill - 1 if fill > 0 else fill + 1
        samples = np.array([[fill], [beside], [5]] * 40, np.int64)
        uri = store_series(server.store, [samples], missing=[Missing((fill,))])
        window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 1, "columns": 2, "channels": None}
        asked.add_array(("getWindow", uri, window), np.array([np.nan, beside, 5]), "values")
        asked.add_array(("readLevelRows", uri, 64, 0, 2), np.array([sorted([beside, 5])] * 2, np.float64))
    asked.check(server, kind)


def test_a_manifest_that_says_no_such_thing_is_refused(server):
    uri = store_series(server.store, [np.zeros((10, 1), np.int16)])
    document = server.store.get_json(uri)
    for missing in ({"values": 5}, {"values": ["NaN"]}, {"below": "low"}, [5]):
        changed = server.store.put_json(document | {"missing": missing}, name="series.json")
        (answer,) = server.ask("static-files", [("getSeries", changed)])
        assert "missing" in answer["error"], answer


@pytest.mark.parametrize("kind", KINDS)
def test_64_bit_integers_of_any_size_are_the_nearest_doubles(server, kind):
    asked = Asked()
    for dtype in ("int64", "uint64"):
        limits = np.iinfo(dtype)
        random = np.random.default_rng(6)
        samples = random.integers(limits.min, limits.max, (300, 2), dtype, endpoint=True)
        uri = store_series(server.store, [samples])
        series = seriesview.open_series(uri, server.store)
        window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 1, "columns": 50, "channels": None}
        asked.add_array(("getWindow", uri, window), samples[:51].astype(np.float64), "values")
        envelope = series.window(0, 0, 7, 50).astype(np.float64)
        asked.add_array(("getWindow", uri, window | {"samplesPerColumn": 7}), envelope, "envelope")
        least = series.statistics(0, 3, 280)["min"].astype(np.float64)
        asked.add_array(("getStatistics", uri, 0, 3, 280, None), least, "min")
    asked.check(server, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_64_bit_integers_is_told_exactly(server, kind):
    asked = Asked()
    for dtype in ("int64", "uint64"):
        samples = np.array(
            [[1, 2], [np.iinfo(dtype).max, 2**53 + 1], [np.iinfo(dtype).min, 2**62 + 3]], dtype
        )
        uri = store_series(server.store, [samples[:1], samples[1:]])
        for sample, expected in enumerate(samples[1:, ::-1].tolist()):

            def check(found, expected=expected):
                assert [int(value) for value in found] == expected

            asked.add(("getExact", uri, 1, sample, ["ch1", "ch0"]), check)
    asked.check(server, kind)
