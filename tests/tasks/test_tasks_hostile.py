"""Requests and stored manifests that were made to do harm: every one ends soon, in an error or in the right result."""

import contextlib
import copy
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from figurl_reader import ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from series_builder import store_events, store_rows, store_series

import seriesview
from seriesview.errors import TaskError
from seriesview.store import open_store
from seriesview.tasks import TASK_FUNCTIONS, TaskContext
from seriesview.workspace.manifest import build_workspace

HASH = "0123456789abcdef0123456789abcdef01234567"
SAMPLES = np.arange(400, dtype=np.int16).reshape(200, 2)

ODD = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        1,
        3,
        2**31,
        2**53 + 1,
        2**63,
        10**400,
        0.5,
        -0.0,
        1e308,
        5e-324,
        float("nan"),
        float("inf"),
        "",
        "x",
        "\ud800",
        "NaN",
        "int64",
        "float16",
        "/etc/passwd",
        f"sha1://{HASH}/a",
        f"sha1://{HASH}/..",
        [],
        {},
        [[]],
        [0],
        [10**18, 2, 2],
        ["a", "a"],
        {"a": 1},
    ]
)
JSON = st.recursive(
    ODD | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def place():
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def store(place):
    return open_store(place / "store", "embedded")


def make_in_python():
    return seriesview.SVSeries.from_numpy(
        type="discrete",
        sampling_frequency=None,
        start_time=0,
        end_time=10,
        segment_duration=4,
        timestamps=np.arange(40) / 4,
        values=np.arange(40, dtype=np.int32),
    )


@pytest.fixture(scope="module")
def documents(store, place):
    """A manifest of every kind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KACHERY_STORAGE_DIR", str(store.directory))
        made_uri = make_in_python().to_uri()
    chunked = store.get_json(store_series(store, [SAMPLES], samples="link", link_path=place / "chunked.dat"))
    offsets = np.stack([8 + 4 * 50 * np.arange(4), np.full(4, 200)], axis=1).astype(np.int64)
    chunked["values"]["link"] = {
        "uri": chunked["values"]["link"]["uri"],
        "chunk_shape": [50, 2],
        "filters": [],
        "chunks": store_rows(store, offsets, 4).to_json_dict(),
    }
    uris = {
        "stored": store_series(store, [SAMPLES, SAMPLES[:50]]),
        "linked": store_series(store, [SAMPLES], samples="link", link_path=place / "raw.dat"),
        "chunked": store.put_json(chunked),
        "levels": store_series(store, [SAMPLES], samples="omit"),
        "irregular": store_series(store, [SAMPLES.astype(np.float32)], timestamps=[np.arange(200.0)]),
        "events": store_events(store, np.arange(100.0), np.arange(100) % 3, 3),
        "made": made_uri,
    }
    workspace = build_workspace("all", uris.items(), types=dict.fromkeys(uris, "continuous"))
    return {name: store.get_json(uri) for name, uri in uris.items()} | {"workspace": workspace}


def ask_everything(context, uri):
    """Each function once; how many gave a result. Whatever fails is an error that was meant."""
    window = {"segment": 0, "first_sample": 3, "columns": 20}
    questions = [
        ("get_series_manifest.1", {}),
        ("get_window.1", window | {"samples_per_column": 1}),
        ("get_window.1", window | {"samples_per_column": 5}),
        ("get_window.1", window | {"samples_per_column": 2**53, "columns": 16384}),
        ("get_window.1", window | {"samples_per_column": 16, "first_sample": 0}),
        ("get_points.1", {"start_time": 0, "end_time": 40.0, "max_points": 7}),
        ("get_points.1", {"start_time": -1e15, "end_time": 1e15, "max_points": 100_000}),
        ("get_statistics.1", {"segment": 0, "first_sample": 0, "last_sample": 7}),
    ]
    answered = 0
    for function, arguments in questions:
        try:
            ask(context, function, series_uri=uri, **arguments)
            answered += 1
        except TaskError:
            pass
    return answered


def test_the_documents_are_sound(store, documents):
    context = TaskContext(store)
    for name in set(documents) - {"workspace"}:
        assert ask_everything(context, store.put_json(documents[name])) >= 2, name


def places(value, path=()):
    """Where each value of a JSON document lies."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(draw, document):
    """The document with one to three values replaced, removed or swapped for others of its values."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([path for path in places(document) if path] or [("type",)]))
        holder = document
        for key in path:
            holder = holder[key]
        what = draw(st.sampled_from(["replace", "replace", "remove", "move"]))
        if what == "remove":
            del holder[last]
        elif what == "move":
            source = document
            for key in draw(st.sampled_from(list(places(document)))):
                source = source[key]
            holder[last] = copy.deepcopy(source)
        else:
            holder[last] = copy.deepcopy(draw(JSON))
    return document


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    data=st.data(),
    name=st.sampled_from(["stored", "linked", "chunked", "levels", "irregular", "events", "made"]),
)
def test_changed_series(store, documents, data, name):
    document = changed(data.draw, documents[name])
    ask_everything(TaskContext(store), store.put_bytes(json.dumps(document).encode()))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_changed_workspaces(store, documents, data):
    uri = store.put_bytes(json.dumps(changed(data.draw, documents["workspace"])).encode())
    with contextlib.suppress(TaskError):
        ask(TaskContext(store), "get_workspace.1", workspace_uri=uri)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), function=st.sampled_from(sorted(TASK_FUNCTIONS)))
def test_any_arguments(store, documents, data, function):
    good = {
        "series_uri": store.put_json(documents["stored"]),
        "workspace_uri": store.put_json(documents["workspace"]),
        "uri": store.put_bytes(b"12345678"),
        "dtype": "int16",
        "segment": 0,
        "first_sample": 0,
        "last_sample": 5,
        "samples_per_column": 4,
        "columns": 10,
        "channels": None,
        "start_time": 0.0,
        "end_time": 5.0,
        "max_points": 9,
    }
    names = data.draw(st.lists(st.sampled_from(sorted(good)), unique=True))
    kwargs = {name: data.draw(st.just(good[name]) | JSON) for name in names}
    kwargs |= data.draw(st.dictionaries(st.text(max_size=5), JSON, max_size=1))
    with contextlib.suppress(TaskError):
        ask(TaskContext(store), function.removeprefix("seriesview."), **kwargs)
