"""What attributes make of stored values: the same as netCDF's own library reads, and a table of single files."""

import json
from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np
import pytest
import xarray
from click.testing import CliRunner
from hdf5_files import opened, read, write
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.build.series import build_series
from seriesview.cli.inspect import command as inspect
from seriesview.errors import BuildError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording
from seriesview.store import open_store

NAN = float("nan")


def physical(recording: Recording) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Physical values, NaN where they are missing."""
    stored = read(recording)
    values = stored.astype(np.float64)
    for index, channel in enumerate(recording.channels):
        column, missing = stored[:, index], channel.missing or recording.missing
        scale = recording.scale if channel.scale is None else channel.scale
        offset = recording.offset if channel.offset is None else channel.offset
        values[:, index] = values[:, index] * scale + offset
        if missing is not None:
            absent = np.isin(column, np.array(missing.values, stored.dtype))
            absent |= False if missing.below is None else column < stored.dtype.type(missing.below)
            absent |= False if missing.above is None else column > stored.dtype.type(missing.above)
            values[absent, index] = np.nan
    return values


INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4")


@st.composite
def variables(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    """Values of a netCDF variable, and attributes that say what of them is missing, packed and unsigned."""
    dtype = np.dtype(draw(st.sampled_from((*INTEGERS, "f4", "f8"))))
    if dtype.kind == "f":
        numbers = st.sampled_from([0.0, -1.5, 20.25, -999.0, 1e20, 9.969209968386869e36, NAN])
    else:
        limits = np.iinfo(dtype)
        numbers = st.integers(limits.min, limits.max) | st.integers(-20 if limits.min < 0 else 0, 20)
    one = numbers.map(dtype.type)
    bound = one.filter(lambda value: not np.isnan(value))
    attributes: dict[str, Any] = {}
    if draw(st.booleans()):
        attributes["missing_value"] = np.array(draw(st.lists(one, min_size=1, max_size=3)), dtype)
    for name in ("_FillValue", "valid_min", "valid_max"):
        # Bytes have no default fill value in netCDF's conventions, but in its Python library.
        if draw(st.booleans()) or (name == "_FillValue" and dtype.itemsize == 1):
            attributes[name] = draw(one if name == "_FillValue" else bound)
    if draw(st.booleans()):
        attributes["valid_range"] = np.sort(
            np.array([attributes.pop("valid_min", dtype.type(0)), draw(bound)])
        )
        attributes.pop("valid_max", None)
    if draw(st.booleans()):
        attributes["scale_factor"] = draw(st.sampled_from([0.01, 2.5, -0.5]))
    if draw(st.booleans()):
        attributes["add_offset"] = draw(st.sampled_from([5.0, -273.15]))
    if dtype.kind == "i" and draw(st.booleans()):
        attributes["_Unsigned"] = "true"
    known = [
        each
        for value in attributes.values()
        if not isinstance(value, str | float)
        for each in np.ravel(value)
    ]
    values = st.lists(one | st.sampled_from(known) if known else one, min_size=2, max_size=12)
    return np.array(draw(values), dtype), attributes


BEYOND_FLOATS = np.array([2**60, 2**60 + 1, 2**60 + 2])


@pytest.mark.filterwarnings("ignore:variable 'x' has multiple fill values")
@settings(deadline=None)
@given(variable=variables(), is_chunked=st.booleans())
@example((np.array([0, 0]), {"valid_range": np.array([-1, 0]), "_Unsigned": "true"}), False)
@example((BEYOND_FLOATS, {"valid_min": BEYOND_FLOATS[1]}), False)
@example((BEYOND_FLOATS, {"valid_max": BEYOND_FLOATS[1]}), True)
def test_values_are_what_the_netcdf_library_reads(
    tmp_path_factory: pytest.TempPathFactory,
    variable: tuple[np.ndarray[Any, Any], dict[str, Any]],
    is_chunked: bool,
) -> None:
    values, attributes = variable
    path = tmp_path_factory.mktemp("nc") / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", len(values))
        made = file.createVariable(
            "x",
            values.dtype,
            ("time",),
            fill_value=attributes.get("_FillValue"),
            chunksizes=(2,) if is_chunked else None,
            compression="zlib" if is_chunked else None,
        )
        made.set_auto_maskandscale(False)
        made.setncatts({name: value for name, value in attributes.items() if name != "_FillValue"})
        made[:] = values
    with netCDF4.Dataset(path) as file:
        theirs = np.ma.filled(np.ma.asarray(file["x"][:]).astype(np.float64), np.nan)
    with opened(path, "x", sampling_frequency=1.0) as recording:
        ours = physical(recording)[:, 0]
        assert recording.layout is None or recording.layout.dtype.newbyteorder("=") == recording.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    if not {"valid_min", "valid_max", "valid_range"} & attributes.keys() and "_FillValue" in attributes:
        with xarray.open_dataset(path, engine="netcdf4") as opened_by_xarray:
            decoded = opened_by_xarray["x"].values.astype(np.float64)
        np.testing.assert_allclose(ours, decoded, rtol=1e-5, atol=1e-5)


I2 = np.array([1500, -9999, 1600], "i2")
STORED = np.array([1000, 2000, -2000], "i2")
TWO = np.array([[1, 10], [2, 20], [3, 30]], "i2")
CASES: dict[str, tuple[Any, dict[str, Any], list[Any], str]] = {
    "fill": (I2, {"_FillValue": np.int16(-9999), "scale_factor": 0.01, "add_offset": 5.0}, [20, NAN, 21], ""),
    "fill of another integer": (I2, {"_FillValue": np.int64(-9999)}, [1500, NAN, 1600], ""),
    "fill as a float": (I2, {"_FillValue": -9999.0}, [1500, NAN, 1600], ""),
    "fill as a text": (I2, {"missing_value": "-9999"}, [1500, NAN, 1600], ""),
    "fill of one element": (I2, {"missing_value": np.array([-9999], "i2")}, [1500, NAN, 1600], ""),
    "fills": (I2, {"missing_value": np.array([-9999, 1600], "i2")}, [1500, NAN, NAN], ""),
    "both fills": (
        I2,
        {"_FillValue": np.int16(-9999), "missing_value": np.int16(1500)},
        [NAN, NAN, 1600],
        "",
    ),
    "fill that no integer is": (I2, {"_FillValue": 1e20}, [1500, -9999, 1600], ""),
    "fill that is NaN": (np.array([1, NAN]), {"_FillValue": NAN}, [1, NAN], ""),
    "double fill of single floats": (
        np.array([1, -999.9, 2], "f4"),
        {"missing_value": -999.9},
        [1, NAN, 2],
        "",
    ),
    "scaled fill": (
        np.array([10, -9999], "i2"),
        {"missing_value": -999.9, "scale_factor": 0.1},
        [1, NAN],
        "",
    ),
    "range": (I2, {"valid_range": np.array([0, 1550], "i2")}, [1500, NAN, NAN], ""),
    "least": (I2, {"valid_min": np.int16(1501)}, [NAN, NAN, 1600], ""),
    "most": (I2, {"valid_max": np.int16(1501)}, [1500, -9999, NAN], ""),
    "scaled range": (I2, {"valid_range": [0.0, 15.5], "scale_factor": 0.01}, [15, NAN, NAN], ""),
    "scaled range, upside down": (I2, {"valid_min": -15.5, "scale_factor": -0.01}, [-15, 99.99, NAN], ""),
    "scaled most": (I2, {"valid_max": 16.0, "scale_factor": 0.01}, [15, -99.99, 16], ""),
    "unsigned": (np.array([-1, 1], "i1"), {"_Unsigned": "true"}, [255, 1], ""),
    "unsigned fill": (
        np.array([-1, 1], "i1"),
        {"_Unsigned": "true", "_FillValue": np.int8(-1)},
        [NAN, 1],
        "",
    ),
    "unsigned range": (
        np.array([-1, 1, -2], "i1"),
        {"_Unsigned": "true", "valid_range": np.array([0, -2], "i1")},
        [NAN, 1, 254],
        "",
    ),
    "signed": (np.array([255, 1], "u1"), {"_Unsigned": "false"}, [-1, 1], ""),
    "conversion": (STORED, {"conversion": 1e-6, "unit": "volts"}, [1e-3, 2e-3, -2e-3], "volts"),
    "conversion and offset": (
        STORED,
        {"conversion": 1e-3, "offset": 0.5, "unit": "V"},
        [1.5, 2.5, -1.5],
        "V",
    ),
    "gain": (STORED, {"gain": 0.195, "units": "uV"}, [195, 390, -390], "uV"),
    "gain of one": (np.array([0.5, 1.5]), {"gain": 1.0, "unit": "mV"}, [0.5, 1.5], "mV"),
    "gain to microvolts": (STORED, {"gain_to_uV": 0.5, "offset_to_uV": 3.0}, [503, 1003, -997], "uV"),
    "bit volts": (STORED, {"bitVolts": 0.195}, [195, 390, -390], "uV"),
    "volts a bit": (STORED, {"Volts_per_bit": 1e-6}, [1e-3, 2e-3, -2e-3], "V"),
    "single float scale": (STORED, {"scale_factor": np.float32(0.1)}, [100, 200, -200], ""),
    "scale as a text": (STORED, {"scale_factor": "0.1"}, [100, 200, -200], ""),
    "both, the same": (STORED, {"scale_factor": 0.5, "conversion": 0.5}, [500, 1000, -1000], ""),
    "unit that is none": (STORED, {"units": "1"}, [1000, 2000, -2000], ""),
    "a scale a channel": (TWO, {"scale_factor": [0.5, 2.0]}, [[0.5, 20], [1, 40], [1.5, 60]], ""),
    "factors of channels": (
        TWO,
        {"conversion": 2.0, "channel_conversion": [1.0, 0.5], "unit": "V"},
        [[2, 10], [4, 20], [6, 30]],
        "V",
    ),
}


def written(path: Path, values: Any, attributes: dict[str, Any]) -> Path:
    def fill(file: h5py.File) -> None:
        file["x"] = values
        file["x"].attrs.update({"sampling_rate": 10.0} | attributes)

    return write(path, fill)


@pytest.mark.parametrize("name", CASES)
def test_stored_values_mean_what_their_attributes_say(tmp_path: Path, name: str) -> None:
    values, attributes, right, unit = CASES[name]
    with opened(written(tmp_path / "a.h5", values, attributes)) as recording:
        assert recording.scale_problem is None
        expected = np.array(right, np.float64).reshape(len(values), -1)
        np.testing.assert_allclose(physical(recording), expected, rtol=1e-9)
        assert recording.unit == unit
        assert recording.missing is None or recording.decisions


@pytest.mark.parametrize(
    ("values", "attributes", "said"),
    [
        (
            STORED,
            {"gain": 1000.0, "unit": "V"},
            "either the values are to be multiplied by it, or an amplifier did",
        ),
        (np.array([0.1, 0.2]), {"gain": 200, "unit": "V"}, "gain is 200"),
        (STORED, {"scale_factor": NAN}, "scale_factor is nan"),
        (STORED, {"scale_factor": 0.0}, "scale_factor is 0"),
        (STORED, {"conversion": np.inf}, "conversion is inf"),
        (STORED, {"add_offset": NAN}, "add_offset is nan"),
        (STORED, {"scale_factor": "a lot"}, "'a lot', no number"),
        (STORED, {"scale_factor": 0.5, "conversion": 2.0}, "scale_factor and conversion differ"),
        (STORED, {"scale_factor": [1.0, 2.0]}, "has 2 values for 1 channels"),
        (TWO, {"channel_conversion": [1.0, 2.0, 3.0]}, "has 3 values for 2 channels"),
        (
            STORED.astype("u2"),
            {"gain": 0.195, "offset": 32768},
            "it may be one of stored or of physical values",
        ),
        (STORED, {"offset": 5}, "it may be one of stored or of physical values"),
    ],
)
def test_a_scale_that_is_not_clear_is_asked_for_and_then_heeded(
    tmp_path: Path, values: Any, attributes: dict[str, Any], said: str
) -> None:
    path = written(tmp_path / "a.h5", values, attributes)
    with opened(path) as recording:
        assert said in str(recording.scale_problem)
        assert "set `scale" in str(recording.scale_problem)
    with opened(path, scale=3.0) as recording:
        assert (recording.scale, recording.scale_problem) == (3.0, None)
        assert {channel.scale for channel in recording.channels} == {None}
    (candidate,) = json.loads(CliRunner().invoke(inspect, [str(path), "--json"]).output)["candidates"]
    assert said in candidate["problem"]
    assert candidate["options"] == {"dataset": "/x", "scale": None}
    store = open_store(str(tmp_path / "store"), "embedded")
    for config, is_refused in (({}, True), ({"scale": 3.0}, False)):
        dataset = dataset_from_config("x", {"path": str(path), **config})
        stripped = dataset_from_config("x", {"path": str(path)})
        made = build_artifacts(stripped, Job(store, tmp_path / "work"))
        if is_refused:
            with pytest.raises(BuildError, match="set `scale"):
                build_series(dataset, made, store)
        else:
            assert build_series(dataset, made, store)["manifest"]["scale"] == 3.0


@pytest.mark.parametrize("place", ["attribute", "member", "root"])
def test_a_scale_around_the_samples_is_not_used_and_said(tmp_path: Path, place: str) -> None:
    def fill(file: h5py.File) -> None:
        file["a/x"] = STORED
        file["a/x"].attrs["fs"] = 10.0
        if place == "member":
            file["a/gain"] = 0.195
        else:
            file["a" if place == "attribute" else "/"].attrs["conversion"] = 1e-6

    with opened(write(tmp_path / "a.h5", fill), "a/x") as recording:
        assert recording.scale == 1
        (guess,) = [decision.text for decision in recording.decisions if decision.is_guess]
        assert "not used; set `scale`" in guess


def test_units_of_their_own_are_the_channels(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", TWO, {"units": np.array([b"mV", b"pA"])})
    with opened(path) as recording:
        assert [channel.unit for channel in recording.channels] == ["mV", "pA"]
    with opened(path, unit="V") as recording:
        assert (recording.unit, [channel.unit for channel in recording.channels]) == ("V", [None, None])


def test_what_the_netcdf_library_fills_with_is_missing_in_its_files(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", 4)
        file.createVariable("x", "f4", ("time",))[:2] = [1, 2]
    with opened(path, "x", sampling_frequency=1.0) as recording:
        np.testing.assert_array_equal(physical(recording)[:, 0], [1, 2, NAN, NAN])
        assert "netCDF library" in recording.decisions[0].text


@pytest.mark.parametrize(
    ("dtype", "fill", "is_guess"),
    [("u2", np.int64(-1), True), ("i2", np.int64(65535), True), ("i2", 1e20, False)],
)
def test_a_fill_that_no_stored_value_can_be_is_said(
    tmp_path: Path, dtype: str, fill: Any, is_guess: bool
) -> None:
    values = np.array([1, -1, 3], "i2").view(dtype)
    with opened(written(tmp_path / "a.h5", values, {"_FillValue": fill})) as recording:
        assert recording.missing is None
        (said,) = [decision for decision in recording.decisions if "_FillValue" in decision.text]
        assert f"no {np.dtype(dtype).name} can be, and is not used" in said.text
        assert (said.is_guess, "set `missing`" in said.text) == (is_guess, is_guess)


def test_what_was_never_written_is_missing_and_the_guess_is_said(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        made = file.create_dataset("x", (100,), "f4", chunks=(10,), fillvalue=-9999)
        made[:10] = 1
        made.attrs["fs"] = 10.0

    with opened(write(tmp_path / "a.h5", fill)) as recording:
        assert np.isnan(physical(recording)[10:]).all()
        assert (physical(recording)[:10] == 1).all()
        (guess,) = [decision.text for decision in recording.decisions if decision.is_guess]
        assert "-9999" in guess


@pytest.mark.parametrize("count", [200, 3])
def test_cells_of_matlab_are_called_as_there_and_have_their_times(tmp_path: Path, count: int) -> None:
    trials = [np.random.default_rng(each).normal(size=(count, 5)) for each in range(2)]
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        store, data = file.create_group("#refs#"), file.create_group("data")
        trial = data.create_dataset("trial", (2, 1), h5py.ref_dtype)
        time = data.create_dataset("time", (2, 1), h5py.ref_dtype)
        label = data.create_dataset("label", (5, 1), h5py.ref_dtype)
        for number, values in enumerate(trials):
            trial[number, 0] = store.create_dataset(f"z{number}", data=values).ref
            time[number, 0] = store.create_dataset(
                f"t{number}", data=np.arange(count)[:, None] / 500 - 0.2
            ).ref
        for number in range(5):
            word = store.create_dataset(f"w{number}", data=np.array([[70], [122]], "u2"))
            word.attrs["MATLAB_class"] = np.bytes_("char")
            label[number, 0] = word.ref
    listed = list_candidates(tmp_path / "a.mat")
    assert [each.label for each in listed[:2]] == ["data.trial{1}", "data.trial{2}"]
    assert [each.decisions[0].text for each in listed[:2]] == [
        f"{each.label} in MATLAB" for each in listed[:2]
    ]
    assert not any("w0" in str(each.dataset) or "t0" in str(each.dataset) for each in listed)
    for candidate, values in zip(listed, trials, strict=False):
        assert candidate.shape == values.shape
        with open_recording(tmp_path / "a.mat", None, ReadOptions(**candidate.options)) as recording:
            out = np.empty((recording.num_samples, recording.num_channels))
            recording.read_into(0, out)
            np.testing.assert_array_equal(out, values)
            assert recording.start_time == pytest.approx(-0.2) or recording.timestamps(0, 1)[
                0
            ] == pytest.approx(-0.2)
