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
from seriesview.build.sampled import SampledBuild


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name for each dataset of which samples are read."""
    found: list[str] = []
    build = SampledBuild.build

    def note(self: SampledBuild) -> Any:
        found.append("read")
        return build(self)

    monkeypatch.setattr(SampledBuild, "build", note)
    return found


def built(path: str, **keys: Any) -> seriesview.BuiltWorkspace:
    config = {"datasets": {"probe": {"path": path, **keys}}}
    return seriesview.build_workspace(config, store="storage", results="results")


def test_a_copy_and_another_mount_are_hashed_and_read_no_more(raw: dict[str, Any], reads: list[str]) -> None:
    keys = {key: value for key, value in raw.items() if key != "path"}
    first = built("raw.dat", **keys)
    os.utime("raw.dat", (1, 1))
    assert built("raw.dat", **keys).uri == first.uri
    Path("mount").mkdir()
    shutil.move("raw.dat", "mount/raw.dat")
    again = built("mount/raw.dat", **keys)
    assert again.uri == first.uri
    assert reads == ["read"]
    # Its samples are found where they are now.
    samples = np.fromfile("mount/raw.dat", np.int16).reshape(-1, 6)
    np.testing.assert_array_equal(again.open().series("probe").values(0, 100, 200), samples[100:200])
    # And it is as if it had been built there.
    elsewhere = seriesview.build_workspace("mount/raw.dat", store="other", **keys)
    assert elsewhere.open().series("raw").manifest.values == again.open().series("probe").manifest.values


@pytest.mark.parametrize("full_resolution", ["link", "store"])
def test_other_bytes_of_the_same_size_are_built(
    raw: dict[str, Any], reads: list[str], full_resolution: str
) -> None:
    keys = {**raw, "full_resolution": full_resolution}
    first = built(**keys)
    samples = np.fromfile("raw.dat", np.int16)
    samples[7] = 12_345
    samples.tofile("raw.dat")
    second = built(**keys)
    assert second.uri != first.uri
    assert reads == ["read", "read"]
    assert second.open().series("probe").values(0, 1, 2)[0, 1] == 12_345


def test_all_files_of_a_recording_may_be_copies(here: Path, reads: list[str]) -> None:
    samples = np.random.default_rng(0).normal(0, 30, (3000, 5)).astype(np.int16)
    write_stream(here / "run_g0", "run_g0_t0.imec0.ap", samples, ap_keys(4))
    keys = {"dataset": "imec0.ap"}
    first = built("run_g0", **keys)
    shutil.copytree("run_g0", "staged_g0", copy_function=shutil.copyfile)
    shutil.rmtree("run_g0")
    again = built("staged_g0", **keys)
    assert len(reads) == 1
    assert first.series["probe"].uri == again.series["probe"].uri
    again.open().series("probe").values(0, 0, 10)
