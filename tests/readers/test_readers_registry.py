"""Which reader a file gets."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from seriesview.errors import ReaderError
from seriesview.readers import find_readers, guess_reader, list_candidates, open_recording
from seriesview.readers.known_files import KNOWN, KnownFile, what_is_known
from seriesview.readers.registry import _BUILT_IN, reader_by_name, reader_names


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
        ReaderError, match=r"no reader knows this file.*nwb, .*hdf5, .*npy, arrow, .*csv, .*binary"
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
        ("a.csv.gz", b"\x1f\x8b\x08\0", "compressed with gzip, which no reader here knows; unpack it"),
        ("a.zip", b"PK\x03\x04", "a zip archive, .*unpack it"),
        ("a.xlsx", b"PK\x03\x04", "a spreadsheet, .*save its sheet as .csv"),
        ("a.avi", b"RIFF\0\0\0\0AVI LIST", "a film"),
        ("a.mp4", b"\0\0\0\x18ftypmp42", "a film"),
        ("a.bin.sqlite", b"SQLite format 3\0", "an SQLite database"),
        ("a.nex5", b"NEX5", "a NeuroExplorer 5 file, .*save it as .nex"),
        ("a.pkl", b"\x80\x04", "a pickle of Python"),
    ],
)
def test_files_of_well_known_formats_are_told_how_they_become_readable(
    tmp_path: Path, name: str, beginning: bytes, advice: str
) -> None:
    (tmp_path / name).write_bytes(beginning)
    with pytest.raises(ReaderError, match=advice):
        guess_reader(tmp_path / name)


SUFFIXES_OF_MNE = (
    "ahdr bdf cdt cef cnt con dap data ds edf eeg fif fif.gz gdf hdr lay mat mefd mff nedf ns3 nxe "
    "rs3 set snirf sqd vhdr"
)


def examples(directory: Path) -> Iterator[tuple[Path, KnownFile]]:
    """Of each kind a file for each way to know it."""
    for number, known in enumerate(KNOWN):
        for mark in known.known_by:
            name = "a" if isinstance(mark, bytes) else f"a{mark}" if mark.startswith(".") else mark
            path = directory / str(number) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(bytes(2048) if isinstance(mark, str) else bytes(known.at) + mark + bytes(2048))
            yield path, known


def test_what_is_known_of_files_agrees_with_the_readers(tmp_path: Path) -> None:
    names = reader_names()
    for path, known in examples(tmp_path):
        try:
            taken = guess_reader(path).name
        except ReaderError as error:
            own = [name for name in known.readers if name in names]
            said = str(error)
            assert ("which no reader here knows" in said) == (not own), said
            # No advice to install what is installed, or would not help.
            assert not own or f"reader {own[0]} takes" in said, said
        else:
            assert taken in known.readers, (
                f"{known.what} {path.name} is said not to be read, and {taken} reads it"
            )


def test_every_suffix_of_neo_and_mne_is_known(tmp_path: Path) -> None:
    rawio = pytest.importorskip("neo.rawio")
    general = {"", "h5", "brw", "bin", "dat", "raw", "lfp", "txt", "npy", "tsv", *map(str, range(1, 33))}
    neo = {suffix.lower() for kind in rawio.rawiolist for suffix in kind.extensions} - general
    mne = set(SUFFIXES_OF_MNE.split())
    unknown = [each for each in sorted(neo | mne) if what_is_known(tmp_path / f"a.{each}", b"", ()) is None]
    assert not unknown


def test_adapters_are_asked_after_what_reads_a_format_itself_and_before_what_takes_any_file() -> None:
    names = reader_names()
    assert names[-1] == "binary"
    # Formats of neo's that are HDF5 files must come before the reader of any of these.
    adapters = [
        name for name in names if ".adapters." in _BUILT_IN.get(name, "") and not name.endswith("_hdf5")
    ]
    assert names[-1 - len(adapters) : -1] == adapters
