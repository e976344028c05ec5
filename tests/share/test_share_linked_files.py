"""Series whose samples lie in records and in several files: shared with their samples or without, never their files."""

import numpy as np
import pytest
from bucket_servers import Service
from built_series import built
from laid_reader import install_laid, write_laid
from second_reader import SecondReader
from shared_workspaces import make_workspace

from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.open_bucket import open_bucket
from seriesview.errors import MissingArtifactError
from seriesview.series.series import open_series
from seriesview.share.checking import verify_folder
from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.publishing import publish_plan
from seriesview.share.single_file import export_single_file, plan_single_file
from seriesview.store import open_store

WAYS = {
    "records": {"form": "records", "per_record": 250},
    "files": {"form": "rows-of-more", "byte_order": "big"},
    "apart": {"form": "behind-one-another"},
}


@pytest.fixture
def samples():
    return np.random.default_rng(0).integers(-3000, 3000, (120_000, 6)).astype(np.int16)


@pytest.fixture
def own_store(tmp_path):
    with open_store(tmp_path / "storage", "embedded") as opened:
        yield opened


@pytest.fixture
def workspace(own_store, samples, tmp_path, monkeypatch):
    install_laid(monkeypatch)
    pieces = [samples[:50_000], samples[50_000:70_000], samples[70_000:]]
    uris = {}
    for name, way in WAYS.items():
        path = write_laid(tmp_path / name, [samples] if name == "records" else pieces, **way)
        uris[name] = built(own_store, path, name)["uri"]
    return make_workspace(own_store, uris, *uris)


def check(folder, uri, samples, has_samples):
    """The copy verifies, and is read without the recordings."""
    found = verify_folder(folder)
    assert found.problems == ()
    store = open_store(folder, "embedded")
    names = {entry["name"]: entry["uri"] for entry in store.get_json(uri)["series"]}
    assert set(names) == set(WAYS)
    for series_uri in names.values():
        series = open_series(series_uri, store)
        window = series.window(0, 0, 1024, 100)
        np.testing.assert_array_equal(window[3, 1], samples[3 * 1024 : 4 * 1024 + 1].max(axis=0))
        if not has_samples:
            assert series.manifest.values is None
            continue
        np.testing.assert_array_equal(series.values(0, 49_990, 50_010), samples[49_990:50_010])
        np.testing.assert_array_equal(SecondReader(folder, series_uri).samples()[0], samples)


@pytest.mark.parametrize("raw", [True, False])
def test_exported(own_store, workspace, samples, tmp_path, raw):
    done = export_folder(plan_export(own_store, workspace, Wish(raw=raw)), own_store, tmp_path / "shared")
    files = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    # Of the recordings there is nothing but the samples.
    assert not any(b"head of 0" in path.read_bytes() for path in files)
    check(tmp_path / "shared", done.uri, samples, raw)


@pytest.mark.parametrize("raw", [True, False])
def test_published(service: Service, own_store, workspace, samples, tmp_path, raw):
    bucket = open_bucket(parse_address(service.address("night")))
    try:
        done = publish_plan(plan_export(own_store, workspace, Wish(raw=raw)), own_store, bucket)
    finally:
        bucket.close()
    check(service.download("night", tmp_path / "copy"), done.uri, samples, raw)


def test_in_a_single_file(own_store, workspace, tmp_path):
    sizes = []
    for raw in (False, True):
        plan = plan_single_file(own_store, workspace, Wish(raw=raw))
        sizes.append(export_single_file(plan, own_store, tmp_path / f"{raw}.html").bytes_written)
    # In base64, and what two series share is there once.
    assert sizes[1] - sizes[0] > 120_000 * 12


def test_a_file_in_the_middle_that_is_gone_is_named(own_store, workspace, tmp_path):
    (tmp_path / "files" / "raw-1.dat").unlink()
    with pytest.raises(MissingArtifactError, match=r"raw-1\.dat is gone"):
        export_folder(plan_export(own_store, workspace, Wish(raw=True)), own_store, tmp_path / "shared")
    done = export_folder(plan_export(own_store, workspace, Wish()), own_store, tmp_path / "without")
    assert verify_folder(tmp_path / "without").uri == done.uri
