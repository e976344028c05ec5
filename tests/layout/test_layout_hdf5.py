"""Samples of HDF5 datasets, by byte range or through the library, against what h5py reads."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_datasets import BY_BYTE_RANGE, NAME, Stored, chunked, contiguous, read_by_h5py, same

from seriesview.errors import RequestError
from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.hdf5.reach import reach_of
from seriesview.readers.hdf5.samples import Hdf5Samples

examples = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
KINDS = ("int16", ">i2", "int8", "float32", ">f8", "bool")


def block(samples: Hdf5Samples | SampleFile, first: int, last: int, channels: int) -> npt.NDArray[Any]:
    """Samples read into a block that was full of something else."""
    out = np.frombuffer(b"\xa5" * ((last - first) * channels * samples.dtype.itemsize), samples.dtype)
    out = out.reshape(last - first, channels).copy()
    samples.read_into(first, out)
    return out


def check(dataset: h5py.Dataset, path: Path, order: str, data: st.DataObject) -> Hdf5Samples:
    """Compare windows at random places, and passes in blocks, with the values of h5py."""
    expected = read_by_h5py(dataset, order)
    num_samples, num_channels = expected.shape
    samples = Hdf5Samples(dataset, path, order)  # type: ignore[arg-type]
    assert (samples.num_samples, samples.num_channels, samples.dtype) == (*expected.shape, expected.dtype)
    readers: list[Hdf5Samples | SampleFile] = [samples]
    if samples.layout is not None:
        readers.append(SampleFile(samples.layout, data.draw(st.integers(1, 3))))
    spans = st.tuples(st.integers(0, num_samples), st.integers(0, num_samples)).map(sorted)
    for reader in readers:
        for first, last in data.draw(st.lists(spans, max_size=4)):
            assert same(block(reader, first, last, num_channels), expected[first:last])
        length = data.draw(st.integers(1, num_samples))
        for first in range(0, num_samples, length):
            last = min(first + length, num_samples)
            assert same(block(reader, first, last, num_channels), expected[first:last])
        if isinstance(reader, SampleFile):
            for first, last in data.draw(st.lists(spans, max_size=4)):
                channels = data.draw(st.none() | st.lists(st.integers(0, num_channels - 1), max_size=12))
                chosen = expected[first:last] if channels is None else expected[first:last, channels]
                assert same(reader.read(first, last, channels), chosen)
        reader.close()
    return samples


@examples
@given(stored=contiguous(), order=st.sampled_from("CF"), data=st.data())
def test_contiguous_datasets(tmp_path: Path, stored: Stored, order: str, data: st.DataObject) -> None:
    stored.write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        samples = check(file[NAME], tmp_path / "a.h5", order, data)
    assert isinstance(samples.layout, ContiguousLayout)


@examples
@given(stored=chunked(), order=st.sampled_from("CF"), data=st.data())
def test_chunked_datasets(tmp_path: Path, stored: Stored, order: str, data: st.DataObject) -> None:
    stored.write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        samples = check(file[NAME], tmp_path / "a.h5", order, data)
        masks: list[int] = []
        file[NAME].id.chunk_iter(lambda info: masks.append(info.filter_mask))
    # Chunks that their filters would make larger are stored without them, which a layout cannot say.
    assert (samples.layout is not None) == (
        stored.filters in BY_BYTE_RANGE
        and not any(masks)
        and (order == "C" or len(stored.shape) == 1 or 1 in (stored.chunks or ()))
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("filters", ["none", "gzip", "both", "lzf"])
@pytest.mark.parametrize("chunks", [(256, 32), (1000, 1), (4096, 5), (1, 32), (100, 7)])
def test_chunks_as_large_as_files_have_them(tmp_path: Path, kind: str, filters: str, chunks: Any) -> None:
    stored = Stored(np.dtype(kind if kind != "bool" else "?"), (3000, 32), chunks, filters, noise=0.2)
    stored.write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        expected = read_by_h5py(file[NAME])
        samples = Hdf5Samples(file[NAME], tmp_path / "a.h5")
        for length in (3000, 1024, 333):
            for first in range(0, 3000, length):
                last = min(first + length, 3000)
                assert same(block(samples, first, last, 32), expected[first:last])
        samples.close()


def create(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: Any, values: Any, **properties: Any
) -> Any:
    """A dataset whose creation properties h5py's own interface does not have."""
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for method, arguments in properties.items():
        getattr(created, method)(*arguments)
    stored = dtype if isinstance(dtype, h5py.h5t.TypeID) else h5py.h5t.py_create(np.dtype(dtype))
    identifier = h5py.h5d.create(file.id, name.encode(), stored, h5py.h5s.create_simple(shape), created)
    dataset = h5py.Dataset(identifier)
    if values is not None:
        dataset[...] = values
    return dataset


VALUES = np.arange(900, dtype=np.int16).reshape(300, 3) * 31
OUTSIDE: dict[str, dict[str, Any]] = {
    "compact": {"set_layout": (h5py.h5d.COMPACT,)},
    "chunks allocated early": {"set_chunk": ((70, 2),), "set_alloc_time": (h5py.h5d.ALLOC_TIME_EARLY,)},
    "contiguous, allocated early": {"set_alloc_time": (h5py.h5d.ALLOC_TIME_EARLY,)},
    "deflate, then shuffle": {"set_chunk": ((70, 2),), "set_deflate": (4,), "set_shuffle": ()},
    "shuffle twice": {"set_chunk": ((300, 3),), "set_shuffle": (), "set_filter": (2, 0, (2,))},
    "shuffle of other words": {"set_chunk": ((300, 3),), "set_filter": (2, 0, (4,))},
}


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("kind", OUTSIDE)
@pytest.mark.parametrize("order", ["C", "F"])
def test_unusual_storage(tmp_path: Path, libver: Any, kind: str, order: Any) -> None:
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        create(file, "data", VALUES.shape, "<i2", VALUES, **OUTSIDE[kind])
        create(file, "unwritten", VALUES.shape, "<i2", None, **OUTSIDE[kind])
    with h5py.File(tmp_path / "a.h5") as file:
        for name in ("data", "unwritten"):
            check_all(file[name], tmp_path / "a.h5", order)


def check_all(dataset: h5py.Dataset, path: Path, order: Any = "C") -> Hdf5Samples:
    expected = read_by_h5py(dataset, order)
    with reach_of(path):
        samples = Hdf5Samples(dataset, path, order)
        assert same(block(samples, 0, *expected.shape), expected)
        middle = len(expected) // 2
        assert same(block(samples, middle, len(expected), expected.shape[1]), expected[middle:])
    if samples.layout is not None:
        with SampleFile(samples.layout) as file:
            assert same(file.read(0, len(expected)), expected)
    samples.close()
    return samples


def test_external_files(tmp_path: Path) -> None:
    VALUES.tofile(tmp_path / "raw.bin")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset(
            "data", VALUES.shape, "i2", external=[(str(tmp_path / "raw.bin"), 0, VALUES.nbytes)]
        )
    with h5py.File(tmp_path / "a.h5") as file:
        assert same(read_by_h5py(file["data"]), VALUES)
        assert check_all(file["data"], tmp_path / "a.h5").layout is None
        check_all(file["data"], tmp_path / "a.h5", "F")


def test_links_to_other_files_read_the_other_file(tmp_path: Path) -> None:
    stored = Stored(np.dtype("<i2"), (3000, 3), (1000, 3), "both", noise=0.1)
    stored.write(tmp_path / "other.h5")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = h5py.ExternalLink("other.h5", NAME)
    with h5py.File(tmp_path / "a.h5") as file:
        layout = check_all(file["data"], tmp_path / "a.h5").layout
        assert layout is not None
        assert layout.path.samefile(tmp_path / "other.h5")


def test_virtual_datasets(tmp_path: Path) -> None:
    layout = h5py.VirtualLayout((600, 3), "<i2")
    for index in range(2):
        name = f"part{index}.h5"
        with h5py.File(tmp_path / name, "w") as part:
            part["data"] = VALUES + index
        layout[300 * index : 300 * (index + 1)] = h5py.VirtualSource(name, "data", VALUES.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_virtual_dataset("data", layout, fillvalue=-5)
    with h5py.File(tmp_path / "a.h5") as file:
        assert check_all(file["data"], tmp_path / "a.h5").layout is None
        check_all(file["data"], tmp_path / "a.h5", "F")


@pytest.mark.parametrize("filters", ["none", "both"])
def test_a_dataset_made_smaller(tmp_path: Path, filters: str) -> None:
    stored = Stored(np.dtype("<i2"), (900, 5), (128, 2), filters, noise=0.1)
    stored.write(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file[NAME].resize((300, 3))
    with h5py.File(tmp_path / "a.h5") as file:
        assert check_all(file[NAME], tmp_path / "a.h5").layout is not None
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file[NAME].resize((2000, 8))
    with h5py.File(tmp_path / "a.h5") as file:
        assert check_all(file[NAME], tmp_path / "a.h5").layout is not None


def test_values_that_numpy_has_no_type_for(tmp_path: Path) -> None:
    twelve_bits = h5py.h5t.STD_I16LE.copy()
    twelve_bits.set_precision(12)
    shifted = twelve_bits.copy()
    shifted.set_offset(4)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, kind in (("low", twelve_bits), ("high", shifted)):
            create(file, name, VALUES.shape, kind, VALUES % 2000 - 1000)
        kind = h5py.enum_dtype({"off": 0, "on": 7}, "<i2")
        file.create_dataset("enum", data=VALUES, dtype=kind, chunks=(300, 3), compression="gzip")
    with h5py.File(tmp_path / "a.h5") as file:
        for name in ("low", "high", "enum"):
            check_all(file[name], tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("dtype", "fill_value"),
    [
        ("f4", np.nan),
        ("f8", -np.inf),
        ("f8", 0.1),
        ("<u8", 2**64 - 1),
        (">i8", -(2**63) + 1),
        ("?", True),
        (">f2", 0.1),
    ],
)
@pytest.mark.parametrize("filters", ["none", "both"])
def test_fill_values(tmp_path: Path, dtype: str, fill_value: float, filters: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        options = {"shuffle": True, "compression": "gzip"} if filters == "both" else {}
        dataset = file.create_dataset(
            "data", (900, 6), dtype, chunks=(200, 6), fillvalue=fill_value, **options
        )
        dataset[300:500] = 1
        file.create_dataset("unwritten", (900, 6), dtype, chunks=(200, 6), fillvalue=fill_value, **options)
        file.create_dataset("contiguous", (900, 6), dtype, fillvalue=fill_value)
    with h5py.File(tmp_path / "a.h5") as file:
        for dataset in file.values():
            check_all(dataset, tmp_path / "a.h5")


@pytest.mark.parametrize("layout", [{}, {"chunks": (200, 6)}, {"chunks": (200, 6), "compression": "lzf"}])
def test_samples_that_there_are_not(tmp_path: Path, layout: dict[str, Any]) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=np.ones((900, 6), np.int32), **layout)
    with h5py.File(tmp_path / "a.h5") as file:
        samples = Hdf5Samples(file["data"], tmp_path / "a.h5")
        for first, last in ((-1, 3), (890, 901), (900, 901), (5000, 5001)):
            with pytest.raises(RequestError) as raised:
                block(samples, first, last, 6)
            assert str(tmp_path / "a.h5") in str(raised.value)
        assert block(samples, 900, 900, 6).shape == (0, 6)
        samples.close()
