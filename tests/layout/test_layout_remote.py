"""Files behind web servers, S3 and Google Cloud Storage, read by range."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from bucket_servers import AWS_KEYS, Service, google_server, s3_server
from closed_port import CLOSED_PORT
from hypothesis import given, settings
from hypothesis import strategies as st
from remote_files import FileServer, file_server

from seriesview.errors import ReaderError
from seriesview.layout import remote_file, remote_servers
from seriesview.layout.byte_file import ByteFile
from seriesview.layout.remote_path import RemotePath, is_remote, located

CONTENT = np.random.default_rng(0).integers(0, 256, 3_000_001, np.uint8)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    CONTENT.tofile(tmp_path / "night 7.edf")
    with file_server(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def _own_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_servers.time, "sleep", lambda _: None)
    for each in (remote_servers._s3, remote_servers._google):
        each.cache_clear()


def address_of(server: FileServer, name: str = "night%207.edf") -> str:
    return f"{server.address}/{name}"


def test_an_address_is_a_path_for_readers(server: FileServer) -> None:
    path = located(address_of(server) + "?signature=secret#part")
    assert is_remote(path)
    assert is_remote("S3://bucket/key")
    assert not is_remote("data/http.dat")
    assert (path.name, path.stem, path.suffix) == ("night 7.edf", "night 7", ".edf")
    assert str(path) == address_of(server)
    assert "secret" not in repr(path)
    assert str(path.with_suffix(".vhdr")) == f"{server.address}/night%207.vhdr"
    assert path.is_file()
    assert not path.is_dir()
    assert path.stat().st_size == len(CONTENT)
    assert not path.with_name("other.edf").exists()
    with path.open("rb") as file:
        file.seek(-4, 2)
        assert file.read() == CONTENT[-4:].tobytes()
    assert any("signature=secret" in asked for asked in server.asked)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    folder = tmp_path_factory.mktemp("served")
    content = CONTENT[:100_000]
    content.tofile(folder / "a.dat")
    with file_server(folder) as server:
        yield f"{server.address}/a.dat", content


@settings(max_examples=40)
@given(data=st.data(), block=st.sampled_from([1000, 30_000, 4 << 20]))
def test_any_range_is_that_of_the_file(data: st.DataObject, block: int, served: tuple[str, Any]) -> None:
    url, content = served
    ranges = remote_file.RemoteRanges(remote_servers.server_of(url), len(content), url, block, kept=5)
    for _ in range(5):
        first = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 20_000))
        out = bytearray(length)
        filled = 0
        while count := ranges.read_into(memoryview(out)[filled:], first + filled):
            filled += count
        assert bytes(out[:filled]) == content[first : first + length].tobytes()
    ranges.close()


def test_a_pass_over_a_file_fetches_each_byte_once(server: FileServer) -> None:
    file = ByteFile(located(address_of(server)))
    read = np.concatenate(
        [file.read(min(10_000, len(CONTENT) - at), at) for at in range(0, len(CONTENT), 10_000)]
    )
    file.close()
    assert np.array_equal(read, CONTENT)
    assert server.sent <= len(CONTENT) + 10


def test_what_breaks_off_or_is_busy_is_asked_again(server: FileServer) -> None:
    server.busy, server.breaks = 2, 2
    file = ByteFile(located(address_of(server)))
    assert np.array_equal(file.read(100_000, 5), CONTENT[5:100_005])
    file.close()


@pytest.mark.parametrize("code", [503, 403, 418])
def test_what_a_server_refuses_is_said(server: FileServer, code: int) -> None:
    server.refuses = code
    with pytest.raises(ReaderError, match=str(code)):
        located(address_of(server)).stat()


def test_a_server_that_is_not_there_is_named_without_secrets() -> None:
    with pytest.raises(ReaderError, match=r"cannot be fetched: .*refused") as raised:
        located(f"http://127.0.0.1:{CLOSED_PORT}/a.edf?signature=secret").stat()
    assert "secret" not in str(raised.value)


def test_a_server_without_ranges_is_named_and_not_downloaded(server: FileServer) -> None:
    server.has_ranges = False
    with pytest.raises(ReaderError, match="sends no ranges of it"):
        located(address_of(server)).stat()


def test_logins_come_from_netrc_or_the_address_and_are_not_shown(server: FileServer, tmp_path: Path) -> None:
    server.login = "Basic " + base64.b64encode(b"ann:p w").decode()
    with pytest.raises(ReaderError, match="netrc"):
        located(address_of(server)).stat()
    path = located(address_of(server).replace("http://", "http://ann:p%20w@"))
    assert path.stat().st_size == len(CONTENT)
    assert "ann" not in str(path)
    (tmp_path / "home").mkdir()
    netrc = tmp_path / "home" / ".netrc"
    netrc.write_text('machine 127.0.0.1 login ann password "p w"\n')
    netrc.chmod(0o600)
    assert located(address_of(server)).stat().st_size == len(CONTENT)


def test_addresses_that_lead_elsewhere_are_followed(server: FileServer) -> None:
    assert located(f"{server.address}/moved/night%207.edf").stat().st_size == len(CONTENT)


def test_a_changed_file_has_another_identity(server: FileServer, tmp_path: Path) -> None:
    path = located(address_of(server))
    before = path.stat()
    CONTENT[::-1].tofile(tmp_path / "night 7.edf")
    now = path.resolve(strict=True).stat()
    assert now.st_size == before.st_size
    assert now.st_ino != before.st_ino


def test_a_bucket_whose_answers_break_off_is_asked_again(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in AWS_KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/key").write_bytes(b"0123456789")
    server.breaks = 2
    assert cast(RemotePath, located("s3://lab/key")).read_whole(10) == b"0123456789"
    assert server.breaks == 0


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_objects_of_buckets_are_read_by_range(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with (s3_server if scheme == "s3" else google_server)() as port:
        service = Service(scheme, port)
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        service.create()
        if scheme == "s3":
            service.s3_client.put_object(Bucket=service.bucket, Key="a/b.dat", Body=CONTENT.tobytes())
        else:
            blob = service.google_client.bucket(service.bucket).blob("a/b.dat")
            blob.upload_from_string(CONTENT.tobytes())
        path = located(service.address("a/b.dat"))
        assert path.stat().st_size == len(CONTENT)
        assert path.stat().st_mtime > 0
        file = ByteFile(path)
        assert np.array_equal(file.read(1000, 2_999_001), CONTENT[2_999_001:])
        file.close()
        assert not located(service.address("a/c.dat")).exists()
