"""Which reader a file gets."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from seriesview.errors import ReaderError
from seriesview.readers import find_readers, guess_reader, list_candidates, open_recording
from seriesview.readers.registry import reader_by_name, reader_names


def test_the_particular_is_asked_before_the_general() -> None:
    names = reader_names()
    assert {"nwb", "hdf5", "npy", "csv", "binary"} <= set(names)
    assert names.index("nwb") < names.index("hdf5") < names.index("binary")


def test_every_reader_has_the_name_it_is_found_by() -> None:
    assert all(reader.name == name for name, reader in find_readers().items())


def test_readers_are_guessed_by_content_where_there_is_a_signature(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "array.dat")
    np.savez(tmp_path / "a.npz", np.zeros(3))
    (tmp_path / "t.TSV").write_text("1\t2\n")
    (tmp_path / "raw.dat").write_bytes(b"\0\1")
    with h5py.File(tmp_path / "a.data", "w") as file:
        file["x"] = np.zeros(3)
    for name, reader in (
        ("array.dat", "npy"),
        ("a.npz", "npy"),
        ("t.TSV", "csv"),
        ("raw.dat", "binary"),
        ("a.data", "hdf5"),
    ):
        assert guess_reader(tmp_path / name).name == reader


def test_errors_list_the_readers(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"\0")
    with pytest.raises(
        ReaderError, match=r"no reader knows this file.*nwb, hdf5, npy, arrow, .*csv, .*binary"
    ):
        guess_reader(tmp_path / "a.xyz")
    with pytest.raises(ReaderError, match=r"none called 'sausage'; there are .*nwb"):
        reader_by_name("sausage")


def test_files_that_are_not_there_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="no such file"):
        open_recording(tmp_path / "a.npy")
    with pytest.raises(ReaderError, match="a folder that no reader knows"):
        list_candidates(tmp_path)
    (tmp_path / "link.npy").symlink_to("elsewhere.npy")
    with pytest.raises(
        ReaderError, match=r"link\.npy: a symbolic link to elsewhere\.npy, which is not there"
    ):
        open_recording(tmp_path / "link.npy")
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    with pytest.raises(ReaderError, match=r"loop\.npy: a symbolic link to loop\.npy, which is not there"):
        open_recording(tmp_path / "loop.npy")


@pytest.mark.parametrize(
    ("name", "beginning", "advice"),
    [
        ("a.mat", b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "save it in MATLAB with '-v7.3'"),
        ("a.edf", b"0       X X X X", "an EDF file without a whole header"),
        ("a.csv.gz", b"\x1f\x8b\x08\0", "compressed with gzip; unpack it"),
    ],
)
def test_files_of_well_known_formats_are_told_how_they_become_readable(
    tmp_path: Path, name: str, beginning: bytes, advice: str
) -> None:
    (tmp_path / name).write_bytes(beginning)
    with pytest.raises(ReaderError, match=advice):
        guess_reader(tmp_path / name)
