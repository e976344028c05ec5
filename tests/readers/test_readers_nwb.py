"""NWB files: series of samples, their electrodes, clocks and links."""

from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hdf5_files import by_path, opened, read, refused, write
from hypothesis import given, settings
from hypothesis import strategies as st
from nwb_files import START, describe, region, series, table, write_nwb

from seriesview.readers import ReadOptions, guess_reader, open_recording

SAMPLES = np.arange(80, dtype=np.int16).reshape(20, 4)
ELECTRODES = "/general/extracellular_ephys/electrodes"


def electrodes(file: h5py.File, **columns: Any) -> None:
    columns = {"x": np.arange(6.0), "y": np.full(6, np.nan), "group_name": list("aabbcc")} | columns
    ids = columns.pop("ids", [10, 11, 12, 13, 14, 15])
    table(file, ELECTRODES, "DynamicTable", ids, columns)


def electrical(file: h5py.File, rows: Any = (5, 1, 0, 2), data: Any = SAMPLES, **options: Any) -> h5py.Group:
    group = series(file, "acquisition/probe", data, "ElectricalSeries", rate=30000.0, **options)
    region(file, "acquisition/probe/electrodes", rows, ELECTRODES)
    return group


def test_nwb_files_are_known_by_their_version(tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "a.data", lambda file: None)
    assert guess_reader(path).name == "nwb"
    assert by_path(path) == {}
    assert "it is empty" in refused(path)
    assert guess_reader(write(tmp_path / "b.nwb", lambda file: None)).name == "hdf5"


def test_series_with_a_rate_or_timestamps(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        series(
            file, "acquisition/rate", SAMPLES, rate=np.float32(1250.1), start=2.5, unit="m", conversion=0.01
        )
        series(file, "acquisition/times", SAMPLES[:, 0], timestamps=np.arange(20.0) * 2, offset=3.0)
        link = h5py.SoftLink("/acquisition/times/timestamps")
        series(file, "processing/behavior/linked", SAMPLES, timestamps=link, unit="n/a", conversion=np.nan)

    path = write_nwb(tmp_path / "a.nwb", fill)
    with opened(path, "acquisition/rate") as recording:
        assert (recording.type, recording.sampling_frequency, recording.start_time) == (
            "continuous",
            1250.1,
            2.5,
        )
        assert (recording.unit, recording.scale, recording.offset) == ("m", 0.01, 0)
        assert recording.session_start == START
        assert [channel.label for channel in recording.channels] == ["0", "1", "2", "3"]
        np.testing.assert_array_equal(read(recording), SAMPLES)
    with opened(path, "acquisition/times") as recording:
        assert (recording.sampling_frequency, recording.num_channels, recording.offset) == (None, 1, 3)
        assert recording.timestamps(1, 3).tolist() == [2, 4]
    with opened(path, "processing/behavior/linked") as recording:
        assert recording.timestamps(1, 3).tolist() == [2, 4]
        assert (recording.unit, recording.scale) == ("", 1)
    with opened(path, "acquisition/rate", timestamps="/acquisition/times/timestamps") as recording:
        assert recording.timestamps(1, 3).tolist() == [2, 4]
    with opened(path, "processing/behavior/linked", sampling_frequency=5.0, unit="V", scale=2.0) as recording:
        assert (recording.sampling_frequency, recording.start_time) == (5, 0)
        assert (recording.unit, recording.scale) == ("V", 2)
    assert by_path(path)["/acquisition/rate"].sampling_frequency == 1250.1
    assert "choose one of /acquisition/rate, /acquisition/times, /processing" in refused(path)


def test_a_configured_rate_starts_where_the_timestamps_do(tmp_path: Path) -> None:
    path = write_nwb(
        tmp_path / "a.nwb", lambda file: series(file, "x", SAMPLES, timestamps=np.arange(20.0) + 7)
    )
    with opened(path, sampling_frequency=1.0) as recording:
        assert (recording.sampling_frequency, recording.start_time) == (1, 7)
    with opened(path, sampling_frequency=1.0, start_time=3.0) as recording:
        assert recording.start_time == 3


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_window_of_samples_and_times(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    shape = (data.draw(st.integers(2, 90)), data.draw(st.integers(1, 5)))
    samples = np.random.default_rng(shape[0]).integers(-999, 999, shape, np.int16)
    times = np.cumsum(np.random.default_rng(shape[0]).uniform(0, 1, shape[0]))
    chunks = (data.draw(st.integers(1, shape[0])), data.draw(st.integers(1, shape[1])))

    def fill(file: h5py.File) -> None:
        group = series(file, "x", None, timestamps=times)
        group.create_dataset("data", data=samples, chunks=chunks, compression="gzip")

    path = write_nwb(tmp_path_factory.mktemp("nwb") / "a.nwb", fill)
    with opened(path) as recording:
        for _ in range(4):
            first = data.draw(st.integers(0, shape[0]))
            last = data.draw(st.integers(first, shape[0]))
            np.testing.assert_array_equal(read(recording, first, last), samples[first:last])
            np.testing.assert_array_equal(recording.timestamps(first, last), times[first:last])


@pytest.mark.parametrize("name", ["/acquisition/probe", "acquisition/probe", "acquisition/probe/data", None])
def test_channels_are_the_electrodes(tmp_path: Path, name: str | None) -> None:
    def fill(file: h5py.File) -> None:
        electrodes(file, label=[f"e{row}" for row in range(6)], rel_x=np.arange(6.0) * 10, rel_y=np.ones(6))
        electrical(file, conversion=2e-6, offset=1e-3)
        file["acquisition/probe/channel_conversion"] = np.array([1.0, 2.0, 3.0, 4.0])

    path = write_nwb(tmp_path / "a.nwb", fill)
    with opened(path, name) as recording:
        assert [channel.id for channel in recording.channels] == ["15", "11", "10", "12"]
        assert [channel.label for channel in recording.channels] == ["e5", "e1", "e0", "e2"]
        assert [channel.group for channel in recording.channels] == ["c", "a", "a", "b"]
        assert [channel.x for channel in recording.channels] == [50, 10, 0, 20]
        assert {channel.y for channel in recording.channels} == {1}
        assert [channel.scale for channel in recording.channels] == [2e-6, 4e-6, 2e-6 * 3, 8e-6]
        assert (recording.scale, recording.offset, recording.unit) == (2e-6, 1e-3, "volts")
    labels = ("p", "q", "r", "s")
    with opened(path, name, channel_labels=labels, scale=3.0) as recording:
        assert tuple(channel.label for channel in recording.channels) == labels
        assert [channel.id for channel in recording.channels] == ["15", "11", "10", "12"]
        assert [channel.group for channel in recording.channels] == ["c", "a", "a", "b"]
        assert {channel.scale for channel in recording.channels} == {None}
    assert "channel_labels: 1 given" in refused(path, name, channel_labels=("a",))
    assert "channels: 5 configured" in refused(path, name, channels=5)


def test_positions_that_are_not_known(tmp_path: Path) -> None:
    path = write_nwb(tmp_path / "a.nwb", lambda file: (electrodes(file), electrical(file)))
    with opened(path) as recording:
        assert [(channel.x, channel.y) for channel in recording.channels] == [
            (5, None),
            (1, None),
            (0, None),
            (2, None),
        ]
        assert [channel.label for channel in recording.channels] == ["15", "11", "10", "12"]
    nothing = np.full(6, np.nan)
    path = write_nwb(
        tmp_path / "a.nwb",
        lambda file: (electrodes(file, x=nothing, rel_x=nothing, rel_y=nothing), electrical(file)),
    )
    with opened(path) as recording:
        assert {(channel.x, channel.y) for channel in recording.channels} == {(None, None)}


def test_electrodes_that_do_not_fit_leave_the_channels_numbered(tmp_path: Path) -> None:
    def ids(fill: Any) -> list[str]:
        with opened(write_nwb(tmp_path / "a.nwb", fill)) as recording:
            return [channel.id for channel in recording.channels]

    numbered = ["0", "1", "2", "3"]
    assert ids(lambda file: (electrodes(file, ids=[7, 7, 7, 8, 9, 9]), electrical(file))) == numbered
    assert ids(lambda file: (electrodes(file), electrical(file, rows=(0, 0, 1, 2)))) == numbered
    assert ids(lambda file: (electrodes(file), electrical(file, rows=(0, 1)))) == numbered
    assert ids(lambda file: (electrodes(file), electrical(file, rows=(0, 1, 2, 6)))) == numbered
    assert ids(lambda file: (electrodes(file), electrical(file, rows=(0, 1, 2, -1)))) == numbered

    def without_table(file: h5py.File) -> None:
        electrodes(file)
        electrical(file)
        del file[ELECTRODES]

    assert ids(without_table) == numbered
    assert (
        ids(lambda file: series(file, "acquisition/probe", SAMPLES, "ElectricalSeries", rate=1.0)) == numbered
    )

    def one(file: h5py.File) -> None:
        electrodes(file)
        electrical(file, rows=[3], data=SAMPLES[:, 0])

    assert ids(one) == ["13"]


def test_factors_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        series(file, "x", SAMPLES, "ElectricalSeries", rate=1.0)["channel_conversion"] = np.ones(3)

    path = write_nwb(tmp_path / "a.nwb", fill)
    with opened(path) as recording:
        assert "channel_conversion holds 3 factors for 4 channels; set `scale`" in str(
            recording.scale_problem
        )


def test_columns_are_called_what_they_are(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        series(file, "processing/behavior/Position/track", SAMPLES[:, :2], "SpatialSeries", rate=30.0)
        series(file, "features", SAMPLES[:, :2], "AbstractFeatureSeries", rate=1.0)["features"] = [
            "size",
            "hue",
        ]
        table(file, "rois", "PlaneSegmentation", [4, 5, 6, 7], {"accepted": np.ones(4)})
        series(file, "fluorescence", SAMPLES, "RoiResponseSeries", rate=1.0)
        region(file, "fluorescence/rois", [3, 2, 1, 0], "rois")

    path = write_nwb(tmp_path / "a.nwb", fill)
    for name, labels in (
        ("processing/behavior/Position/track", ["x", "y"]),
        ("features", ["size", "hue"]),
        ("fluorescence", ["7", "6", "5", "4"]),
    ):
        with opened(path, name) as recording:
            assert [channel.label for channel in recording.channels] == labels
    message = refused(path, "processing/behavior/Position")
    assert "is a group; in it there are /processing/behavior/Position/track" in message
    assert "there are /features, /fluorescence, /processing/behavior/Position/track" in refused(
        path, "nothing"
    )


def test_data_in_other_places(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()

    def raw(file: h5py.File) -> None:
        file["samples"] = SAMPLES
        file["samples"].attrs.update({"unit": "volts", "conversion": 0.5})
        file["times"] = np.arange(20.0)

    write(tmp_path / "raw" / "data.h5", raw)

    def fill(file: h5py.File) -> None:
        series(file, "scratch", SAMPLES, rate=10.0)
        series(file, "soft", h5py.SoftLink("/scratch/data"), rate=20.0)
        link = h5py.ExternalLink("raw/data.h5", "/times")
        series(file, "external", h5py.ExternalLink("raw/data.h5", "/samples"), timestamps=link)
        series(file, "gone", h5py.ExternalLink("raw/nothing.h5", "/samples"), timestamps=np.arange(3.0))
        series(file, "lost", SAMPLES, timestamps=h5py.SoftLink("/nowhere"))
        file["whole"] = h5py.ExternalLink("other.nwb", "/acquisition/x")

    path = write_nwb(tmp_path / "a.nwb", fill)
    write_nwb(tmp_path / "other.nwb", lambda file: series(file, "acquisition/x", SAMPLES, rate=5.0))
    with opened(path, "soft") as recording:
        assert (recording.sampling_frequency, recording.unit) == (20, "volts")
        np.testing.assert_array_equal(read(recording), SAMPLES)
    for name in ("external", "external/data"):
        with opened(path, name) as recording:
            np.testing.assert_array_equal(read(recording), SAMPLES)
            assert (recording.scale, recording.timestamps(19, 20).tolist()) == (0.5, [19])
            assert recording.layout is not None
            assert recording.layout.path.samefile(tmp_path / "raw" / "data.h5")
    with opened(path, "whole") as recording:
        assert (recording.sampling_frequency, recording.session_start) == (5, START)
    found = by_path(path)
    for name, what in (("gone", "its data"), ("lost", "its timestamps")):
        assert f"{what} cannot be opened" in str(found[f"/{name}"].problem)
        assert f"/{name}: {what} cannot be opened" in refused(path, name)
    assert "/gone/data is a link to /samples in raw/nothing.h5" in refused(path, "gone/data")


def test_other_datasets_are_opened_as_in_any_hdf5_file(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["scratch/x"] = SAMPLES
        file["scratch/x"].attrs["rate"] = 50.0
        series(file, "y", SAMPLES, timestamps=np.arange(20.0))

    path = write_nwb(tmp_path / "a.nwb", fill)
    with opened(path, "/scratch/x") as recording:
        assert (recording.sampling_frequency, recording.session_start) == (50, START)
    assert opened(path, "y/timestamps", type="event").session_start == START
    assert "/y/timestamps: no rate" in refused(path, "y/timestamps")
    with open_recording(path, "hdf5", ReadOptions(dataset="scratch/x")) as recording:
        assert (recording.sampling_frequency, recording.session_start) == (50, None)


def test_what_cannot_be_shown_says_why(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        series(file, "movie", np.zeros((0, 0, 0), "u1"), "ImageSeries", rate=30.0)["external_file"] = [
            "a.avi"
        ]
        describe(file.create_group("film"), "ImageSeries")
        file["film/external_file"], file["film/timestamps"] = ["b.avi"], np.arange(3.0)
        series(file, "images", np.zeros((3, 4, 5), "u1"), "TwoPhotonSeries", rate=30.0)
        series(file, "waveforms", np.zeros((3, 4, 5)), "SpikeEventSeries", timestamps=np.arange(3.0))
        series(file, "bands", np.zeros((3, 4, 5)), "DecompositionSeries", rate=30.0)
        series(file, "still", SAMPLES, rate=0.0)
        series(file, "timeless", SAMPLES)
        series(file, "words", SAMPLES, timestamps=["a"] * 20)
        series(file, "short", SAMPLES, timestamps=np.arange(19.0))
        file["broken"] = h5py.SoftLink("/nowhere")

    path = write_nwb(tmp_path / "a.nwb", fill)
    found = by_path(path)
    assert "/specifications/core/2.6.0/data" not in found
    for name, reason in {
        "movie": "another file",
        "film": "another file",
        "images": "3 dimensions",
        "waveforms": "3 dimensions",
        "bands": "3 dimensions",
        "still": "0.0 Hz",
        "timeless": "neither timestamps nor a rate",
        "words": "its timestamps: it holds text",
        "broken": "link",
    }.items():
        assert reason in str(found[f"/{name}"].problem)
        assert f"/{name}" in refused(path, name)
        assert name == "broken" or reason in refused(path, name)
    for name in ("still", "timeless"):
        assert found[f"/{name}"].options == {"dataset": f"/{name}", "sampling_frequency": None}
        with opened(path, name, sampling_frequency=3.0) as recording:
            assert recording.sampling_frequency == 3
    assert "it holds 19 times, but there are 20 samples" in refused(path, "short")


@pytest.mark.parametrize(
    ("start", "timezone", "expected"),
    [
        ("2021-04-01T10:15:30.1234567-04:00", None, "2021-04-01T10:15:30.123456-04:00"),
        ("2021-04-01 10:15:30Z", "Europe/Berlin", "2021-04-01T10:15:30+00:00"),
        ("2021-04-01T10:15:30", "Europe/Berlin", "2021-04-01T10:15:30+02:00"),
        ("2021-12-01T10:15:30", "Europe/Berlin", "2021-12-01T10:15:30+01:00"),
        ("2021-04-01T10:15:30", None, "2021-04-01T10:15:30"),
        ("in April", "UTC", None),
        (None, None, None),
    ],
)
def test_when_times_begin_to_count(
    tmp_path: Path, start: str | None, timezone: str | None, expected: str | None
) -> None:
    path = write_nwb(tmp_path / "a.nwb", lambda file: series(file, "x", SAMPLES, rate=1.0), start)
    with opened(path, timezone=timezone) as recording:
        assert recording.session_start == expected
    with opened(path, session_start="2020-01-01T00:00:00Z") as recording:
        assert recording.session_start == "2020-01-01T00:00:00Z"


def test_the_reference_time_counts_not_the_start_of_the_session(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        series(file, "x", SAMPLES, rate=1.0)
        file["session_start_time"] = "2021-04-01T12:00:00+00:00"
        file["timestamps_reference_time"] = [b"2021-04-01T11:00:00+00:00"]

    path = write_nwb(tmp_path / "a.nwb", fill, None)
    with opened(path) as recording:
        assert datetime.fromisoformat(str(recording.session_start)).hour == 11
    naive = write_nwb(
        tmp_path / "b.nwb", lambda file: series(file, "x", SAMPLES, rate=1.0), "2021-04-01T10:15:30"
    )
    assert "timezone: 'Mars/Olympus' is not known" in refused(naive, timezone="Mars/Olympus")


def test_instants_keep_their_times_unless_a_rate_is_configured(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        times = np.cumsum(np.arange(20.0))
        series(file, "x", SAMPLES[:, 0], timestamps=times, continuity="instantaneous")

    path = write_nwb(tmp_path / "a.nwb", fill)
    assert by_path(path)["/x"].options == {"dataset": "/x", "type": "discrete"}
    with opened(path) as recording:
        assert (recording.type, recording.sampling_frequency) == ("discrete", None)
    with opened(path, type="continuous") as recording:
        assert recording.type == "continuous"
    with opened(path, sampling_frequency=2.0) as recording:
        assert (recording.type, recording.sampling_frequency) == ("continuous", 2)


def test_series_of_behavioral_events_are_instants(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        holder = file.create_group("licks")
        describe(holder, "BehavioralEvents")
        series(holder, "left", SAMPLES[:, 0], timestamps=np.cumsum(np.arange(20.0)))

    path = write_nwb(tmp_path / "a.nwb", fill)
    assert by_path(path)["/licks/left"].type == "discrete"


def test_samples_of_electrodes_are_spikes_or_lfp_by_rate_and_name(tmp_path: Path) -> None:
    times = np.arange(len(SAMPLES)) / 1000

    def fill(file: h5py.File) -> None:
        electrodes(file)
        clocks: dict[str, dict[str, Any]] = {
            "raw": {"rate": 30000.0},
            "slow": {"rate": 1250.0},
            "LFP": {"rate": 30000.0},
            "theta": {"timestamps": times},
        }
        for name, clock in clocks.items():
            series(file, name, SAMPLES, "ElectricalSeries", **clock)
            region(file, f"{name}/electrodes", (5, 1, 0, 2), ELECTRODES)
        series(file, "speed", SAMPLES, rate=30000.0)

    found = {name: each.role for name, each in by_path(write_nwb(tmp_path / "a.nwb", fill)).items()}
    assert found == {"/raw": "spike-band", "/slow": "lfp", "/LFP": "lfp", "/theta": "lfp", "/speed": None}
