"""The generated session: deterministic, consistent in itself, laid out as NWB."""

import hashlib
import time

import h5py
import numpy as np
import pytest

from seriesview.demo import write_session
from seriesview.demo.behavior import plan_session, track_position
from seriesview.demo.neurons import make_spikes, make_units
from seriesview.demo.voltages import VoltageSource
from seriesview.errors import SeriesviewError

SECONDS = 8.0


@pytest.fixture(scope="module")
def session_file(tmp_path_factory):
    return write_session(tmp_path_factory.mktemp("demo") / "session.nwb", seconds=SECONDS, seed=5)


def test_the_same_seed_gives_the_same_bytes_at_another_time_and_place(session_file, tmp_path):
    # HDF5 notes times in whole seconds.
    time.sleep(1.1)
    again = write_session(tmp_path / "other name.nwb", seconds=SECONDS, seed=5)
    assert hashlib.sha1(again.read_bytes()).digest() == hashlib.sha1(session_file.read_bytes()).digest()


def test_another_seed_gives_other_samples(session_file, tmp_path):
    other = write_session(tmp_path / "other.nwb", seconds=SECONDS, seed=6)
    with h5py.File(session_file) as a, h5py.File(other) as b:
        name = "acquisition/ElectricalSeries/data"
        assert not np.array_equal(a[name][:1000], b[name][:1000])


def test_voltages_have_the_layout_of_nwb(session_file):
    with h5py.File(session_file) as file:
        series = file["acquisition/ElectricalSeries"]
        data, times = series["data"], series["timestamps"]
        assert data.dtype == np.int16
        assert data.shape[1] == 32
        assert (data.compression, data.shuffle) == ("gzip", True)
        assert data.attrs["unit"] == "volts"
        assert data.attrs["conversion"] == pytest.approx(0.195e-6)
        assert times.shape == data.shape[:1]
        table = file[series["electrodes"].attrs["table"]]
        assert table["label"].asstr()[9] == "s1e1"
        assert file[table["group"][9]].name.endswith("shank1")
        assert file["session_start_time"].asstr()[()] == "2021-04-01T10:15:30-04:00"
        assert file.attrs["neurodata_type"] == "NWBFile"


def test_timestamps_jump_once_and_are_regular_otherwise(session_file):
    with h5py.File(session_file) as file:
        times = file["acquisition/ElectricalSeries/timestamps"][:]
    steps = np.diff(times) * 30000
    jumps = np.flatnonzero(steps > 1.5)
    assert jumps.size == 1
    assert steps[jumps[0]] > 10000
    np.testing.assert_allclose(np.delete(steps, jumps), 1.0, atol=1e-6)
    assert times[-1] < SECONDS


def test_spikes_are_in_the_trace_at_their_times(session_file):
    """The mean over a unit's spikes has its trough at the spike times, on the unit's peak channel."""
    with h5py.File(session_file) as file:
        trace = file["acquisition/ElectricalSeries/data"][:].astype(np.float64)
        clock = file["acquisition/ElectricalSeries/timestamps"][:]
        ends = file["units/spike_times_index"][:].astype(int)
        times = file["units/spike_times"][:]
        peaks = file["units/peak_channel"][:]
    for unit in np.argsort(np.diff(ends, prepend=0))[-4:]:
        first = ends[unit - 1] if unit else 0
        rows = np.searchsorted(clock, times[first : ends[unit]] - 1e-6)
        windows = np.stack([trace[row - 15 : row + 16] for row in rows])
        mean = windows.mean(axis=0) - windows.mean(axis=0)[:5].mean(axis=0)
        sample, channel = np.unravel_index(np.argmin(mean), mean.shape)
        assert abs(sample - 15) <= 1
        assert channel == peaks[unit]


def test_ragged_spike_times_are_sorted_in_each_unit_and_match_the_amplitudes(session_file):
    with h5py.File(session_file) as file:
        ends = file["units/spike_times_index"][:].astype(int)
        times = file["units/spike_times"][:]
        amplitude_times = file["processing/ecephys/spike_amplitudes/timestamps"][:]
        amplitudes = file["processing/ecephys/spike_amplitudes/data"][:]
    assert ends[-1] == times.size
    for part in np.split(times, ends[:-1]):
        assert (np.diff(part) > 0).all()
    np.testing.assert_array_equal(np.sort(times), amplitude_times)
    assert (amplitudes > 20).all()


def test_decoded_position_is_a_probability_near_the_animal(session_file):
    with h5py.File(session_file) as file:
        group = file["processing/behavior/decoded_position"]
        density = group["data"][:]
        rate = group["starting_time"].attrs["rate"]
    session = plan_session(SECONDS, 5)
    times = np.arange(density.shape[0]) / rate
    missing = np.isnan(density).all(axis=1)
    np.testing.assert_allclose(density[~missing].sum(axis=1), 1.0, rtol=1e-5)
    assert missing.any()
    lap = session.laps[0]
    middle = ~missing & (times > lap.start + 1.2) & (times < min(lap.end - 1.2, session.gap[0] / 30000 - 0.2))
    decoded = (np.argmax(density[middle], axis=1) + 0.5) * 5.0
    assert np.median(np.abs(decoded - track_position(session, times[middle]))) < 15.0


def test_intervals_have_labels_and_run_forward(session_file):
    with h5py.File(session_file) as file:
        for name in ("trials", "epochs", "sleep_states"):
            table = file["intervals"][name]
            assert (table["stop_time"][:] > table["start_time"][:]).all()
            assert len(table["label"]) == len(table["id"])
        assert list(file["intervals/sleep_states/label"].asstr()) == ["wake", "NREM", "REM"]


def test_blocks_of_field_and_spikes_fit_together():
    session = plan_session(SECONDS, 5)
    units = make_units(session)
    spikes = make_spikes(session, units)
    whole = VoltageSource(session, units, spikes).counts(1000, 9000)
    source = VoltageSource(session, units, spikes)
    parts = np.concatenate([source.counts(a, b) for a, b in [(1000, 1007), (1007, 5001), (5001, 9000)]])
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize(("seconds", "seed"), [(1.0, 0), (1e6, 0), (float("nan"), 0), (10.0, -1)])
def test_impossible_sessions_are_refused(tmp_path, seconds, seed):
    with pytest.raises(SeriesviewError, match="demo session"):
        write_session(tmp_path / "x.nwb", seconds=seconds, seed=seed)
    assert not list(tmp_path.iterdir())
