"""HDF5 files: what is listed, what is refused and why, links, damage, files being written."""

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from hdf5_files import SAMPLES, by_path, opened, read, refused, write

from seriesview.cli.inspect import command
from seriesview.errors import IntegrityError, SeriesviewError
from seriesview.readers import ReadOptions, list_candidates, open_recording


def test_one_candidate_needs_no_dataset(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["x"], file["timestamps"], file["fs"] = SAMPLES, np.arange(20.0), 10.0
        file["text"], file["broken"] = ["a", "b"], h5py.SoftLink("/nowhere")

    path = write(tmp_path / "a.h5", fill)
    with opened(path) as recording:
        assert (recording.num_samples, recording.sampling_frequency) == (20, 10)
    with h5py.File(path, "a") as file:
        file["y"] = SAMPLES
    assert "dataset: choose one of /x, /y" in refused(path)
    write(path, lambda file: file.create_dataset("text", data=["a", "b"]))
    assert "nothing in this file can be shown (/text: " in refused(path)
    write(path, lambda file: None)
    assert "it is empty" in refused(path)
    assert list_candidates(path) == []


def test_errors_list_what_is_there(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["group/x"], file["group/y"], file["z"] = SAMPLES, SAMPLES, SAMPLES
        file["soft"], file["loop"] = h5py.SoftLink("/gone/far"), h5py.SoftLink("/loop")
        file["external"] = h5py.ExternalLink("other.h5", "/data")

    path = write(tmp_path / "a.h5", fill)
    assert "/nothing is not in this file; there are /group/x, /group/y, /z" in refused(path, "nothing")
    assert "/z/deeper is not in this file" in refused(path, "z/deeper")
    message = refused(path, "group/")
    assert "/group is a group" in message
    assert message.endswith("there are /group/x, /group/y")
    assert "is a group" in refused(path, "/")
    assert "/soft is a link to /gone/far" in refused(path, "soft")
    assert "/soft/x is a link to /gone/far" in refused(path, "soft/x")
    assert "/external is a link to /data in other.h5" in refused(path, "external")
    assert "/loop is a link" in refused(path, "loop")
    found = by_path(path)
    for name in ("/soft", "/loop", "/external"):
        assert "link" in str(found[name].problem)
    assert refused(path, "a\0b")
    assert refused(path, "")


def test_links_to_other_files_are_followed(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["g/x"], file["g/time"] = SAMPLES, np.arange(20.0)

    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "data.h5", fill)

    def link(file: h5py.File) -> None:
        file["whole"] = h5py.ExternalLink("sub/data.h5", "/g")
        file["one"] = h5py.ExternalLink("sub/data.h5", "/g/x")

    path = write(tmp_path / "a.h5", link)
    for name in ("whole/x", "one"):
        with opened(path, name, timestamps="time") as recording:
            np.testing.assert_array_equal(read(recording), SAMPLES)
            assert recording.timestamps(2, 3).tolist() == [2]
            assert recording.layout is not None
            assert recording.layout.path.samefile(tmp_path / "sub" / "data.h5")
    for name, times in (("/whole/x", "/whole/time"), ("/one", "time")):
        (tmp_path / "sub" / "data.h5").touch()
        with h5py.File(path, "w") as file:
            link(file)
            del file["one" if name == "/whole/x" else "whole"]
        candidate = by_path(path)[name]
        assert candidate.options["timestamps"] == times
        with open_recording(path, options=ReadOptions(**candidate.options)) as recording:
            assert recording.timestamps(2, 3).tolist() == [2]


def test_what_cannot_be_shown_is_listed_and_refused(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        five = h5py.h5s.create_simple((5,))
        file["complex"] = np.zeros(3, np.complex64)
        file["texts"], file["fixed"] = ["a", "b"], np.array([b"a", b"b"])
        file["compound"] = np.zeros(3, [("first", "i4"), ("second", "f8")])
        file.create_dataset("references", (3,), h5py.ref_dtype)
        file.create_dataset("regions", (3,), h5py.regionref_dtype)
        file.create_dataset("ragged", (3,), h5py.vlen_dtype(np.int32))
        file.create_dataset("opaque", (3,), "V5")
        file["cube"], file["none"], file["scalar"] = np.zeros((2, 3, 4)), np.zeros((0, 3)), 4.0
        file["null"], file["wide"] = h5py.Empty("f4"), np.zeros(3, np.longdouble)
        file.attrs["precise"] = np.longdouble(1.5)
        file["wide"].attrs["rate"] = np.longdouble(1.5)
        odd = h5py.h5t.STD_I32LE.copy()
        odd.set_size(3)
        h5py.h5d.create(file.id, b"odd", odd, five)

    path = write(tmp_path / "a.h5", fill)
    reasons = {
        "complex": "complex64",
        "texts": "text",
        "fixed": "text",
        "compound": "first, second",
        "references": "references",
        "regions": "references",
        "ragged": "length",
        "opaque": "V5",
        "cube": "3 dimensions",
        "none": "no samples",
        "scalar": "single value",
        "null": "empty",
        "wide": "float128",
        "odd": "3 bytes",
    }
    found = by_path(path)
    assert found.keys() == {f"/{name}" for name in reasons}
    for name, reason in reasons.items():
        problem = found[f"/{name}"].problem
        assert problem is not None
        assert reason in problem
        message = refused(path, name, sampling_frequency=1.0)
        assert message.startswith(f"{path}: /{name}: ")
        assert reason in message or name == "scalar"
        assert f"/{name}: " in refused(path, name, type="event") or name == "none"
    assert "Cannot be shown" in CliRunner().invoke(command, [str(path)], catch_exceptions=False).output


def test_a_filter_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(file: h5py.File) -> None:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk((10, 2))
        properties.set_filter(32999, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((20, 2))
        h5py.h5d.create(file.id, b"x", h5py.h5t.STD_I16LE, space, properties)

    path = write(tmp_path / "a.h5", fill)
    problem = by_path(path)["/x"].problem
    assert problem is not None
    assert "32999" in problem
    assert "hdf5plugin" in problem
    assert "/x: compressed with the HDF5 filter" in refused(path, "x", sampling_frequency=1.0)


def test_compressed_by_a_plugin(tmp_path: Path) -> None:
    hdf5plugin = pytest.importorskip("hdf5plugin")

    def fill(file: h5py.File) -> None:
        file.create_dataset("x", data=SAMPLES, chunks=(6, 2), compression=hdf5plugin.Zstd())

    path = write(tmp_path / "a.h5", fill)
    code = (
        "import sys; from seriesview.readers import *; r = open_recording(sys.argv[1], options=ReadOptions("
    )
    code += "sampling_frequency=1.0)); import numpy; o = numpy.empty((20, 2), 'i2'); r.read_into(0, o); print(o.sum())"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(SAMPLES.sum())


_WRITER = """
import sys, h5py, numpy
path, mode = sys.argv[1:]
file = h5py.File(path, "w", libver="earliest" if mode == "plain" else "latest")
file.attrs["fs"] = 10.0
samples = numpy.arange(40, dtype="i2").reshape(20, 2)
file.create_dataset("x", data=samples, chunks=(8, 2), maxshape=(None, 2))
if mode == "swmr":
    file.swmr_mode = True
file.flush()
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("mode", ["plain", "swmr", "latest"])
def test_files_that_another_process_writes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.h5"
    arguments = [sys.executable, "-c", _WRITER, str(path), mode]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        if mode == "latest":
            message = refused(path, "x")
            assert "open for writing" in message
            assert "h5clear" in message
        else:
            with opened(path) as recording:
                np.testing.assert_array_equal(read(recording), SAMPLES)
        writer.communicate("\n")
        assert writer.returncode == 0
    with opened(path) as recording:
        np.testing.assert_array_equal(read(recording), SAMPLES)


def test_a_damaged_chunk_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(-999, 999, (2000, 2))
    path = write(tmp_path / "a.h5", lambda file: file.create_dataset("x", data=noise, compression="gzip"))
    with h5py.File(path) as file:
        chunk = file["x"].id.get_chunk_info(0)
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset + chunk.size // 2)
        file.write(bytes(64))
    with opened(path, sampling_frequency=1.0) as recording, pytest.raises(IntegrityError) as error:
        read(recording)
    assert str(error.value).startswith(f"{path}: /x: ")


_DAMAGING = """
import contextlib, pathlib, sys, numpy
from seriesview.errors import SeriesviewError
from seriesview.readers import ReadOptions, list_candidates, open_recording
whole = pathlib.Path(sys.argv[1]).read_bytes()
path = pathlib.Path(sys.argv[1] + ".damaged")
for position in range(9, len(whole), 499):
    path.write_bytes(whole[:position] + b"\\xff\\xff\\xff" + whole[position + 3 :])
    with contextlib.suppress(SeriesviewError):
        list_candidates(path, "hdf5")
    with contextlib.suppress(SeriesviewError):
        with open_recording(path, "hdf5", ReadOptions(dataset="group/x")) as recording:
            recording.read_into(0, numpy.empty((recording.num_samples, recording.num_channels), recording.dtype))
"""


def test_damaged_files_are_errors_of_one_line(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs["fs"] = 10.0
        noise = np.random.default_rng(3).integers(-999, 999, (4000, 4)).astype("i2")
        file.create_dataset("group/x", data=noise, chunks=(500, 4), compression="gzip")
        file["group/t"], file["names"] = np.arange(4000.0), ["a", "b"]

    whole = write(tmp_path / "whole.h5", fill).read_bytes()
    path = tmp_path / "a.h5"
    for size in range(0, len(whole), 997):
        path.write_bytes(whole[:size])
        with pytest.raises(SeriesviewError) as error:
            open_recording(path, "hdf5", ReadOptions(dataset="group/x"))
        assert "\n" not in str(error.value)
        assert str(path) in str(error.value)
    arguments = [sys.executable, "-c", _DAMAGING, str(tmp_path / "whole.h5")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    # The HDF5 library itself may fall over some damage; no Python error may come through.
    assert done.returncode <= 0, done.stderr


def test_any_name_depth_and_cycle(tmp_path: Path) -> None:
    deep = "/".join(["deep"] * 200)

    def fill(file: h5py.File) -> None:
        file["mit Leerzeichen/größe μV"] = SAMPLES
        file[f"{deep}/x"] = SAMPLES
        file["cycle/up"] = file["/"]
        file["cycle/again"] = h5py.SoftLink("/cycle")
        file["same"] = file["mit Leerzeichen/größe μV"]

    path = write(tmp_path / "größe 1.h5", fill)
    found = by_path(path)
    assert found.keys() == {f"/{deep}/x", "/same"}
    for name in (*found, "mit Leerzeichen/größe μV", "cycle/up/cycle/again/up/same"):
        with opened(path, name, sampling_frequency=1.0) as recording:
            np.testing.assert_array_equal(read(recording), SAMPLES)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["group/x"] = SAMPLES
        space = h5py.h5s.create_simple((20,))
        h5py.h5d.create(file["group"].id, "größe".encode("latin-1"), h5py.h5t.STD_I16LE, space)
        h5py.h5a.create(
            file["group/x"].id, "ü".encode("latin-1"), h5py.h5t.STD_I16LE, h5py.h5s.create(h5py.h5s.SCALAR)
        )

    found = by_path(write(tmp_path / "a.h5", fill))
    assert found["/group/x"].problem is None
    assert "UTF-8" in str(found["/group/gr\ufffd\ufffde"].problem)


def test_thousands_of_datasets(tmp_path: Path) -> None:
    """Each is found, and opens; not all of them are named in a refusal."""

    def fill(file: h5py.File) -> None:
        for index in range(2000):
            file.create_dataset(f"group/d{index}", data=np.zeros(3))
        file["group/fs"], file["group/time"] = 10.0, np.arange(3.0)

    path = write(tmp_path / "a.h5", fill, libver="latest")
    found = list_candidates(path)
    assert sum(candidate.problem is None for candidate in found) == 2000
    assert {candidate.sampling_frequency for candidate in found if candidate.problem is None} == {10.0}
    for index in range(0, 2000, 100):
        opened(path, f"group/d{index}").close()
    assert "and 1980 more" in refused(path)


def test_far_more_channels_than_samples_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", lambda file: file.create_dataset("x", (3, 20_000), "i2", chunks=(1, 100)))
    assert "order: F" in refused(path, sampling_frequency=1.0)
    with opened(path, sampling_frequency=1.0, order="F") as recording:
        assert (recording.num_samples, recording.num_channels) == (20_000, 3)


def test_parts_of_a_virtual_dataset_that_are_missing_are_said(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / f"{name}.h5", lambda file: file.create_dataset("x", data=SAMPLES))
    layout = h5py.VirtualLayout((40, 2), np.int16)
    for row, name in enumerate(("one", "two")):
        layout[20 * row : 20 * row + 20] = h5py.VirtualSource(f"{name}.h5", "x", (20, 2))
    path = write(tmp_path / "a.h5", lambda file: file.create_virtual_dataset("x", layout))
    with opened(path, sampling_frequency=1.0) as recording:
        np.testing.assert_array_equal(read(recording), np.concatenate([SAMPLES, SAMPLES]))
        assert recording.layout is None
    (tmp_path / "two.h5").unlink()
    assert "two.h5" in refused(path, "x", sampling_frequency=1.0)
    assert "two.h5" in str(by_path(path)["/x"].problem)


def test_a_file_that_this_process_has_open_already(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", lambda file: file.create_dataset("x", data=SAMPLES).attrs.update(fs=1.0))
    with h5py.File(path, "r"), opened(path) as recording:
        np.testing.assert_array_equal(read(recording), SAMPLES)
