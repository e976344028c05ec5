"""Folders and companions of the formats that rigs write: noticed when they change, offered where several are meant."""

from __future__ import annotations

from pathlib import Path

import edf_files
import h5py
import numpy as np
import pytest
import zarr
from spikeglx_files import ap_keys, write_stream

import seriesview
from seriesview.build.dataset import dataset_from_config
from seriesview.build.planning import state_of
from seriesview.readers.registry import inside_folder, list_candidates


@pytest.fixture
def run(here: Path) -> Path:
    """A folder of one SpikeGLX stream of four channels."""
    samples = np.random.default_rng(0).normal(0, 30, (3000, 5)).astype(np.int16)
    write_stream(here / "run_g0", "run_g0_t0.imec0.ap", samples, ap_keys(4))
    return here / "run_g0"


def test_a_changed_header_is_built_again(here: Path, run: Path) -> None:
    first = seriesview.build_workspace(run, store="storage")
    assert seriesview.build_workspace(run, store="storage").uri == first.uri
    (meta,) = run.glob("*.meta")
    meta.write_text(meta.read_text().replace("imAiRangeMax=0.6", "imAiRangeMax=1.2"))
    second = seriesview.build_workspace(run, store="storage")
    (name, *_) = first.series
    before, after = (built.series[name].open().manifest for built in (first, second))
    scales = [
        [(channel.scale or manifest.scale) for channel in manifest.channels] for manifest in (before, after)
    ]
    np.testing.assert_allclose(scales[1], 2 * np.array(scales[0]))
    assert before.levels == after.levels


@pytest.mark.parametrize("named", ["", "/run_g0_t0.imec0.ap.bin", "/run_g0_t0.imec0.ap.meta"])
def test_a_plan_of_jobs_tells_states_of_headers_apart(here: Path, run: Path, named: str) -> None:
    (dataset, *_) = [each.dataset for each in list_candidates(run)]
    entry = dataset_from_config("ap", {"path": f"run_g0{named}", "dataset": dataset})
    state = state_of(entry)
    assert len(state) == 40
    (run / "notes.txt").write_text("good")
    assert state_of(entry) == state
    (meta,) = run.glob("*.meta")
    text = meta.read_text()
    meta.write_text(text + "note=x\n")
    changed = state_of(entry)
    meta.unlink()
    assert len({state, changed, state_of(entry)}) == 3


def test_files_of_times_and_of_parts_are_watched(here: Path) -> None:
    np.save("lfp.npy", np.zeros((2000, 3), np.int16))
    np.save("times.npy", np.arange(2000) / 100)
    with h5py.File("part.h5", "w") as file:
        file["x"] = np.arange(2000, dtype=np.int16)
    with h5py.File("whole.h5", "w") as file:
        layout = h5py.VirtualLayout((2000,), np.int16)
        layout[:] = h5py.VirtualSource("part.h5", "x", (2000,))
        file.create_virtual_dataset("x", layout)
    config = {
        "datasets": {
            "lfp": {"path": "lfp.npy", "timestamps": "times.npy"},
            "x": {"path": "whole.h5", "dataset": "x", "sampling_frequency": 100},
        },
        "store": {"storage_dir": "storage"},
    }
    first = seriesview.build_workspace(config)
    np.save("times.npy", np.arange(2000) / 200)
    with h5py.File("part.h5", "a") as file:
        file["x"][5] = -7
    second = seriesview.build_workspace(config)
    assert second.series["lfp"].open().manifest.sampling_frequency == 200
    assert second.series["x"].open().values(0, 4, 7).ravel().tolist() == [4, -7, 6]
    assert seriesview.build_workspace(config).uri == second.uri != first.uri


def test_a_changed_chunk_of_a_zarr_store_is_built_again(here: Path) -> None:
    pytest.importorskip("tensorstore")
    samples = np.random.default_rng(0).normal(0, 30, (3000, 4)).astype(np.int16)
    array = zarr.open(str(here / "lfp.zarr"), mode="w", shape=(3000, 4), chunks=(500, 4), dtype="i2")
    array[:] = samples
    entry = {"path": "lfp.zarr", "sampling_frequency": 100}
    config = {"datasets": {"lfp": entry}, "store": {"storage_dir": "storage"}}
    first = seriesview.build_workspace(config)
    state = state_of(dataset_from_config("lfp", entry))
    assert seriesview.build_workspace(config).uri == first.uri
    assert state_of(dataset_from_config("lfp", entry)) == state
    array[700:710] = 1
    assert state_of(dataset_from_config("lfp", entry)) != state
    second = seriesview.build_workspace(config)
    assert (second.series["lfp"].open().values(0, 700, 710) == 1).all()


def test_what_lies_deeper_does_not_hide_recordings_of_other_kinds(here: Path, run: Path) -> None:
    (here / "day" / "ephys").mkdir(parents=True)
    run.rename(here / "day" / "ephys" / "run_g0")
    assert inside_folder(here / "day") is None
    edf_files.write(here / "day" / "sleep.edf", [edf_files.signal(100, 10)])
    inside = inside_folder(here / "day")
    assert inside is not None
    found = [(str(path.relative_to(here)), reader.name) for path, reader in inside.recordings]
    assert found == [("day/sleep.edf", "edf"), ("day/ephys/run_g0", "spikeglx")]
    with pytest.raises(
        seriesview.ReaderError, match="day: a folder of 2 recordings; name the one that is meant"
    ):
        seriesview.build_workspace("day", store="storage")
    # What is a recording's own folder stays it, whatever lies beside.
    edf_files.write(here / "day" / "ephys" / "run_g0" / "sleep.edf", [edf_files.signal(100, 10)])
    assert inside_folder(here / "day" / "ephys" / "run_g0") is None
