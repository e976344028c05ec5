"""Zarr stores: compared with what the libraries that wrote them read; version 3 by its specification."""

import gzip
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import edf_files
import numpy as np
import pytest
from large_recordings import read_through
from mutations import check_survives
from read_recordings import opened

import seriesview
from seriesview.errors import ReaderError
from seriesview.layout.layouts import FilesLayout
from seriesview.readers import list_candidates
from seriesview.readers.protocol import Recording
from seriesview.readers.zarr import ZarrReader
from seriesview.readers.zarr.unpacking import unpacked
from seriesview.series.links import LinkInfo

tensorstore = pytest.importorskip("tensorstore")
zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

RNG = np.random.default_rng(5)
SAMPLES = RNG.integers(-3000, 3000, (1000, 4)).astype(np.int16)


def read(recording: Recording, first: int = 0) -> Any:
    out = np.empty((recording.num_samples - first, recording.num_channels), recording.dtype)
    recording.read_into(first, out)
    return out


def write_2(
    path: Path, values: Any, chunks: Any, attributes: Mapping[str, Any] | None = None, **keys: Any
) -> Path:
    """An array of version 2, by the zarr library."""
    array = zarr.open(
        str(path), "w", shape=values.shape, chunks=chunks, dtype=values.dtype, zarr_version=2, **keys
    )
    array[...] = values
    array.attrs.update(attributes or {})
    return path


def write_3(
    path: Path, values: Any, rows: int, compress: bool, attributes: Mapping[str, Any] | None = None
) -> Path:
    """An array of version 3, by its specification: chunks of whole rows, behind gzip or plain."""
    path.mkdir(parents=True)
    codecs: list[dict[str, Any]] = [{"name": "bytes", "configuration": {"endian": "little"}}]
    if compress:
        codecs.append({"name": "gzip", "configuration": {"level": 1}})
    metadata = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(values.shape),
        "data_type": str(values.dtype),
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [rows, values.shape[1]]}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": 0,
        "codecs": codecs,
        "attributes": dict(attributes or {}),
    }
    (path / "zarr.json").write_text(json.dumps(metadata))
    for number, first in enumerate(range(0, len(values), rows)):
        chunk = np.zeros((rows, values.shape[1]), values.dtype)
        part = values[first : first + rows]
        chunk[: len(part)] = part
        file = path / f"c/{number}/0"
        file.parent.mkdir(parents=True)
        content = chunk.tobytes()
        file.write_bytes(gzip.compress(content) if compress else content)
    return path


def test_nothing_in_a_store_is_another_recording(tmp_path: Path) -> None:
    store = write_2(tmp_path / "a.zarr", SAMPLES, (100, 4), {"sampling_frequency": 1000.0})
    edf_files.write(store / "inside.edf", [edf_files.signal(100, 2)])
    with opened(store) as recording:
        assert (read(recording) == SAMPLES).all()


COMPRESSORS = {
    "blosc": numcodecs.Blosc("zstd", 5, numcodecs.Blosc.BITSHUFFLE),
    "gzip": numcodecs.GZip(),
    "zstd": numcodecs.Zstd(),
    "plain": None,
}


@pytest.mark.parametrize("compressor", COMPRESSORS.values(), ids=COMPRESSORS.keys())
@pytest.mark.parametrize("chunks", [(300, 4), (128, 3), (1000, 1)], ids=str)
def test_arrays_of_version_2_have_the_values_that_zarr_reads(
    tmp_path: Path, compressor: Any, chunks: Any
) -> None:
    path = write_2(tmp_path / "a.zarr", SAMPLES, chunks, {"sampling_rate": 250.0}, compressor=compressor)
    with opened(path) as recording:
        assert np.array_equal(read(recording), zarr.open(str(path), "r")[:])
        assert np.array_equal(read(recording, 333), SAMPLES[333:])
        assert recording.sampling_frequency == 250
        assert isinstance(recording.layout, FilesLayout) == (compressor is None and chunks[1] == 4)


@pytest.mark.parametrize("dtype", [">i2", "<f4", "<f8", "|u1", "<i8", "|b1"])
def test_dtypes_and_orders(tmp_path: Path, dtype: str) -> None:
    values = (SAMPLES > 0).astype(dtype) if dtype == "|b1" else np.abs(SAMPLES % 100).astype(dtype)
    path = write_2(tmp_path / "a.zarr", values, (300, 4), {"fs": 10}, order="F", dimension_separator="/")
    with opened(path) as recording:
        assert np.array_equal(read(recording), values)
    plain = write_2(tmp_path / "b.zarr", values[:, 0], (128,), {"fs": 10}, compressor=None)
    with opened(plain) as recording:
        assert np.array_equal(read(recording)[:, 0], values[:, 0])


@pytest.mark.parametrize("compress", [True, False], ids=["gzip", "plain"])
def test_arrays_of_version_3_by_the_specification(tmp_path: Path, compress: bool) -> None:
    path = write_3(tmp_path / "a.zarr", SAMPLES, 300, compress, {"sampling_frequency": 1000, "units": "mV"})
    with opened(path) as recording:
        assert np.array_equal(read(recording), SAMPLES)
        assert (recording.sampling_frequency, recording.unit) == (1000, "mV")
        assert isinstance(recording.layout, FilesLayout) == (not compress)


def test_shards_of_version_3(tmp_path: Path) -> None:
    inner = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "zstd", "configuration": {"level": 1}},
    ]
    index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    sharded = {"chunk_shape": [100, 4], "codecs": inner, "index_codecs": index}
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": f"{tmp_path}/a.zarr/"},
        "create": True,
        "metadata": {
            "shape": list(SAMPLES.shape),
            "data_type": "int16",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [400, 4]}},
            "codecs": [{"name": "sharding_indexed", "configuration": sharded}],
        },
    }
    tensorstore.open(spec).result().write(SAMPLES).result()
    with opened(tmp_path / "a.zarr", sampling_frequency=100.0) as recording:
        assert np.array_equal(read(recording), SAMPLES)


@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_groups_consolidated_or_not_in_folders_and_archives(
    tmp_path: Path, consolidated: bool, zipped: bool
) -> None:
    path = tmp_path / ("a.zarr.zip" if zipped else "a.zarr")
    store = zarr.ZipStore(str(path), mode="w") if zipped else zarr.DirectoryStore(str(path))
    root = zarr.group(store)
    root.attrs["sampling_frequency"] = 500
    root.create_group("day1").create_dataset("emg", data=SAMPLES, chunks=(300, 4))
    root.create_group("day2").create_dataset("emg", data=SAMPLES[:500].T, chunks=(4, 300))
    if consolidated:
        zarr.consolidate_metadata(store)
    store.close()
    found = {each.dataset: each.options for each in list_candidates(path)}
    assert found == {
        "day1/emg": {"dataset": "day1/emg"},
        "day2/emg": {"dataset": "day2/emg", "order": "F"},
    }
    with opened(path, "day1/emg") as recording:
        assert np.array_equal(read(recording), SAMPLES)
        assert recording.sampling_frequency == 500
    with opened(path, "day2/emg", order="F") as recording:
        assert np.array_equal(read(recording, 20), SAMPLES[20:500])
    if not zipped:
        with opened(path / "day1/emg", sampling_frequency=500.0) as recording:
            assert recording.num_samples == 1000


def test_times_beside_samples(tmp_path: Path) -> None:
    root = zarr.open_group(str(tmp_path / "a.zarr"), "w")
    root.create_dataset("values", data=SAMPLES, chunks=(300, 4)).attrs["_ARRAY_DIMENSIONS"] = [
        "time",
        "channel",
    ]
    times = np.sort(RNG.uniform(0, 9, 1000))
    root.create_dataset("time", data=times, chunks=(300,)).attrs["_ARRAY_DIMENSIONS"] = ["time"]
    assert [each.dataset for each in list_candidates(tmp_path / "a.zarr")] == ["values"]
    with opened(tmp_path / "a.zarr", "values") as recording:
        assert recording.sampling_frequency is None
        assert np.array_equal(recording.timestamps(0, 1000), times)


def test_of_a_pyramid_full_resolution_is_shown(tmp_path: Path) -> None:
    root = zarr.open_group(str(tmp_path / "a.zarr"), "w")
    root.attrs["multiscales"] = [{"datasets": [{"path": "0"}, {"path": "1"}]}]
    root.attrs["sampling_frequency"] = 100
    root.create_dataset("0", data=SAMPLES)
    root.create_dataset("1", data=SAMPLES[::2])
    shown, coarser = list_candidates(tmp_path / "a.zarr")
    assert (shown.dataset, shown.problem) == ("0", None)
    assert coarser.problem == "a coarser level of 0, which is shown at full resolution"


def test_recordings_and_units_of_spikeinterface(tmp_path: Path) -> None:
    core = pytest.importorskip("spikeinterface.core")
    made, sorting = core.generate_ground_truth_recording([1.0, 0.5], num_units=3, num_channels=4, seed=0)
    saved = made.save(folder=tmp_path / "rec.zarr", format="zarr", verbose=False)
    sorting.save(folder=tmp_path / "units.zarr", format="zarr")
    for segment in (0, 1):
        with opened(tmp_path / "rec.zarr", f"traces_seg{segment}") as recording:
            assert np.array_equal(read(recording), saved.get_traces(segment))
            assert [each.label for each in recording.channels] == saved.channel_ids.tolist()
            places = [(each.x, each.y) for each in recording.channels]
            assert places == [tuple(each) for each in saved.get_channel_locations().tolist()]
            assert recording.unit == "uV"
        with opened(tmp_path / "units.zarr", f"spikes segment {segment}") as units:
            times, which = units.events()
            for at, unit in enumerate(sorting.unit_ids):
                train = sorting.get_unit_spike_train(unit, segment_index=segment)
                assert times[which == at].tolist() == (train / sorting.sampling_frequency).tolist()


@pytest.mark.filterwarnings("ignore")
def test_links_switches_and_shanks_of_nwb_in_zarr_are_those_of_nwb_in_hdf5(tmp_path: Path) -> None:
    pynwb = pytest.importorskip("pynwb")
    hdmf_zarr = pytest.importorskip("hdmf_zarr.nwb")
    for suffix, open_io in (("nwb", pynwb.NWBHDF5IO), ("zarr", hdmf_zarr.NWBZarrIO)):
        file = nwb_file(pynwb)
        times = np.concatenate([np.arange(50) / 100, 5 + np.arange(50) / 100])
        track = pynwb.TimeSeries("track", np.arange(100.0), unit="m", timestamps=times)
        file.add_acquisition(track)
        file.add_acquisition(pynwb.TimeSeries("speed", np.arange(100.0), unit="m/s", timestamps=track))
        switches = np.array([1, -1, 2, -2], np.int8)
        file.add_acquisition(
            pynwb.misc.IntervalSeries("runs", data=switches, timestamps=np.array([1.0, 2.0, 3.0, 3.5]))
        )
        device = file.create_device("second")
        other = file.create_electrode_group("other", "d", "CA1", device)
        rows = len(file.electrodes)
        known = {
            name: file.electrodes[name][0]
            for name in file.electrodes.colnames
            if not name.startswith("group")
        }
        file.add_electrode(group=other, **known)
        both = file.create_electrode_table_region([rows, 0], "both")
        file.add_acquisition(pynwb.ecephys.ElectricalSeries("two", np.zeros((10, 2)), both, rate=100.0))
        with open_io(str(tmp_path / f"session.{suffix}"), "w") as io:
            io.write(file)
    for name in ("acquisition/track", "acquisition/speed"):
        with (
            opened(tmp_path / "session.zarr", name) as ours,
            opened(tmp_path / "session.nwb", f"/{name}") as theirs,
        ):
            assert np.array_equal(ours.timestamps(0, 100), theirs.timestamps(0, 100))
    with (
        opened(tmp_path / "session.zarr", "acquisition/runs") as ours,
        opened(tmp_path / "session.nwb", "/acquisition/runs", type="interval") as theirs,
    ):
        assert np.array_equal(ours.intervals()[0], theirs.intervals()[0])
        assert (ours.intervals()[0].tolist(), list(ours.intervals()[2])) == ([[1, 2], [3, 3.5]], ["1", "2"])
    with opened(tmp_path / "session.zarr", "acquisition/two") as ours:
        assert ours.channels[0].group == "other" != ours.channels[1].group


@pytest.mark.filterwarnings("ignore")
def test_nwb_in_zarr_reads_as_nwb_in_hdf5(tmp_path: Path) -> None:
    pynwb = pytest.importorskip("pynwb")
    hdmf_zarr = pytest.importorskip("hdmf_zarr.nwb")
    for suffix, open_io in (("h5", pynwb.NWBHDF5IO), ("zarr", hdmf_zarr.NWBZarrIO)):
        with open_io(str(tmp_path / f"session.{suffix}"), "w") as io:
            io.write(nwb_file(pynwb))
    (tmp_path / "session.h5").rename(tmp_path / "session.nwb")
    found = {
        each.dataset: each for each in list_candidates(tmp_path / "session.zarr") if each.problem is None
    }
    assert {name: each.type for name, each in found.items()} == {
        "acquisition/raw": "continuous",
        "acquisition/lick": "continuous",
        "intervals/trials": "interval",
        "units": "event",
    }
    for name in ("acquisition/raw", "acquisition/lick"):
        with (
            opened(tmp_path / "session.zarr", name) as ours,
            opened(tmp_path / "session.nwb", f"/{name}") as theirs,
        ):
            assert np.array_equal(read(ours), read(theirs))
            assert ours.sampling_frequency == theirs.sampling_frequency
            assert ours.start_time == theirs.start_time
            assert ours.session_start == theirs.session_start
            factor = 1e6 if theirs.unit == "volts" else 1.0
            scales = [
                [each.scale or recording.scale for each in recording.channels] for recording in (ours, theirs)
            ]
            assert scales[0] == pytest.approx([factor * each for each in scales[1]])
            assert [(each.x, each.y) for each in ours.channels] == [
                (each.x, each.y) for each in theirs.channels
            ]
            if ours.sampling_frequency is None:
                count = ours.num_samples
                assert np.array_equal(ours.timestamps(0, count), theirs.timestamps(0, count))
    with (
        opened(tmp_path / "session.zarr", "units") as ours,
        opened(tmp_path / "session.nwb", "/units") as theirs,
    ):
        assert all(np.array_equal(*pair) for pair in zip(ours.events(), theirs.events(), strict=True))
        assert [each.label for each in ours.channels] == [each.label for each in theirs.channels]
    with opened(tmp_path / "session.zarr", "intervals/trials") as trials:
        assert trials.intervals()[0].tolist() == [[0.5, 1.0], [1.5, 2.0]]


def nwb_file(pynwb: Any) -> Any:
    file = pynwb.NWBFile("session", "id", datetime(2024, 1, 31, 12, tzinfo=UTC))
    group = file.create_electrode_group("shank0", "", "", file.create_device("probe"))
    for at in range(4):
        file.add_electrode(location="x", group=group, rel_x=float(at % 2 * 32), rel_y=float(at // 2 * 20))
    region = file.create_electrode_table_region([3, 2, 1, 0], "all")
    raw = {
        "rate": 20000.0,
        "starting_time": 2.5,
        "conversion": 1.95e-7,
        "channel_conversion": [1.0, 1.0, 2.0, 2.0],
    }
    file.add_acquisition(pynwb.ecephys.ElectricalSeries(name="raw", data=SAMPLES, electrodes=region, **raw))
    times = np.arange(50) + np.random.default_rng(1).uniform(0, 0.5, 50)
    file.add_acquisition(pynwb.TimeSeries(name="lick", data=np.arange(50.0), unit="V", timestamps=times))
    for at in range(3):
        file.add_unit(spike_times=np.arange(at + 4) * 0.25 + at, id=10 + at)
    file.add_trial(start_time=0.5, stop_time=1.0)
    file.add_trial(start_time=1.5, stop_time=2.0)
    return file


def test_what_cannot_be_shown_says_why(tmp_path: Path) -> None:
    root = zarr.open_group(str(tmp_path / "a.zarr"), "w")
    root.create_dataset("cube", data=np.zeros((3, 4, 5)))
    root.create_dataset("texts", data=np.array(["a", "b"]))
    root.create_dataset("filtered", data=np.arange(9), filters=[numcodecs.Delta("i8")])
    root.create_dataset("empty", shape=(0, 4))
    root.create_dataset("huge", shape=(1 << 40, 4), chunks=(1 << 10, 4), dtype="i2")
    root.create_dataset("coarse", shape=(1 << 30, 4), chunks=(1 << 30, 4), dtype="i2")
    problems = {each.dataset: each.problem or "" for each in list_candidates(tmp_path / "a.zarr")}
    expected = {
        "cube": "3 dimensions",
        "texts": "are no samples",
        "filtered": "its filters (delta) are not read",
        "empty": "no samples",
        "huge": "only 0 of its 1073741824 chunks were ever written",
        "coarse": "more than can be unpacked at once",
    }
    assert problems.keys() == expected.keys()
    assert all(part in problems[name] for name, part in expected.items())


@pytest.mark.parametrize(
    "compressor",
    [
        None,
        numcodecs.Blosc(),
        numcodecs.Zstd(),
        numcodecs.GZip(),
        numcodecs.Zlib(),
        numcodecs.BZ2(),
        numcodecs.LZMA(),
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [1, 200, 255, 300, 70_000])
def test_bytes_of_any_length_are_unpacked(tmp_path: Path, compressor: Any, size: int) -> None:
    content = RNG.integers(0, 9, size, dtype=np.uint8).tobytes()
    packed = content if compressor is None else bytes(compressor.encode(content))
    config = None if compressor is None else compressor.get_config()
    assert unpacked(packed, config, ("store",), tmp_path) == content


def test_damaged_bytes_are_errors(tmp_path: Path) -> None:
    for compressor in (numcodecs.Blosc(), numcodecs.Zstd(), numcodecs.GZip(), numcodecs.BZ2()):
        packed = bytes(compressor.encode(bytes(1000)))
        for content in (b"", packed[:7], packed[:-4], bytes(len(packed)), b"\xff" * 40):
            with suppress(ReaderError):
                assert len(unpacked(content, compressor.get_config(), ("store",), tmp_path)) <= 1000


def test_pickles_are_not_unpacked(tmp_path: Path) -> None:
    root = zarr.open_group(str(tmp_path / "a.zarr"), "w")
    root.attrs.update({"sampling_frequency": 100.0, "num_segments": 1})
    root.create_dataset("traces_seg0", data=SAMPLES)
    ids = np.array([1, "x", None, 3], dtype=object)
    root.create_dataset("channel_ids", data=ids, object_codec=numcodecs.Pickle(), dtype=object)
    with opened(tmp_path / "a.zarr", "traces_seg0") as recording:
        assert [each.label for each in recording.channels] == ["0", "1", "2", "3"]
        assert any("channels are only counted" in each.text for each in recording.decisions)


def test_chunks_that_lead_elsewhere_are_not_linked(tmp_path: Path) -> None:
    path = write_2(tmp_path / "a.zarr", SAMPLES, (500, 4), {"fs": 10}, compressor=None)
    shutil.move(path / "1.0", tmp_path / "elsewhere")
    (path / "1.0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReaderError, match="leads out of the store"):
        opened(path)


def test_damaged_chunks_are_errors(tmp_path: Path) -> None:
    path = write_2(tmp_path / "a.zarr", SAMPLES, (500, 4), {"fs": 10})
    (path / "1.0").write_bytes(b"damaged")
    with opened(path) as recording, pytest.raises(ReaderError, match="cannot be read"):
        read(recording)


@pytest.mark.parametrize("version", [2, 3])
def test_damaged_metadata_are_errors_or_data(tmp_path: Path, version: int) -> None:
    path, small = tmp_path / "a.zarr", SAMPLES[:40]
    name = ".zarray" if version == 2 else "zarr.json"
    if version == 2:
        write_2(path, small, (20, 4), {"fs": 10})
    else:
        write_3(path, small, 20, True, {"fs": 10})
    assert check_survives(ZarrReader(), path, path / name, 1000) > 20


def test_large_stores_take_little_memory(tmp_path: Path) -> None:
    rows = 1 << 28
    array = zarr.open(
        str(tmp_path / "a.zarr"),
        "w",
        shape=(rows, 4),
        chunks=(1 << 21, 4),
        dtype="i2",
        write_empty_chunks=True,
    )
    array.attrs["fs"] = 1000
    block = np.zeros((1 << 21, 4), np.int16)
    array[: 1 << 21] = block
    for number in range(1, rows >> 21):
        shutil.copy(tmp_path / "a.zarr/0.0", tmp_path / f"a.zarr/{number}.0")
    samples, peak = read_through(tmp_path / "a.zarr")
    assert samples == rows
    assert peak < 250 << 20


@pytest.mark.parametrize("compress", [True, False], ids=["stored", "linked"])
def test_a_store_is_built(tmp_path: Path, compress: bool) -> None:
    path = write_3(tmp_path / "a.zarr", SAMPLES, 300, compress, {"sampling_frequency": 1000})
    built = seriesview.build_workspace(path, store=tmp_path / "store")
    (only,) = built.series.values()
    with only.open() as series:
        assert isinstance(series.manifest.values, LinkInfo) or compress
        assert np.array_equal(series.values(0, 250, 700), SAMPLES[250:700])
