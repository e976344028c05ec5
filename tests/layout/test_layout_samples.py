"""Samples by byte range from files that no library wrote: any stride, any choice of channels, many threads."""

import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_datasets import DTYPES, same

from seriesview.errors import RequestError
from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, Layout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.hdf5.samples import Hdf5Samples

examples = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NUMBERS = [name for name in DTYPES if name != "?"]


def random_values(dtype: np.dtype[Any], *shape: int) -> npt.NDArray[Any]:
    random = np.random.default_rng(sum(shape))
    return np.frombuffer(random.bytes(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)


def native(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def check_windows(layout: Layout, expected: npt.NDArray[Any], data: st.DataObject) -> None:
    count, channels = expected.shape
    with SampleFile(layout, data.draw(st.integers(1, 3))) as samples:
        for _ in range(4):
            first, last = sorted((data.draw(st.integers(0, count)), data.draw(st.integers(0, count))))
            chosen = data.draw(st.none() | st.lists(st.integers(0, channels - 1), max_size=2 * channels))
            window = expected[first:last] if chosen is None else expected[first:last, chosen]
            assert same(samples.read(first, last, chosen), native(window))
            out = np.empty((last - first, channels), samples.dtype)
            samples.read_into(first, out)
            assert same(out, native(expected[first:last]))
            firsts = sorted(data.draw(st.lists(st.integers(0, first), min_size=1, max_size=3)))
            blocks = np.empty((len(firsts), last - first, channels), samples.dtype)
            samples.read_each_into(firsts, blocks)
            for begin, block in zip(firsts, blocks, strict=True):
                assert same(block, native(expected[begin : begin + last - first]))


@examples
@given(data=st.data())
def test_any_stride(tmp_path: Path, data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(NUMBERS)))
    count, channels = data.draw(st.integers(1, 50)), data.draw(st.integers(1, 6))
    gap, offset = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))
    by_row = data.draw(st.booleans())
    lines, length = (count, channels) if by_row else (channels, count)
    line_bytes = length * dtype.itemsize + gap
    expected = random_values(dtype, count, channels)
    stored = bytearray(b"\xee" * offset)
    for line in expected if by_row else expected.T:
        stored += line.tobytes() + b"\xee" * gap
    assert len(stored) == offset + lines * line_bytes
    (tmp_path / "a.dat").write_bytes(stored)
    strides = (line_bytes, dtype.itemsize) if by_row else (dtype.itemsize, line_bytes)
    layout = ContiguousLayout(tmp_path / "a.dat", dtype, count, channels, offset, *strides)
    assert layout.is_row_major == (by_row and gap == 0) or channels == 1
    check_windows(layout, expected, data)


def write_chunks(
    path: Path, values: npt.NDArray[Any], shape: tuple[int, int], filters: Any, **more: Any
) -> Layout:
    """A file of chunks of `values` (n, C), in shuffled order, and its layout."""
    rows, columns = -(-values.shape[0] // shape[0]), -(-values.shape[1] // shape[1])
    padded = np.zeros((rows * shape[0], columns * shape[1]), values.dtype)
    padded[: values.shape[0], : values.shape[1]] = values
    table = np.zeros((rows * columns, 2), np.int64)
    content = bytearray(b"head")
    for index in np.random.default_rng(0).permutation(rows * columns):
        row, column = divmod(int(index), columns)
        chunk = padded[row * shape[0] : (row + 1) * shape[0], column * shape[1] : (column + 1) * shape[1]]
        stored = chunk.tobytes()
        if "shuffle" in filters:
            stored = np.frombuffer(stored, np.uint8).reshape(-1, values.dtype.itemsize).T.tobytes()
        if "deflate" in filters:
            stored = zlib.compress(stored, 1)
        table[index] = len(content), len(stored)
        content += stored
    path.write_bytes(content)
    return ChunkedLayout(path, values.dtype, *values.shape, shape, filters, table, **more)


@examples
@given(data=st.data())
def test_any_chunks(tmp_path: Path, data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(NUMBERS)))
    expected = random_values(dtype, data.draw(st.integers(1, 60)), data.draw(st.integers(1, 6))).copy()
    shape = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 7))
    filters = data.draw(st.sampled_from([(), ("shuffle",), ("deflate",), ("shuffle", "deflate")]))
    layout = write_chunks(tmp_path / "a.bin", expected, shape, filters, fill_value=3.0)
    assert isinstance(layout, ChunkedLayout)
    columns = -(-expected.shape[1] // shape[1])
    for index in data.draw(st.sets(st.integers(0, len(layout.chunks) - 1), max_size=3)):
        row, column = divmod(index, columns)
        layout.chunks[index] = 0
        expected[row * shape[0] : (row + 1) * shape[0], column * shape[1] : (column + 1) * shape[1]] = 3
    check_windows(layout, expected, data)


def test_a_channel_twice_in_a_window_of_one_sample(tmp_path: Path) -> None:
    values = random_values(np.dtype(">i4"), 5, 3)
    layout = write_chunks(tmp_path / "a.bin", values, (2, 1), ())
    with SampleFile(layout) as samples:
        assert same(samples.read(3, 4, [2, 2, 0, 2]), native(values[3:4, [2, 2, 0, 2]]))


@pytest.mark.parametrize("channels", [[3], [-1], [0, 99]])
def test_channels_that_there_are_not(tmp_path: Path, channels: list[int]) -> None:
    layout = write_chunks(tmp_path / "a.bin", random_values(np.dtype("<i2"), 5, 3), (2, 1), ())
    with SampleFile(layout) as samples:
        with pytest.raises(RequestError, match="channels 0 to 2"):
            samples.read(0, 2, channels)
        with pytest.raises(RequestError, match="samples 0 to 5"):
            samples.read(0, 6)
        with pytest.raises(ValueError, match="block of shape"):
            samples.read_into(0, np.empty((2, 2), np.int16))


def bytes_read() -> int:
    """What this process has read so far, from the page cache or not."""
    line = Path("/proc/self/io").read_text().splitlines()[0]
    return int(line.removeprefix("rchar: "))


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(1000, 8), (700, 3), (3000, 1), (9000, 8), (64, 8)])
@pytest.mark.parametrize("rows", [512, 1500, 10_000])
def test_a_pass_reads_each_chunk_once(
    tmp_path: Path, threads: int, shape: tuple[int, int], rows: int
) -> None:
    """Whatever the size of the blocks: chunks that reach beyond one are kept."""
    values = random_values(np.dtype("<i2"), 10_000, 8)
    layout = write_chunks(tmp_path / "a.bin", values, shape, ("shuffle", "deflate"))
    before = bytes_read()
    with SampleFile(layout, threads) as samples:
        out = np.empty((rows, 8), np.int16)
        for first in range(0, len(values), rows):
            samples.read_into(first, out[: len(values) - first])
            assert same(out[: len(values) - first], values[first : first + rows])
    read = bytes_read() - before
    assert read < (tmp_path / "a.bin").stat().st_size + 10_000


def test_windows_at_one_place_inflate_once(tmp_path: Path) -> None:
    values = random_values(np.dtype("<i2"), 10_000, 8)
    layout = write_chunks(tmp_path / "a.bin", values, (5000, 4), ("shuffle", "deflate"))
    with SampleFile(layout) as samples:
        samples.read(4000, 6000)
        before = bytes_read()
        for first in range(4000, 5000, 100):
            assert same(samples.read(first, first + 500, [5, 1]), values[first : first + 500, [5, 1]])
        assert bytes_read() - before < 10_000


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("filters", [(), ("shuffle", "deflate")])
def test_many_threads_share_a_file(tmp_path: Path, threads: int, filters: Any) -> None:
    values = random_values(np.dtype(">i4"), 20_000, 6)
    expected = native(values)
    layout = write_chunks(tmp_path / "a.bin", values, (1777, 4), filters)
    with SampleFile(layout, threads) as samples:
        check_from_threads(samples, expected)


def check_from_threads(samples: Any, expected: npt.NDArray[Any]) -> None:
    together = threading.Barrier(4)

    def work(seed: int) -> bool:
        random = np.random.default_rng(seed)
        together.wait()
        for first in random.integers(0, len(expected) - 3000, 40):
            out = np.empty((int(random.integers(1, 3000)), expected.shape[1]), expected.dtype)
            samples.read_into(int(first), out)
            if not same(out, expected[first : first + len(out)]):
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


@pytest.mark.parametrize("storage", [{}, {"compression": "gzip"}, {"compression": "lzf"}])
def test_many_threads_share_a_dataset(tmp_path: Path, storage: dict[str, Any]) -> None:
    values = np.random.default_rng(0).integers(-300, 300, (20_000, 6)).astype(np.int32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=values, chunks=(1777, 4), **storage)
    with h5py.File(tmp_path / "a.h5") as file:
        samples = Hdf5Samples(file["data"], tmp_path / "a.h5")
        check_from_threads(samples, values)
        samples.close()


def test_closing_twice_and_reading_after_a_failure(tmp_path: Path) -> None:
    values = random_values(np.dtype("<f4"), 100, 2)
    layout = write_chunks(tmp_path / "a.bin", values, (30, 2), ("deflate",))
    samples = SampleFile(layout, 2)
    with pytest.raises(RequestError):
        samples.read(50, 101)
    assert same(samples.read(50, 100), values[50:])
    samples.close()
    samples.close()
    with pytest.raises(OSError):
        SampleFile(ContiguousLayout(tmp_path / "gone", np.dtype("i2"), 1, 1, 0, 2, 2))
