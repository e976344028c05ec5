"""A series takes what people pass: numbers of any kind, lists of any kind; what means nothing is one clear error."""

import itertools
import pickle
import resource
import subprocess
import sys
from contextlib import suppress
from fractions import Fraction

import numpy as np
import pytest
from series_builder import store_events, store_series

import seriesview
from seriesview.errors import FormatError, RequestError, StoreError
from seriesview.store import open_store

WHOLE = [
    *(np.dtype(name).type for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")),
    np.float32,
    np.float64,
    float,
    Fraction,
    np.array,
]
CALLS = {
    "window": ((0, 64, 16, 5), ("segment", "first_sample", "samples_per_column", "columns")),
    "factor_used": ((64, 16), ("first_sample", "samples_per_column")),
    "zoom_ladder": ((0,), ("segment",)),
    "values": ((0, 3, 90), ("segment", "first_sample", "last_sample")),
    "times": ((0, 3, 90), ("segment", "first_sample", "last_sample")),
    "statistics": ((0, 3, 90), ("segment", "first_sample", "last_sample")),
    "overview_rms": ((0, 5), ("segment", "columns")),
    "points": ((1, 5, 7), ("start_time", "end_time", "max_points")),
    "time_window": ((1, 5, 7), ("start_time", "end_time", "columns")),
}
NOTHING = [None, "3", b"3", True, float("nan"), float("inf"), 1 + 0j, np.arange(2), [3], object()]
TOO_LARGE = [10**40, 2**63, 2**64, -1, -(2**63)]


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


@pytest.fixture
def series(store):
    samples = np.random.default_rng(1).integers(-99, 99, (400, 13)).astype(np.int16)
    with seriesview.open_series(store_series(store, [samples], (16, 64), part_rows=64), store) as opened:
        yield opened


def same(one, other):
    if isinstance(one, dict):
        return all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return all(same(a, b) for a, b in zip(one, other, strict=True))
    if hasattr(one, "envelope"):
        return same(vars(one), vars(other))
    return (one is None and other is None) or np.array_equal(one, other)


@pytest.mark.parametrize("call", CALLS)
def test_numbers_of_any_kind_mean_what_they_are(series, call):
    arguments, _ = CALLS[call]
    expected = getattr(series, call)(*arguments)
    for kind in WHOLE:
        assert same(getattr(series, call)(*map(kind, arguments)), expected), kind


@pytest.mark.parametrize("call", CALLS)
def test_what_means_nothing_is_told_by_the_argument(series, call):
    arguments, names = CALLS[call]
    for index, name in enumerate(names):
        for value in [*NOTHING, *([2.5] if "time" not in name else [])]:
            changed = [*arguments[:index], value, *arguments[index + 1 :]]
            with pytest.raises(
                RequestError, match=f"^{name}: a (whole number|time in seconds) is expected, found"
            ):
                getattr(series, call)(*changed)
        for value in TOO_LARGE:
            with suppress(RequestError):
                getattr(series, call)(*arguments[:index], value, *arguments[index + 1 :])


def test_channels_are_lists_of_ids_of_any_kind(series):
    ids = ["ch1", "ch2", "ch12"]
    expected = series.values(0, 0, 9, ids)
    assert expected.shape == (9, 3)
    for channels in (tuple(ids), np.array(ids), (each for each in ids), iter(ids)):
        assert np.array_equal(series.values(0, 0, 9, channels), expected)
    assert series.window(0, 0, 16, 3, (c.id for c in series.channels[:2])).shape == (3, 2, 2)
    assert series.to_physical(expected, iter(ids)).shape == (9, 3)
    with pytest.raises(RequestError, match="values of shape"):
        series.to_physical(expected, ["ch1"])
    for channels, reason in (
        ("ch12", r"found the text 'ch12'; write \['ch12'\]"),
        (12, "a list of channel ids is expected, found 12"),
        ([12], "an id is a text"),
        ([np.int64(12)], "an id is a text"),
        (np.array("ch1"), "a list of channel ids is expected, found numpy.ndarray"),
        (itertools.repeat("ch1"), "at most 1000000 ids"),
        ({"ch1", "ch2"}, "a list of channel ids is expected, found set"),
        (["13"], "no channel '13'; the series has ch0, ch1, ch2"),
        ([None], "an id is a text"),
    ):
        for call, (arguments, _) in CALLS.items():
            if call in ("factor_used", "zoom_ladder", "times"):
                continue
            with pytest.raises(RequestError, match=reason):
                getattr(series, call)(*arguments, channels=channels)


def test_cost_follows_the_data_and_not_the_question(series, store):
    events = store_events(store, np.arange(42.0), np.zeros(42, np.uint32), 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with seriesview.open_series(events, store) as few:
        assert len(few.points(0, 100, 10**8).times) == 42
        assert len(few.points(0, 100, 2**62).times) == 42
    assert len(series.points(-1e9, 1e9, 10**12).times) == 400
    assert len(series.window(0, 0, 2, 10**15)) == 200
    assert len(series.window(0, 0, 10**15, 10**15)) == 1
    with pytest.raises(RequestError, match=r"columns 1000000000: at most \d+ can be asked for"):
        series.time_window(0, 100, 10**9)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_more_than_can_be_binned_is_told(store):
    events = store_events(store, np.arange(2000.0), np.zeros(2000, np.uint32), 100_000, part_rows=2000)
    with (
        seriesview.open_series(events, store) as many,
        pytest.raises(RequestError, match=r"max_points 1500: there is more .* ask for at most 1342"),
    ):
        many.points(0, 3000, 1500)


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_series_says_so(series, call):
    series.close()
    series.close()
    if call == "factor_used":
        return
    with pytest.raises(RequestError, match="this series was closed; open it again"):
        getattr(series, call)(*CALLS[call][0])


def test_a_series_goes_to_another_process(series):
    again = pickle.loads(pickle.dumps(series))
    assert np.array_equal(again.values(0, 0, 9), series.values(0, 0, 9))
    assert again.uri == series.uri
    script = "import pickle, sys; print(pickle.load(sys.stdin.buffer).window(0, 0, 64, 3).sum())"
    told = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(series), capture_output=True, check=True
    )
    assert int(told.stdout) == series.window(0, 0, 64, 3).sum()


def test_a_store_may_be_its_directory(series, store, tmp_path, monkeypatch):
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    for directory in (store.directory, str(store.directory)):
        with seriesview.open_series(series.uri, directory) as opened:
            assert opened.segments == series.segments
    result = tmp_path / "probe.json"
    result.write_text(f'{{"uri": "{series.uri}"}}')
    for place in (result, str(result)):
        assert seriesview.open_series(place, store).uri == series.uri
    for wrong in (3, None, object()):
        with pytest.raises(FormatError, match=r"a sha1:// URI or results/series/NAME.json is expected"):
            seriesview.open_series(wrong, store)
        with pytest.raises(FormatError, match=r"a sha1:// URI or results/workspace.json is expected"):
            seriesview.open_workspace(wrong, store)
    for wrong in (3, [store.directory]):
        with pytest.raises(StoreError, match="an opened store or a storage directory is expected"):
            seriesview.open_series(series.uri, wrong)
