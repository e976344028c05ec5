"""Series whose raw samples were shared in part: what can be read, and what is said of the rest."""

import numpy as np
import pytest
from series_builder import store_rows, store_series

from seriesview.errors import FormatError, MissingArtifactError
from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.packing import LEFT_OUT_DIGEST
from seriesview.series.series import open_series
from seriesview.store import open_store
from seriesview.upkeep.verification import Verifier

PART_ROWS = 50


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "storage", "embedded")


@pytest.fixture
def samples():
    return np.random.default_rng(1).integers(-1000, 1000, (330, 2)).astype(np.int16)


def partly(store, samples, left_out=((0, 100), (200, 330))):
    """A manifest (JSON) of which the samples 100 to 200 alone are there: the ends of two packs of three parts."""
    document = store.get_json(store_series(store, [samples], samples="omit"))
    values = store_rows(store, samples, PART_ROWS)
    digests = [ArrayReader(store, values).digest(part) for part in range(7)]
    listed = [
        *(store.put_part(samples[100:150]), LEFT_OUT_DIGEST, LEFT_OUT_DIGEST, digests[2]),
        *(store.put_part(samples[150:200]), digests[3], LEFT_OUT_DIGEST, LEFT_OUT_DIGEST),
        *(LEFT_OUT_DIGEST, LEFT_OUT_DIGEST),
    ]
    page = f"sha1://{store.put_part(b''.join(listed)).hex()}/page.dat"
    return document | {
        "values": values.to_json_dict() | {"pages": [page], "left_out": [list(rows) for rows in left_out]}
    }


def test_what_is_there_is_read_and_what_is_not_is_said(store, samples):
    document = partly(store, samples)
    uri = store.put_json(document, name="series.json")
    assert parse_series_manifest(document).to_json_dict() == document
    series = open_series(uri, store)
    np.testing.assert_array_equal(series.values(0, 100, 200), samples[100:200])
    np.testing.assert_array_equal(
        series.window(0, 110, 7, 5)[:, 1], [samples[110 + 7 * i : 118 + 7 * i].max(axis=0) for i in range(5)]
    )
    whole = series.window(0, 0, 64, 10)
    np.testing.assert_array_equal(whole[0, 0], samples[:65].min(axis=0))
    for first, last in ((99, 101), (199, 201), (329, 330), (0, 1)):
        with pytest.raises(MissingArtifactError, match="left out"):
            series.values(0, first, last)
    with pytest.raises(MissingArtifactError, match=r"rows 50 to 100 were left out"):
        series.window(0, 97, 3, 2)
    verifier = Verifier(store)
    verifier.series(uri, "series")
    assert not verifier.found.problems


def test_a_part_without_hash_that_nobody_left_out_is_missing_in_its_pack(store, samples):
    uri = store.put_json(partly(store, samples, [[0, 100], [250, 330]]), name="series.json")
    verifier = Verifier(store)
    verifier.series(uri, "series")
    assert [(problem.kind, problem.what) for problem in verifier.found.problems] == [
        ("truncated", "series: values: pack 1")
    ]


@pytest.mark.parametrize(
    "left_out", [[[0, 30]], [[100, 50]], [[0, 400]], [[50, 100], [0, 50]], [[0]], [7], 7]
)
def test_stretches_that_are_none_are_refused(store, samples, left_out):
    document = partly(store, samples)
    document["values"]["left_out"] = left_out
    with pytest.raises(FormatError, match="left_out"):
        parse_series_manifest(document)


def test_only_raw_samples_can_be_left_out(store, samples):
    document = partly(store, samples)
    document["levels"][0]["left_out"] = [[0, 7]]
    assert parse_series_manifest(document).levels[0].array.left_out == ()
