"""Zarr stores on other machines are built chunk by chunk, as those of this machine are."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bucket_servers import Service, google_server, s3_server
from remote_files import FileServer, file_server
from test_pipeline_in_process import SERIESVIEW
from test_pipeline_remote import check_levels

import seriesview
from seriesview.errors import SeriesviewError
from seriesview.layout import remote_servers
from seriesview.readers import ReadOptions, open_recording

pytest.importorskip("tensorstore")
zarr = pytest.importorskip("zarr")

SAMPLES = np.random.default_rng(3).normal(0, 300, (20_000, 6)).astype("int16")
TIMES = np.cumsum(np.random.default_rng(4).uniform(0.5, 1.5, 20_000))


def write_group(path: Path, consolidated: bool = True) -> Path:
    """Version 2: samples in chunks of some channels, others the other way round, some with times of their own."""
    group = zarr.open_group(str(path), "w", zarr_version=2)
    group.create_dataset("raw", data=SAMPLES, chunks=(1999, 4)).attrs["sampling_frequency"] = 1000.0
    turned = group.create_dataset("turned", data=SAMPLES.T, chunks=(2, 3001), dimension_separator="/")
    turned.attrs.update({"sampling_frequency": 1000.0, "_ARRAY_DIMENSIONS": ["channel", "time"]})
    group.create_dataset("irregular/data", data=SAMPLES[:, 0], chunks=(5000,), fill_value=7)
    group.create_dataset("irregular/timestamps", data=TIMES, chunks=(5000,))
    group.create_dataset("flags", data=SAMPLES[:, :2] > 0, chunks=(5000, 1)).attrs["sampling_frequency"] = (
        1000.0
    )
    if consolidated:
        zarr.consolidate_metadata(str(path))
    return path


def write_sharded(path: Path) -> Path:
    """Version 3: an array with shards."""
    import tensorstore

    inner = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "zstd", "configuration": {"level": 1}},
    ]
    index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    metadata = {
        "shape": list(SAMPLES.shape),
        "data_type": "int16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [6000, 6]}},
        "codecs": [
            {
                "name": "sharding_indexed",
                "configuration": {"chunk_shape": [1000, 3], "codecs": inner, "index_codecs": index},
            }
        ],
        "attributes": {"sampling_frequency": 1000.0},
    }
    spec = {"driver": "zarr3", "kvstore": f"file://{path}/", "metadata": metadata}
    tensorstore.open(spec, create=True).result().write(SAMPLES).result()
    return path


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of stores."""
    folder = tmp_path / "far"
    folder.mkdir()
    write_group(folder / "a.zarr")
    write_sharded(folder / "sharded")
    monkeypatch.setenv("HOME", str(tmp_path))
    with file_server(folder) as server:
        yield server


def read(path: Path | str, dataset: str | None = None) -> Any:
    with open_recording(path, options=ReadOptions(dataset=dataset, sampling_frequency=1000)) as recording:
        out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
        recording.read_into(0, out)
        return out


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("a.zarr", {"dataset": "raw"}),
        ("a.zarr", {"dataset": "turned", "order": "F"}),
        ("a.zarr/", {"dataset": "irregular/data", "timestamps": "irregular/timestamps"}),
        ("a.zarr", {"dataset": "flags"}),
        ("a.zarr/.zmetadata", {"dataset": "raw"}),
        ("a.zarr/raw", {"sampling_frequency": 1000}),
        ("sharded", {}),
        ("sharded/zarr.json", {}),
    ],
)
def test_levels_are_those_of_the_store_here(
    far: FileServer, here: Path, name: str, keys: dict[str, Any]
) -> None:
    check_levels(far, here, name, keys)


def test_each_chunk_is_fetched_once_by_a_pass(far: FileServer, here: Path) -> None:
    seriesview.build_dataset(f"{far.address}/a.zarr", dataset="raw", store=here / "store")
    # The first one is asked for beforehand.
    chunks = [path for path in far.asked if path.startswith("/a.zarr/raw/") and "/." not in path]
    assert len(chunks) == 1 + len(set(chunks)) == 23


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_store_in_a_bucket(
    scheme: str, tmp_path: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = write_group(tmp_path / "a.zarr")
    shutil.rmtree(local / "turned")
    for clients in (remote_servers._s3, remote_servers._google):
        clients.cache_clear()
    with (s3_server if scheme == "s3" else google_server)() as port:
        service = Service(scheme, port)
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        service.create()
        for file in local.rglob("*"):
            if file.is_file():
                service.write(f"lab/{file.relative_to(tmp_path)}", file.read_bytes())
        url = service.address("lab/a.zarr")
        there = seriesview.build_dataset(url, name="a", dataset="raw", store=here / "store")
    uri = seriesview.build_dataset(
        local, name="a", dataset="raw", store=here / "store", full_resolution="omit"
    ).uri
    assert there.uri == uri


def test_a_store_without_consolidated_metadata_needs_the_name_of_an_array(
    far: FileServer, here: Path
) -> None:
    write_group(far.folder / "b.zarr", consolidated=False)
    url = f"{far.address}/b.zarr"
    with pytest.raises(SeriesviewError, match=r"`dataset:`, or write them with zarr\.consolidate_metadata"):
        seriesview.build_workspace(url, store=here / "store")
    with pytest.raises(SeriesviewError, match="no array none"):
        read(url, "none")
    assert np.array_equal(read(url, "raw"), SAMPLES)
    with open_recording(url, options=ReadOptions(dataset="raw")) as recording:
        assert recording.sampling_frequency == 1000
        assert any("not consolidated" in each.text for each in recording.decisions)
        assert any("changed chunks go unnoticed" in each.text for each in recording.decisions)


def test_a_chunk_that_is_not_there_holds_fill_values(far: FileServer) -> None:
    (far.folder / "a.zarr/irregular/data/1").unlink()
    expected = SAMPLES[:, :1].copy()
    expected[5000:10_000] = 7
    assert np.array_equal(read(f"{far.address}/a.zarr", "irregular/data"), expected)
    (far.folder / "a.zarr/raw/0.0").unlink()
    with open_recording(f"{far.address}/a.zarr", options=ReadOptions(dataset="raw")) as recording:
        assert any("its first chunk is not there" in each.text for each in recording.decisions)


def test_a_server_that_breaks_off_is_asked_again(far: FileServer) -> None:
    url = f"{far.address}/a.zarr"
    far.breaks = 2
    assert np.array_equal(read(url, "raw"), SAMPLES)
    with open_recording(url, options=ReadOptions(dataset="raw")) as recording:
        out = np.empty(SAMPLES.shape, SAMPLES.dtype)
        far.breaks, far.busy = 2, 1
        recording.read_into(0, out)
        assert np.array_equal(out, SAMPLES)
        assert (far.breaks, far.busy) == (0, 0)


def test_a_chunk_that_is_too_large_is_not_fetched_as_a_whole(far: FileServer) -> None:
    (far.folder / "a.zarr/raw/0.0").write_bytes(bytes(8 << 20))
    sent = far.sent
    with pytest.raises(SeriesviewError, match="larger than"):
        read(f"{far.address}/a.zarr", "raw")
    assert far.sent - sent < 2 << 20


def test_metadata_that_change_while_a_store_is_read_are_noticed(
    far: FileServer, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = far.answer

    def changing(request: Any) -> None:
        if request.path.endswith("raw/3.0"):
            file = far.folder / "a.zarr/.zmetadata"
            file.write_bytes(file.read_bytes() + b"\n")
        answer(request)

    monkeypatch.setattr(far, "answer", changing)
    with pytest.raises(SeriesviewError, match="changed while it was read"):
        seriesview.build_dataset(f"{far.address}/a.zarr", dataset="raw", store=here / "store")


def test_a_login_in_the_address_is_that_of_all_files(far: FileServer) -> None:
    far.login = "Basic bWU6aGVyZQ=="
    assert np.array_equal(read(far.address.replace("//", "//me:here@") + "/a.zarr", "raw"), SAMPLES)


def test_inspect_and_view_take_stores(far: FileServer, here: Path) -> None:
    from seriesview.pipeline.own_folder import own_folder

    shutil.rmtree(far.folder / "a.zarr/irregular")
    zarr.consolidate_metadata(str(far.folder / "a.zarr"))
    url = f"{far.address}/a.zarr"
    done = subprocess.run([SERIESVIEW, "inspect", url, "--json"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["reader"] == "zarr"
    assert [each["dataset"] for each in found["candidates"]] == ["flags", "raw", "turned"]
    own = own_folder([url])
    assert own.folder == here / "a.zarr.seriesview"
    assert own.prepared(here / "store").run(keep_going=True).missing == {}


def test_an_address_without_a_store_is_told(far: FileServer, here: Path) -> None:
    for name in ("none.zarr", "none"):
        with pytest.raises(SeriesviewError, match="no such file"):
            seriesview.build_workspace(f"{far.address}/{name}", store=here / "store")
