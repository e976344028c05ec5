"""Damaged stores and series made to exhaust a backend: an error, never a wrong picture, a hang or all of the memory."""

import copy
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from every_kind import EVERY_KIND, SAMPLES, ask_everything
from figurl_reader import ask
from series_builder import store_rows, store_series

from seriesview.errors import TaskError
from seriesview.store.paths import artifact_path
from seriesview.tasks import TaskContext, TaskLimits


def flip(data, random):
    position = int(random.integers(len(data)))
    return data[:position] + bytes([data[position] ^ 1 << int(random.integers(8))]) + data[position + 1 :]


DAMAGES = {
    "a flipped bit": flip,
    "cut short": lambda data, random: data[: int(random.integers(len(data)))],
    "too long": lambda data, random: data + b"\0",
    "empty": lambda data, random: b"",
    "other bytes": lambda data, random: random.bytes(len(data)),
}


def same(first, second):
    try:
        np.testing.assert_equal(first, second)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("kind", EVERY_KIND)
def test_damaged_artifacts_give_errors_and_no_wrong_pictures(store, tmp_path, kind, how):
    uri = EVERY_KIND[kind](store, tmp_path)
    expected = ask_everything(TaskContext(store), uri)
    assert any(answer is not None for answer in expected)
    random = np.random.default_rng(4)
    noticed = 0
    for path in sorted((store.directory / "sha1").rglob("*")):
        if path.is_dir() or "staging" in str(path):
            continue
        data = path.read_bytes()
        if not data:
            continue
        path.write_bytes(DAMAGES[how](data, random))
        for answer, right in zip(ask_everything(TaskContext(store), uri), expected, strict=True):
            assert answer is None or same(answer, right)
            noticed += answer is None and right is not None
        path.write_bytes(data)
    assert noticed
    assert same(ask_everything(TaskContext(store), uri), expected)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_what_was_read_once_is_right_although_it_is_damaged_now(store, tmp_path, kind):
    uri = EVERY_KIND[kind](store, tmp_path)
    context = TaskContext(store)
    expected = ask_everything(context, uri)
    for path in (store.directory / "sha1").rglob("*"):
        if path.is_file() and path.suffix != ".link":
            path.write_bytes(b"\0" * path.stat().st_size)
    for answer, right in zip(ask_everything(context, uri)[1:], expected[1:], strict=True):
        assert answer is None or same(answer, right)
    context.release()
    assert not any(answer is not None for answer in ask_everything(context, uri))


def test_an_artifact_that_is_a_folder(store):
    uri = store_series(store, [SAMPLES])
    path = artifact_path(store.directory, uri[7:47])
    path.unlink()
    path.mkdir()
    with pytest.raises(TaskError, match="something else stands in the place of an artifact"):
        ask(TaskContext(store), "get_series_manifest.1", series_uri=uri)


def test_pipes_in_the_place_of_files(store, tmp_path):
    raw = tmp_path / "raw.dat"
    uri = store_series(store, [SAMPLES], samples="link", link_path=raw)
    stored = artifact_path(store.directory, store.get_json(uri)["levels"][0]["pages"][0][7:47])
    for path in (raw, stored):
        path.unlink()
        os.mkfifo(path)
    context = TaskContext(store)
    window = {"segment": 0, "first_sample": 0, "columns": 9}
    for per_column, message in (
        (3, "linked to changed"),
        (4, "something else stands in the place of an artifact"),
    ):
        with pytest.raises(TaskError, match=message):
            ask(context, "get_window.1", series_uri=uri, samples_per_column=per_column, **window)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"1", "expected an object, found 1"),
        (b'{"type": "continuous", "segments": [], "options": ' + b'{"a":' * 100 + b"0" + b"}" * 101, "deep"),
        (b'{"format": "seriesview-workspace/1"}', "this is a workspace"),
        (b'{"format": "seriesview-series/9"}', "update seriesview"),
        (b" " * 2**24 + b"{}", "more than the 16777216"),
        (b'{"type": "continuous", "segments": [' + b'{"start_time":0,"end_time":0,"num_samples":0},' * 100_000
         + b'{"start_time":0,"end_time":0,"num_samples":0}]}', "100001 segments, at most 100000"),
        (b'{"type": "continuous", "segments": [{"start_time":0,"end_time":1,"num_samples":1' + b"0" * 17 + b"}]}",
         "more than 9007199254740992 samples"),
        (b'{"type": "continuous", "segments": [{"start_time":0,"end_time":1,"num_samples":1' + b"0" * 30 + b"}]}",
         "num_samples: expected an integer of at least 0, found an integer of 100 bits"),
        (b'{"type": "continuous", "segments": [], "scale": 1' + b"0" * 400 + b"}", "scale: expected a number"),
    ],
)  # fmt: skip
def test_what_is_no_manifest(store, text, message):
    uri = store.put_bytes(text)
    for function in ("get_series_manifest.1", "get_statistics.1"):
        more = {"segment": 0, "first_sample": 0, "last_sample": 1} if "stat" in function else {}
        if "deep" in message and more:
            continue
        with pytest.raises(TaskError, match=message):
            ask(TaskContext(store), function, series_uri=uri, **more)


def changed(document, *path, to):
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = to
    return document


def test_parts_that_are_other_artifacts(store):
    """Parts of another size, or another array's: what has the right hash and size is what was meant."""
    document = store.get_json(store_series(store, [SAMPLES]))
    part = store_rows(store, SAMPLES, 7).to_json_dict()
    wrong = [
        changed(document, "values", "pages", to=document["levels"][0]["pages"]),
        changed(document, "values", "pages", to=[store.put_json(document)]),
        changed(document, "values", "part_rows", to=8),
        changed(document, "values", "part_rows", to=65536),
        changed(document, "values", to=part | {"shape": [200, 3]}),
        changed(document, "values", to=part | {"dtype": "int32"}),
    ]
    window = {"segment": 0, "first_sample": 1, "samples_per_column": 5, "columns": 50}
    for each in wrong:
        with pytest.raises(TaskError):
            ask(TaskContext(store), "get_window.1", series_uri=store.put_json(each), **window)


def test_chunks_that_unpack_to_more_than_they_should(store, tmp_path):
    uri = EVERY_KIND["chunked"](store, tmp_path)
    document = store.get_json(uri)
    bomb = tmp_path / "bomb.dat"
    bomb.write_bytes(zlib.compress(bytes(2**26), 9))
    size = bomb.stat().st_size
    link = document["values"]["link"] | {"uri": store.hash_and_link(bomb)}
    tables = (
        [[0, size]] * 4,
        [[0, 2**62]] * 4,
        [[-1, 100]] * 4,
        [[2**62, 100]] * 4,
        [[0, -1]] * 4,
        [[0, 20]] * 4,
    )
    manifests = [
        changed(
            document,
            "values",
            "link",
            to=link | {"chunks": store_rows(store, np.array(table, np.int64), 4).to_json_dict()},
        )
        for table in tables
    ]
    one_chunk = store_rows(store, np.array([[0, size]], np.int64), 4).to_json_dict()
    manifests.append(
        changed(document, "values", "link", to=link | {"chunk_shape": [2**40, 2**20], "chunks": one_chunk})
    )
    window = {"segment": 0, "first_sample": 1, "samples_per_column": 5, "columns": 50}
    for manifest in manifests:
        with pytest.raises(TaskError):
            ask(TaskContext(store), "get_window.1", series_uri=store.put_json(manifest), **window)


def giant(store, dtype, row_shape, num_pages=500, part_rows=4096):
    """An array of which every part is the same, and every page: enormous, and a few kilobytes in the store."""
    page = store.put_bytes(store.put_part(np.zeros((part_rows, *row_shape), dtype)) * 512, name="page.dat")
    shape = [part_rows * 256 * num_pages, *row_shape]
    return {
        "dtype": dtype,
        "shape": shape,
        "part_rows": part_rows,
        "pack_parts": 1,
        "pages": [page] * num_pages,
    }


def giants(store):
    """Manifests of such arrays, all consistent."""
    values, times = giant(store, "int16", [1]), giant(store, "float64", [])
    num_samples = values["shape"][0]
    level, moments = giant(store, "int16", [2, 1]), giant(store, "int64", [3, 1])
    base = {
        "type": "continuous",
        "dtype": "int16",
        "channels": [{"id": "ch0"}],
        "segments": [{"start_time": 0.0, "end_time": 1e9, "num_samples": num_samples}],
        "sampling_frequency": 1000.0,
    }
    twice = [{"start_time": 0.0, "end_time": 1e9, "num_samples": 2 * num_samples}]
    overlapping = [{"start_time": 0.0, "end_time": 1.0, "num_samples": 100}] * 2000
    few = store_rows(store, np.zeros((200_000, 1), np.int16), 65536).to_json_dict()
    return {
        "no levels": base | {"values": values},
        "a fine level alone": base | {"segments": twice, "levels": [{"factor": 2, **level}]},
        "fine moments alone": base | {"segments": twice, "moments": [{"factor": 2, **moments}]},
        "times": base | {"values": values, "timestamps": times, "sampling_frequency": None},
        "events": base
        | {"type": "event", "events": {"times": times, "channels": giant(store, "uint32", [])}},
        "overlapping segments": base | {"segments": overlapping, "values": few},
        "many channels": base | {"channels": [{"id": str(c)} for c in range(100_001)]},
        "wide parts": base
        | {"channels": [{"id": str(c)} for c in range(20_000)], "values": giant(store, "int16", [20_000])
           | {"part_rows": 65536, "shape": [num_samples, 20_000], "pages": values["pages"][:32]}},
    }  # fmt: skip


def ask_giants(directory):
    """What the child process does."""
    from seriesview.store import open_store

    store = open_store(directory, "embedded")
    for name, manifest in giants(store).items():
        context = TaskContext(store, TaskLimits(max_reading_bytes=2**28))
        uri = store.put_json(manifest)
        ask_everything(context, uri)
        more = {"segment": 0, "first_sample": 0, "last_sample": 2**32}
        for function, arguments in (
            ("get_window.1", more | {"samples_per_column": 2**40, "columns": 16384}),
            ("get_window.1", more | {"samples_per_column": 60_001, "columns": 16384}),
            ("get_points.1", {"start_time": 0, "end_time": 1, "max_points": 1_000_000}),
            ("get_statistics.1", more),
        ):
            known = {
                key: value for key, value in arguments.items() if key != "last_sample" or "stat" in function
            }
            try:
                ask(context, function, series_uri=uri, **known)
            except TaskError as error:
                print(f"{name}: {error}")


def test_giants_end_in_errors_and_take_little_memory(tmp_path):
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31));"
        f"sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parents[1] / 'support')]!r};"
        f"import test_tasks_damage; test_tasks_damage.ask_giants({str(tmp_path / 'store')!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "too much would have to be read" in done.stdout
