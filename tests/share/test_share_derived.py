"""Derived series in copies: levels always, samples where they are asked for, or can be computed there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seriesview
from seriesview.pipeline.built import BuiltWorkspace
from seriesview.series.series import Series
from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.words import zoom_end
from seriesview.store import open_store
from seriesview.upkeep.garbage import Reach
from seriesview.upkeep.verification import Verifier


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> BuiltWorkspace:
    """A linked recording too large to go along for nothing, and two series made of it, one of the other."""
    place = tmp_path_factory.mktemp("derived")
    random = np.random.default_rng(8)
    random.normal(0, 300, (1_500_000, 5)).astype(np.int16).tofile(place / "raw.dat")
    raw = {"path": str(place / "raw.dat"), "dtype": "int16", "channels": 5, "sampling_frequency": 30000}
    entries = {
        "high": {"from": "raw", "steps": [{"highpass": 300}]},
        "rectified": {"from": "high", "steps": [{"absolute": True}]},
        "raw": raw,
    }
    return seriesview.build_workspace({"datasets": entries}, store=place / "store", progress=lambda _: None)


def exported(derived: BuiltWorkspace, directory: Path, wish: Wish) -> dict[str, Series]:
    export_folder(plan_export(derived.store, derived.uri, wish), derived.store, directory)
    told = json.loads((directory / "export.json").read_text())
    store = open_store(directory, "embedded")
    workspace = store.get_json(told["workspace"])
    verifier = Verifier(store)
    found = {}
    for entry in workspace["series"]:
        verifier.series(entry["uri"], entry["name"])
        found[entry["name"]] = seriesview.open_series(entry["uri"], store)
    assert verifier.found.problems == []
    return found


def values(series: Any) -> Any:
    return series.values(0, 100_000, 100_400)


def test_levels_go_along_and_nothing_leads_out_of_the_copy(derived: BuiltWorkspace, tmp_path: Path) -> None:
    found = exported(derived, tmp_path / "out", Wish(without=("raw",)))
    high = found["high"]
    assert not high.has_samples
    assert high.manifest.source is None
    assert high.manifest.steps == derived.series["high"].open().manifest.steps
    # Of what there is.
    assert found["rectified"].manifest.source.uri == high.uri
    original = derived.series["high"].open()
    assert np.array_equal(high.window(0, 6400, 64, 100), original.window(0, 6400, 64, 100))


def test_samples_that_are_asked_for_are_stored(derived: BuiltWorkspace, tmp_path: Path) -> None:
    found = exported(derived, tmp_path / "out", Wish(raw_series=("high",)))
    assert found["high"].manifest.to_json_dict()["values"]["pages"]
    # All of its source's samples are there.
    assert found["rectified"].manifest.to_json_dict()["values"] == {"compute": "steps"}
    for name in ("high", "rectified"):
        assert np.array_equal(values(found[name]), values(derived.series[name].open()))
    assert not found["raw"].has_samples


@pytest.mark.parametrize("wish", [Wish(raw_series=("raw",)), Wish(raw=True)], ids=["raw-series", "raw"])
def test_where_the_sources_samples_are_those_of_the_series_are_computed(
    derived: BuiltWorkspace, tmp_path: Path, wish: Wish
) -> None:
    found = exported(derived, tmp_path / "out", wish)
    assert found["high"].manifest.source.uri == found["raw"].uri
    assert found["high"].manifest.to_json_dict()["values"] == {"compute": "steps"}
    for name in ("raw", "high", "rectified"):
        assert np.array_equal(values(found[name]), values(derived.series[name].open()))
    left_out = json.loads((tmp_path / "out" / "export.json").read_text())["left_out"]
    assert left_out == []


def test_what_goes_along_is_said(derived: BuiltWorkspace) -> None:
    for wish, said in (
        (Wish(raw=True), "all samples, computed from those of its source"),
        (Wish(), "no raw samples; zoom ends at 16 samples a column"),
    ):
        choices = {each.name: each for each in plan_export(derived.store, derived.uri, wish).choices}
        assert zoom_end(choices["high"]) == said


def test_what_samples_are_computed_from_is_verified_and_kept(derived: BuiltWorkspace) -> None:
    kept = Reach(derived.store).of([derived.series["rectified"].uri[7:47]])
    assert {derived.series[name].uri[7:47] for name in ("raw", "high")} <= kept
    verifier = Verifier(derived.store)
    verifier.series(derived.series["rectified"].uri, "rectified")
    assert verifier.found.problems == []
    raw = derived.series["raw"].open().manifest.to_json_dict()["values"]["link"]["uri"]
    assert raw[7:47] in verifier.found.seen
