"""Small files that claim to be vast: an error in one line, at once, in little memory."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import RLIMIT_AS, getrlimit, setrlimit

import h5py
import numpy as np
import pytest
from hdf5_files import by_path, opened, read, refused, write
from nwb_files import describe, series, table, write_nwb

from seriesview.build.findings import find_all
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, list_candidates, open_recording
from seriesview.readers.registry import choose_reader

RATE = {"sampling_frequency": 10.0}
_MEMORY = 2 << 30


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    """What these tests may use beside what the process has mapped already."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    before = getrlimit(RLIMIT_AS)
    setrlimit(RLIMIT_AS, (mapped + _MEMORY, before[1]))
    yield
    setrlimit(RLIMIT_AS, before)


CLAIMS: dict[str, Callable[[h5py.File], object]] = {
    "rows": lambda file: file.create_dataset("x", (1 << 38,), "i2"),
    "rows in chunks": lambda file: file.create_dataset("x", (1 << 38,), "i2", chunks=(1 << 20,)),
    "more rows in chunks": lambda file: file.create_dataset("x", (1 << 50,), "i2", chunks=(1 << 16,)),
    "rows in tiny chunks": lambda file: file.create_dataset("x", (1 << 30,), "i2", chunks=(1,)),
    "one row of them": lambda file: file.create_dataset("x", (1 << 38,), "i2", chunks=(1 << 16,)).__setitem__(
        0, 1
    ),
    "channels": lambda file: file.create_dataset("x", (100, 1 << 34), "i2", chunks=(1, 1 << 20)),
    "a product": lambda file: file.create_dataset("x", (1 << 33, 1 << 33), "i1", chunks=(1024, 1024)),
    "more than any number": lambda file: file.create_dataset("x", (1 << 62, 1 << 62), "f8", chunks=(1, 1)),
    "chunks": lambda file: file.create_dataset(
        "x", (1 << 32,), "i1", chunks=((1 << 31),), compression="gzip"
    ),
    "virtual rows": lambda file: file.create_virtual_dataset("x", h5py.VirtualLayout((1 << 50,), "i2")),
    "virtual": lambda file: virtual(file),
}


def virtual(file: h5py.File) -> None:
    source = file.create_dataset("s", (1 << 38,), "i2")
    layout = h5py.VirtualLayout((1 << 38,), "i2")
    layout[:] = h5py.VirtualSource(source)
    file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize("claim", CLAIMS)
def test_hdf5_rows_that_were_never_written_are_refused(tmp_path: Path, claim: str) -> None:
    path = write(tmp_path / "a.h5", CLAIMS[claim])
    problem = str(by_path(path)["/x"].problem)
    assert "written" in problem or "chunks" in problem or "shape" in problem
    assert len(problem) < 400
    for kind in ({}, {"type": "event"}, {"type": "interval"}):
        assert len(refused(path, "x", **RATE, **kind)) < 500
    write(tmp_path / "b.h5", lambda file: put(file, np.arange(10), "y"))
    with h5py.File(path, "a") as file:
        file["y"] = np.arange(10)
    assert refused(path, "y", timestamps="x")


def put(file: h5py.File, values: object, name: str = "x") -> None:
    file[name] = values


def test_preallocated_recordings_are_read(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.create_dataset("x", (1 << 22,), "i2", chunks=(1 << 16,))[:10] = np.arange(10)
        file.create_dataset("none", (1000, 3), "f4")

    path = write(tmp_path / "a.h5", fill)
    with opened(path, "x", **RATE) as recording:
        assert read(recording, 0, 12)[:, 0].tolist() == [*range(10), 0, 0]
        assert recording.num_samples == 1 << 22
    assert opened(path, "none", **RATE).num_samples == 1000


def test_vast_facts_are_not_read(tmp_path: Path) -> None:
    text = h5py.h5t.C_S1.copy()
    text.set_size(1 << 30)

    def vast_text(group: h5py.Group, name: str, rows: int) -> None:
        if name in group:
            del group[name]
        h5py.h5d.create(group.id, name.encode(), text, h5py.h5s.create_simple((rows,)))

    def fill(file: h5py.File) -> None:
        file["x"] = np.arange(10)
        vast_text(file.create_group("g"), "t", 5)
        file["g/x"] = np.arange(10)

    path = write(tmp_path / "a.h5", fill)
    assert "text" in str(by_path(path)["/g/t"].problem)
    assert opened(path, "g/x", **RATE).num_samples == 10

    def units(file: h5py.File) -> None:
        units = table(file, "units", "Units", [1, 2], {"spike_times": [[1.0], [2.0]]})
        vast_text(units, "unit_name", 2)
        huge = file.create_group("huge")
        describe(huge, "Units")
        huge.create_dataset("spike_times", (1 << 40,), "f8", chunks=(1 << 20,))
        huge["id"], huge["spike_times_index"] = [1], [1 << 40]
        intervals = table(file, "trials", "TimeIntervals", [1], {"start_time": [1.0]})
        intervals.create_dataset("stop_time", (1 << 40,), "f8", chunks=(1 << 20,))
        series(file, "acquisition/s", np.arange(10.0)).create_dataset(
            "timestamps", (1 << 40,), "f8", chunks=(1 << 20,)
        )

    path = write_nwb(tmp_path / "a.nwb", units)
    for name in ("units", "huge", "trials", "acquisition/s"):
        assert len(refused(path, name)) < 500


def test_objects_without_end_are_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seriesview.readers.hdf5.file._MOST_LEVELS", 100)

    def deep(file: h5py.File) -> None:
        group = file
        for _ in range(300):
            group = group.create_group("g")
        group["x"], file["y"] = np.arange(10), np.arange(10)

    path = write(tmp_path / "deep.h5", deep)
    found = list_candidates(path)
    assert [each.dataset for each in found if each.problem is None] == ["/y"]
    assert "100 deep" in str(next(each.problem for each in found if each.problem))
    assert opened(path, "/".join(["g"] * 300) + "/x", **RATE).num_samples == 10

    def many(file: h5py.File) -> None:
        group = file.create_group("g")
        for number in range(60):
            group[str(number)] = h5py.SoftLink("/nowhere")
            group.create_group(f"g{number}")

    path = write(tmp_path / "many.h5", many)
    monkeypatch.setattr("seriesview.readers.hdf5.file._MOST_OBJECTS", 100)
    with pytest.raises(ReaderError, match="more than 100 objects"):
        list_candidates(path)


def test_too_many_datasets_are_not_all_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "a.npz", **{f"x{number}": np.arange(3) for number in range(20)})
    monkeypatch.setattr("seriesview.build.findings._MOST_CANDIDATES", 10)
    with pytest.raises(ReaderError, match="holds 20 datasets"):
        find_all(tmp_path / "a.npz", choose_reader(tmp_path / "a.npz"))


def header(shape: str, dtype: str = "'<i2'", order: str = "False") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    text += b" " * (-(10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


HEADERS = {
    "negative": header("(-5,)"),
    "negative twice": header("(-5, -20)"),
    "a product": header(f"({1 << 40}, {1 << 40})"),
    "a number without end": header(f"({'9' * 3000},)"),
    "a longer number": header(f"({'9' * 6000},)"),
    "truth": header("(True,)"),
    "a fraction": header("(1.5,)"),
    "a list": header("[5]"),
    "a text": header("'abc'"),
    "nothing": header("None"),
    "many dimensions": header(f"({'1, ' * 3000})"),
    "objects": header("(5,)", "'|O'"),
    "empty values": header("(5,)", "'|V0'"),
    "vast values": header("(5,)", "'|S2147483647'"),
    "nested": header("(5,)", "[" * 900 + "]" * 900),
    "nested dtype": header("(5,)", "[('a', " * 60 + "'i2'" + ")]" * 60),
    "brackets": b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000,
    "a long header": b"\x93NUMPY\x02\x00" + struct.pack("<I", (1 << 32) - 1) + b"{}",
    "a cut header": header("(5,)")[:40],
    "no header": b"\x93NUMPY",
    "another version": b"\x93NUMPY\xff\xff" + bytes(200),
    "no text": b"\x93NUMPY\x01\x00" + struct.pack("<H", 100) + bytes(range(100, 200)),
}


@pytest.mark.parametrize("kind", HEADERS)
@pytest.mark.parametrize("packed", ["npy", "stored", "deflated"])
def test_npy_headers_that_mislead_are_refused(tmp_path: Path, kind: str, packed: str) -> None:
    path = tmp_path / f"a.{'npy' if packed == 'npy' else 'npz'}"
    content = HEADERS[kind] + bytes(200)
    if packed == "npy":
        path.write_bytes(content)
    else:
        method = zipfile.ZIP_STORED if packed == "stored" else zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("x.npy", content)
    with pytest.raises(ReaderError) as error:
        open_recording(path, options=ReadOptions(**RATE))
    assert str(error.value).startswith(f"{path}: ")
    assert len(str(error.value)) < 500
    problems = []
    try:
        problems += [each.problem for each in list_candidates(path)]
    except ReaderError as listed:
        problems.append(str(listed))
    assert all(problem and len(problem) < 500 for problem in problems)


def test_archives_whose_lengths_contradict_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr("x.npy", header(f"({1 << 40},)") + bytes(100))
        with pytest.raises(ReaderError, match="header says 2199023255680 bytes"):
            open_recording(path, options=ReadOptions(**RATE))
        content = path.read_bytes()
        # The archive's directory claims as much as the header.
        place = content.index(b"PK\x01\x02") + 24
        path.write_bytes(content[:place] + struct.pack("<I", 0xFFFFFFF0) + content[place + 4 :])
        with pytest.raises(ReaderError):
            open_recording(path, options=ReadOptions(**RATE))


def test_archives_in_fortran_order_are_unpacked_no_further_than_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        content = io.BytesIO()
        np.lib.format.write_array(content, np.asfortranarray(np.arange(20, dtype="i2").reshape(10, 2)))
        archive.writestr("x.npy", content.getvalue() + bytes(64 << 20))
    with open_recording(path, options=ReadOptions(**RATE)) as recording:
        assert read(recording)[:, 1].tolist() == list(range(1, 20, 2))
    monkeypatch.setattr("seriesview.readers.npy_arrays.shutil.disk_usage", lambda _: _Free())
    with pytest.raises(ReaderError, match="set TMPDIR"):
        open_recording(path, options=ReadOptions(**RATE))


class _Free:
    free = 100
