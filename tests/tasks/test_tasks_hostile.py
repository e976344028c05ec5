"""Requests and stored manifests that were made to do harm: every one ends soon, in an error or in the right result."""

import contextlib
import copy
import json
import math

import numpy as np
import pytest
from every_kind import ask_everything, store_every_kind
from figurl_reader import ask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from series_builder import store_rows

from seriesview.errors import TaskError
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.traits import traits_of
from seriesview.steps.documents import parse_steps
from seriesview.steps.planning import plan_steps
from seriesview.store import open_store
from seriesview.tasks import TASK_FUNCTIONS, TaskContext
from seriesview.workspace.manifest import build_workspace

SPECIALS = [np.nan, np.inf, -np.inf, -0.0, 3e38, -3e38, 1e-45, 1.0]
HASH = "0123456789abcdef0123456789abcdef01234567"

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
def store(tmp_path_factory):
    return open_store(tmp_path_factory.mktemp("hostile") / "store", "embedded")


@pytest.fixture(scope="module")
def documents(store, tmp_path_factory):
    """The manifest of a series of every kind, and of a workspace of them."""
    uris = store_every_kind(store, tmp_path_factory.mktemp("linked"))
    uris["computed"] = store.put_json(computed(store.get_json(uris["linked"]), uris["linked"]))
    workspace = build_workspace("all", uris.items(), types=dict.fromkeys(uris, "continuous"))
    return {name: store.get_json(uri) for name, uri in uris.items()} | {"workspace": workspace}


def computed(source, uri):
    """The manifest of a series that steps make of a source that does not say what its levels are."""
    steps = [{"highpass": 0.1}, {"notch": 2, "harmonics": 2}]
    traits = traits_of(parse_series_manifest(source))
    plan = plan_steps(parse_steps(steps), traits)
    return {
        **source,
        "dtype": plan.output.dtype.name,
        "values": {"compute": "steps"},
        "from": {"uri": uri, "label": "a"},
        "steps": list(plan.steps),
        "coefficients": list(plan.coefficients),
        "margin": plan.margin,
        "block_samples": plan.block_samples,
        "levels": [],
        "moments": [],
    }


def test_the_documents_are_sound(store, documents):
    context = TaskContext(store)
    for name in set(documents) - {"workspace"}:
        answers = ask_everything(context, store.put_json(documents[name]))
        assert sum(answer is not None for answer in answers) >= 2, name


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
    name=st.sampled_from(
        ["stored", "linked", "chunked", "levels", "irregular", "events", "made", "computed"]
    ),
)
def test_changed_series(store, documents, data, name):
    document = changed(data.draw, documents[name])
    ask_everything(TaskContext(store), store.put_bytes(json.dumps(document).encode()))


FEW = [[1, 0, 0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"block_samples": 1}, "too small"),
        ({"steps": [{"highpass": 1}] * 51}, "at most 50"),
        ({"steps": [{"absolute": True}], "coefficients": [{}] * 2}, "coefficients"),
        ({"steps": [{"notch": 2}], "coefficients": [{"sos": FEW * 1000}]}, "sections"),
        ({"steps": [{"notch": 2}], "coefficients": [{"sos": "x"}]}, "sections"),
        ({"steps": [{"notch": 2}], "coefficients": [{"sos": [[1e308, *FEW[0][1:]]]}]}, "sections"),
        ({"steps": [{"montage": ["Channel 0"]}], "coefficients": None}, "not what its steps make"),
        ({"steps": [{"resample": 2}], "coefficients": None}, "segments"),
    ],
)
def test_what_is_computed_is_computed_in_bounds(store, documents, changes, said):
    uri = store.put_json(documents["computed"] | changes)
    with pytest.raises(TaskError, match=said):
        ask(
            TaskContext(store),
            "get_window.1",
            series_uri=uri,
            segment=0,
            first_sample=0,
            samples_per_column=1,
            columns=9,
        )


def arrays_in(value, path=()):
    """Where each description of an array lies in a manifest."""
    if isinstance(value, dict) and "pages" in value:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from arrays_in(item, (*path, key))


@settings(max_examples=100, deadline=None)
@given(
    data=st.data(),
    name=st.sampled_from(["stored", "chunked", "levels", "irregular", "events"]),
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["bytes", "specials", "shuffled"]),
)
def test_arrays_of_other_content(store, documents, data, name, seed, kind):
    """Manifests that are sound, with one array that holds what no writer puts there."""
    document = copy.deepcopy(documents[name])
    holder = document
    for key in data.draw(st.sampled_from(list(arrays_in(document)))):
        holder = holder[key]
    random = np.random.default_rng(seed)
    dtype, shape = np.dtype(holder["dtype"]), holder["shape"]
    if kind == "shuffled":
        array = random.permutation(math.prod(shape)).reshape(shape).astype(dtype)
    elif kind == "specials":
        numbers = SPECIALS if dtype.kind == "f" else [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 1, 2]
        array = np.array(numbers, dtype)[random.integers(0, len(numbers), shape)]
    else:
        array = np.frombuffer(random.bytes(math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
    holder |= store_rows(store, array, holder["part_rows"]).to_json_dict()
    ask_everything(TaskContext(store), store.put_json(document))


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
