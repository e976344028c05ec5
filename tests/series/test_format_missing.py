"""docs/format.md, missing values: series that were really built, read by both readers, against the definition."""

import json
import math
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from built_series import built, read, saved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installed_readers import install_reader
from second_reader import SecondReader, float_moments, time_edges

import seriesview
from seriesview.build.artifacts import Job, build_artifacts, build_shard, gather_shards
from seriesview.build.dataset import dataset_from_config
from seriesview.build.shards import Shard
from seriesview.envelope.missing import Missing
from seriesview.errors import BuildError, FormatError
from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.store import open_store

INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


def is_missing(value, missing):
    """The definition, of one stored number."""
    below, above = missing.get("below"), missing.get("above")
    return (
        value != value
        or value in missing.get("values", [])
        or (below is not None and value < below)
        or (above is not None and value > above)
    )


def fill_of(missing, dtype):
    if dtype.kind == "f":
        return math.nan
    limits = np.iinfo(dtype)
    if missing.get("values"):
        return missing["values"][0]
    is_above_alone = missing.get("below") is None and missing.get("above") is not None
    return int(limits.max) if is_above_alone else int(limits.min)


def hull(values, missing, dtype):
    there = [value for value in values if not is_missing(value, missing)]
    return [min(there) + 0, max(there) + 0] if there else [fill_of(missing, dtype)] * 2


def columns_of(samples, missing, first, factor):
    """(columns, 2, C) of closed columns from sample `first` on."""
    rows = []
    for begin in range(first, max(len(samples) - 1, first + 1), factor):
        piece = samples[begin : begin + factor + 1].T.tolist()
        rows.append([hull(values, each, samples.dtype) for values, each in zip(piece, missing, strict=True)])
    return np.array(rows, samples.dtype).transpose(0, 2, 1)


def check(reader, series, segments, missing):
    """Levels, moments, windows and statistics of both readers are what the definition says."""
    dtype = segments[0].dtype
    for number, channel in enumerate(reader.channels):
        assert channel.get("typical") == reader.typical(number)
    for number, samples in enumerate(segments):
        for factor in reader.factors:
            expected = columns_of(samples, missing, 0, factor)
            np.testing.assert_array_equal(reader.level(factor)[number], expected)
        for first, factor in ((0, 16), (0, 7), (min(5, len(samples) - 1), 16), (0, 100_000)):
            expected = columns_of(samples, missing, first, factor)
            np.testing.assert_array_equal(series.window(number, first, factor, 10**5), expected)
            np.testing.assert_array_equal(reader.columns(number, first, factor), expected)
        ends = [hull(values, each, dtype) for values, each in zip(samples.T.tolist(), missing, strict=True)]
        there = [
            pair
            for pair, each in zip(ends, missing, strict=True)
            if not is_missing(pair[0], each) and math.isfinite(pair[0])
        ]
        segment = reader.segments[number]
        finite = [value for pair in there for value in pair if math.isfinite(value)]
        if there and len(finite) == 2 * len(ends):
            assert (segment["min_value"], segment["max_value"]) == (min(finite), max(finite))
        elif not there:
            assert segment["min_value"] is None or any(map(math.isinf, map(float, np.ravel(ends))))
        check_statistics(series, number, samples, missing, ends)
    check_moments(reader, segments, missing)


def check_statistics(series, number, samples, missing, ends):
    found = series.statistics(number, 0, len(samples) - 1)
    for channel, (values, each) in enumerate(zip(samples.T.tolist(), missing, strict=True)):
        numbers = [float(v) for v in values if not is_missing(v, each) and math.isfinite(v)]
        assert found["count"][channel] == len(numbers)
        assert math.isnan(found["mean"][channel]) == (not numbers)
        if numbers:
            np.testing.assert_allclose(found["mean"][channel], math.fsum(numbers) / len(numbers), 1e-9)
        pair = [found["min"][channel], found["max"][channel]]
        np.testing.assert_array_equal(pair, np.array(ends[channel], samples.dtype))


def check_moments(reader, segments, missing):
    factor = min(entry["factor"] for entry in reader.manifest["moments"])
    for bins, samples in zip(reader.moments(factor), segments, strict=True):
        for b, channel in np.ndindex(len(bins), samples.shape[1]):
            piece = samples[b * factor : (b + 1) * factor, channel].tolist()
            if bins.dtype == np.int64:
                numbers = [value for value in piece if not is_missing(value, missing[channel])]
                expected = (len(numbers), sum(numbers), sum(v * v for v in numbers))
            else:
                marked = [math.nan if is_missing(v, missing[channel]) else float(v) for v in piece]
                expected = float_moments(marked, factor)
            assert tuple(bins[b, :, channel].tolist()) == expected


def recording(draw, dtype, channels=3):
    """Samples of a dtype, and what is missing in them as a configuration says it."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1100, 2600)), channels)
    if dtype.kind == "f":
        samples = rng.integers(-200, 200, shape).astype(dtype)
        fills = [-99.0, 1024.0, float(np.finfo(dtype).max), 0.0]
        missing = {"values": draw(st.lists(st.sampled_from(fills), unique=True, max_size=2))}
        missing |= draw(
            st.sampled_from([{}, {"below": -150.0}, {"above": 70.0}, {"below": -99.0, "above": 7}])
        )
        samples[rng.random(shape) < 0.01] = np.nan
        samples[rng.random(shape) < 0.001] = np.inf
    else:
        limits = np.iinfo(dtype)
        samples = rng.integers(
            *draw(st.sampled_from([(0, 100), (limits.min, limits.max)])), shape, dtype=dtype
        )
        fills = [int(limits.min), int(limits.max), int(limits.max) - 1, 0, 99]
        missing = {"values": draw(st.lists(st.sampled_from(fills), unique=True, max_size=2))}
        missing |= draw(st.sampled_from([{}, {"below": 3}, {"above": 97}, {"below": 10, "above": 20}]))
    for value in missing["values"]:
        samples[rng.random(shape) < draw(st.sampled_from([0.02, 0.9])) / 2] = value
        first = draw(st.integers(0, len(samples)))
        samples[first : first + draw(st.sampled_from([3, 70, 1500])), draw(st.integers(0, channels - 1))] = (
            value
        )
    return samples, missing


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from([*INTEGERS, *FLOATS]), st.sampled_from(["link", "store"]))
def test_series_of_every_dtype(store, data, dtype, resolution):
    samples, missing = recording(data.draw, dtype)
    directory = Path(tempfile.mkdtemp(dir=store.directory.parent))
    result = built(
        store,
        saved(directory, samples),
        sampling_frequency=10,
        full_resolution=resolution,
        base=16,
        missing=missing,
    )
    reader = SecondReader(store.directory, result["uri"])
    series = seriesview.open_series(result["uri"], store)
    np.testing.assert_array_equal(series.values(0, 0, len(samples)), samples)
    assert series.dtype == samples.dtype
    check(reader, series, [samples], [missing] * 3)
    is_absent = [[is_missing(value, missing) for value in row] for row in samples[:50].tolist()]
    assert series.is_missing(samples[:50]).tolist() == is_absent
    assert np.isnan(series.to_physical(samples[:50])).tolist() == is_absent


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["int16", "int64", "uint8", "float32"]))
def test_series_with_gaps_and_times_of_their_own(store, data, dtype):
    samples, missing = recording(data.draw, dtype)
    rng = np.random.default_rng(len(samples))
    cut = data.draw(st.integers(1, len(samples) - 1))
    is_regular = data.draw(st.booleans())
    steps = np.full(len(samples), 0.5) if is_regular else rng.integers(1, 9, len(samples)) / 4
    steps[cut] = 1000
    times = np.cumsum(steps)
    directory = Path(tempfile.mkdtemp(dir=store.directory.parent))
    with h5py.File(directory / "raw.h5", "w") as file:
        file["x"], file["t"] = samples, times
    more = {"timestamps": "/t", "max_gap_seconds": 500, "base": 4, "missing": missing}
    result = built(store, directory / "raw.h5", dataset="/x", **more)
    reader, series = (
        SecondReader(store.directory, result["uri"]),
        seriesview.open_series(result["uri"], store),
    )
    check(reader, series, [samples[:cut], samples[cut:]], [missing] * 3)
    edges = time_edges(0.0, times[-1] + 9, 40)
    found = series.time_window(0.0, times[-1] + 9, 40)
    columns = reader.columns_of_time(0.0, times[-1] + 9, 40)
    own = np.concatenate(reader.times())
    for number in range(40):
        inside = samples[(edges[number] <= own) & (own <= edges[number + 1])]
        assert found.counts[number] == len(inside)
        if len(inside):
            expected = columns_of(inside, [missing] * 3, 0, len(inside))[0]
            np.testing.assert_array_equal(found.envelope[number], expected)
            np.testing.assert_array_equal(columns[number], expected)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(["int16", "uint32", "float64"]), st.integers(1, 5), st.floats(0, 1))
def test_scattered_and_resumed_builds_give_the_same(store, monkeypatch, data, dtype, shards, fraction):
    monkeypatch.setattr("seriesview.series.packing.MAX_PART_BYTES", 512)
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 3 * 512)
    samples, missing = recording(data.draw, dtype)
    directory = Path(tempfile.mkdtemp(dir=store.directory.parent))
    config = {"path": str(saved(directory, samples)), "sampling_frequency": 10, "missing": missing}
    dataset = dataset_from_config("raw", config | {"full_resolution": "store", "base": 4})
    ledger = directory / "raw.jsonl"
    whole = build_artifacts(dataset, Job(store, ledger))["manifest"]
    pieces = [
        build_shard(dataset, Job(store, directory / f"{index}.jsonl"), Shard(index, shards))
        for index in range(shards)
    ]
    assert gather_shards(dataset, Job(store, directory / "gather.jsonl"), pieces)["manifest"] == whole
    content = ledger.read_bytes()
    ledger.write_bytes(content[: max(content.index(b"\n") + 1, int(len(content) * fraction))])
    assert build_artifacts(dataset, Job(store, ledger))["manifest"] == whole


READER = """
import numpy as np
from seriesview.readers import Channel, Missing, Recording

class OwnRecording(Recording):
    type, sampling_frequency, unit = "continuous", 10.0, ""

    def __init__(self, path):
        self.path, self.samples = path, np.load(path)
        self.dtype, self.num_samples = self.samples.dtype, len(self.samples)
        self.missing = Missing((7, 8))
        own = (None, Missing((9,), below=2), Missing(), Missing(above=90))
        self.channels = tuple(Channel(str(n), str(n), missing=each) for n, each in enumerate(own))

    def read_into(self, first_sample, out):
        out[:] = self.samples[first_sample : first_sample + len(out)]

class OwnReader:
    name = "own"

    def can_read(self, path):
        return False

    def candidates(self, path):
        return []

    def open(self, path, options):
        return OwnRecording(path)
"""


@pytest.fixture
def own_reader(tmp_path, monkeypatch):
    """An installed reader whose recordings say what is missing in the series and in each channel."""
    (tmp_path / "own_reader.py").write_text(READER)
    install_reader(tmp_path, "own", "own_reader:OwnReader", monkeypatch)
    yield
    sys.modules.pop("own_reader", None)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32"])
def test_channels_with_missing_values_of_their_own(store, tmp_path, own_reader, dtype):
    samples = np.random.default_rng(3).integers(0, 100, (3000, 4)).astype(dtype)
    samples[100:700, 0], samples[500:900, 1], samples[200:1500, 3] = 8, 9, 91
    path = saved(tmp_path, samples)
    result = built(store, path, reader="own")
    manifest = store.get_json(result["uri"])
    assert manifest["missing"] == {"values": [7, 8]}
    own = [channel.get("missing") for channel in manifest["channels"]]
    assert own == [None, {"values": [9], "below": 2}, {"values": []}, {"values": [], "above": 90}]
    missing = [manifest["missing"], *own[1:]]
    series = seriesview.open_series(result["uri"], store)
    check(SecondReader(store.directory, result["uri"]), series, [samples], missing)
    chosen = series.window(0, 0, 64, 100, ["3", "1"])
    np.testing.assert_array_equal(chosen, columns_of(samples, missing, 0, 64)[:, :, [3, 1]])

    # What the configuration says takes the place of all that the file says.
    whole = built(store, path, reader="own", missing=[5, -1] if dtype == "int16" else 5)
    manifest = store.get_json(whole["uri"])
    assert all("missing" not in channel for channel in manifest["channels"])
    check(
        SecondReader(store.directory, whole["uri"]),
        seriesview.open_series(whole["uri"], store),
        [samples],
        [manifest["missing"]] * 4,
    )
    assert "missing" not in store.get_json(built(store, path, reader="own", missing=[])["uri"])


@pytest.mark.parametrize("fill", [2**63 - 1, -(2**63), 2**53 + 1])
def test_64_bit_fills_are_exact_in_the_manifest(store, tmp_path, fill):
    samples = np.array([[fill], [fill - 1 if fill > 0 else fill + 1]] * 600, np.int64)
    reader = read(store, saved(tmp_path, samples), sampling_frequency=10, missing=fill)
    assert reader.manifest["missing"] == {"values": [fill]}
    assert reader.manifest["segments"][0]["min_value"] == int(samples[1, 0])
    assert reader.manifest["segments"][0]["max_value"] == int(samples[1, 0])


@pytest.mark.parametrize(
    ("dtype", "missing", "expected"),
    [
        ("int16", -9999.0, {"values": [-9999]}),
        ("float32", 0.1, {"values": [float(np.float32(0.1))]}),
        ("int16", {"below": 0.5, "above": 7.5}, {"values": [], "below": 1, "above": 7}),
        ("uint8", {"values": [3], "below": -4}, {"values": [3]}),
        ("uint8", {"below": -4, "above": 255}, None),
        ("float32", {"below": 0.1}, {"values": [], "below": float(np.float32(0.1))}),
        (
            "float32",
            {"above": 0.1},
            {"values": [], "above": float(np.nextafter(np.float32(0.1), np.float32(0)))},
        ),
    ],
)
def test_the_manifest_has_numbers_of_the_dtype(store, tmp_path, dtype, missing, expected):
    path = saved(tmp_path, np.arange(20).astype(dtype)[:, np.newaxis])
    result = built(store, path, sampling_frequency=10, missing=missing)
    assert store.get_json(result["uri"]).get("missing") == expected


@pytest.mark.parametrize(
    ("dtype", "missing", "words"),
    [
        ("uint8", -9999, "dtype uint8 are never -9999"),
        ("int16", 0.5, "dtype int16 are never 0.5"),
        ("int16", 40000, "dtype int16 are never 40000"),
        ("float16", 1e5, "dtype float16 are never 100000"),
        ("uint8", {"below": 300}, "leave no value"),
        ("int16", {"below": 5, "above": 4}, "leave no value"),
    ],
)
def test_what_no_sample_can_be_is_refused(store, tmp_path, dtype, missing, words):
    path = saved(tmp_path, np.arange(20).astype(dtype)[:, np.newaxis])
    with pytest.raises(BuildError, match=words):
        built(store, path, sampling_frequency=10, missing=missing)


@pytest.mark.parametrize(
    ("dtype", "missing"),
    [
        ("int16", {"values": [40000]}),
        ("int16", {"values": [1.5]}),
        ("float32", {"values": [0.1]}),
        ("int16", {"values": ["Infinity"]}),
        ("float64", {"values": ["NaN"]}),
        ("int16", {"values": [True]}),
        ("int16", {"values": 5}),
        ("int16", {"below": "low"}),
        ("float64", {"below": "Infinity"}),
        ("int16", [5]),
    ],
)
def test_manifests_with_numbers_of_another_dtype_are_refused(dtype, missing):
    manifest = {"type": "continuous", "segments": [], "dtype": dtype}
    with pytest.raises(FormatError, match="missing"):
        parse_series_manifest(manifest | {"missing": missing})
    with pytest.raises(FormatError, match=r"channels\[0\]\.missing"):
        parse_series_manifest(manifest | {"channels": [{"id": "0", "missing": missing}]})


def test_manifests_come_back_the_same(store, tmp_path):
    missing = {"values": [math.inf, 1.5], "below": -1e300}
    path = saved(tmp_path, np.arange(20.0)[:, np.newaxis])
    manifest = parse_series_manifest(
        built(store, path, sampling_frequency=10, missing={"values": [1.5], "below": -1e300})["manifest"]
    )
    document = manifest.to_json_dict() | {"missing": missing | {"values": ["Infinity", 1.5]}}
    assert parse_series_manifest(json.loads(json.dumps(document))).to_json_dict() == document


@pytest.mark.parametrize(
    ("missing", "alone"),
    [
        (Missing((-9999,)), -9999),
        (Missing((-9999, -1)), None),
        (Missing((-9999,), below=0), None),
        (Missing((), above=100), None),
        (Missing((math.inf,)), None),
        (None, None),
    ],
)
def test_one_missing_value_is_told_to_programs_that_know_of_no_others(missing, alone):
    manifest = SeriesManifest("continuous", "float64", (), (), 1.0, missing=missing)
    document = manifest.to_json_dict()
    assert document.get("missing_value") == alone
    assert parse_series_manifest(document).missing == missing
