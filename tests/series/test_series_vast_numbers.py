"""Manifests whose numbers no recording can have: refused in one short line, or harmless."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from built_series import built, saved

import seriesview
from seriesview.errors import FormatError, SeriesviewError
from seriesview.store import open_store

VAST = (
    10**4000,
    -(10**4000),
    1 << 63,
    (1 << 63) - 1,
    (1 << 53) + 1,
    1 << 31,
    -1,
    0,
    1e308,
    1e-308,
    -0.0,
    [10**400],
)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a document lie, the first two of each list."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield (*place, key)
        yield from places(inner, (*place, key))


@pytest.mark.parametrize("kind", ["rate", "timestamps", "events"])
def test_vast_numbers_are_refused_or_harmless(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "store"))
    store = open_store(tmp_path / "store", "embedded")
    samples = saved(tmp_path, np.arange(6000, dtype=np.int16).reshape(-1, 2))
    times = saved(tmp_path, np.cumsum(np.random.default_rng(1).random(3000)), "times.npy")
    configs = {
        "rate": {"sampling_frequency": 10.0},
        "timestamps": {"timestamps": str(times)},
        "events": {"type": "event"},
    }
    path = times if kind == "events" else samples
    manifest = built(store, path, **configs[kind])["manifest"]
    for place in list(places(manifest)):
        for number in VAST:
            changed = copy.deepcopy(manifest)
            inner = changed
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = number
            problem = ""
            with np.errstate(all="ignore"):
                try:
                    series = seriesview.open_series(store.put_json(changed, name="series.json"))
                    if kind == "events":
                        series.points(0.0, 10.0, 100)
                    else:
                        series.window(0, 0, 16, 10)
                        series.values(0, 0, 10)
                        series.statistics(0, 0, 100)
                except SeriesviewError as error:
                    problem = str(error)
            assert len(problem) < 1000, place


def test_json_without_end_is_an_error_of_one_line(tmp_path):
    store = open_store(tmp_path / "store", "embedded")
    for text in ("[" * 100_000, '{"a":' * 100_000, f'{{"type": {"9" * 6000}}}', json.dumps({"a": 1})[:-1]):
        uri = store.put_bytes(text.encode(), name="series.json")
        with pytest.raises(FormatError) as error:
            store.get_json(uri)
        assert len(str(error.value)) < 300
        place = tmp_path / "series.json"
        place.write_text(text)
        with pytest.raises(FormatError):
            seriesview.open_series(str(place))
