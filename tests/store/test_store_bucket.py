"""Stores in buckets: written and read through a local cache, and what others write there is noticed."""

import hashlib
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from bucket_servers import CuttingProxy, Service, free_port, google, google_port, s3, s3_port, service  # noqa: F401
from click.testing import CliRunner
from small_disks import small_disk_at

import seriesview
from seriesview.cli.gc import command as gc
from seriesview.cloud import retrying
from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.buckets import BucketError
from seriesview.errors import IntegrityError, MissingArtifactError, SeriesviewError, StoreError
from seriesview.store import Store, open_store, parse_uri, sha1_uri
from seriesview.store.bucket_store import BucketStore
from seriesview.store.cache import cache_of

CONTENT = b"samples" * 1000
URI = sha1_uri(hashlib.sha1(CONTENT).hexdigest(), "file.dat")


def name_of(uri: str, prefix: str = "lab") -> str:
    sha1 = parse_uri(uri)[0]
    return f"{prefix}/sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"


@pytest.fixture(autouse=True)
def caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.01)
    elsewhere(monkeypatch, tmp_path / "caches")


def elsewhere(monkeypatch: pytest.MonkeyPatch, caches: Path) -> None:
    """From now on as on another machine."""
    monkeypatch.setenv("SERIESVIEW_CACHE_DIR", str(caches))


@pytest.fixture
def store(service: Service) -> Iterator[BucketStore]:  # noqa: F811
    opened = open_store(service.address("lab"))
    assert isinstance(opened, BucketStore)
    yield opened
    opened.objects.close()


def test_what_is_put_is_in_the_bucket_and_read_on_another_machine(
    store: BucketStore,
    service: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert store.put_bytes(CONTENT) == URI
    assert service.read(name_of(URI)) == CONTENT
    elsewhere(monkeypatch, tmp_path / "others")
    with open_store(service.address("lab")) as other:
        assert other.exists(URI)
        assert other.size(URI) == len(CONTENT)
        assert other.get_range(URI, 3, 9) == CONTENT[3:9]
        assert other.get_bytes(URI) == CONTENT
        assert other.path(URI).is_relative_to(tmp_path / "others")
        with pytest.raises(MissingArtifactError, match=f"{service.scheme}://"):
            other.get_bytes(sha1_uri("0" * 40, "nothing"))


def test_what_is_there_is_not_sent_again(store: BucketStore, service: Service, tmp_path: Path) -> None:  # noqa: F811
    rows = np.arange(3_000_000, dtype=np.int32)
    digest = store.put_part(rows.view(np.uint8))
    store.close()
    proxy = CuttingProxy(service.port, cuts=0, after=1)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.environment(proxy.port).items():
            patch.setenv(name, value)
        elsewhere(patch, tmp_path / "empty")
        with open_store(service.address("lab")) as other:
            assert other.put_part(rows.view(np.uint8)) == digest
            assert other.has_pack(digest, rows.nbytes)
    proxy.close()
    assert 0 < proxy.bytes_sent < rows.nbytes / 10


def test_the_cache_names_its_bucket(store: BucketStore, service: Service) -> None:  # noqa: F811
    store.check_writable()
    for named in (store.directory, Path(service.address("lab"))):
        opened = open_store(named)
        assert isinstance(opened, BucketStore)
        assert opened.address == store.address
    assert pickle.loads(pickle.dumps(store)).address == store.address


def test_a_cache_that_others_can_write_to_names_no_bucket(s3: Service, tmp_path: Path) -> None:  # noqa: F811
    store = open_store(s3.address("lab"))
    note = store.directory / "seriesview" / "bucket.json"
    note.chmod(0o660)
    assert type(open_store(store.directory)) is Store
    store.directory.chmod(0o770)
    with pytest.raises(StoreError, match="SERIESVIEW_CACHE_DIR"):
        open_store(s3.address("lab"))


def test_bytes_that_changed_in_the_bucket_are_noticed(
    store: BucketStore,
    service: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    store.put_bytes(CONTENT)
    service.write(name_of(URI), CONTENT[:-1] + b"!")
    assert store.get_bytes(URI) == CONTENT  # out of the cache
    with store.as_stored() as fresh, pytest.raises(IntegrityError):
        fresh.get_bytes(URI)
    elsewhere(monkeypatch, tmp_path / "others")
    other = open_store(service.address("lab"))
    with pytest.raises(IntegrityError, match="delete that object") as caught:
        other.get_bytes(URI, verify=False)
    assert name_of(URI) in str(caught.value)
    assert not [path for path in other.directory.rglob("*") if path.name == parse_uri(URI)[0]]


def test_bytes_that_changed_in_the_cache_are_fetched_anew(store: BucketStore) -> None:
    store.put_bytes(CONTENT)
    cached = store.directory / name_of(URI, ".")
    for get in (
        lambda: store.get_bytes(URI),
        lambda: store.get_chunk(hashlib.sha1(CONTENT[7:21]).digest(), bytes.fromhex(URI[7:47]), 7, 21),
    ):
        cached.write_bytes(bytes(len(CONTENT)))
        assert get() in CONTENT


def test_a_part_that_changed_in_the_cache_is_fetched_anew(
    store: BucketStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    store.put_bytes(CONTENT)
    elsewhere(monkeypatch, tmp_path / "others")
    other = open_store(str(store.address))
    part = hashlib.sha1(CONTENT[7:21])
    for _ in range(2):
        assert other.get_chunk(part.digest(), bytes.fromhex(URI[7:47]), 7, 21) == CONTENT[7:21]
        (other.directory / name_of(sha1_uri(part.hexdigest(), "part"), ".")).write_bytes(bytes(14))


def test_what_others_store_is_read_by_whoever_looked_before(s3: Service, tmp_path: Path) -> None:  # noqa: F811
    address = parse_address(s3.address("lab"))
    reader, writer = (BucketStore(address, tmp_path / name) for name in ("reader", "writer"))
    part = hashlib.sha1(CONTENT[7:21]).digest()
    with pytest.raises(MissingArtifactError):
        reader.get_chunk(part, bytes.fromhex(URI[7:47]), 7, 21)
    assert not reader.exists(URI)
    writer.put_bytes(CONTENT)
    assert reader.get_chunk(part, bytes.fromhex(URI[7:47]), 7, 21) == CONTENT[7:21]


def test_what_has_another_size_is_written_over(store: BucketStore, service: Service) -> None:  # noqa: F811
    service.write(name_of(URI), CONTENT[:100])
    store.put_bytes(CONTENT)
    assert service.read(name_of(URI)) == CONTENT


def test_a_link_is_refused(s3: Service, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "raw.dat").write_bytes(CONTENT)
    with open_store(s3.address("lab")) as store, pytest.raises(StoreError, match="no links"):
        store.hash_and_link(tmp_path / "raw.dat")


def test_nothing_is_removed_from_a_bucket(s3: Service) -> None:  # noqa: F811
    with open_store(s3.address("lab")) as store:
        store.put_bytes(CONTENT)
    done = CliRunner().invoke(gc, ["--yes", "--storage-dir", s3.address("lab")])
    assert isinstance(done.exception, StoreError)
    assert f"{s3.address('lab')}: nothing is removed from a bucket" in str(done.exception)
    assert s3.read(name_of(URI)) == CONTENT


def test_one_record_for_each_process_that_writes(
    store: BucketStore,
    service: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    uri = store.put_json({"a": 1})
    store.record_workspace(uri, "ours")
    store.put_bytes(CONTENT)
    store.close()
    assert len(service.names("lab/seriesview/record/")) == 1
    elsewhere(monkeypatch, tmp_path / "others")
    with open_store(service.address("lab")) as other:
        assert [workspace.label for workspace in other.recorded_workspaces()] == ["ours"]
        assert {artifact.sha1 for artifact in other.recorded_artifacts()} >= {parse_uri(URI)[0]}


_WRITER = """
import sys
from seriesview.store import open_store
store = open_store(sys.argv[1])
store.check_writable()
for number in range(40):
    store.put_part(bytes([number]) * 1_000_000)
    print(number, flush=True)
store.close()
"""


def test_a_killed_writer_leaves_nothing_half_and_the_next_sends_the_rest(
    s3: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = CuttingProxy(s3.port, cuts=0, after=1)
    for name, value in s3.environment(proxy.port).items():
        monkeypatch.setenv(name, value)
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, s3.address("lab")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 20:
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    there = set(s3.names("lab/sha1/"))
    assert len(there) < 40
    sent = proxy.bytes_sent
    with open_store(s3.address("lab")) as store:
        store.check_writable()
        for number in range(40):
            store.put_part(bytes([number]) * 1_000_000)
    proxy.close()
    assert proxy.bytes_sent - sent < (40 - len(there)) * 1_000_000 + 200_000
    for number in range(40):
        content = bytes([number]) * 1_000_000
        assert s3.read(name_of(sha1_uri(hashlib.sha1(content).hexdigest(), "x"))) == content
    # What the killed one recorded, and what this one did.
    assert len(s3.names("lab/seriesview/record/")) == 2


def test_faults_are_told(s3: Service, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    with pytest.raises(BucketError, match="no such bucket"):
        open_store("s3://no-such-bucket-here/lab").check_writable()
    with pytest.raises(StoreError, match="daemon"):
        open_store(s3.address("lab"), "daemon")
    with pytest.raises(StoreError, match="no name of a bucket"):
        open_store("s3://X/lab")
    store = open_store(s3.address("lab"))
    store.check_writable()
    store.put_part(CONTENT)
    store.flush()
    for name in s3.names():
        s3.s3_client.delete_object(Bucket=s3.bucket, Key=name)
    s3.s3_client.delete_bucket(Bucket=s3.bucket)
    store.put_part(CONTENT + b"more")
    with pytest.raises(BucketError, match="no such bucket"):
        store.flush()
    with pytest.raises(BucketError, match="no such bucket"):
        store.put_json({})


def test_what_a_crash_left_wrong_in_the_cache_is_not_sent(s3: Service) -> None:  # noqa: F811
    store = open_store(s3.address("lab"))
    left = store.directory / name_of(URI, ".")
    left.parent.mkdir(parents=True)
    left.write_bytes(bytes(len(CONTENT)))
    store.has_pack(bytes.fromhex(parse_uri(URI)[0]), len(CONTENT))
    with pytest.raises(SeriesviewError, match="other bytes"):
        store.flush()
    assert s3.names("lab/sha1/") == []
    with open_store(s3.address("lab")) as again:
        assert not again.has_pack(bytes.fromhex(parse_uri(URI)[0]), len(CONTENT))
        assert again.put_bytes(CONTENT) == URI
    assert s3.read(name_of(URI)) == CONTENT


def test_a_full_disk_under_the_cache_is_told(
    s3: Service,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    with small_disk_at(tmp_path / "disk", "size=1m") as disk:
        elsewhere(monkeypatch, disk)
        store = open_store(s3.address("lab"))
        with pytest.raises(StoreError, match=r"the disk is full.*SERIESVIEW_CACHE_DIR") as caught:
            store.put_part(bytes(3_000_000))
        assert caught.value.code == "no-space"
        store.objects.close()  # type: ignore[attr-defined]


def test_a_lost_network_ends_what_is_read(s3: Service, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    with open_store(s3.address("lab")) as store:
        uri = store.put_json({"format": "seriesview-workspace/1", "label": "x", "series": [], "views": []})
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(BucketError, match="cannot be reached"):
        seriesview.verify(uri, store=s3.address("lab"))


def test_the_cache_stays_within_bounds(s3: Service) -> None:  # noqa: F811
    address = open_store(s3.address("lab")).address  # type: ignore[attr-defined]
    store = BucketStore(address, cache_of(address), cache_bytes=5_000_000)
    for number in range(12):
        store.put_bytes(bytes([number]) * 1_000_000)
    held = [path for path in (store.directory / "sha1").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in held) <= 6_000_000
    for number in range(12):
        uri = sha1_uri(hashlib.sha1(bytes([number]) * 1_000_000).hexdigest(), "x")
        assert store.get_bytes(uri) == bytes([number]) * 1_000_000


def test_what_lies_elsewhere_under_a_name_of_an_artifact_is_none(s3: Service) -> None:  # noqa: F811
    sha1 = parse_uri(URI)[0]
    s3.write(f"lab/sha1/{sha1[:2]}/elsewhere/{sha1}", CONTENT)
    store = open_store(s3.address("lab"))
    for number in range(4):  # until all that begin alike are listed
        assert not store.exists(sha1_uri(f"{sha1[:2]}{number:038d}", "other"))
    assert not store.exists(URI)
    store.put_bytes(CONTENT)
    assert s3.read(name_of(URI)) == CONTENT
