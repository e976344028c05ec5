"""Recordings on other machines are built without downloading them first."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from remote_files import FileServer, file_server
from test_pipeline_in_process import SERIESVIEW, by_snakemake

import seriesview
from seriesview.build.results import read_results
from seriesview.errors import SeriesviewError

SAMPLES = np.random.default_rng(3).normal(0, 300, (50_000, 6)).astype("int16")
FLAT = {"dtype": "int16", "channels": 6, "sampling_frequency": 1000}


def write_edf(path: Path) -> None:
    import edfio

    signals = [
        edfio.EdfSignal(SAMPLES[:, c].astype(float), 1000, label=f"EEG {c}", physical_range=(-4000, 4000))
        for c in range(3)
    ]
    edfio.Edf(signals).write(path)


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of recordings."""
    folder = tmp_path / "far"
    folder.mkdir()
    SAMPLES.tofile(folder / "raw.dat")
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("x", data=SAMPLES, chunks=(4096, 4), compression="gzip").attrs["rate"] = 1000.0
        file.create_dataset("y", data=SAMPLES[:, :2])
    write_edf(folder / "night.edf")
    monkeypatch.setenv("HOME", str(tmp_path))
    with file_server(folder) as server:
        yield server


def check_levels(far: FileServer, here: Path, name: str, keys: dict[str, Any]) -> None:
    """What is built of an address is what is built of the same file or folder here."""
    there = seriesview.build_dataset(f"{far.address}/{name}", name="a", store=here / "store", **keys)
    local = seriesview.build_dataset(
        far.folder / name, name="a", store=here / "store", full_resolution="omit", **keys
    )
    assert there.uri == local.uri
    assert seriesview.open_series(there.uri, here / "store").manifest.values is None


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("raw.dat", FLAT),
        ("a.h5", {"dataset": "/x", "sampling_frequency": 1000}),
        ("a.h5", {"dataset": "/y", "sampling_frequency": 1000}),
        ("night.edf", {}),
    ],
)
def test_levels_are_those_of_the_file_here(
    far: FileServer, here: Path, name: str, keys: dict[str, Any]
) -> None:
    check_levels(far, here, name, keys)


def test_samples_may_be_stored_and_cannot_be_linked(far: FileServer, here: Path) -> None:
    url = f"{far.address}/raw.dat"
    stored = seriesview.build_dataset(url, store=here / "store", full_resolution="store", **FLAT)
    read = seriesview.open_series(stored.uri, here / "store").values(0, 100, 200)
    assert np.array_equal(read, SAMPLES[100:200])
    with pytest.raises(SeriesviewError, match="cannot be linked: it is on another machine"):
        seriesview.build_dataset(url, store=here / "store", full_resolution="link", **FLAT)


def test_signatures_of_addresses_are_kept_nowhere_and_decide_nothing(far: FileServer, here: Path) -> None:
    def build(signature: str) -> Any:
        config = {"datasets": {"raw": {**FLAT, "path": f"{far.address}/raw.dat?signature={signature}"}}}
        return seriesview.build_workspace({**config, "store": {"storage_dir": "store"}}, results="results")

    first = build("one")
    sent = far.sent
    assert build("two").uri == first.uri
    # A look at its beginning, to know the reader.
    assert far.sent - sent < 300_000 < SAMPLES.nbytes
    for file in Path("results").rglob("*"):
        assert file.is_dir() or b"signature" not in file.read_bytes(), file
    for file in Path("store").rglob("*"):
        assert file.is_dir() or b"signature" not in file.read_bytes(), file


def test_a_file_that_changes_while_it_is_read_is_refused(
    far: FileServer, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = far.answer

    def changing(request: Any) -> None:
        if request.headers["Range"] == f"bytes=0-{SAMPLES.nbytes - 1}":
            SAMPLES[::-1].tofile(far.folder / "raw.dat")
        answer(request)

    monkeypatch.setattr(far, "answer", changing)
    with pytest.raises(SeriesviewError, match="changed while it was read"):
        seriesview.build_dataset(f"{far.address}/raw.dat", store=here / "store", **FLAT)


def test_what_cannot_be_read_there_is_told(far: FileServer, here: Path) -> None:
    (far.folder / "table.csv").write_text("time,x\n0,1\n1,2\n")
    for name, words in [("table.csv", "download it"), ("none.dat", "no such file")]:
        with pytest.raises(SeriesviewError, match=words):
            seriesview.build_workspace(f"{far.address}/{name}", store=here / "store")
    far.has_ranges = False
    with pytest.raises(SeriesviewError, match="sends no ranges"):
        seriesview.build_dataset(f"{far.address}/raw.dat", store=here / "store", **FLAT)


def test_a_file_elsewhere_leads_to_none_on_this_machine(far: FileServer, here: Path) -> None:
    secret = here / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["x"] = SAMPLES
    with h5py.File(far.folder / "b.h5", "w") as file:
        file["x"] = h5py.ExternalLink(str(secret), "/x")
    with pytest.raises(SeriesviewError, match="on another machine may not lead to"):
        seriesview.build_dataset(
            f"{far.address}/b.h5",
            dataset="/x",
            sampling_frequency=1,
            follow_external=True,
            store=here / "store",
        )


def test_the_command_line_and_snakemake_take_addresses(far: FileServer, here: Path) -> None:
    url = f"{far.address}/night.edf?signature=1"
    done = subprocess.run([SERIESVIEW, "inspect", url, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["reader"] == "edf"
    config = {"datasets": {"night": {"path": url}}, "store": {"storage_dir": "store"}}
    by_snakemake(config, here)
    local = seriesview.build_dataset(
        far.folder / "night.edf", name="night", store="store", full_resolution="omit"
    )
    (result,) = read_results([here / "results" / "series" / "night.json"])
    assert result["uri"] == local.uri
    sent = far.sent
    by_snakemake(config, here)
    assert far.sent - sent < 300_000


def test_view_takes_an_address(far: FileServer, here: Path) -> None:
    from seriesview.pipeline.own_folder import own_folder

    own = own_folder([f"{far.address}/night.edf?signature=1"])
    assert own.folder == here / "night.edf.seriesview"
    content = yaml.safe_load(own.config.read_text())
    assert [entry["path"] for entry in content["datasets"].values()] == [
        f"{far.address}/night.edf?signature=1"
    ]
    assert own.prepared(here / "store").run(keep_going=True).missing == {}
