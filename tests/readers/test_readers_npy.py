"""NumPy files, checked against what numpy reads."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, Recording, list_candidates, open_recording

RATE = ReadOptions(sampling_frequency=10.0)


def read(recording: Recording, first: int, last: int) -> Any:
    out = np.empty((last - first, recording.num_channels), recording.dtype)
    recording.read_into(first, out)
    return out


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_every_way_of_saving_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(["int8", "<i2", ">i2", ">f4", "<f8", ">u8", "f2"])))
    shape = data.draw(
        st.one_of(st.tuples(st.integers(1, 60)), st.tuples(st.integers(1, 60), st.integers(1, 4)))
    )
    kind, fortran = data.draw(st.sampled_from(["npy", "npz", "deflated"])), data.draw(st.booleans())
    count = int(np.prod(shape))
    samples = np.random.default_rng(count).integers(0, 100, shape).astype(dtype)
    array = np.asfortranarray(samples) if fortran else samples
    path = tmp_path_factory.mktemp("npy") / ("a.npy" if kind == "npy" else "a.npz")
    if kind == "npy":
        np.save(path, array)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(path, x=array, other=np.array("text"))
    chosen = ReadOptions(sampling_frequency=10.0, dataset=None if kind == "npy" else "x")
    expected = samples.reshape(shape[0], -1).astype(dtype.newbyteorder("="))
    with open_recording(path, options=chosen) as recording:
        assert (recording.num_samples, recording.num_channels) == expected.shape
        assert recording.dtype == dtype.newbyteorder("=")
        assert (recording.layout is None) == (kind == "deflated")
        for _ in range(3):
            first = data.draw(st.integers(0, shape[0] - 1))
            last = data.draw(st.integers(first, shape[0]))
            np.testing.assert_array_equal(read(recording, first, last), expected[first:last])
    transposed = ReadOptions(sampling_frequency=10.0, dataset=chosen.dataset, order="F")
    if len(shape) == 2:
        with open_recording(path, options=transposed) as recording:
            np.testing.assert_array_equal(read(recording, 0, shape[1]), expected.T)


def test_the_layout_of_a_stored_member_is_where_its_values_lie(tmp_path: Path) -> None:
    samples = np.arange(30, dtype=np.int32).reshape(10, 3)
    np.savez(tmp_path / "a.npz", first=np.zeros(7), x=samples)
    with open_recording(
        tmp_path / "a.npz", options=ReadOptions(dataset="x", sampling_frequency=1.0)
    ) as recording:
        layout = recording.layout
    assert layout is not None
    offset = layout.offset  # type: ignore[union-attr]
    assert (tmp_path / "a.npz").read_bytes()[offset : offset + samples.nbytes] == samples.tobytes()


def test_timestamps_come_from_another_member_or_another_file(tmp_path: Path) -> None:
    times = np.array([1, 2, 4, 8], np.float32)
    np.savez(tmp_path / "a.npz", x=np.zeros(4), t=times)
    np.save(tmp_path / "x.npy", np.zeros((4, 2)))
    np.save(tmp_path / "t.npy", times)
    for name, options in (
        ("a.npz", ReadOptions(dataset="x", timestamps="t")),
        ("a.npz", ReadOptions(dataset="x", timestamps="t.npy")),
        ("x.npy", ReadOptions(timestamps="t.npy", type="discrete")),
        ("x.npy", ReadOptions(timestamps=str(tmp_path / "t.npy"))),
    ):
        with open_recording(tmp_path / name, options=options) as recording:
            assert recording.sampling_frequency is None
            assert recording.type == (options.type or "continuous")
            assert recording.timestamps(1, 4).tolist() == [2, 4, 8]
            assert recording.timestamps(1, 4).dtype == np.float64
    with pytest.raises(ReaderError, match="neither"):
        open_recording(tmp_path / "x.npy", options=ReadOptions(timestamps="nothing.npy"))
    np.save(tmp_path / "t.npy", times[:3])
    with pytest.raises(ReaderError, match="holds 3 rows"):
        open_recording(tmp_path / "x.npy", options=ReadOptions(timestamps="t.npy"))


def test_events_and_intervals(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz",
        spikes=np.array([[3.0, 1], [1.0, 0], [2.0, 1]]),
        times=np.array([2.0, 1.0]),
        epochs=np.array([[4.0, 6.0], [1.0, 2.0]]),
        bad=np.array([[4.0, 1.0]]),
    )

    def opened(dataset: str, kind: Any) -> Recording:
        return open_recording(tmp_path / "a.npz", options=ReadOptions(dataset=dataset, type=kind))

    spikes = opened("spikes", "event")
    assert [array.tolist() for array in spikes.events()] == [[1.0, 2.0, 3.0], [0, 1, 1]]
    assert (spikes.num_samples, spikes.num_channels) == (3, 2)
    assert opened("times", "event").events()[0].tolist() == [1.0, 2.0]
    bounds, indices, labels = opened("epochs", "interval").intervals()
    assert (bounds.tolist(), indices.tolist(), list(labels)) == ([[1, 2], [4, 6]], [0, 0], [""])
    with pytest.raises(ReaderError, match="before its start"):
        opened("bad", "interval")
    with pytest.raises(ReaderError, match=r"\(n, 2\)"):
        opened("times", "interval")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.float64(3), "0 dimensions"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.zeros((0, 3)), "no samples"),
        (np.zeros(3, np.complex64), "complex64"),
        (np.array(["a"]), "cannot be shown"),
        (np.array([None]), "object"),
        (np.zeros(2, [("a", "i4")]), "cannot be shown"),
    ],
)
def test_arrays_that_cannot_be_shown(tmp_path: Path, array: Any, message: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ReaderError, match=message):
        open_recording(tmp_path / "a.npy", options=RATE)
    (candidate,) = list_candidates(tmp_path / "a.npy")
    assert candidate.problem is not None


def test_a_member_must_be_chosen_and_exist(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros(3), y=np.zeros(4), z=np.array("text"))
    with pytest.raises(ReaderError, match="choose one array of this archive: x, y"):
        open_recording(tmp_path / "a.npz", options=RATE)
    with pytest.raises(ReaderError, match="no array called w; there are x, y, z"):
        open_recording(tmp_path / "a.npz", options=ReadOptions(dataset="w", sampling_frequency=1.0))
    np.savez(tmp_path / "b.npz", x=np.zeros(3), z=np.array("text"))
    with open_recording(tmp_path / "b.npz", options=RATE) as recording:
        assert recording.num_samples == 3


def test_files_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.arange(20.0).reshape(10, 2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(ReaderError, match="20 of 160 bytes are missing"):
        open_recording(path, options=RATE)
    with open_recording(path, options=ReadOptions(sampling_frequency=1.0, allow_truncated=True)) as recording:
        assert read(recording, 0, recording.num_samples).tolist() == np.arange(16.0).reshape(8, 2).tolist()
    path.write_bytes(whole[:20])
    with pytest.raises(ReaderError, match=r"not a \.npy array"):
        open_recording(path, options=RATE)
    archive = tmp_path / "a.npz"
    np.savez(archive, x=np.zeros(100))
    archive.write_bytes(archive.read_bytes()[:-40])
    with pytest.raises(ReaderError, match=r"not an \.npz archive, or cut short"):
        open_recording(archive, options=RATE)


def test_a_damaged_compressed_member_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).integers(0, 9, 100_000))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with (
        open_recording(path, options=RATE) as recording,
        pytest.raises(ReaderError, match="damaged archive"),
    ):
        read(recording, 0, recording.num_samples)


def test_old_headers_are_read(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.arange(6, dtype=np.int16), version=(2, 0))
    (tmp_path / "a.npy").write_bytes(stream.getvalue())
    with open_recording(tmp_path / "a.npy", options=RATE) as recording:
        assert read(recording, 0, 6)[:, 0].tolist() == list(range(6))


def test_candidates_name_every_array_and_wide_ones_as_channels_first(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", wide=np.zeros((3, 100), np.int16), text=np.array(["a"]))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("notes.txt", "no array")
    wide, text = list_candidates(tmp_path / "a.npz")
    assert (wide.dataset, wide.shape, wide.options["order"]) == ("wide", (100, 3), "F")
    assert wide.problem is None
    assert text.problem is not None


def test_times_in_an_archive_are_proposed_with_the_samples_that_they_fit(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz",
        lfp=np.zeros((4, 200), np.float32),
        lfp_times=np.arange(200.0),
        eye=np.zeros((30, 2)),
        time=np.arange(30.0),
        other=np.zeros(7),
        t=np.zeros((5, 2)),
    )
    found = {candidate.dataset: candidate.options for candidate in list_candidates(tmp_path / "a.npz")}
    assert found == {
        "lfp": {"dataset": "lfp", "timestamps": "lfp_times", "order": "F"},
        "eye": {"dataset": "eye", "timestamps": "time"},
        "other": {"dataset": "other", "sampling_frequency": None},
        "t": {"dataset": "t", "sampling_frequency": None},
    }
