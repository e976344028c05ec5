"""Writing past the page cache: the same bytes from any address, of any size, on any file system."""

import fcntl
import hashlib
import mmap
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from other_process import in_child

from seriesview.errors import StoreError
from seriesview.store import Store, open_store
from seriesview.store.direct import DIRECT_BYTES, write_directly
from seriesview.store.writer import AtomicWriter

PAGE = 4096
PART = 2 << 20
SIZES = sorted(
    {base + step for base in (0, 512, PAGE, DIRECT_BYTES, DIRECT_BYTES + PAGE, PART) for step in (-1, 0, 1)}
    - {-1}
)


def buffer(size: int, shift: int) -> memoryview:
    """`size` random bytes that begin `shift` bytes behind the beginning of a page."""
    memory = mmap.mmap(-1, size + shift + 1)
    memory[shift : shift + size] = np.random.default_rng(size).bytes(size)
    return memoryview(memory)[shift : shift + size]


def put(store: Store, data: memoryview) -> Path:
    sha1 = hashlib.sha1(data).hexdigest()
    AtomicWriter(store.directory).put(data, sha1)
    return store.directory / "sha1" / sha1[:2] / sha1[2:4] / sha1[4:6] / sha1


@pytest.fixture(params=["here", "tmpfs", "ramfs"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A directory of the disk, one in memory, and one on a file system that refuses direct access."""
    if request.param == "here":
        yield tmp_path
        return
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", request.param, request.param, str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("shift", [0, 1, 16, 512, PAGE - 1])
def test_sizes_around_pages_and_blocks(directory: Path, shift: int) -> None:
    with open_store(directory / "store", "embedded") as store:
        for size in SIZES:
            data = buffer(size, shift)
            assert put(store, data).read_bytes() == data.tobytes()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(0, 2 * DIRECT_BYTES), shift=st.integers(0, PAGE))
@example(size=DIRECT_BYTES + 1, shift=PAGE)
def test_any_size_and_address(tmp_path: Path, size: int, shift: int) -> None:
    with open_store(tmp_path / "store", "embedded") as store:
        data = buffer(size, shift)
        path = put(store, data)
        assert path.read_bytes() == data.tobytes()
        assert path.stat().st_size == size


def test_arrays_and_bytes(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", "embedded") as store:
        array = np.random.default_rng(1).integers(-300, 300, (PART // 64, 32)).astype(np.int16)
        for data in (array.tobytes(), memoryview(array).cast("B"), bytearray(array.tobytes())[1:]):
            sha1 = store.put_part(data)
            assert store.get_part(sha1) == bytes(data)


def test_what_is_written_directly_is_a_beginning(directory: Path) -> None:
    for index, size in enumerate((DIRECT_BYTES - 1, DIRECT_BYTES, DIRECT_BYTES + 5, PART + 4000)):
        for shift in (0, 8):
            data = buffer(size, shift)
            with (directory / f"{index} {shift}").open("w+b", buffering=0) as file:
                before = fcntl.fcntl(file.fileno(), fcntl.F_GETFL)
                written = write_directly(file.fileno(), data)
                assert 0 <= written <= size
                assert fcntl.fcntl(file.fileno(), fcntl.F_GETFL) == before
                assert file.tell() == written
                file.seek(0)
                assert file.read() == data[:written]
                if size < DIRECT_BYTES:
                    assert written == 0
                elif shift == 0 and can_write_directly(directory):
                    assert written == size // PAGE * PAGE


def can_write_directly(directory: Path) -> bool:
    try:
        descriptor = os.open(directory / "probe", os.O_WRONLY | os.O_CREAT | os.O_DIRECT)
    except OSError:
        return False
    try:
        return os.write(descriptor, buffer(PAGE, 0)) == PAGE
    except OSError:
        return False
    finally:
        os.close(descriptor)


def test_many_threads_write_many_parts(tmp_path: Path) -> None:
    parts = [buffer(DIRECT_BYTES + 1000 * index, 0 if index % 2 else 24) for index in range(24)]
    with open_store(tmp_path / "store", "embedded") as store:
        with ThreadPoolExecutor(4) as pool:
            hashes = list(pool.map(store.put_part, [*parts, *parts]))
        for part, sha1 in zip([*parts, *parts], hashes, strict=True):
            assert store.get_part(sha1) == part.tobytes()


@pytest.mark.parametrize("limit", [DIRECT_BYTES, PART // 2 + 100, PART - 1])
def test_a_file_that_may_not_grow_leaves_nothing(tmp_path: Path, limit: int) -> None:
    directory = tmp_path / "store"

    def write() -> str:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with open_store(directory, "embedded") as store:
            try:
                put(store, buffer(PART, 0))
            except StoreError as error:
                return str(error)
        return ""

    assert "file size limit" in in_child(write)
    assert not [path for path in (directory / "sha1").rglob("*") if path.is_file()]
