"""What every store keeps, whichever way it writes."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kachery_peer import KacheryPeer

from seriesview.errors import FormatError, IntegrityError, MissingArtifactError, RequestError, StoreError
from seriesview.store import Store, open_store, parse_uri, sha1_uri
from seriesview.store.client import ClientWriter

EMPTY = "da39a3ee5e6b4b0d3255bfef95601890afd80709"

# One promise, many stores: the same test runs in each subclass, with one store for all its examples.
examples = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def place(store: Store, sha1: str) -> Path:
    return store.directory / "sha1" / sha1[:2] / sha1[2:4] / sha1[4:6] / sha1


class StoreContract:
    store: Store
    stores_empty = True

    @examples
    @given(data=st.binary(min_size=1, max_size=3000))
    def test_bytes_round_trip_under_their_sha1(self, data: bytes) -> None:
        uri = self.store.put_bytes(data, "some name.bin")
        assert uri == f"sha1://{hashlib.sha1(data).hexdigest()}/some%20name.bin"
        assert self.store.get_bytes(uri) == data
        assert self.store.get_bytes(uri, verify=False, size=len(data)) == data
        assert self.store.size(uri) == len(data)
        assert self.store.put_part(data) == hashlib.sha1(data).digest()
        assert self.store.get_part(hashlib.sha1(data).digest()) == data

    @examples
    @given(data=st.binary(min_size=1, max_size=300), start=st.integers(0, 400), length=st.integers(0, 400))
    def test_ranges_are_slices_or_refused(self, data: bytes, start: int, length: int) -> None:
        uri = self.store.put_bytes(data)
        if length and start + length > len(data):
            with pytest.raises(IntegrityError):
                self.store.get_range(uri, start, start + length)
        else:
            assert self.store.get_range(uri, start, start + length) == data[start : start + length]
        with pytest.raises(RequestError):
            self.store.get_range(uri, start, start - 1)

    @examples
    @given(
        value=st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=8,
        )
    )
    def test_json_round_trips_compact_and_sorted(self, value: object) -> None:
        uri = self.store.put_json(value, "value.json")
        assert self.store.get_json(uri) == value
        text = self.store.get_bytes(uri)
        assert text == json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")

    @pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}, {1, 2}, b"x"])
    def test_what_json_cannot_say_is_refused(self, value: object) -> None:
        with pytest.raises(FormatError):
            self.store.put_json(value)

    @pytest.mark.parametrize(
        "buffer",
        [
            b"abcdefgh",
            bytearray(b"abcdefgh"),
            memoryview(b"abcdefgh"),
            np.arange(24, dtype=">i2").reshape(2, 3, 4),
            np.arange(6, dtype=np.float16).reshape(3, 2),
            np.array([True, False, True]),
            np.array(7, dtype=np.int64),
            np.arange(0, 4, dtype="datetime64[s]"),
            np.zeros(3, dtype=[("a", "u1"), ("b", "<f8")]),
            memoryview(np.arange(12, dtype=">f8").reshape(3, 4)),
            np.arange(100, dtype=np.int32)[10:20],
        ],
        ids=lambda buffer: f"memoryview {buffer.format}" if isinstance(buffer, memoryview) else repr(buffer),
    )
    def test_any_contiguous_buffer_is_a_part(self, buffer: object) -> None:
        expected = buffer.tobytes() if isinstance(buffer, np.ndarray | memoryview) else bytes(buffer)
        assert self.store.get_part(self.store.put_part(buffer)) == expected

    def test_scattered_arrays_are_refused_not_copied(self) -> None:
        for scattered in (
            np.zeros((4, 4))[:, 1],
            np.asfortranarray(np.zeros((3, 4))),
            memoryview(b"abcd")[::2],
        ):
            with pytest.raises(TypeError):
                self.store.put_part(scattered)

    @pytest.mark.parametrize("buffer", [b"", np.zeros((0, 4)), memoryview(np.zeros((3, 0)))])
    def test_an_empty_artifact(self, buffer: object) -> None:
        if self.stores_empty:
            assert self.store.put_bytes(buffer) == sha1_uri(EMPTY, "file.dat")
            assert self.store.get_bytes(sha1_uri(EMPTY, "file.dat")) == b""
        else:
            with pytest.raises(StoreError, match="empty"):
                self.store.put_bytes(buffer)

    @pytest.mark.parametrize("size", [20_000_000, 20_000_001, 45_000_000])
    def test_large_files_get_a_chunk_manifest(self, size: int, tmp_path: Path) -> None:
        data = np.random.default_rng(size).bytes(size)
        uri = self.store.put_bytes(data, "large.dat")
        sha1, name, manifest = parse_uri(uri)
        assert (sha1, name) == (hashlib.sha1(data).hexdigest(), "large.dat")
        source = tmp_path / "large.dat"
        source.write_bytes(data)
        assert self.store.put_file(source) == uri
        if size <= 20_000_000:
            assert manifest is None
            return
        assert manifest is not None
        text = self.store.get_bytes(sha1_uri(manifest, "manifest.json"))
        assert text == json.dumps(json.loads(text), separators=(",", ":")).encode()
        found = json.loads(text)
        assert list(found) == ["size", "sha1", "chunks"]
        assert (found["size"], found["sha1"]) == (size, sha1)
        assert [(c["start"], c["end"]) for c in found["chunks"]] == [
            (start, min(size, start + 20_000_000)) for start in range(0, size, 20_000_000)
        ]
        for chunk in found["chunks"]:
            assert chunk["sha1"] == hashlib.sha1(data[chunk["start"] : chunk["end"]]).hexdigest()
            assert list(chunk) == ["start", "end", "sha1"]

    def test_put_file_takes_the_file_name(self, tmp_path: Path) -> None:
        source = tmp_path / "a recording?.dat"
        source.write_bytes(b"samples")
        uri = self.store.put_file(source)
        assert parse_uri(uri)[1] == "a recording?.dat"
        assert self.store.get_bytes(uri) == b"samples"
        assert parse_uri(self.store.put_file(source, "other.dat"))[1] == "other.dat"
        assert list(self.store.directory.glob("sha1/seriesview-staging/*")) == []

    def test_put_file_names_a_source_that_cannot_be_read(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        for path in (tmp_path / "missing.dat", tmp_path, tmp_path / "fifo"):
            with pytest.raises(StoreError, match=path.name):
                self.store.put_file(path)

    def test_what_is_not_there_is_missing(self) -> None:
        uri = sha1_uri("0" * 40, "file.dat")
        assert not self.store.exists(uri)
        for read in (self.store.path, self.store.get_bytes, self.store.size):
            with pytest.raises(MissingArtifactError, match=str(self.store.directory)):
                read(uri)
        with pytest.raises(MissingArtifactError):
            self.store.get_part(bytes(20))
        with pytest.raises(FormatError):
            self.store.get_part(bytes(19))
        with pytest.raises(FormatError):
            self.store.get_bytes("/etc/passwd")

    def test_altered_and_truncated_bytes_are_found(self) -> None:
        data = np.random.default_rng(3).bytes(5000)
        digest = self.store.put_part(data)
        path = place(self.store, digest.hex())
        uri = sha1_uri(digest.hex(), "file.dat")
        path.chmod(0o644)
        for bit in (0, 7, 8 * 2500 + 3, 8 * 5000 - 1):
            altered = bytearray(data)
            altered[bit // 8] ^= 1 << bit % 8
            path.write_bytes(altered)
            for read in (lambda: self.store.get_part(digest), lambda: self.store.get_bytes(uri)):
                with pytest.raises(IntegrityError, match=digest.hex()):
                    read()
            assert self.store.get_part(digest, verify=False) == altered
        for size in (0, 1, 4999, 5001):
            path.write_bytes((data + b"x")[:size])
            with pytest.raises(IntegrityError):
                self.store.get_part(digest)
            with pytest.raises(IntegrityError, match=f"{size} bytes, 5000"):
                self.store.get_part(digest, verify=False, size=5000)

    def test_json_that_is_none_is_a_format_error(self) -> None:
        with pytest.raises(FormatError):
            self.store.get_json(self.store.put_bytes(b"{", "broken.json"))

    def test_what_is_stored_is_not_written_again(self) -> None:
        data = np.random.default_rng(4).bytes(1000)
        path = place(self.store, self.store.put_part(data).hex())
        before = path.stat()
        self.store.put_part(data)
        self.store.put_bytes(data)
        after = path.stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    def test_links_are_followed_until_the_source_is_touched(self, tmp_path: Path) -> None:
        source = tmp_path / "raw data.dat"
        source.write_bytes(b"raw samples")
        seen: list[int] = []
        uri = self.store.hash_and_link(source, seen.append)
        assert uri == f"sha1://{hashlib.sha1(b'raw samples').hexdigest()}/raw%20data.dat"
        assert seen == [11]
        assert self.store.path(uri) == source
        assert self.store.get_bytes(uri) == b"raw samples"
        assert self.store.get_range(uri, 4, 7) == b"sam"
        assert self.store.size(uri) == 11
        status = source.stat()
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 4096))
        assert not self.store.exists(uri)
        with pytest.raises(MissingArtifactError, match=r"raw data\.dat.*modification time"):
            self.store.get_bytes(uri)
        os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert self.store.exists(uri)
        source.write_bytes(b"raw samples and more")
        with pytest.raises(MissingArtifactError, match="size was 11, is 20"):
            self.store.path(uri)
        source.unlink()
        with pytest.raises(MissingArtifactError, match="gone"):
            self.store.path(uri)

    def test_a_link_of_stored_bytes_is_not_needed(self, tmp_path: Path) -> None:
        source = tmp_path / "raw.dat"
        source.write_bytes(b"both stored and linked")
        stored = self.store.put_file(source)
        assert self.store.hash_and_link(source) == stored
        source.unlink()
        assert self.store.get_bytes(stored) == b"both stored and linked"

    def test_linking_a_file_that_changed_since_it_was_hashed_fails(self, tmp_path: Path) -> None:
        source = tmp_path / "raw.dat"
        source.write_bytes(b"abc")
        sha1, status = hashlib.sha1(b"abc").hexdigest(), source.stat()
        source.write_bytes(b"abcd")
        with pytest.raises(StoreError, match="changed"):
            self.store.link_file(source, sha1, status.st_size, status.st_mtime)
        assert not self.store.exists(sha1_uri(sha1, "raw.dat"))

    def test_there_is_some_room(self) -> None:
        self.store.check_writable()
        assert self.store.room().num_bytes > 1000


class TestEmbeddedStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _open(self, tmp_path: Path) -> Iterator[None]:
        with open_store(tmp_path / "my storage", "embedded") as self.store:
            yield


class TestEmbeddedStoreBehindSymbolicLinks(StoreContract):
    @pytest.fixture(autouse=True)
    def _open(self, tmp_path: Path) -> Iterator[None]:
        (tmp_path / "disk" / "files").mkdir(parents=True)
        (tmp_path / "disk" / "storage").mkdir()
        (tmp_path / "disk" / "storage" / "sha1").symlink_to("../files")
        (tmp_path / "storage").symlink_to("disk/storage")
        with open_store(tmp_path / "storage", "embedded") as self.store:
            yield


class TestStoreBesideDaemon(StoreContract):
    @pytest.fixture(autouse=True)
    def _open(self, peer: KacheryPeer) -> Iterator[None]:
        with open_store(mode="daemon") as self.store:
            assert self.store.directory == peer.directory
            yield
        assert {path for path, _ in peer.requests} == {"/probe"}


class TestStoreThroughDaemon(StoreContract):
    stores_empty = False

    @pytest.fixture(autouse=True)
    def _open(self, peer: KacheryPeer) -> Iterator[None]:
        peer.lose_next = 2
        client = ClientWriter(peer.directory, f"http://127.0.0.1:{peer.port}", pauses=(0.0, 0.0, 0.0))
        self.store = Store(peer.directory, "daemon", "through the daemon", client)
        yield
        self.store.close()
        assert not (peer.directory / "seriesview").exists()
