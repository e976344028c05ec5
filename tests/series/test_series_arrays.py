"""Arrays cut into parts and packs: how many rows, writing in threads, continuing, and what a reader checks."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seriesview.errors import IntegrityError, MissingArtifactError, RequestError, StoreError
from seriesview.series.array_info import ArrayInfo
from seriesview.series.arrays import ArrayReader, ArrayWriter, PartCache
from seriesview.series.packing import num_files, pack_parts, part_rows
from seriesview.series.packs import PartPool
from seriesview.store import open_store, sha1_uri
from seriesview.store.paths import staging_directory

PACK_PARTS = 2


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr("seriesview.series.packing.MAX_PACK_BYTES", PACK_PARTS * 2 * 1024**2)
    return open_store(tmp_path / "store", "embedded")


@given(dtype=st.sampled_from(["int8", "int16", "float32", "float64"]), width=st.integers(1, 40_000_000))
def test_a_part_is_the_largest_power_of_two_of_rows_that_fits(dtype, width):
    limit = 2 * 1024**2
    row = np.dtype(dtype).itemsize * width
    rows = part_rows(dtype, (width,))
    assert rows & (rows - 1) == 0
    assert rows == 1 or rows * row <= limit
    assert rows == 65536 or rows * 2 * row > limit
    parts = pack_parts(dtype, (width,))
    assert 1 <= parts <= 64
    assert parts == 1 or parts * rows * row <= 20_000_000
    assert parts == 64 or (parts + 1) * rows * row > 20_000_000


@given(rows=st.integers(0, 70), part_rows=st.integers(1, 5), pack_parts=st.integers(1, 4), data=st.data())
def test_where_parts_lie(rows, part_rows, pack_parts, data):
    parts = -(-rows // part_rows)
    there = data.draw(st.lists(st.booleans(), min_size=parts, max_size=parts))
    left_out = [
        (part * part_rows, min((part + 1) * part_rows, rows)) for part in range(parts) if not there[part]
    ]
    info = ArrayInfo("int16", (rows, 3), part_rows, pack_parts, (), tuple(left_out))
    assert info.num_parts == parts
    packs = [range(parts)[first : first + pack_parts] for first in range(0, parts, pack_parts)]
    assert [info.parts_of_pack(pack) for pack in range(info.num_packs)] == packs
    sizes = [6 * min(part_rows, rows - part * part_rows) for part in range(parts)]
    for number, pack in enumerate(packs):
        position = 0
        for part in pack:
            assert info.has_part(part) == there[part]
            assert info.part_size(part) == sizes[part]
            assert info.part_offset(part) == position
            position += sizes[part] * there[part]
        assert info.pack_bytes(number) == position


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
    packs = [b"".join(parts[:2]), b"".join(parts[2:])]
    hashes = [hashlib.sha1(data).digest() for data in (packs[0], *parts[:2], packs[1], *parts[2:])]
    page = b"".join(hashes)
    assert info.to_json_dict() == {
        "dtype": "float64",
        "shape": [len(ROWS), 32],
        "part_rows": 8192,
        "pack_parts": 2,
        "pages": [f"sha1://{hashlib.sha1(page).hexdigest()}/page.dat"],
    }
    assert store.get_bytes(info.pages[0]) == page
    assert [store.get_bytes(sha1_uri(hashes[index].hex(), "pack.dat")) for index in (0, 3)] == packs
    reader = ArrayReader(store, info)
    for part, data in enumerate(parts):
        pack = hashes[3 * (part // 2)].hex()
        start = len(parts[0]) * (part % 2)
        uri = f"sha1://{hashlib.sha1(data).hexdigest()}/part.dat?chunkOf={pack}~{start}~{start + len(data)}"
        assert reader.place(part) == (bytes.fromhex(pack), start, start + len(data))
        assert store.get_bytes(uri) == data
    assert not list(staging_directory(store.directory).iterdir())
    files = [path for path in store.directory.glob("sha1/??/??/??/*") if path.is_file()]
    assert len(files) == num_files("float64", ROWS.shape) == 3


def test_an_empty_array_has_no_pages(store):
    info = write(store, ROWS[:0], [])
    assert info.shape == (0, 32)
    assert info.pages == ()
    assert len(ArrayReader(store, info).read(0, 0)) == 0


def test_continuing_writes_only_what_is_not_known(store):
    rows = ROWS[: 3 * 8192].repeat(2, axis=0)
    done = []
    info = write(store, rows, [], on_pack=lambda index, entry: done.append((index, entry)))
    assert [index for index, _ in done] == [0, 1, 2]
    assert b"".join(entry for _, entry in done) == store.get_bytes(info.pages[0])
    again = []
    known = [entry for _, entry in done[:2]]
    with ArrayWriter(
        store, ROWS.dtype, (32,), known_packs=known, on_pack=lambda i, d: again.append((i, d))
    ) as writer:
        assert writer.first_row == 4 * 8192
        writer.seek(writer.first_row)
        writer.append(rows[writer.first_row :])
        assert writer.finish() == info
    assert again == done[2:]
    assert write(store, rows, [100], known_packs=known) == info
    with pytest.raises(ValueError, match="not known"):
        ArrayWriter(store, ROWS.dtype, (32,), known_packs=known).seek(4 * 8192 + 1)


def test_packs_that_are_not_full_are_not_told(store):
    for rows in (ROWS[:5], ROWS[: 8192 + 5], ROWS[:8192], ROWS[: 3 * 8192]):
        told = []
        write(store, rows, [], on_pack=lambda index, entry, told=told: told.append(index))
        assert told == list(range(len(rows) // (2 * 8192)))


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
    path = store.path(sha1_uri(reader.pack_digest(0).hex(), "pack.dat"))
    flip(path, 2 * 1024**2 + 77)
    np.testing.assert_array_equal(reader.read(0, 8192), ROWS[:8192])
    with pytest.raises(IntegrityError, match="SHA-1"):
        reader.read(8192, 8193)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="bytes"):
        reader.read(8192, 8193)
    path.unlink()
    with pytest.raises(MissingArtifactError):
        reader.read(8192, 8193)
    np.testing.assert_array_equal(reader.read(2 * 8192, len(ROWS)), ROWS[2 * 8192 :])
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
