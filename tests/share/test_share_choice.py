"""What goes along of a workspace: raw samples, stretches of them, levels that fit; and what is said of the rest."""

import json

import numpy as np
import pytest
from shared_workspaces import RATE, make_workspace

from seriesview.errors import MissingArtifactError, SeriesviewError
from seriesview.series.series import open_series
from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.folder import read_description
from seriesview.store import open_store
from seriesview.workspace.manifest import parse_workspace_manifest

PART_ROWS = 65536


@pytest.fixture
def exported(store, workspace, tmp_path):
    """Export with a wish into a new folder; its store, the URIs of its series, and what was left out."""

    def export(wish=None, uri=workspace):
        directory = tmp_path / f"folder {len(list(tmp_path.iterdir()))}"
        export_folder(plan_export(store, uri, wish or Wish()), store, directory)
        description = read_description(directory)
        reading = open_store(directory, "embedded")
        manifest = parse_workspace_manifest(reading.get_json(description["workspace"]))
        return (
            reading,
            {entry.name: entry.uri for entry in manifest.series},
            description["left_out"],
            manifest,
        )

    return export


def left(entries, what="samples"):
    return {entry["series"]: entry for entry in entries if entry["what"] == what}


def test_without_raw_samples_everything_else_is_there(exported, store, uris, probe_samples):
    reading, shared, left_out, manifest = exported()
    assert [entry.name for entry in manifest.series] == list(uris)
    assert set(left(left_out)) == {"probe", "stored", "wheel"}
    assert left(left_out)["probe"] == {
        "series": "probe",
        "what": "samples",
        "why": "not asked for",
        "bytes": probe_samples.nbytes,
    }
    # Series that are as they were keep their hash.
    assert {name for name in uris if shared[name][:47] == uris[name][:47]} == {"spikes", "stages"}
    before, after = (
        store_.get_json(uri) for store_, uri in ((store, uris["probe"]), (reading, shared["probe"]))
    )
    assert before | {"values": None} == after
    series = open_series(shared["probe"], reading)
    np.testing.assert_array_equal(
        series.window(0, 16 * 100, 48, 1)[0, 1], probe_samples[1600 : 1600 + 49].max(axis=0)
    )
    np.testing.assert_array_equal(
        open_series(shared["short"], reading).values(0, 0, 500),
        open_series(uris["short"], store).values(0, 0, 500),
    )
    assert len(open_series(shared["spikes"], reading).points(0, 400, 10**6).times) == 20_000


def test_with_raw_samples_all_can_be_read_and_the_file_is_not_there(
    exported, place, probe_samples, uris, store
):
    reading, shared, left_out, _ = exported(Wish(raw=True))
    assert left_out == []
    for name in ("probe", "stored"):
        np.testing.assert_array_equal(open_series(shared[name], reading).values(0, 0, 400_000), probe_samples)
    # Samples of a linked file make the same packs as stored ones.
    values = [reading.get_json(shared[name])["values"] for name in ("probe", "stored")]
    assert values[0] == values[1] == store.get_json(uris["stored"])["values"]
    whole = (place / "probe.dat").stat().st_size
    assert all(path.stat().st_size != whole for path in reading.directory.rglob("*"))
    assert not list(reading.directory.rglob("*.link"))


def test_raw_samples_of_one_series(exported, probe_samples):
    reading, shared, left_out, _ = exported(Wish(raw_series=("probe",)))
    assert set(left(left_out)) == {"stored", "wheel"}
    np.testing.assert_array_equal(
        open_series(shared["probe"], reading).values(0, 399_990, 400_000), probe_samples[-10:]
    )


def test_a_stretch_is_widened_to_whole_parts(exported, probe_samples):
    reading, shared, left_out, _ = exported(Wish(raw_ranges=((100.0, 101.0), (399.9, 500.0))))
    there = [(65536, 131072), (393216, 400_000)]
    for name in ("probe", "stored"):
        assert left(left_out)[name]["rows"] == [[0, 65536], [131072, 393216]]
        assert left(left_out)[name]["bytes"] == (65536 + 262144) * 12
        series = open_series(shared[name], reading)
        for first, last in there:
            np.testing.assert_array_equal(series.values(0, first, last), probe_samples[first:last])
        with pytest.raises(MissingArtifactError, match="left out"):
            series.values(0, 131071, 131073)
        np.testing.assert_array_equal(
            series.window(0, 16 * 9000, 64, 2)[:, 0],
            [probe_samples[144_000 + 64 * i : 144_065 + 64 * i].min(axis=0) for i in range(2)],
        )
    # Times of the irregular series decide for it.
    wheel = open_series(shared["wheel"], reading)
    assert wheel.times(0, 0, 90_000).shape == (90_000,)
    first = int(np.searchsorted(wheel.times(0, 0, 90_000), 100.0)) // PART_ROWS * PART_ROWS
    assert wheel.values(0, first, first + 10).shape == (10, 1)


def test_a_stretch_without_samples_is_refused(store, workspace):
    with pytest.raises(SeriesviewError, match="view time"):
        plan_export(store, workspace, Wish(raw_ranges=((1000.0, 1001.0),)))


def test_stretches_are_in_view_time(exported, store, uris):
    early = store.get_json(uris["probe"]) | {"session_start": "2024-03-01T12:00:00+01:00"}
    late = store.get_json(uris["stored"]) | {"session_start": "2024-03-01T11:01:40Z", "label": "late"}
    wall = {name: store.put_json(document) for name, document in (("early", early), ("late", late))}
    _, _, left_out, _ = exported(
        Wish(raw_ranges=((100.0, 101.0),)), make_workspace(store, wall, "early", "late")
    )
    assert left(left_out)["early"]["rows"] == [[0, 65536], [131072, 400_000]]
    assert left(left_out)["late"]["rows"] == [[65536, 400_000]]


def test_stretches_of_times_since_1970(exported, store, uris):
    document = store.get_json(uris["probe"])
    segment = document["segments"][0]
    epoch = document | {
        "segments": [segment | {"start_time": 1.7e9 + 0.25, "end_time": 1.7e9 + 0.25 + 400_000 / RATE}]
    }
    uri = make_workspace(store, {"epoch": store.put_json(epoch)}, "epoch")
    _, _, left_out, _ = exported(Wish(raw_ranges=((0.0, 1.0),)), uri)
    assert left(left_out)["epoch"]["rows"] == [[65536, 400_000]]


def test_an_export_can_be_exported_with_what_it_has(exported, store, tmp_path, probe_samples):
    reading, _, _, _ = exported(Wish(raw_ranges=((100.0, 101.0),)))
    workspace = read_description(reading.directory)["workspace"]
    again = tmp_path / "again"
    export_folder(plan_export(reading, workspace, Wish(raw=True)), reading, again)
    assert read_description(again)["workspace"] == workspace
    export_folder(plan_export(reading, workspace, Wish(raw_ranges=((130.0, 140.0),))), reading, again)
    shared = open_store(again, "embedded")
    entries = shared.get_json(read_description(again)["workspace"])["series"]
    series = open_series(entries[0]["uri"], shared)
    np.testing.assert_array_equal(series.values(0, 65536, 131072), probe_samples[65536:131072])


def test_finest_levels_are_left_out_until_it_fits(exported, store, workspace, probe_samples):
    everything = plan_export(store, workspace, Wish())
    sizes = {choice.name: choice.num_bytes for choice in everything.choices}
    viewer = 600_000
    wish = Wish(max_bytes=sum(sizes.values()) - 1_500_000 + viewer)
    reading, shared, left_out, _ = exported(wish)
    assert (
        sum(path.stat().st_size for path in reading.directory.rglob("*") if path.is_file())
        <= wish.max_bytes + 50_000
    )
    levels = [entry for entry in left_out if entry["what"] == "level" and entry["series"] == "probe"]
    assert [entry["factor"] for entry in levels][:1] == [16]
    assert all(entry["why"] == "size" for entry in levels)
    series = open_series(shared["probe"], reading)
    factors = [level.factor for level in series.manifest.levels]
    assert min(factors) >= 64
    ladder = series.zoom_ladder(0)
    assert ladder[0] == min(factors)
    for step in ladder:
        found = series.window(0, 3 * ladder[0], step, 4)
        expected = [
            probe_samples[3 * ladder[0] + i * step : 3 * ladder[0] + (i + 1) * step + 1].min(axis=0)
            for i in range(len(found))
        ]
        np.testing.assert_array_equal(found[:, 0], expected)


def test_what_cannot_fit_is_not_begun(store, workspace):
    with pytest.raises(SeriesviewError, match=r"--max-size: .* remain .* are allowed; allow more, or leave"):
        plan_export(store, workspace, Wish(max_bytes=1000))
    with pytest.raises(SeriesviewError, match="fewer raw samples"):
        plan_export(store, workspace, Wish(raw=True, max_bytes=3_000_000))


def test_a_series_can_be_left_out(exported, store, workspace):
    _, shared, left_out, manifest = exported(Wish(without=("probe",)))
    assert "probe" not in shared
    assert left(left_out, "series") == {
        "probe": {"series": "probe", "what": "series", "why": "not asked for"}
    }
    assert {entry.name for entry in manifest.missing} == {"lost", "probe"}
    for wish in (Wish(without=("nobody",)), Wish(raw_series=("nobody",))):
        with pytest.raises(SeriesviewError, match="no such series; it has probe, stored"):
            plan_export(store, workspace, wish)


def test_reasons_of_missing_series_stay_at_home(exported):
    reading, _, _, _ = exported()
    for path in reading.directory.rglob("*"):
        assert not path.is_file() or b"secret.dat" not in path.read_bytes()


def test_one_series_alone(exported, uris):
    _, shared, _, manifest = exported(uri=uris["probe"])
    assert [panel.series for panel in manifest.views[0].panels] == list(shared)


def test_series_made_the_original_way_go_along_whole(exported, store):
    timestamps = store.put_bytes(np.arange(50, dtype=np.float32), "timestamps.dat")
    values = store.put_bytes(np.ones((50, 1), np.int16), "values.dat")
    original = {
        "type": "discrete",
        "sampling_frequency": None,
        "segments": [
            {
                "start_time": 0.0,
                "end_time": 49.0,
                "num_samples": 50,
                "min_value": float("nan"),
                "max_value": 1,
                "timestamps_uri": timestamps,
                "timestamps_dtype": "float32",
                "values_uri": values,
                "values_dtype": "int16",
            }
        ],
    }
    uri = store.put_bytes(json.dumps(original).encode(), "original.json")
    reading, shared, left_out, _ = exported(uri=make_workspace(store, {"old": uri}, "old"))
    assert left_out == []
    assert open_series(shared["old"], reading).points(0, 50, 100).values.sum() == 50
    assert "NaN" not in reading.path(shared["old"]).read_text()
