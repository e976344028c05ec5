"""A stored series of every kind, and questions to ask of each."""

import zlib

import numpy as np
import pytest
from figurl_reader import ask
from series_builder import store_events, store_rows, store_series

import seriesview
from seriesview.errors import TaskError

SAMPLES = np.arange(400, dtype=np.int16).reshape(200, 2)


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


def store_chunked(store, path):
    """URI of a series whose samples lie in four packed chunks of a linked file."""
    chunks = [rows.view(np.uint8).reshape(-1, 2).T.tobytes() for rows in np.split(SAMPLES, 4)]
    packed = [zlib.compress(chunk) for chunk in chunks]
    path.write_bytes(b"".join(packed))
    sizes = np.array([len(chunk) for chunk in packed])
    table = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1).astype(np.int64)
    manifest = store.get_json(store_series(store, [SAMPLES], samples="omit"))
    manifest["values"] = {
        "link": {
            "uri": store.hash_and_link(path),
            "chunk_shape": [50, 2],
            "filters": ["shuffle", "deflate"],
            "chunks": store_rows(store, table, 4).to_json_dict(),
        }
    }
    return store.put_json(manifest)


def store_made(store, place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KACHERY_STORAGE_DIR", str(store.directory))
        return make_in_python().to_uri()


def store_linked(store, place):
    return store_series(store, [SAMPLES], samples="link", link_path=place / "raw.dat", part_rows=30)


def store_irregular(store, place):
    return store_series(store, [SAMPLES.astype(np.float32)], timestamps=[np.arange(200.0)], part_rows=30)


EVERY_KIND = {
    "stored": lambda store, place: store_series(store, [SAMPLES, SAMPLES[:50]], part_rows=30),
    "linked": store_linked,
    "chunked": lambda store, place: store_chunked(store, place / "chunked.dat"),
    "levels": lambda store, place: store_series(store, [SAMPLES], samples="omit", part_rows=30),
    "irregular": store_irregular,
    "events": lambda store, place: store_events(store, np.arange(100.0), np.arange(100) % 3, 3, part_rows=30),
    "made": store_made,
}
"""What stores a series of each kind and gives its URI; linked files lie in the folder `place`."""


def store_every_kind(store, place):
    """URIs by kind."""
    return {kind: make(store, place) for kind, make in EVERY_KIND.items()}


WINDOW = {"segment": 0, "first_sample": 3, "columns": 20}
QUESTIONS = [
    ("get_series_manifest.1", {}),
    ("get_window.1", WINDOW | {"samples_per_column": 1}),
    ("get_window.1", WINDOW | {"samples_per_column": 5}),
    ("get_window.1", WINDOW | {"samples_per_column": 2**53, "columns": 16384}),
    ("get_window.1", WINDOW | {"samples_per_column": 16, "first_sample": 0}),
    ("get_points.1", {"start_time": 0, "end_time": 40.0, "max_points": 7}),
    ("get_points.1", {"start_time": -1e15, "end_time": 1e15, "max_points": 100_000}),
    ("get_statistics.1", {"segment": 0, "first_sample": 0, "last_sample": 7}),
]


def ask_everything(context, uri):
    """The answer to each question, None where it is an error."""
    answers = []
    for function, arguments in QUESTIONS:
        try:
            answers.append(ask(context, function, series_uri=uri, **arguments))
        except TaskError:
            answers.append(None)
    return answers
