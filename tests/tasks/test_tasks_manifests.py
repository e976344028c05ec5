"""Manifests, workspaces and plain arrays: what is stored, in the form that figurl takes."""

import hashlib
import json

import numpy as np
import pytest
from figurl_reader import ask
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from series_builder import store_series
from test_tasks_windows import SENT_AS

import seriesview
from seriesview.errors import TaskError
from seriesview.tasks import TASK_FUNCTIONS, TaskContext, TaskLimits
from seriesview.tasks.encoding import encode_array
from seriesview.workspace.manifest import build_workspace

HASH = "0123456789abcdef0123456789abcdef01234567"


def test_the_functions_are_registered_with_their_types():
    assert {function.id: function.type for function in TASK_FUNCTIONS.values()} == {
        "seriesview.get_python_package_version.1": "query",
        "seriesview.get_series_manifest.1": "pure-calculation",
        "seriesview.get_array.2": "pure-calculation",
        "seriesview.get_workspace.1": "pure-calculation",
        "seriesview.get_window.1": "pure-calculation",
        "seriesview.get_points.1": "pure-calculation",
        "seriesview.get_statistics.1": "pure-calculation",
    }


def test_the_version(store):
    assert ask(TaskContext(store), "get_python_package_version.1") == seriesview.__version__


def test_a_series_manifest_is_what_is_stored(store):
    uri = store_series(store, [np.zeros((200, 2), np.int16)])
    assert ask(TaskContext(store), "get_series_manifest.1", series_uri=uri) == store.get_json(uri)


def test_numbers_that_are_not_json_are_null(store):
    segment = {
        "start_time": 0,
        "end_time": 1,
        "num_samples": 0,
        "min_value": float("nan"),
        "max_value": float("-inf"),
    }
    text = json.dumps({"type": "continuous", "sampling_frequency": None, "segments": [segment]})
    uri = store.put_bytes(text.replace("-Infinity", "-1e999").encode())
    found = ask(TaskContext(store), "get_series_manifest.1", series_uri=uri)
    assert found["segments"] == [segment | {"min_value": None, "max_value": None}]


def test_a_workspace_is_what_is_stored(store):
    series = store_series(store, [np.zeros((200, 2), np.int16)])
    manifest = build_workspace("demo", [("raw", series)], types={"raw": "continuous"})
    uri = store.put_json(manifest, name="workspace.json")
    assert ask(TaskContext(store), "get_workspace.1", workspace_uri=uri) == manifest
    with pytest.raises(TaskError, match="this is a workspace"):
        ask(TaskContext(store), "get_series_manifest.1", series_uri=uri)
    with pytest.raises(TaskError, match="format 'seriesview-series/1' is not known"):
        ask(TaskContext(store), "get_workspace.1", workspace_uri=series)


@pytest.mark.parametrize("dtype", sorted(SENT_AS))
def test_an_array_is_the_bytes_of_an_artifact(store, dtype):
    array = np.arange(100).astype(dtype)
    found = ask(TaskContext(store), "get_array.2", uri=store.put_bytes(array), dtype=dtype)
    assert set(found) == {"array"}
    assert found["array"].dtype.name == SENT_AS[dtype]
    assert found["array"].tolist() == array.tolist()


def test_arrays_reach_the_parts_of_any_array(store):
    manifest = store.get_json(store_series(store, [np.arange(40, dtype=np.int16)[:, None]]))
    context = TaskContext(store)
    page = ask(context, "get_array.2", uri=manifest["values"]["pages"][0], dtype="uint8")["array"]
    digests = [bytes(digest).hex() for digest in page.reshape(-1, 20)]
    # Parts of 7 rows, three of them a pack.
    packs, parts = digests[::4], [digest for number, digest in enumerate(digests) if number % 4]
    uris = []
    for number, part in enumerate(parts):
        pack, place = divmod(number, 3)
        end = min(14 * (place + 1), 80 - 42 * pack)
        uris.append(f"sha1://{part}/part.dat?chunkOf={packs[pack]}~{14 * place}~{end}")
    arrays = [ask(context, "get_array.2", uri=uri, dtype="int16")["array"] for uri in uris]
    assert [len(array) for array in arrays] == [7, 7, 7, 7, 7, 5]
    assert np.concatenate(arrays).tolist() == list(range(40))


def test_a_stretch_is_sent_only_where_its_bytes_are_those_of_its_name(store, tmp_path):
    context = TaskContext(store, TaskLimits(max_result_bytes=1000))
    data = np.arange(3000, dtype=np.int16).tobytes()
    pack, part = store.put_part(data).hex(), hashlib.sha1(data[200:300]).hexdigest()

    def asked(first, last, of=pack, sha1=part):
        uri = f"sha1://{sha1}/part.dat?chunkOf={of}~{first}~{last}"
        return ask(context, "get_array.2", uri=uri, dtype="int16")["array"]

    assert asked(200, 300).tolist() == list(range(100, 150))
    for first, last in ((200, 298), (202, 302), (0, 100)):
        with pytest.raises(TaskError, match=f"damaged: SHA-1 {part} is not"):
            asked(first, last)
    with pytest.raises(TaskError, match="ends behind the 6000 bytes"):
        asked(5990, 6001)
    with pytest.raises(TaskError, match="ends behind the 6000 bytes"):
        asked(0, 2**62)
    with pytest.raises(TaskError, match="no whole number of int16"):
        asked(200, 299)
    with pytest.raises(TaskError, match="at most 1000 are"):
        asked(0, 2000)
    with pytest.raises(TaskError, match=f"SHA-1 {HASH} is not in the store"):
        asked(0, 2, of=HASH)
    for first, last in (
        (300, 200),
        (200, 200),
        (-1, 5),
        ("", 5),
        (" 1", 5),
        ("01", 5),
        ("1e2", 300),
        (5, 2**64),
    ):
        with pytest.raises(TaskError, match="uri: expected a URI"):
            asked(first, last)
    secret = tmp_path / "recording.dat"
    secret.write_bytes(bytes(range(100)))
    linked = store.hash_and_link(secret)[7:47]
    with pytest.raises(TaskError, match="is a linked file"):
        asked(0, 50, of=linked, sha1=hashlib.sha1(bytes(range(50))).hexdigest())


def test_arrays_that_cannot_be_had(store, tmp_path):
    context = TaskContext(store, TaskLimits(max_result_bytes=1000))
    uri = store.put_bytes(bytes(501))
    assert len(ask(context, "get_array.2", uri=uri, dtype="uint8")["array"]) == 501
    with pytest.raises(TaskError, match="no whole number of int16"):
        ask(context, "get_array.2", uri=uri, dtype="int16")
    with pytest.raises(TaskError, match="1002 bytes as sent, at most 1000"):
        ask(context, "get_array.2", uri=uri, dtype="int8")
    with pytest.raises(TaskError, match="dtype: expected one of int8"):
        ask(context, "get_array.2", uri=uri, dtype="object")
    empty = ask(context, "get_array.2", uri=store.put_bytes(b""), dtype="int16")["array"]
    assert (empty.shape, empty.dtype) == ((0,), np.int16)
    secret = tmp_path / "recording.dat"
    secret.write_bytes(b"more than was meant")
    with pytest.raises(TaskError, match="is a linked file"):
        ask(context, "get_array.2", uri=store.hash_and_link(secret), dtype="uint8")


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "sha1:///etc/passwd",
        f"sha1://{HASH}",
        f"sha1://{HASH}/",
        f"sha1://{HASH}/..",
        f"sha1://{HASH}/%2e%2e",
        f"sha1://{HASH}/a%2Fb",
        f"sha1://{HASH}/a/../../../etc/passwd",
        f"sha1://{HASH}/a?manifest=/etc/passwd",
        f"sha1://{HASH}/a?chunkOf={HASH}~0",
        f"sha1://{HASH}/a?chunkOf={HASH}~0~5~6",
        f"sha1://{HASH}/a?chunkOf={HASH}~0~5?manifest={HASH}",
        f"sha1://{HASH}/a?manifest={HASH}?chunkOf={HASH}~0~5",
        f"sha1://{HASH}/a?chunkOf=/etc/passwd~0~5",
        f"sha1://{HASH}/..?chunkOf={HASH}~0~5",
        f"sha1://{HASH}/a?chunkOf={HASH}~0~\u0665",
        f"sha1://{HASH}/a?manifest={HASH}&x=1",
        f"sha1://{HASH}/a#b",
        f"sha1://{HASH}/a\nb",
        f"sha1://{HASH}/a\0",
        f"sha1://{HASH}/\ud800",
        f"sha1://{HASH.upper()}/a",
        f"sha1://../../{HASH[6:]}/a",
        f"SHA1://{HASH}/a",
        f" sha1://{HASH}/a",
        f"sha1://{HASH}/{'a' * 1000}",
        f"sha1://{'०' * 40}/a",
        "",
        None,
        5,
        {"sha1": HASH},
    ],
)
def test_only_uris_of_hashes_are_opened(store, uri):
    context = TaskContext(store)
    for function, arguments in (
        ("get_array.2", {"uri": uri, "dtype": "uint8"}),
        ("get_series_manifest.1", {"series_uri": uri}),
        ("get_workspace.1", {"workspace_uri": uri}),
    ):
        with pytest.raises(TaskError, match="uri: expected a URI"):
            ask(context, function, **arguments)


def test_manifests_are_no_stretches(store):
    uri = f"sha1://{HASH}/a?chunkOf={HASH}~0~5"
    for function, key in (("get_series_manifest.1", "series_uri"), ("get_workspace.1", "workspace_uri")):
        with pytest.raises(TaskError, match="uri: expected a URI"):
            ask(TaskContext(store), function, **{key: uri})


def test_what_is_not_stored(store):
    with pytest.raises(TaskError, match=f"SHA-1 {HASH} is not in the store of the backend"):
        ask(TaskContext(store), "get_series_manifest.1", series_uri=f"sha1://{HASH}/a.json?manifest={HASH}")


@given(
    array=hnp.arrays(
        st.sampled_from(["int64", "uint64"]),
        st.integers(1, 20),
        elements={"max_value": 2**63 - 1},
    )
)
def test_64_bit_integers_are_sent_exactly_or_not_at_all(array):
    exact = all(int(float(int(n))) == int(n) for n in array)
    try:
        encode_array(array)
    except TaskError:
        assert not exact
    else:
        assert exact
