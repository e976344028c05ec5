"""Exports into folders and files carry the raw samples of small series, and say so; nothing else does."""

import json
import shutil

import pytest
from shared_workspaces import make_workspace, run

from seriesview.share import plan as planning
from seriesview.share.choice import Wish
from seriesview.share.export import plan_export
from seriesview.share.plan import plan_sharing
from seriesview.share.single_file import plan_single_file
from seriesview.store import open_store

SMALL = Wish(small_samples=True)


@pytest.fixture
def sizes(store, uris, workspace):
    """Bytes of all raw samples of each series that has some beside levels."""
    plan = plan_export(store, workspace, Wish(raw=True))
    return {
        choice.name: choice.row_bytes * choice.manifest.num_samples
        for choice in plan.choices
        if choice.has_values and choice.manifest.levels
    }


def shared(plan):
    return {choice.name for choice in plan.choices if choice.rows and choice.manifest.levels}


def test_samples_of_small_series_go_along(store, workspace, sizes):
    plan = plan_export(store, workspace, SMALL)
    assert set(plan.small) == shared(plan) == set(sizes)
    assert plan.left_out == []
    assert sum(sizes.values()) < planning.SMALL_BYTES
    assert shared(plan_export(store, workspace, Wish())) == set()


def test_the_smallest_first_up_to_a_limit_for_all_together(store, workspace, sizes, monkeypatch):
    smallest, second, *_ = sorted(sizes, key=sizes.__getitem__)
    for limit, expected in (
        (sizes[smallest] - 1, set()),
        (sizes[smallest] + 10_000, {smallest}),
        (sizes[smallest] + sizes[second] - 1, {smallest}),
        (sizes[smallest] + sizes[second] + 20_000, {smallest, second}),
    ):
        monkeypatch.setattr(planning, "SMALL_BYTES", limit)
        plan = plan_export(store, workspace, SMALL)
        assert set(plan.small) == shared(plan) == expected
        assert {entry.series for entry in plan.left_out if entry.what == "samples"} == set(sizes) - expected


def test_or_a_hundredth_of_the_export(store, workspace, sizes, monkeypatch):
    monkeypatch.setattr(planning, "SMALL_BYTES", 0)
    smallest = min(sizes, key=sizes.__getitem__)
    assert plan_export(store, workspace, SMALL).small == []
    assert plan_sharing(store, workspace, SMALL, sizes[smallest] * 110).small == [smallest]


def test_never_beyond_what_is_allowed(store, workspace, sizes):
    without = plan_export(store, workspace, Wish()).num_bytes
    for more in (100, min(sizes.values()) + 1000, sum(sizes.values()) * 2):
        wish = Wish(small_samples=True, max_bytes=without + more + 10_000_000)
        plan = plan_export(store, workspace, wish)
        assert plan.num_bytes <= wish.max_bytes
    tight = Wish(small_samples=True, max_bytes=int(without * 0.7))
    assert plan_sharing(store, workspace, tight).num_bytes <= tight.max_bytes
    assert plan_sharing(store, workspace, SMALL, most_bytes=without).small == []
    assert set(plan_single_file(store, workspace, SMALL).small) == set(sizes)


def test_what_is_asked_for_is_all_that_goes_along(store, workspace):
    plan = plan_export(store, workspace, Wish(small_samples=True, raw_ranges=((100.0, 110.0),)))
    assert plan.small == []
    plan = plan_export(store, workspace, Wish(small_samples=True, raw_series=("probe",)))
    assert "probe" not in plan.small
    assert "probe" in shared(plan)


def test_recordings_that_are_not_where_they_were_fail_no_export(store, uris, place, tmp_path):
    copy = tmp_path / "storage"
    shutil.copytree(store.directory, copy)
    for link in copy.glob("sha1/??/??/??/*.link"):
        document = json.loads(link.read_text())
        document["path"] = str(tmp_path / "gone")
        link.write_text(json.dumps(document))
    with open_store(copy, "embedded") as other:
        plan = plan_export(other, make_workspace(other, uris, "probe", "stored"), SMALL)
    assert plan.small == ["stored"]


def test_the_commands(store, workspace, sizes, tmp_path):
    where = ("--storage-dir", store.directory)
    done = run("export", workspace, "out", *where, cwd=tmp_path)
    assert "raw samples of small series go along: " in done.stdout
    assert "--no-raw leaves them out" in done.stdout
    done = run("export", workspace, "out", "--json", *where, cwd=tmp_path)
    assert set(json.loads(done.stdout)["small_series_with_samples"]) == set(sizes)
    done = run("export", workspace, "out", "--no-raw", "--json", *where, cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["small_series_with_samples"] == []
    assert {entry["series"] for entry in document["left_out"]} == set(sizes)
    assert document["files_removed"] > 0
    done = run("export", workspace, "--single-file", "one.html", *where, cwd=tmp_path)
    assert "raw samples of small series go along: " in done.stdout
    run("export", workspace, "out", "--no-raw", "--raw-range", "1:2", *where, expected=2, cwd=tmp_path)
