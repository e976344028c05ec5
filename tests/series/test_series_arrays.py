"""Arrays cut into parts: how many rows, writing in threads, continuing, and what a reader checks."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seriesview.errors import IntegrityError, MissingArtifactError, RequestError, StoreError
from seriesview.series.arrays import ArrayReader, ArrayWriter, PartCache, PartPool, part_rows
from seriesview.store import open_store


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


@given(
    dtype=st.sampled_from(["int8", "int16", "float32", "float64"]),
    width=st.integers(1, 40_000_000),
    kind=st.sampled_from(["level", "values"]),
)
def test_a_part_is_the_largest_power_of_two_of_rows_that_fits(dtype, width, kind):
    limit = {"level": 2 * 1024**2, "values": 16 * 1024**2}[kind]
    row = np.dtype(dtype).itemsize * width
    rows = part_rows(dtype, (width,), kind)
    assert rows & (rows - 1) == 0
    assert rows == 1 or rows * row <= limit
    assert rows == 65536 or rows * 2 * row > limit


def write(store, rows, blocks, **options):
    with ArrayWriter(store, rows.dtype, rows.shape[1:], **options) as writer:
        begin = 0
        for size in blocks:
            writer.append(rows[begin : begin + size])
            begin += size
        writer.append(rows[begin:])
        return writer.finish()


ROWS = np.arange(3 * 8192 * 32 + 5 * 32, dtype=np.float64).reshape(-1, 32)


def test_rows_come_back_whatever_the_blocks(store):
    info = write(store, ROWS, [1, 8191, 0, 9000])
    assert info.part_rows == 8192
    assert info.shape == ROWS.shape
    assert info == write(store, ROWS, [])
    reader = ArrayReader(store, info)
    assert reader.num_parts == 4
    np.testing.assert_array_equal(reader.read(0, len(ROWS)), ROWS)
    np.testing.assert_array_equal(reader.read(8000, 9000), ROWS[8000:9000])
    assert reader.read(5, 5).shape == (0, 32)
    with pytest.raises(RequestError, match="not within"):
        reader.read(0, len(ROWS) + 1)


def test_parts_and_pages_are_plain_bytes(store):
    info = write(store, ROWS, [])
    parts = [ROWS[i : i + 8192].tobytes() for i in range(0, len(ROWS), 8192)]
    page = b"".join(hashlib.sha1(part).digest() for part in parts)
    assert info.pages == (f"sha1://{hashlib.sha1(page).hexdigest()}/page.dat",)
    assert store.get_bytes(info.pages[0]) == page


def test_an_empty_array_has_no_pages(store):
    info = write(store, ROWS[:0], [])
    assert info.shape == (0, 32)
    assert info.pages == ()
    assert len(ArrayReader(store, info).read(0, 0)) == 0


def test_continuing_writes_only_what_is_not_known(store):
    done = []
    info = write(store, ROWS, [], on_part=lambda index, digest: done.append((index, digest)))
    assert [index for index, _ in done] == [0, 1, 2]
    again = []
    known = [digest for _, digest in done[:2]]
    with ArrayWriter(
        store, ROWS.dtype, (32,), known_digests=known, on_part=lambda i, d: again.append((i, d))
    ) as writer:
        assert writer.first_row == 2 * 8192
        writer.seek(writer.first_row)
        writer.append(ROWS[writer.first_row :])
        assert writer.finish() == info
    assert again == done[2:]
    assert write(store, ROWS, [100], known_digests=known) == info
    with pytest.raises(ValueError, match="not known"):
        ArrayWriter(store, ROWS.dtype, (32,), known_digests=known).seek(2 * 8192 + 1)


def test_one_pool_serves_many_writers(store):
    with PartPool(store) as pool:
        infos = [write(store, ROWS + i, [10], pool=pool) for i in range(3)]
    for i, info in enumerate(infos):
        np.testing.assert_array_equal(ArrayReader(store, info).read(0, len(ROWS)), ROWS + i)


def test_what_fails_in_a_thread_is_raised_to_the_caller(store):
    writer = ArrayWriter(store, ROWS.dtype, (32,))
    (store.directory / "sha1").mkdir(parents=True, exist_ok=True)
    for prefix in range(256):
        (store.directory / "sha1" / f"{prefix:02x}").write_text("in the way")
    with writer:
        writer.append(ROWS[:10])
        with pytest.raises(StoreError, match="cannot write"):
            writer.finish()


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_flipped_bit_in_a_part_or_a_page_is_found(store):
    info = write(store, ROWS, [])
    reader = ArrayReader(store, info)
    path = store.path(f"sha1://{reader.digest(1).hex()}/part.dat")
    flip(path, 77)
    np.testing.assert_array_equal(reader.read(0, 8192), ROWS[:8192])
    with pytest.raises(IntegrityError, match="SHA-1"):
        reader.read(8192, 8193)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="bytes"):
        reader.read(8192, 8193)
    path.unlink()
    with pytest.raises(MissingArtifactError):
        reader.read(8192, 8193)
    flip(store.path(info.pages[0]), 3)
    with pytest.raises(IntegrityError, match="SHA-1"):
        ArrayReader(store, info).read(0, 1)


def test_the_cache_is_bounded_and_parts_are_loaded_once(store):
    info = write(store, ROWS, [])
    page = len(store.get_bytes(info.pages[0]))
    cache = PartCache(2 * 8192 * 32 * 8 + page)
    reader = ArrayReader(store, info, cache)
    first = reader.part(0)
    assert np.shares_memory(reader.part(0), first)
    assert not first.flags.writeable
    assert np.shares_memory(reader.read(5, 10), first)
    reader.part(1), reader.part(2)
    assert cache.get(reader.digest(0)) is None
    assert cache.get(reader.digest(1)) is not None
