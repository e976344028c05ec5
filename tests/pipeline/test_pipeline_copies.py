"""Recordings that lie elsewhere now, or were copied again: hashed once, and not built again where they are the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spikeglx_files import ap_keys, write_stream

import seriesview


def built(path: str, **keys: Any) -> seriesview.BuiltWorkspace:
    config = {"datasets": {"probe": {"path": path, **keys}}}
    return seriesview.build_workspace(config, store="storage", results="results")


def reduced(workspace: seriesview.BuiltWorkspace) -> int:
    """How many bytes of samples were reduced for it."""
    return workspace.series["probe"].num_bytes


@pytest.mark.parametrize("full_resolution", ["link", "store", "omit"])
def test_a_copy_and_another_mount_are_hashed_and_reduced_no_more(
    raw: dict[str, Any], full_resolution: str
) -> None:
    keys = {key: value for key, value in raw.items() if key != "path"} | {"full_resolution": full_resolution}
    first = built("raw.dat", **keys)
    os.utime("raw.dat", (1, 1))
    touched = built("raw.dat", **keys)
    Path("mount").mkdir()
    shutil.move("raw.dat", "mount/raw.dat")
    again = built("mount/raw.dat", **keys)
    assert first.uri == touched.uri == again.uri
    assert (reduced(touched), reduced(again)) == (0, 0) < (reduced(first),)
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
    assert reduced(second) == reduced(first) > 0
    assert second.open().series("probe").values(0, 1, 2)[0, 1] == 12_345


def test_all_files_of_a_recording_may_be_copies(here: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 30, (3000, 5)).astype(np.int16)
    write_stream(here / "run_g0", "run_g0_t0.imec0.ap", samples, ap_keys(4))
    keys = {"dataset": "imec0.ap"}
    first = built("run_g0", **keys)
    shutil.copytree("run_g0", "staged_g0", copy_function=shutil.copyfile)
    shutil.rmtree("run_g0")
    again = built("staged_g0", **keys)
    assert reduced(again) == 0
    assert first.series["probe"].uri == again.series["probe"].uri
    again.open().series("probe").values(0, 0, 10)
