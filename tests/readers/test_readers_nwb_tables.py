"""NWB files: units, intervals, annotations and other events."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hdf5_files import by_path, opened, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from nwb_files import START, describe, region, series, table, write_nwb

from seriesview.readers import Recording


def units(file: h5py.File, times: Any, ids: Any = None, **columns: Any) -> h5py.Group:
    ids = list(range(len(times))) if ids is None else ids
    return table(file, "units", "Units", ids, {"spike_times": times, **columns})


def spikes(recording: Recording) -> list[tuple[float, str]]:
    times, channels = recording.events()
    return [(time, recording.channels[channel].id) for time, channel in zip(times, channels, strict=True)]


def labelled(recording: Recording) -> list[tuple[float, float, str]]:
    bounds, indices, labels = recording.intervals()
    return [(start, end, labels[index]) for (start, end), index in zip(bounds, indices, strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    trains=st.lists(st.lists(st.floats(-5, 1000), max_size=7), min_size=1, max_size=6),
    data=st.data(),
)
def test_units_are_the_ragged_rows(
    tmp_path_factory: pytest.TempPathFactory, trains: list[list[float]], data: st.DataObject
) -> None:
    ids = data.draw(st.lists(st.integers(0, 99), min_size=len(trains), max_size=len(trains), unique=True))
    path = write_nwb(tmp_path_factory.mktemp("nwb") / "a.nwb", lambda file: units(file, trains, ids))
    for name in (None, "units", "/units/spike_times"):
        recording = opened(path, name)
        assert (recording.type, recording.session_start) == ("event", START)
        assert [channel.id for channel in recording.channels] == [str(unit) for unit in ids]
        times, channels = recording.events()
        assert (times.dtype, channels.dtype) == (np.float64, np.uint32)
        expected = sorted((time, unit) for unit, train in enumerate(trains) for time in train)
        assert list(zip(times.tolist(), channels.tolist(), strict=True)) == expected


def test_units_have_ids_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"
    trains = [[3.0, 1.0], [], [2.0]]
    write_nwb(path, lambda file: units(file, trains, [7, 5, 6], label=["a", "b", "c"]))
    recording = opened(path)
    assert spikes(recording) == [(1, "7"), (2, "6"), (3, "7")]
    assert [channel.label for channel in recording.channels] == ["a", "b", "c"]
    assert by_path(path)["/units"].options == {"dataset": "/units", "type": "event"}
    assert by_path(path)["/units"].shape == (3,)
    chosen = opened(path, channel_labels=("p", "q", "r"))
    assert [(channel.id, channel.label) for channel in chosen.channels] == [
        ("7", "p"),
        ("5", "q"),
        ("6", "r"),
    ]
    for labels in (("p", "q"), ("p", "q", "r", "s")):
        assert "given, but the table has 3 rows" in refused(path, channel_labels=labels)
    write_nwb(path, lambda file: units(file, trains, [7, 5, 7], label=["a", "", "c"]))
    assert [(channel.id, channel.label) for channel in opened(path).channels] == [
        ("0", "7"),
        ("1", "5"),
        ("2", "7"),
    ]
    assert "type: this table holds events; set `type: event`" in refused(path, "units", type="continuous")


def test_tables_without_spikes_or_units(tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "a.nwb", lambda file: units(file, [[], []]))
    assert (opened(path).num_samples, opened(path).num_channels) == (0, 2)

    def empty(file: h5py.File) -> None:
        group = table(file, "units", "Units", [], {})
        group["spike_times"], group["spike_times_index"] = np.empty(0), np.empty(0, "u1")

    write_nwb(path, empty)
    assert (opened(path).num_samples, opened(path).num_channels) == (0, 0)

    def null(file: h5py.File) -> None:
        group = table(file, "units", "Units", [], {})
        group["spike_times"] = group["spike_times_index"] = h5py.Empty("f8")

    write_nwb(path, null)
    assert (opened(path).num_samples, opened(path).num_channels) == (0, 0)
    for ids in ([], [1]):
        write_nwb(path, lambda file, ids=ids: table(file, "units", "Units", ids, {}))
        assert "has no spike_times" in refused(path, "units")
        assert "has no spike_times" in str(by_path(path)["/units"].problem)


def test_damaged_units_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"

    def damaged(change: Any) -> str:
        def fill(file: h5py.File) -> None:
            change(file, units(file, [[1.0, 2.0], [3.0]]))

        write_nwb(path, fill)
        return refused(path, "units")

    def index(values: Any) -> Any:
        def change(file: h5py.File, group: h5py.Group) -> None:
            del group["spike_times_index"]
            group["spike_times_index"] = np.array(values)

        return change

    def without(name: str) -> Any:
        return lambda file, group: group.__delitem__(name)

    def text(file: h5py.File, group: h5py.Group) -> None:
        del group["spike_times"]
        group["spike_times"] = ["a", "b", "c"]

    for values in ([2, 4], [2, 2], [3, 2], [-1, 3]):
        assert "/units: spike_times_index is damaged" in damaged(index(values))
    assert "has 3 rows, but the table 2" in damaged(index([1, 2, 3]))
    assert "no spike_times_index" in damaged(without("spike_times_index"))
    assert "but the table 0" in damaged(without("id"))
    assert "cannot be shown" in damaged(text)
    assert "event 1 has no finite time" in damaged(
        lambda file, group: group["spike_times"].write_direct(np.full(3, np.nan), np.s_[1], np.s_[1])
    )

    def single(file: h5py.File) -> None:
        table(file, "units", "Units", [4], {"spike_times": [2.0, 1.0]})

    assert spikes(opened(write_nwb(path, single), "units")) == [(1, "4"), (2, "4")]


def intervals(
    path: Path, columns: dict[str, Any], name: str = "intervals/trials"
) -> list[tuple[float, float, str]]:
    count = len(columns["start_time"])
    write_nwb(path, lambda file: table(file, name, "TimeIntervals", list(range(count)), columns))
    recording = opened(path)
    assert (recording.type, recording.session_start, recording.num_samples) == ("interval", START, count)
    return labelled(recording)


def test_intervals_and_their_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"
    bounds = {"start_time": [5.0, 1.0], "stop_time": [6.0, 2.0]}
    assert intervals(path, bounds) == [(1, 2, "trials"), (5, 6, "trials")]
    for name, values, labels in (
        ("label", ["run", "rest"], ("rest", "run")),
        ("tags", [["a", "b"], []], ("", "a, b")),
        ("response", ["left", "right"], ("right", "left")),
        ("condition", [3, 4], ("4", "3")),
        ("contrast", [0.5, 0.25], ("trials", "trials")),
        ("licks", [[1.0], [2.0]], ("trials", "trials")),
    ):
        assert intervals(path, bounds | {name: values}) == [(1, 2, labels[0]), (5, 6, labels[1])]
    assert by_path(path)["/intervals/trials"].options == {"dataset": "/intervals/trials", "type": "interval"}
    assert intervals(path, {"start_time": np.empty(0), "stop_time": np.empty(0)}) == []


def test_intervals_that_were_never_closed_are_kept_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"
    columns = {"start_time": [1.0, 4.0, 2.0], "stop_time": [3.0, np.nan, 3.0], "label": ["a", "b", "a"]}
    assert intervals(path, columns) == [(1, 3, "a"), (2, 3, "a"), (4, 4, "b (no stop time)")]


def test_intervals_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"

    def message(starts: Any, stops: Any) -> str:
        columns = {"start_time": starts, "stop_time": stops}
        write_nwb(path, lambda file: table(file, "intervals/epochs", "TimeIntervals", [0, 1], columns))
        return refused(path, "intervals/epochs")

    assert "/intervals/epochs: interval 1 has no finite start and end" in message([1.0, np.nan], [2.0, 3.0])
    assert "interval 0 ends at 1.0 s, before its start" in message([2.0, 3.0], [1.0, 4.0])
    assert "start_time has 2 rows, but stop_time 3" in message([2.0, 3.0], [3.0, 4.0, 5.0])
    assert "its column stop_time: " in message([2.0, 3.0], ["a", "b"])
    assert "stop_time" in str(by_path(path)["/intervals/epochs"].problem)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=6))
def test_switches_are_intervals(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    rows, expected, now = [], [], 0.0
    for kind, wait, length in steps:
        start, end = now + wait, now + wait + length
        rows += [(start, kind + 1), (end, -kind - 1)]
        expected.append((start, end, kind + 1))
        now = end
    kinds = {kind for _, _, kind in expected}
    times, values = np.array([time for time, _ in rows]), np.array([value for _, value in rows], np.int8)
    path = tmp_path_factory.mktemp("nwb") / "a.nwb"
    write_nwb(path, lambda file: series(file, "door", values, "IntervalSeries", timestamps=times))
    found = labelled(opened(path))
    assert sorted(found) == sorted((a, b, str(kind) if len(kinds) > 1 else "door") for a, b, kind in expected)


def test_switches_without_their_other_half(tmp_path: Path) -> None:
    path = tmp_path / "a.nwb"

    def switches(values: Any) -> None:
        times = np.arange(1.0, len(values) + 1)
        write_nwb(path, lambda file: series(file, "door", values, "IntervalSeries", timestamps=times))

    switches(np.array([-1, 1, 1, -1, 1], np.int8))
    assert labelled(opened(path)) == [
        (1, 1, "door (no start time)"),
        (2, 2, "door (no stop time)"),
        (3, 4, "door"),
        (5, 5, "door (no stop time)"),
    ]
    for values in (np.array([1, 0], np.int8), np.array([1.0, np.nan])):
        switches(values)
        assert "in row 1" in refused(path)
    switches(np.empty(0, np.int8))
    assert labelled(opened(path)) == []


def test_annotations_and_labelled_events(tmp_path: Path) -> None:
    times = [3.0, 1.0, 2.0]

    def fill(file: h5py.File) -> None:
        series(file, "notes", ["stop", "go", "stop"], "AnnotationSeries", timestamps=times, conversion=np.nan)
        series(
            file, "ttl", np.array([2, 0, 2], "u1"), "TTLs", timestamps=times, labels=["on", "never", "off"]
        )
        series(file, "codes", np.array([10, 9, 10], "u1"), "LabeledEvents", timestamps=times)
        series(file, "licks", None, "Events", timestamps=times)
        series(file, "amplitudes", np.zeros(3), timestamps=times)
        series(file, "few", ["stop"], "AnnotationSeries", timestamps=times)
        series(file, "regular", ["a", "b"], "AnnotationSeries", rate=1.0)
        series(file, "none", np.empty(0, "S3"), "AnnotationSeries", timestamps=np.empty(0))

    path = write_nwb(tmp_path / "a.nwb", fill)

    def found(name: str, **options: Any) -> tuple[list[str], list[int]]:
        recording = opened(path, name, **options)
        assert (recording.type, recording.session_start) == ("event", START)
        assert recording.events()[0].tolist() == [1, 2, 3]
        return [channel.label for channel in recording.channels], recording.events()[1].tolist()

    assert found("notes") == (["go", "stop"], [0, 1, 1])
    assert found("ttl") == (["on", "never", "off"], [0, 2, 2])
    assert found("codes") == (["9", "10"], [0, 1, 1])
    assert found("licks") == (["licks"], [0, 0, 0])
    assert found("amplitudes", type="event") == (["amplitudes"], [0, 0, 0])
    assert opened(path, "none").num_samples == 0
    assert "/few: its data hold 1 values for 3 timestamps" in refused(path, "few")
    assert "/regular: it has no timestamps" in refused(path, "regular")
    assert "no timestamps" in str(by_path(path)["/regular"].problem)
    assert by_path(path)["/notes"].options == {"dataset": "/notes", "type": "event"}
    assert "/licks: it has no data" in refused(path, "licks", type="continuous")
    assert "/amplitudes: its data are 0.0 in row 0" in refused(path, "amplitudes", type="interval")


def test_tables_of_events(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        table(file, "kinds", "EventTypesTable", [0, 1], {"event_name": ["cue", "reward"]})
        table(file, "events", "EventsTable", [0, 1, 2], {"timestamp": [3.0, 1.0, 2.0]})
        region(file, "events/event_type", [1, 0, 1], "kinds")
        table(file, "plain", "EventsTable", [0, 1], {"timestamp": [3.0, 1.0], "annotation": ["b", "a"]})
        table(
            file,
            "ragged",
            "AnnotatedEventsTable",
            [3, 4],
            {"event_times": [[2.0], [1.0, 3.0]], "label": ["p", "q"]},
        )

    path = write_nwb(tmp_path / "a.nwb", fill)
    assert by_path(path).keys() == {"/events", "/plain", "/ragged"}

    def found(name: str) -> tuple[list[str], list[float], list[int]]:
        recording = opened(path, name)
        times, channels = recording.events()
        return [channel.label for channel in recording.channels], times.tolist(), channels.tolist()

    assert found("events") == (["cue", "reward"], [1, 2, 3], [0, 1, 1])
    assert found("plain") == (["a", "b"], [1, 3], [0, 1])
    assert found("ragged") == (["p", "q"], [1, 2, 3], [1, 0, 1])


def test_the_kind_of_a_group_without_times_is_none(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        describe(file.create_group("general/subject"), "Subject")
        table(file, "general/extracellular_ephys/electrodes", "DynamicTable", [0], {"x": [1.0]})

    path = write_nwb(tmp_path / "a.nwb", fill)
    assert by_path(path) == {}
    assert "is a group; in it there are none" in refused(path, "general/subject")
