"""Dates of what is shared are moved alike, and every interval stays exactly what it was."""

import json
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import numpy as np
import pytest
from built_series import built
from hypothesis import given
from hypothesis import strategies as st
from series_builder import store_events, store_rows, store_series
from shared_workspaces import files_of, make_workspace, run

import seriesview
from seriesview.errors import SeriesviewError
from seriesview.series.arrays import ArrayReader, PartCache
from seriesview.series.manifest import (
    CountsInfo,
    IntervalsInfo,
    SegmentInfo,
    SeriesManifest,
    parse_series_manifest,
)
from seriesview.series.named_arrays import arrays_of
from seriesview.share.checking import verify_folder
from seriesview.share.choice import Wish
from seriesview.share.dates import DAY_SECONDS, moved_clocks, moved_times
from seriesview.share.export import export_folder, plan_export
from seriesview.share.single_file import export_single_file, plan_single_file
from seriesview.share.view_times import shifts
from seriesview.store import open_store

NIGHT = 1_617_286_530.0
"""2021-04-01T14:15:30Z."""
MOVE = Wish(moves_dates=True)


@pytest.fixture(scope="session")
def dated(store, place):
    """URIs of series whose dates are told in every way that there is, and of one that tells none."""
    random = np.random.default_rng(8)
    np.save(place / "regular.npy", random.normal(size=(3000, 2)))
    times = NIGHT + np.cumsum(random.uniform(0.5, 1.5, 1000))
    events = NIGHT + np.sort(random.uniform(0, 390, 3000))
    lights = store.get_json(store_events(store, events, random.integers(0, 2, 3000), 2, 1024))
    bins = np.stack([np.histogram(events, np.arange(NIGHT, NIGHT + 401))[0]] * 2, axis=1).astype(np.uint32)
    lights["counts"] = [CountsInfo(1.0, NIGHT, store_rows(store, bins, 1024)).to_json_dict()]
    spans = np.array([[NIGHT, NIGHT + 100.5], [NIGHT + 100.5, NIGHT + 390]])
    labels = store_rows(store, np.array([0, 1], np.uint32))
    naps = SeriesManifest(
        type="interval",
        dtype="float64",
        channels=(),
        segments=(SegmentInfo(NIGHT, NIGHT + 390, 2),),
        sampling_frequency=None,
        intervals=IntervalsInfo(store_rows(store, spans), labels, ("wake", "nap")),
    )

    def uri(name, file, **config):
        return str(built(store, place / file, name, **config)["uri"])

    rate = {"sampling_frequency": 10.0}
    return {
        "zoned": uri("zoned", "regular.npy", session_start="2021-04-01T10:15:30.123456-04:00", **rate),
        "local": uri("local", "regular.npy", session_start="2021-04-02T10:15:30.25", **rate),
        "counted": uri("counted", "regular.npy", start_time=NIGHT + 0.125, **rate),
        "both": uri(
            "both", "regular.npy", session_start="1970-01-01T00:00:00+00:00", start_time=NIGHT + 7, **rate
        ),
        "mixed": uri(
            "mixed", "regular.npy", session_start="2001-02-03T04:05:06+00:00", start_time=2e8 + 7, **rate
        ),
        "irregular": store_series(
            store,
            [random.normal(size=(900, 1)), random.normal(size=(70, 1))],
            timestamps=[times[:900], times[905:975]],
        ),
        "lights": store.put_json(lights, name="series.json"),
        "naps": store.put_json(naps.to_json_dict(), name="series.json"),
        "plain": uri("plain", "regular.npy", **rate),
    }


def manifests_of(directory):
    store = open_store(directory, "embedded")
    workspace = store.get_json(json.loads((directory / "export.json").read_text())["workspace"])
    return store, {e["name"]: parse_series_manifest(store.get_json(e["uri"])) for e in workspace["series"]}


def times_in(store, manifest):
    """Every time of a series, by where it stands."""
    found = {
        name: np.concatenate(
            [rows for _, rows in ArrayReader(store, array, PartCache()).spans(0, array.shape[0])]
        )
        for name, array in arrays_of(manifest)
        if "time" in name
    }
    found["starts"] = np.array([segment.start_time for segment in manifest.segments])
    found["counts"] = np.array([counts.start_time for counts in manifest.counts])
    return found


def starts_in_view(manifests):
    return {name: shift + manifests[name].segments[0].start_time for name, shift in shifts(manifests).items()}


def moment(manifest):
    """When a series begins: exact seconds since 1970, by a clock of its own where no zone is known."""
    start = Fraction(manifest.segments[0].start_time)
    if manifest.session_start is None:
        return start
    clock = datetime.fromisoformat(manifest.session_start)
    whole = clock - datetime(1970, 1, 1, tzinfo=clock.tzinfo)
    if clock.tzinfo is not None:
        whole -= clock.utcoffset()
    return Fraction(whole.days * DAY_SECONDS + whole.seconds) + Fraction(whole.microseconds, 10**6) + start


@pytest.mark.parametrize("days", [None, -4000, 1234])
def test_all_clocks_move_alike_and_no_interval_by_anything(store, dated, tmp_path, days):
    out = tmp_path / "out"
    names = [name for name in dated if days != 1234 or name in ("zoned", "local", "plain")]
    plan = plan_export(store, make_workspace(store, dated, *names), replace(MOVE, days=days))
    export_folder(plan, store, out)
    assert verify_folder(out).problems == ()
    shared, moved = manifests_of(out)
    before = {
        name: parse_series_manifest(store.get_json(uri)) for name, uri in dated.items() if name in names
    }
    seconds = plan.days * DAY_SECONDS
    assert days in (None, plan.days)
    for name, manifest in before.items():
        if name == "plain":
            assert moved[name] == replace(manifest, values=None)
            continue
        assert moment(moved[name]) - moment(manifest) == seconds, name
        old, new = times_in(store, manifest), times_in(shared, moved[name])
        assert old.keys() == new.keys()
        for kind, times in new.items():
            pairs = zip(times.ravel(), old[kind].ravel(), strict=True)
            by = {Fraction(float(new_time)) - Fraction(float(old_time)) for new_time, old_time in pairs}
            assert len(by) <= 1, (name, kind)
    assert starts_in_view(moved) == starts_in_view(before)
    assert {name: len(manifest.levels) for name, manifest in moved.items()} == {
        name: len(manifest.levels) for name, manifest in before.items()
    }


def test_no_file_of_the_export_tells_the_dates(store, dated, tmp_path):
    plan = plan_export(store, make_workspace(store, dated, *dated), replace(MOVE, raw=True))
    export_folder(plan, store, tmp_path / "out")
    texts = [b"2021", b"2001-02-03", b"16172865", b"16172869", str(-plan.days).encode()]
    for name, content in files_of(tmp_path / "out").items():
        if (name.startswith("sha1/") and content[:1] == b"{") or name in ("export.json", "README.txt"):
            assert not [text for text in texts if text in content], name
    _, moved = manifests_of(tmp_path / "out")
    assert min(manifest.session_start for manifest in moved.values() if manifest.session_start)[:4] in (
        "1970",
        "2000",
    )
    assert "moved" in (tmp_path / "out" / "README.txt").read_text()
    # Nor do numbers.
    shared, moved = manifests_of(tmp_path / "out")
    for name in ("counted", "irregular", "lights", "naps", "both"):
        for kind, times in times_in(shared, moved[name]).items():
            assert ((times > 9e8) & (times < NIGHT - 1e8)).all(), (name, kind)


def test_a_single_file_is_moved_as_well(store, dated, tmp_path):
    plan = plan_single_file(store, make_workspace(store, dated, "zoned", "lights"), MOVE)
    export_single_file(plan, store, tmp_path / "one.html")
    assert plan.days == -7761
    assert all(choice.clock is not None for choice in plan.choices)


def test_svseries_are_moved_by_their_files(store, tmp_path, monkeypatch):
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(store.directory))
    times = NIGHT + np.arange(50) / 4
    series = seriesview.SVSeries.from_numpy(
        type="continuous",
        sampling_frequency=4.0,
        start_time=NIGHT,
        end_time=NIGHT + 12.5,
        segment_duration=5.0,
        timestamps=times,
        values=np.arange(100.0).reshape(50, 2),
    )
    monkeypatch.delenv("KACHERY_STORAGE_DIR")
    uri = store.put_json(series.to_dict(), name="series.json")
    plan = plan_export(store, uri, MOVE)
    export_folder(plan, store, tmp_path / "out")
    shared, moved = manifests_of(tmp_path / "out")
    (manifest,) = moved.values()
    found = [
        np.frombuffer(shared.get_bytes(segment.timestamps_uri), segment.timestamps_dtype)
        for segment in manifest.segments
    ]
    assert len(found) == 3
    assert np.array_equal(np.concatenate(found), times + plan.days * DAY_SECONDS)
    assert manifest.segments[0].start_time == times[0] + plan.days * DAY_SECONDS


@given(
    st.lists(st.floats(1e8, 7e9), min_size=1, max_size=20),
    st.integers(-20_000, 20_000),
)
def test_times_are_moved_exactly_or_not_at_all(times, days):
    rows = np.array(times)
    try:
        moved = moved_times(rows, days * DAY_SECONDS, "x")
    except SeriesviewError:
        assert any(
            Fraction(time) + days * DAY_SECONDS != Fraction(float(time + days * DAY_SECONDS))
            for time in times
        )
    else:
        assert [Fraction(float(a)) - Fraction(b) for a, b in zip(moved, times, strict=True)] == [
            days * DAY_SECONDS
        ] * len(times)


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64])
def test_other_types_of_times(dtype):
    rows = np.array([1_600_000_000, 1_600_000_128], dtype)
    try:
        moved = moved_times(rows, -DAY_SECONDS * 7000, "x")
    except SeriesviewError:
        assert dtype == np.float32
    else:
        assert (moved.astype(object) - rows.astype(object) == -DAY_SECONDS * 7000).all()


def test_clocks_that_cannot_be_moved_are_named(store, dated):
    manifest = parse_series_manifest(store.get_json(dated["zoned"]))
    for text in ("yesterday", "2021-W13-4", "2021-13-01T00:00:00"):
        with pytest.raises(SeriesviewError, match=r"night: its session_start .*--without night"):
            moved_clocks({"night": replace(manifest, session_start=text)}, None)
    with pytest.raises(SeriesviewError, match="no clock can be"):
        moved_clocks({"night": manifest}, 10_000_000)
    counted = parse_series_manifest(store.get_json(dated["counted"]))
    with pytest.raises(SeriesviewError, match="no clock can be"):
        moved_clocks({"night": counted}, -18_000)


def test_recordings_of_before_2000_that_count_from_1970_go_to_1974(store, dated):
    manifest = parse_series_manifest(store.get_json(dated["counted"]))
    (segment,) = manifest.segments
    early = replace(manifest, segments=(replace(segment, start_time=7e8 + 0.1, end_time=7e8 + 300.1),))
    days, clocks = moved_clocks({"early": early}, None)
    assert 7e8 + days * DAY_SECONDS == pytest.approx(126_230_400, abs=DAY_SECONDS)
    assert clocks["early"].seconds == days * DAY_SECONDS


@pytest.mark.parametrize(
    "arguments", [("--shift-dates",), ("--shift-dates", "-4000"), ("--shift-dates=-4000",)]
)
def test_the_command(store, dated, tmp_path, arguments):
    uri = make_workspace(store, dated, "zoned", "naps", label="sub-01 2021-04-01")
    for order in (("export", *arguments, uri, "out"), ("export", uri, "out", *arguments)):
        done = run(*order, "--storage-dir", store.directory, "--json", cwd=tmp_path)
        days = json.loads(done.stdout)["days_moved"]
        assert days == (-4000 if len("".join(arguments)) > 14 else -7761)
        assert f"moved by {days} days" in done.stderr
        assert "'sub-01 2021-04-01'" in done.stderr
    plain = make_workspace(store, dated, "plain")
    done = run("export", plain, "plain", *arguments[:1], "--storage-dir", store.directory, cwd=tmp_path)
    if arguments == ("--shift-dates",):
        assert "no series tells a date" in done.stdout
    for wrong in ("0", "99999999999"):
        run("export", uri, "out", "--shift-dates", wrong, expected=2, cwd=tmp_path)
