"""Files that were cut short or changed: one line that names the file, from whichever way of reading."""

import os
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_datasets import NAME, Stored, read_by_h5py

from seriesview.errors import IntegrityError, ReaderError
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.hdf5.file import open_hdf5
from seriesview.readers.hdf5.samples import Hdf5Samples

SHAPE = (6000, 8)
STORAGE = {
    "contiguous": (None, "none"),
    "chunks": ((1500, 8), "none"),
    "shuffle": ((1500, 4), "shuffle"),
    "gzip": ((1500, 8), "both"),
    "gzip, columns": ((6000, 1), "both"),
    "fletcher32": ((1500, 8), "gzip and fletcher32"),
    "lzf": ((1500, 8), "lzf"),
}


def store(path: Path, kind: str) -> None:
    chunks, filters = STORAGE[kind]
    Stored(np.dtype("<i2"), SHAPE, chunks, filters, noise=0.3).write(path)


def read_all(samples: Hdf5Samples | SampleFile, rows: int = 700) -> None:
    out = np.empty((rows, SHAPE[1]), np.int16)
    for first in range(0, SHAPE[0], rows):
        samples.read_into(first, out[: SHAPE[0] - first])


def is_one_line_about(path: Path, error: pytest.ExceptionInfo[Exception]) -> bool:
    message = str(error.value)
    return message.startswith(f"{path}: ") and "\n" not in message and len(message) < 500


@pytest.mark.parametrize("kind", STORAGE)
def test_cut_short_while_it_is_open(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.h5"
    store(path, kind)
    with h5py.File(path) as file:
        samples = Hdf5Samples(file[NAME], path)
        os.truncate(path, path.stat().st_size // 3)
        with pytest.raises((IntegrityError, ReaderError)) as error:
            read_all(samples)
        assert is_one_line_about(path, error)
        samples.close()


@pytest.mark.parametrize("kind", [kind for kind in STORAGE if STORAGE[kind][1] not in ("none", "shuffle")])
@pytest.mark.parametrize("what", ["byte", "zeros", "head"])
def test_changed_chunks(tmp_path: Path, kind: str, what: str) -> None:
    path = tmp_path / "a.h5"
    store(path, kind)
    with h5py.File(path, "r+") as file:
        info = file[NAME].id.get_chunk_info(2)
    # HDF5 checks lzf's chunks for their length alone, which a changed byte seldom touches.
    first, last = {"byte": (info.size // 2, info.size // 2 + 1), "zeros": (30, info.size), "head": (0, 2)}[
        what
    ]
    with path.open("r+b") as raw:
        raw.seek(info.byte_offset + first)
        old = raw.read(last - first)
        raw.seek(info.byte_offset + first)
        raw.write(bytes(len(old)) if what == "zeros" else bytes(byte ^ 0xFF for byte in old))
    with h5py.File(path) as file:
        samples = Hdf5Samples(file[NAME], path)
        if kind != "lzf" or what == "zeros":
            with pytest.raises((IntegrityError, ReaderError)) as error:
                read_all(samples)
            assert is_one_line_about(path, error)
        samples.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_a_deflated_chunk_gives_other_samples(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever happens to the stream, the samples are those that were written, or there is an error."""
    path = tmp_path / "a.h5"
    store(path, "gzip")
    with h5py.File(path) as file:
        info = file[NAME].id.get_chunk_info(1)
        expected = read_by_h5py(file[NAME])
        layout = Hdf5Samples(file[NAME], path).layout
    assert layout is not None
    with path.open("r+b") as raw:
        for _ in range(data.draw(st.integers(1, 3))):
            raw.seek(info.byte_offset + data.draw(st.integers(0, info.size - 1)))
            raw.write(data.draw(st.binary(min_size=1, max_size=1)))
    with SampleFile(layout, data.draw(st.integers(1, 2))) as samples:
        try:
            found = samples.read(0, SHAPE[0])
        except IntegrityError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017
            assert (samples.read(0, 1500) == expected[:1500]).all()
            assert (samples.read(3000, 6000) == expected[3000:]).all()
        else:
            assert (found == expected).all()


def chunk_file(path: Path, stored: list[bytes], filters: Any) -> ChunkedLayout:
    """Chunks of 1000 x 2 int16 in a file of their own."""
    path.write_bytes(b"".join(stored))
    sizes = [len(each) for each in stored]
    table = np.array([[sum(sizes[:index]), size] for index, size in enumerate(sizes)], np.int64)
    return ChunkedLayout(path, np.dtype("<i2"), 1000 * len(stored), 2, (1000, 2), filters, table)


@pytest.mark.parametrize("wrong", ["longer", "shorter", "garbage behind", "cut", "empty stream"])
def test_streams_of_another_length(tmp_path: Path, wrong: str) -> None:
    values = np.arange(2000, dtype=np.int16).reshape(1000, 2)
    whole = zlib.compress(values.tobytes())
    damaged = {
        "longer": zlib.compress(values.tobytes() + bytes(50_000_000)),
        "shorter": zlib.compress(values.tobytes()[:-2]),
        "garbage behind": whole + b"garbage",
        "cut": whole[:-5],
        "empty stream": zlib.compress(b""),
    }[wrong]
    layout = chunk_file(tmp_path / "a.bin", [whole, damaged, whole], ("deflate",))
    with SampleFile(layout, 2) as samples:
        if wrong == "garbage behind":  # HDF5 reads such chunks
            assert (samples.read(0, 3000) == np.tile(values, (3, 1))).all()
            return
        with pytest.raises(IntegrityError, match="chunk 1 at byte") as error:
            samples.read(0, 3000)
        assert is_one_line_about(tmp_path / "a.bin", error)
        assert (samples.read(2000, 3000) == values).all()


@pytest.mark.parametrize("size", [3999, 4001, 100])
def test_shuffled_chunks_of_another_length(tmp_path: Path, size: int) -> None:
    layout = chunk_file(tmp_path / "a.bin", [bytes(size), bytes(4000)], ("shuffle",))
    with SampleFile(layout) as samples, pytest.raises(IntegrityError, match="chunk 0 at byte 0") as error:
        samples.read(0, 1000)
    assert is_one_line_about(tmp_path / "a.bin", error)


@pytest.mark.parametrize("channels", [None, [1], [0, 2]])
def test_flat_files_that_end_early(tmp_path: Path, channels: list[int] | None) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(bytes(599))
    layout = ContiguousLayout(path, np.dtype("<i2"), 100, 3, 0, 6, 2)
    with SampleFile(layout) as samples:
        assert samples.read(0, 99, channels).shape[0] == 99
        if channels != [0]:
            with pytest.raises(IntegrityError, match="ends at byte 599") as error:
                samples.read(0, 100, [2])
            assert is_one_line_about(path, error)


def test_a_damaged_chunk_at_the_edge_is_found_when_it_is_read(tmp_path: Path) -> None:
    """Files in which chunks at the edges are not filtered are recognised by reading one; that may fail."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_chunk((1000, 2))
        created.set_deflate(1)
        space = h5py.h5s.create_simple((1500, 2), (h5py.h5s.UNLIMITED, 2))
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"data", h5py.h5t.STD_I16LE, space, created))
        dataset[...] = np.arange(3000).reshape(1500, 2) % 50
        # A stored size like that of an unfiltered chunk, which cannot be inflated.
        dataset.id.write_direct_chunk((1000, 0), b"\x78\x9c" + bytes(3998))
    with h5py.File(path) as file:
        samples = Hdf5Samples(file["data"], path)
        with pytest.raises((IntegrityError, ReaderError)) as error:
            samples.read_into(0, np.empty((1500, 2), np.int16))
        assert is_one_line_about(path, error)
        samples.close()


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("byte", [0, 255])
def test_a_damaged_chunk_index(tmp_path: Path, libver: Any, byte: int) -> None:
    path = tmp_path / "a.h5"
    Stored(np.dtype("<i2"), SHAPE, (1500, 2), "both", libver=libver, noise=0.3).write(path)
    whole = path.read_bytes()
    signature = b"TREE\x01" if libver == "earliest" else b"EADB" if b"EADB" in whole else b"BTLF"
    begin = whole.rindex(signature)
    for position in range(begin + 5, begin + 120, 3):
        path.write_bytes(whole[:position] + bytes([byte]) * 4 + whole[position + 4 :])
        with open_hdf5(path) as file:
            samples = None
            try:
                samples = Hdf5Samples(file[NAME], path)
                read_all(samples)
            except (IntegrityError, ReaderError) as error:
                assert str(error).startswith(f"{path}: ")  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017
            finally:
                if samples is not None:
                    samples.close()


def test_damaged_metadata_is_an_error_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    Stored(np.dtype("<i2"), SHAPE, libver="latest").write(path)
    whole = bytearray(path.read_bytes())
    whole[44] ^= 0xFF  # the checksum of the first block
    path.write_bytes(whole)
    with pytest.raises(ReaderError) as error:
        open_hdf5(path)
    assert is_one_line_about(path, error)
