"""Samples linked in every form, read against brute force; files that are moved, cut short or another in the middle."""

import os
import tempfile
import threading
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from laid_samples import FORMS, lay, link_files, link_into, ways
from second_reader import SecondReader
from series_builder import lowest_highest, store_series

import seriesview
from seriesview.errors import IntegrityError, MissingArtifactError, RequestError
from seriesview.pictures.page import size_in_words
from seriesview.series.links import linked_uris
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.words import series_lines
from seriesview.store import open_store

DTYPES = ["int8", "int16", "int32", "uint16", "uint64", "float32", "float64"]


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


def numbers(dtype, shape, seed=0):
    return np.random.default_rng(seed).integers(0, 100, shape).astype(dtype)


def linked(store, segments, values):
    """URI of a series of these segments whose samples are linked."""
    document = store.get_json(store_series(store, segments, samples="omit"))
    whole = parse_series_manifest(document | {"values": values})
    return store.put_json(whole.to_json_dict(), name="series.json")


def cut(samples, edges):
    return [samples[a:b] for a, b in pairwise([0, *sorted(edges), len(samples)]) if a < b]


def check_reads(series, segments, data):
    """Values and windows of random stretches and channels are those of the samples."""
    for _ in range(4):
        number = data.draw(st.integers(0, len(segments) - 1))
        length, width = segments[number].shape
        first = data.draw(st.integers(0, length - 1))
        last = data.draw(st.integers(first, length))
        chosen = data.draw(
            st.lists(st.integers(0, width - 1), min_size=1, max_size=3, unique=True) | st.none()
        )
        ids = chosen and [f"ch{c}" for c in chosen]
        picked = slice(None) if chosen is None else chosen
        found = series.values(number, first, last, ids)
        assert found.dtype == segments[number].dtype
        np.testing.assert_array_equal(found, segments[number][first:last][:, picked])
        samples_per_column = data.draw(st.integers(2, 30))
        window = series.window(number, first, samples_per_column, 20, ids)
        for column, hull in enumerate(window):
            begin = first + column * samples_per_column
            expected = lowest_highest(segments[number][begin : begin + samples_per_column + 1])
            np.testing.assert_array_equal(hull, expected[:, picked])


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    lengths=st.lists(st.integers(1, 120), min_size=1, max_size=3),
    channels=st.integers(1, 4),
    way=ways(),
)
def test_samples_linked_in_one_file_are_read(data, dtype, lengths, channels, way):
    samples = numbers(dtype, (sum(lengths), channels))
    segments = cut(samples, np.cumsum(lengths)[:-1])
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store", "embedded")
        uri = linked(store, segments, link_into(store, Path(directory) / "raw.dat", samples, **way))
        check_reads(seriesview.open_series(uri, store), segments, data)
        for found, segment in zip(SecondReader(store.directory, uri).samples(), segments, strict=True):
            np.testing.assert_array_equal(found, segment)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    lengths=st.lists(st.integers(1, 120), min_size=1, max_size=3),
    channels=st.integers(1, 3),
)
def test_samples_linked_in_several_files_are_read(data, dtype, lengths, channels):
    samples = numbers(dtype, (sum(lengths), channels))
    segments = cut(samples, np.cumsum(lengths)[:-1])
    pieces = cut(samples, data.draw(st.sets(st.integers(1, max(1, len(samples) - 1)), max_size=6)))
    how = [data.draw(ways()) for _ in pieces]
    shared = data.draw(st.sets(st.integers(1, 6)))
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(Path(directory) / "store", "embedded")
        uri = linked(store, segments, link_files(store, Path(directory), pieces, how, shared))
        check_reads(seriesview.open_series(uri, store), segments, data)
        for found, segment in zip(SecondReader(store.directory, uri).samples(), segments, strict=True):
            np.testing.assert_array_equal(found, segment)


def three_files(store, folder, form="rows"):
    samples = numbers("int16", (90, 2))
    pieces = cut(samples, [30, 60])
    values = link_files(store, folder, pieces, [{"form": form}] * 3)
    return samples, linked(store, [samples], values)


def shorten(path):
    status = path.stat()
    path.write_bytes(path.read_bytes()[:-6])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def rewrite(path):
    content = path.read_bytes()
    path.write_bytes(content[::-1])
    os.utime(path, ns=(0, 0))


@pytest.mark.parametrize("form", ["rows", "records"])
@pytest.mark.parametrize(
    ("damage", "code"),
    [(shorten, "source-changed"), (rewrite, "source-changed"), (Path.unlink, "source-gone")],
)
@pytest.mark.parametrize("was_read", [False, True])
def test_a_file_in_the_middle_that_is_another_is_not_read(store, tmp_path, form, damage, code, was_read):
    samples, uri = three_files(store, tmp_path, form)
    series = seriesview.open_series(uri, store)
    if was_read:
        np.testing.assert_array_equal(series.values(0, 0, 90), samples)
    damage(tmp_path / "piece-1.dat")
    with pytest.raises(MissingArtifactError, match=r"piece-1\.dat") as caught:
        series.values(0, 20, 40)
    assert caught.value.code == code
    assert caught.value.facts["sha1"] == linked_uris(series.manifest.values)[1][7:47]
    # What lies in the other files is read as ever.
    np.testing.assert_array_equal(series.values(0, 0, 30), samples[:30])
    np.testing.assert_array_equal(series.values(0, 60, 90), samples[60:])


def test_a_link_that_reaches_behind_its_file_is_said(store, tmp_path):
    samples = numbers("int16", (90, 2))
    values = link_into(store, tmp_path / "raw.dat", samples, form="records", per_record=10)
    values["link"]["offset"] += 4
    series = seriesview.open_series(linked(store, [samples], values), store)
    with pytest.raises(IntegrityError, match=r"raw\.dat"):
        series.values(0, 80, 90)


def open_files_of(folder):
    paths = []
    for entry in Path("/proc/self/fd").iterdir():
        # Other threads close theirs meanwhile.
        with suppress(FileNotFoundError):
            paths.append(str(entry.readlink()))
    return sum(path.startswith(f"{folder}/") for path in paths)


def test_of_many_files_few_are_open_also_where_many_threads_read(store, tmp_path):
    samples = numbers("int16", (900, 2))
    folder = tmp_path / "pieces"
    folder.mkdir()
    pieces = cut(samples, range(3, 900, 3))
    uri = linked(store, [samples], link_files(store, folder, pieces, [{"form": "rows"}] * len(pieces)))
    series = seriesview.open_series(uri, store)
    assert open_files_of(folder) == 0
    faults = []

    def read(seed):
        chosen = np.random.default_rng(seed)
        for _ in range(30):
            first = int(chosen.integers(0, 880))
            found = series.values(0, first, first + 20)
            if not np.array_equal(found, samples[first : first + 20]) or open_files_of(folder) > 16:
                faults.append(first)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert open_files_of(folder) <= 2


@pytest.mark.parametrize("form", FORMS)
def test_reading_is_counted_before_it_is_done(store, tmp_path, form):
    """Of a link that makes the reader go through much for little, tasks do no more than they may."""
    from seriesview.series.arrays import PartCache
    from seriesview.tasks.limits import TaskLimits
    from seriesview.tasks.opening import open_checked
    from seriesview.tasks.reading_limit import count_reading, reading_at_most

    samples = numbers("int16", (2000, 3))
    uri = linked(store, [samples], link_into(store, tmp_path / "raw.dat", samples, form=form))
    series, _ = open_checked(store, uri, TaskLimits(), PartCache(on_reading=count_reading))
    with reading_at_most(40_000_000):
        np.testing.assert_array_equal(series.values(0, 0, 2000), samples)
    with reading_at_most(60_000), pytest.raises(RequestError, match="too much"):
        series.values(0, 0, 2000)


def test_the_forms_lie_as_their_names_say():
    content = bytearray()
    samples = np.array([[1, 2], [3, 4], [5, 6]], np.int8)
    link = lay(content, samples, "records", per_record=2)
    assert bytes(content) == bytes([1, 3, 2, 4, 5, 0, 6, 0])
    assert link["records"] == {"stride": 4, "samples": 2, "channel_offsets": [0, 2]}


def test_of_channels_that_follow_one_another_only_those_asked_for_are_read(store, tmp_path):
    samples = numbers("int16", (20_000, 40))
    pieces = cut(samples, [5_000])
    way = {"form": "behind-one-another"}
    uri = linked(store, [samples], link_files(store, tmp_path, pieces, [way, way]))
    series = seriesview.open_series(uri, store)
    series.values(0, 0, 10_000, ["ch1"])
    before = bytes_read()
    np.testing.assert_array_equal(series.values(0, 0, 20_000, ["ch7", "ch3"]), samples[:, [7, 3]])
    assert bytes_read() - before < 2 * 40_000 + 20_000


def bytes_read():
    line = Path("/proc/self/io").read_text().splitlines()[0]
    return int(line.removeprefix("rchar: "))


def test_where_samples_are_is_said_in_words(store, tmp_path):
    _, uri = three_files(store, tmp_path)
    manifest = seriesview.open_series(uri, store).manifest
    first = linked_uris(manifest.values)[0]
    assert f"raw samples: linked, in {first} and 2 other files" in list(series_lines(manifest))
    assert size_in_words(manifest).endswith("(samples linked in their 3 files)")
