"""Series whose samples lie in several files: each is verified, found again and kept by itself."""

import os

import numpy as np
import pytest
from built_series import built
from laid_reader import install_laid, write_laid
from second_reader import SecondReader

from seriesview.errors import MissingArtifactError
from seriesview.series.series import open_series
from seriesview.store import open_store
from seriesview.upkeep.garbage import Reach, find_garbage
from seriesview.upkeep.relinking import linked_files, relink
from seriesview.upkeep.verification import Verifier
from seriesview.workspace.manifest import build_workspace


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "storage", "embedded") as opened:
        yield opened


@pytest.fixture
def samples():
    return np.random.default_rng(0).integers(-100, 100, (3000, 3)).astype(np.int16)


@pytest.fixture(params=["rows", "records"])
def series(request, store, samples, tmp_path, monkeypatch):
    """URI of a series in three files of the folder `old`."""
    install_laid(monkeypatch)
    pieces = [samples[:1000], samples[1000:2000], samples[2000:]]
    path = write_laid(tmp_path / "old", pieces, form=request.param, per_record=100)
    return built(store, path)["uri"]


def workspace_of(store, series):
    uri = store.put_json(
        build_workspace("w", [("s", series)], types={"s": "continuous"}), name="workspace.json"
    )
    store.record_workspace(uri, "w")
    return uri


def problems(store, series):
    verifier = Verifier(store)
    verifier.series(series, "s")
    return [(problem.kind, problem.what) for problem in verifier.found.problems]


def test_every_file_is_hashed_again(store, series, tmp_path):
    assert problems(store, series) == []
    middle = tmp_path / "old" / "raw-1.dat"
    status = middle.stat()
    content = bytearray(middle.read_bytes())
    content[len(content) // 2] ^= 1
    middle.write_bytes(content)
    os.utime(middle, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert problems(store, series) == [("altered", "s: linked file 1")]
    os.utime(middle, ns=(0, 0))
    (tmp_path / "old" / "raw-2.dat").unlink()
    assert problems(store, series) == [("missing", "s: linked file 1"), ("missing", "s: linked file 2")]


def test_each_file_can_have_moved_elsewhere(store, series, samples, tmp_path):
    workspace = workspace_of(store, series)
    old, new = tmp_path / "old", tmp_path / "new"
    (new / "deep").mkdir(parents=True)
    (old / "raw-0.dat").rename(new / "renamed.bin")
    (old / "raw-2.dat").rename(new / "deep" / "raw-2.dat")
    assert [bool(file.reason) for file in linked_files(store, workspace)] == [True, False, True]
    with pytest.raises(MissingArtifactError, match=r"raw-0\.dat"):
        open_series(series, store).values(0, 0, 10)
    done = relink(store, workspace, [new])
    assert [file.state for file in done.files] == ["found", "still there", "found"]
    np.testing.assert_array_equal(open_series(series, store).values(0, 0, 3000), samples)
    np.testing.assert_array_equal(SecondReader(store.directory, series).samples()[0], samples)


def test_links_that_were_lost_are_named_by_the_manifest(store, series, tmp_path):
    store.close()
    for lost in (*store.directory.glob("sha1/??/??/??/*.link"), *store.directory.glob("seriesview/record/*")):
        lost.unlink()
    found = linked_files(store, series)
    assert sorted(file.name for file in found) == ["raw-0.dat", "raw-1.dat", "raw-2.dat"]
    assert all(file.size is None for file in found)


def test_what_a_workspace_needs_is_kept_and_what_none_does_goes(store, series, tmp_path):
    workspace = workspace_of(store, series)
    store.flush()
    links = {path.name.removesuffix(".link") for path in store.directory.glob("sha1/??/??/??/*.link")}
    assert len(links) == 3
    assert links <= Reach(store).of([workspace[7:47]])
    assert not links & set(find_garbage(store, unfinished_seconds=0).sizes)
    store.forget_workspace(workspace)
    assert links <= set(find_garbage(store, unfinished_seconds=0).sizes)
    assert len(list((tmp_path / "old").glob("*.dat"))) == 3
