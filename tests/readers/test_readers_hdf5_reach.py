"""Which other files an HDF5 file may lead to: those in its own folder, and others only where they are asked for."""

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from hdf5_files import by_path, opened, read, refused, write
from nwb_files import TEXT, region, series, table, write_nwb

from seriesview.cli.inspect import command as inspect
from seriesview.errors import ReaderError
from seriesview.readers import ReadOptions, list_candidates, open_recording

SECRET = np.arange(100, 120, dtype=np.int64)
RATE = {"sampling_frequency": 10.0}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The recording's folder, which is the working directory, and a private one with secret.h5 and secret.bin."""
    own, private = tmp_path / "own", tmp_path / "private"
    own.mkdir()
    private.mkdir()
    write(private / "secret.h5", lambda file: put(file, "d", SECRET))
    SECRET.tofile(private / "secret.bin")
    monkeypatch.chdir(own)
    return own, private


def put(file: h5py.File, name: str, value: object) -> None:
    file[name] = value


def virtual(file: h5py.File, name: str, source: str, inner: str = "d") -> None:
    layout = h5py.VirtualLayout((20,), "i8")
    layout[:] = h5py.VirtualSource(source, inner, (20,))
    file.create_virtual_dataset(name, layout)


def external(file: h5py.File, name: str, source: str) -> None:
    file.create_dataset(name, (20,), "i8", external=[(source, 0, 160)])


Fill = Callable[[h5py.File, Path, Path], object]

WAYS: dict[str, tuple[Fill, str]] = {
    "external samples": (
        lambda file, own, private: external(file, "x", f"{private}/secret.bin"),
        "secret.bin",
    ),
    "external samples, relative": (
        lambda file, own, private: external(file, "x", "../private/secret.bin"),
        "secret.bin",
    ),
    "external samples, by a link": (
        lambda file, own, private: external(file, "x", "innocent.bin"),
        "secret.bin",
    ),
    "external link": (
        lambda file, own, private: put(file, "x", h5py.ExternalLink(f"{private}/secret.h5", "/d")),
        "secret.h5",
    ),
    "external link, relative": (
        lambda file, own, private: put(file, "x", h5py.ExternalLink("../private/secret.h5", "/d")),
        "secret.h5",
    ),
    "external link, by a link": (
        lambda file, own, private: put(file, "x", h5py.ExternalLink("innocent.h5", "/d")),
        "secret.h5",
    ),
    "external link, by a linked folder": (
        lambda file, own, private: put(file, "x", h5py.ExternalLink("folder/secret.h5", "/d")),
        "secret.h5",
    ),
    "soft link to an external one": (
        lambda file, own, private: (
            put(file, "a", h5py.SoftLink("/b")),
            put(file, "b", h5py.ExternalLink(f"{private}/secret.h5", "/")),
            put(file, "x", h5py.SoftLink("a/d")),
        ),
        "secret.h5",
    ),
    "external link to an external one": (
        lambda file, own, private: put(file, "x", h5py.ExternalLink("middle.h5", "/x")),
        "secret.h5",
    ),
    "virtual": (lambda file, own, private: virtual(file, "x", f"{private}/secret.h5"), "secret.h5"),
    "virtual, relative": (lambda file, own, private: virtual(file, "x", "../private/secret.h5"), "secret.h5"),
    "virtual, by a link": (lambda file, own, private: virtual(file, "x", "innocent.h5"), "secret.h5"),
    "virtual of virtual": (lambda file, own, private: virtual(file, "x", "middle.h5", "v"), "secret.h5"),
    "virtual of an external link": (
        lambda file, own, private: virtual(file, "x", "middle.h5", "x"),
        "secret.h5",
    ),
    "virtual of external samples": (
        lambda file, own, private: virtual(file, "x", "middle.h5", "e"),
        "secret.bin",
    ),
    "virtual of an external link of its own": (
        lambda file, own, private: (
            put(file, "l", h5py.ExternalLink(f"{private}/secret.h5", "/d")),
            virtual(file, "x", ".", "l"),
        ),
        "secret.h5",
    ),
    "virtual, numbered": (lambda file, own, private: numbered(file, "x", f"{private}/%b.h5"), "0.h5"),
}


def numbered(file: h5py.File, name: str, source: str) -> None:
    """A virtual dataset of as many files of 20 samples as there are."""
    layout = h5py.VirtualLayout((20,), "i8", maxshape=(None,))
    part = h5py.VirtualSource(source, "d", (20,), maxshape=(20,))
    layout_space = h5py.h5s.create_simple((20,), (h5py.h5s.UNLIMITED,))
    layout_space.select_hyperslab((0,), (h5py.h5s.UNLIMITED,), (20,), (20,))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_virtual(layout_space, source.encode(), b"d", h5py.h5s.create_simple(part.shape))
    space = h5py.h5s.create_simple(layout.shape, (h5py.h5s.UNLIMITED,))
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.STD_I64LE, space, properties)


def prepare(own: Path, private: Path) -> None:
    write(private / "0.h5", lambda file: put(file, "d", SECRET))
    (own / "innocent.h5").symlink_to(private / "secret.h5")
    (own / "innocent.bin").symlink_to(private / "secret.bin")
    (own / "folder").symlink_to(private)

    def middle(file: h5py.File) -> None:
        file["x"] = h5py.ExternalLink(f"{private}/secret.h5", "/d")
        virtual(file, "v", f"{private}/secret.h5")
        external(file, "e", f"{private}/secret.bin")

    write(own / "middle.h5", middle)


@pytest.mark.parametrize("way", WAYS)
def test_other_files_outside_the_folder_are_refused_by_name(places: tuple[Path, Path], way: str) -> None:
    own, private = places
    prepare(own, private)
    fill, name = WAYS[way]
    path = write(own / "a.h5", lambda file: fill(file, own, private))
    problem = str(by_path(path)["/x"].problem)
    assert f"is in {private / name}, outside the recording's own folder" in problem
    assert "follow_external: true" in problem
    assert str(private / name) in refused(path, "x", **RATE)
    with opened(path, "x", follow_external=True, **RATE) as recording:
        assert read(recording)[:, 0].tolist() == SECRET.tolist()
    result = CliRunner().invoke(inspect, [str(path)])
    assert str(private / name) in result.output.partition("Cannot be shown:")[2]
    result = CliRunner().invoke(inspect, [str(path), "--follow-external"])
    assert "    follow_external: true" in result.output


@pytest.mark.parametrize("way", WAYS)
def test_the_same_files_in_the_folder_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.chdir(tmp_path)
    inside = tmp_path / "private"
    inside.mkdir()
    write(inside / "secret.h5", lambda file: put(file, "d", SECRET))
    SECRET.tofile(inside / "secret.bin")
    prepare(tmp_path, inside)
    (tmp_path / "sub").mkdir()
    relative = "relative" in way
    place = tmp_path / "sub" if relative else tmp_path
    monkeypatch.chdir(place)
    fill, name = WAYS[way]
    path = write(place / "a.h5", lambda file: fill(file, tmp_path, inside))
    if relative:
        # A folder beside the recording's own is outside of it.
        assert str(inside / name) in refused(path, "x", **RATE)
        return
    assert by_path(path)["/x"].problem is None
    with opened(path, "x", **RATE) as recording:
        assert read(recording)[:, 0].tolist() == SECRET.tolist()


@pytest.mark.parametrize(
    ("variable", "way"),
    [
        ("HDF5_EXT_PREFIX", "external link"),
        ("HDF5_VDS_PREFIX", "virtual"),
        ("HDF5_EXTFILE_PREFIX", "external samples"),
    ],
)
def test_prefixes_in_the_environment_count(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, variable: str, way: str
) -> None:
    own, private = places
    kinds: dict[str, Callable[[h5py.File], object]] = {
        "external link": lambda file: put(file, "x", h5py.ExternalLink("secret.h5", "/d")),
        "virtual": lambda file: virtual(file, "x", "secret.h5"),
        "external samples": lambda file: external(file, "x", "secret.bin"),
    }
    path = write(own / "a.h5", kinds[way])
    monkeypatch.setenv(variable, str(private))
    assert f"{private}/secret" in str(by_path(path)["/x"].problem)
    assert f"{private}/secret" in refused(path, "x", **RATE)
    monkeypatch.setenv(variable, "${ORIGIN}/../private")
    if way != "external link":
        assert f"{private}/secret" in refused(path, "x", **RATE)


def test_facts_beside_samples_do_not_come_from_outside(places: tuple[Path, Path]) -> None:
    own, private = places
    write(private / "facts.h5", lambda file: (put(file, "fs", 5.0), put(file, "time", np.arange(20.0))))

    def fill(file: h5py.File) -> None:
        file["x"] = SECRET
        file["fs"] = h5py.ExternalLink(f"{private}/facts.h5", "/fs")

    path = write(own / "a.h5", fill)
    assert f"/fs is in {private}/facts.h5" in str(by_path(path)["/x"].problem)
    assert f"/fs is in {private}/facts.h5" in refused(path, "x")
    with opened(path, "x", **RATE) as recording:
        assert recording.sampling_frequency == 10

    def times(file: h5py.File) -> None:
        file["x"] = SECRET
        file["time"] = h5py.ExternalLink(f"{private}/facts.h5", "/time")

    path = write(own / "a.h5", times)
    assert f"/time is in {private}/facts.h5" in refused(path, "x", timestamps="time")

    def scale(file: h5py.File) -> None:
        file["x"] = SECRET
        external(file, "time", f"{private}/secret.bin")
        file["time"].make_scale("time")
        file["x"].dims[0].attach_scale(file["time"])

    path = write(own / "a.h5", scale)
    assert str(private) in str(by_path(path)["/x"].problem)


def test_nwb_objects_do_not_come_from_outside(places: tuple[Path, Path]) -> None:
    own, private = places
    write(private / "labels.h5", lambda file: file.create_dataset("label", data=["s", "t"], dtype=TEXT))

    def fill(file: h5py.File) -> None:
        series(file, "acquisition/linked", h5py.ExternalLink(f"{private}/secret.h5", "/d"), rate=10.0)
        series(file, "acquisition/timed", SECRET, timestamps=h5py.ExternalLink(f"{private}/secret.h5", "/d"))
        electrodes = table(
            file, "general/extracellular_ephys/electrodes", "DynamicTable", [7, 8], {"x": [0.0, 1.0]}
        )
        electrodes["label"] = h5py.ExternalLink(f"{private}/labels.h5", "/label")
        group = series(file, "acquisition/labelled", np.zeros((9, 2)), rate=10.0)
        region(file, f"{group.name}/electrodes", [0, 1], "general/extracellular_ephys/electrodes")
        series(file, "acquisition/own", SECRET, rate=10.0)

    path = write_nwb(own / "a.nwb", fill)
    found = by_path(path)
    assert found["/acquisition/own"].problem is None
    for name in ("linked", "timed"):
        assert "outside the recording's own folder" in str(found[f"/acquisition/{name}"].problem)
    for name in ("linked", "timed", "labelled"):
        assert str(private) in refused(path, f"acquisition/{name}")
        with opened(path, f"acquisition/{name}", follow_external=True) as recording:
            assert recording.num_samples
    assert opened(path, "acquisition/own").num_samples == 20
    assert str(private) in CliRunner().invoke(inspect, [str(path)]).output


def test_virtual_datasets_of_themselves_are_refused(places: tuple[Path, Path]) -> None:
    own, _ = places
    path = write(own / "a.h5", lambda file: virtual(file, "d", "a.h5"))
    assert "made of itself" in refused(path, "d", **RATE)
    path = write(own / "b.h5", lambda file: virtual(file, "d", "c.h5"))
    write(own / "c.h5", lambda file: virtual(file, "d", "b.h5"))
    assert "made of itself" in refused(path, "d", **RATE)
    assert "made of itself" in str(by_path(path)["/d"].problem)
    for level in range(12):
        write(own / f"v{level}.h5", lambda file, level=level: virtual(file, "d", f"v{level + 1}.h5"))
    assert "too many" in refused(own / "v0.h5", "d", **RATE)


def test_what_is_no_regular_file_is_not_waited_for(places: tuple[Path, Path]) -> None:
    own, _ = places
    os.mkfifo(own / "pipe")
    write(own / "middle.h5", lambda file: put(file, "l", h5py.ExternalLink("pipe", "/d")))

    def fill(file: h5py.File) -> None:
        file["link"] = h5py.ExternalLink("pipe", "/d")
        file["far"] = h5py.ExternalLink("middle.h5", "/l/d")
        virtual(file, "virtual", "pipe")
        external(file, "samples", "pipe")
        external(file, "device", "/dev/zero")

    path = write(own / "a.h5", fill)
    found = by_path(path)
    for name in ("link", "far", "virtual", "samples", "device"):
        assert "no regular file" in str(found[f"/{name}"].problem)
        assert "no regular file" in refused(path, name, follow_external=True, **RATE)


def test_a_file_that_is_replaced_while_it_is_read_is_an_error(places: tuple[Path, Path]) -> None:
    own, private = places
    for kind, name in ((external, "part.bin"), (virtual, "part.h5")):
        secret = private / ("secret.bin" if kind is external else "secret.h5")
        (own / name).write_bytes(secret.read_bytes())
        path = write(own / "a.h5", lambda file, kind=kind, name=name: kind(file, "x", name))
        with opened(path, "x", **RATE) as recording:
            assert read(recording, 0, 5)[:, 0].tolist() == SECRET[:5].tolist()
            (own / name).unlink()
            (own / name).symlink_to(secret)
            with pytest.raises(ReaderError, match="changed while it was read"):
                read(recording)


def test_hidden_folders_are_outside(places: tuple[Path, Path]) -> None:
    own, _ = places
    (own / ".ssh").mkdir()
    SECRET.tofile(own / ".ssh" / "id")
    path = write(own / "a.h5", lambda file: external(file, "x", ".ssh/id"))
    assert ".ssh/id, outside" in refused(path, "x", **RATE)


def test_a_linked_recording_reads_beside_the_link_and_beside_the_file(places: tuple[Path, Path]) -> None:
    own, private = places
    write(private / "a.h5", lambda file: put(file, "x", h5py.ExternalLink("secret.h5", "/d")))
    (own / "a.h5").symlink_to(private / "a.h5")
    with open_recording(own / "a.h5", options=ReadOptions(dataset="x", sampling_frequency=10)) as recording:
        assert recording.num_samples == 20
    assert list_candidates(own / "a.h5")[0].problem is None
