"""Recordings that lie elsewhere now, or were copied again: hashed once, and not built again where they are the same."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import open_ephys_folders
import pytest
from spikeglx_files import ap_keys, write_stream

import seriesview


def built(path: str, **keys: Any) -> seriesview.BuiltWorkspace:
    config = {"datasets": {"probe": {"path": path, **keys}}}
    return seriesview.build_workspace(config, store="storage", results="results")


def reduced(results: str = "results", name: str = "probe") -> int:
    """How many bytes of samples were reduced."""
    found: int = json.loads(Path(results, "series", f"{name}.json").read_text())["timing"]["bytes_reduced"]
    return found


@pytest.mark.parametrize("full_resolution", ["link", "store", "omit"])
def test_a_copy_and_another_mount_are_hashed_and_reduced_no_more(
    raw: dict[str, Any], full_resolution: str
) -> None:
    keys = {key: value for key, value in raw.items() if key != "path"} | {"full_resolution": full_resolution}
    first = built("raw.dat", **keys)
    assert reduced() == 720_000
    os.utime("raw.dat", (1, 1))
    assert (built("raw.dat", **keys).uri, reduced()) == (first.uri, 0)
    Path("mount").mkdir()
    shutil.move("raw.dat", "mount/raw.dat")
    again = built("mount/raw.dat", **keys)
    assert (again.uri, reduced()) == (first.uri, 0)
    elsewhere = seriesview.build_workspace("mount/raw.dat", store="other", **keys)
    values = again.open().series("probe").manifest.values
    assert elsewhere.open().series("raw").manifest.values == values
    if values is not None:
        # Its samples are found where they are now.
        samples = np.fromfile("mount/raw.dat", np.int16).reshape(-1, 6)
        np.testing.assert_array_equal(again.open().series("probe").values(0, 100, 200), samples[100:200])


@pytest.mark.parametrize("full_resolution", ["link", "store"])
def test_other_bytes_of_the_same_size_are_built(raw: dict[str, Any], full_resolution: str) -> None:
    keys = {**raw, "full_resolution": full_resolution}
    first = built(**keys)
    samples = np.fromfile("raw.dat", np.int16)
    samples[7] = 12_345
    samples.tofile("raw.dat")
    second = built(**keys)
    assert second.uri != first.uri
    assert reduced() == 720_000
    assert second.open().series("probe").values(0, 1, 2)[0, 1] == 12_345


def test_linked_samples_with_times_of_their_own_are_reduced_no_more(here: Path) -> None:
    random = np.random.default_rng(3)
    with h5py.File("raw.h5", "w") as file:
        file["samples"] = random.integers(-500, 500, (20_000, 4)).astype(np.int16)
        file["times"] = np.cumsum(random.uniform(0.5e-3, 1.5e-3, 20_000))
    keys = {"dataset": "samples", "timestamps": "times", "full_resolution": "link", "max_gap_seconds": 1.0}
    first = built("raw.h5", **keys)
    Path("mount").mkdir()
    Path("raw.h5").rename("mount/raw.h5")
    again = built("mount/raw.h5", **keys)
    assert (again.uri, reduced()) == (first.uri, 0)
    assert again.open().series("probe").manifest.sampling_frequency is None


def test_all_files_of_a_recording_may_be_copies(here: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 30, (3000, 5)).astype(np.int16)
    write_stream(here / "run_g0", "run_g0_t0.imec0.ap", samples, ap_keys(4))
    keys = {"dataset": "imec0.ap"}
    first = built("run_g0", **keys)
    shutil.copytree("run_g0", "staged_g0", copy_function=shutil.copyfile)
    shutil.rmtree("run_g0")
    again = built("staged_g0", **keys)
    assert reduced() == 0
    assert first.series["probe"].uri == again.series["probe"].uri
    again.open().series("probe").values(0, 0, 10)


@pytest.mark.parametrize("full_resolution", ["link", "store"])
def test_another_name_and_another_folder_of_results_are_no_other_recording(
    raw: dict[str, Any], full_resolution: str
) -> None:
    keys = {key: value for key, value in raw.items() if key != "path"} | {"full_resolution": full_resolution}
    first = built("raw.dat", **keys)
    Path("raw.dat").rename("rat7.dat")
    said: list[str] = []
    again = seriesview.build_workspace(
        {"datasets": {"rat7": {"path": "rat7.dat", **keys}}},
        store="storage",
        results="other results",
        progress=lambda step: said.append(step.text),
    )
    assert reduced("other results", "rat7") == 0
    then, now = first.series["probe"].open().manifest, again.series["rat7"].open().manifest
    assert (then.levels, then.moments, then.segments) == (now.levels, now.moments, now.segments)
    assert "to read 0 bytes, to write 0 bytes in 0 artifacts" in said[0]
    assert "to hash 720 kB that may be what was built before: then it stays" in said[0]
    # Another one, as long and made in the same way, is looked at and not hashed.
    np.zeros(60_000 * 6, np.int16).tofile("zeros.dat")
    said.clear()
    seriesview.build_workspace(
        {"datasets": {"zeros": {"path": "zeros.dat", **keys}}},
        store="storage",
        results="results",
        progress=lambda step: said.append(step.text),
    )
    assert reduced(name="zeros") == 720_000
    assert not any("hash" in text for text in said)


@pytest.mark.parametrize("results", ["results", None])
def test_a_store_that_was_moved_is_known_again(raw: dict[str, Any], results: str | None) -> None:
    def build(store: str) -> seriesview.BuiltWorkspace:
        return seriesview.build_workspace(
            {"datasets": {"probe": raw}},
            store=store,
            results=results,
            progress=lambda step: said.append(step.text),
        )

    said: list[str] = []
    first = build("storage")
    assert any("/s)" in text for text in said)
    shutil.move("storage", "moved")
    said.clear()
    again = build("moved")
    assert again.uri == first.uri
    assert "to read 0 bytes, to write 0 bytes in 0 artifacts" in said[0]
    assert not any("/s)" in text for text in said)
    # Without its links, which are told by the file's hash alone.
    shutil.move("moved", "copied")
    (link,) = Path("copied").rglob("*.link")
    link.unlink()
    assert build("copied").open().series("probe").values(0, 3, 4).shape == (1, 6)


def test_samples_that_come_are_told_before_they_are_built(raw: dict[str, Any]) -> None:
    built(**raw)
    with Path("raw.dat").open("ab") as file:
        file.write(bytes(12 * 5000))
    said: list[str] = []
    again = seriesview.build_workspace(
        {"datasets": {"probe": raw}},
        store="storage",
        results="results",
        progress=lambda step: said.append(step.text),
    )
    assert "to read 60 kB, " in said[0]
    assert "to hash 720 kB that may be what was built before: then it stays" in said[0]
    assert 60_000 <= reduced() <= 60_000 + 1024 * 12
    nothing = seriesview.build_workspace({"datasets": {"probe": raw}}, store="other")
    assert nothing.series["probe"].uri == again.series["probe"].uri


@pytest.mark.parametrize("kind", ["SpikeGLX", "Open Ephys"])
def test_of_a_rig_that_recorded_on_new_samples_alone_are_reduced(here: Path, kind: str) -> None:
    samples = np.random.default_rng(0).normal(0, 30, (40_000, 5)).astype(np.int16)

    def record(count: int) -> tuple[str, dict[str, Any]]:
        if kind == "SpikeGLX":
            write_stream(here / "run_g0", "run_g0_t0.imec0.ap", samples[:count], ap_keys(4))
            return "run_g0", {"dataset": "imec0.ap"}
        stream = open_ephys_folders.Stream("Rig-100.ProbeA", samples[:count])
        shutil.rmtree(here / "session", ignore_errors=True)
        open_ephys_folders.write(here / "session", open_ephys_folders.Recording([stream]))
        return "session", {}

    path, keys = record(30_000)
    built(path, **keys)
    sample_bytes = reduced() // 30_000
    path, keys = record(40_000)
    again = built(path, **keys)
    assert 10_000 <= reduced() // sample_bytes < 10_000 + 2048
    elsewhere = seriesview.build_workspace({"datasets": {"probe": {"path": path, **keys}}}, store="other")
    assert again.series["probe"].uri == elsewhere.series["probe"].uri
