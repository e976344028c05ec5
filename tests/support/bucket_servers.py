"""Servers of the buckets' protocols on loopback, in processes of their own, and what stands before them."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from waiting import until

HOST = "127.0.0.1"
_PATIENCE = 60

# Many connections at once may wait; by itself the server lets five, and a sixth loses a second.
_GOOGLE = """
import sys
from http.server import HTTPServer
HTTPServer.request_queue_size = 128
from gcp_storage_emulator.__main__ import main
main(["start", "-H", "127.0.0.1", "--port", sys.argv[1], "-q", "-M"])
"""
_S3 = """
import sys
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""

AWS_KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


@contextmanager
def server(program: str, **environment: str) -> Iterator[int]:
    """The port of a server that answers."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(port), "the server answers", _PATIENCE, process)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def google_server() -> Iterator[int]:
    with server(_GOOGLE) as port:
        yield port


@contextmanager
def s3_server(**environment: str) -> Iterator[int]:
    with server(_S3, **environment) as port:
        yield port


@dataclass
class Service:
    """A service with one bucket. `port` is the server's; requests may go by `via`, another port, instead."""

    scheme: str
    port: int
    bucket: str = field(default_factory=lambda: f"lab-{secrets.token_hex(4)}")

    def environment(self, via: int | None = None) -> dict[str, str]:
        """Variables that lead the libraries to it."""
        address = f"http://{HOST}:{via or self.port}"
        if self.scheme == "gs":
            return {"STORAGE_EMULATOR_HOST": address, "GOOGLE_BUCKET_NAME": self.bucket}
        return {"AWS_ENDPOINT_URL": address, **AWS_KEYS}

    def address(self, prefix: str) -> str:
        return f"{self.scheme}://{self.bucket}/{prefix}"

    def url(self, name: str, via: int | None = None) -> str:
        return f"http://{HOST}:{via or self.port}/{self.bucket}/{name}"

    def create(self) -> None:
        if self.scheme == "gs":
            self.google_client.create_bucket(self.bucket)
        else:
            client = self.s3_client
            client.create_bucket(
                Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )
            client.put_bucket_policy(
                Bucket=self.bucket,
                Policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",'
                f' "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{self.bucket}/*"}}]}}',
            )

    @cached_property
    def google_client(self) -> Any:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        return storage.Client(
            "p", AnonymousCredentials(), client_options={"api_endpoint": f"http://{HOST}:{self.port}"}
        )

    @cached_property
    def s3_client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://{HOST}:{self.port}",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="eu-west-1",
        )

    def names(self, prefix: str = "") -> list[str]:
        """Names of the objects, in the order in which they were written where the service knows it."""
        if self.scheme == "gs":
            blobs = self.google_client.list_blobs(self.bucket, prefix=prefix)
            return [blob.name for blob in sorted(blobs, key=lambda blob: int(blob.generation))]
        pages = self.s3_client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def headers(self, name: str) -> tuple[str, str]:
        """Content type and Cache-Control of an object."""
        if self.scheme == "gs":
            blob = self.google_client.bucket(self.bucket).get_blob(name)
            return blob.content_type, blob.cache_control
        head = self.s3_client.head_object(Bucket=self.bucket, Key=name)
        return head["ContentType"], head["CacheControl"]

    def read(self, name: str) -> bytes:
        """An object as anybody gets it."""
        with urllib.request.urlopen(self.url(name), timeout=_PATIENCE) as answer:
            content: bytes = answer.read()
            return content

    def write(self, name: str, content: bytes) -> None:
        if self.scheme == "gs":
            self.google_client.bucket(self.bucket).blob(name).upload_from_string(content)
        else:
            self.s3_client.put_object(Bucket=self.bucket, Key=name, Body=content)

    def download(self, prefix: str, directory: Path) -> Path:
        """Everything below a prefix, in a folder."""
        for name in self.names(f"{prefix}/"):
            path = directory / name.removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(name))
        return directory


class CuttingProxy:
    """Passes connections on; each of the first `cuts` large ones is cut after so many bytes of the client.

    `in_all`: the bytes of all connections together count. `is_silent`: a connection that is cut stays open, and
    nothing comes through it any more. `bytes_per_second`: of each connection, not more than that is passed on.
    """

    def __init__(
        self,
        port: int,
        cuts: int,
        after: int,
        in_all: bool = False,
        is_silent: bool = False,
        bytes_per_second: float | None = None,
    ) -> None:
        self._in_all = in_all
        self._is_silent = is_silent
        self._bytes_per_second = bytes_per_second
        self._silent: list[socket.socket] = []
        self._target = port
        self._after = after
        self._left = cuts
        self._lock = threading.Lock()
        self.num_cut = 0
        self.bytes_sent = 0
        self.on_cut: Callable[[], None] = lambda: None
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for client in self._silent:
            client.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._bytes_per_second:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            upstream = socket.create_connection((HOST, self._target))
            threading.Thread(target=self._send, args=(client, upstream), daemon=True).start()
            threading.Thread(target=self._receive, args=(upstream, client), daemon=True).start()

    def _send(self, client: socket.socket, upstream: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while piece := client.recv(65536):
                upstream.sendall(piece)
                passed += len(piece)
                if self._bytes_per_second:
                    # As slow as a connection of that rate.
                    time.sleep(len(piece) / self._bytes_per_second)
                with self._lock:
                    self.bytes_sent += len(piece)
                    is_cut = (self.bytes_sent if self._in_all else passed) >= self._after and self._left > 0
                    self._left -= is_cut
                    self.num_cut += is_cut
                if is_cut:
                    self.on_cut()
                    if self._is_silent:
                        self._silent.append(client)
                    for end in (upstream,) if self._is_silent else (upstream, client):
                        with suppress(OSError):
                            end.shutdown(socket.SHUT_RDWR)
                    return
            upstream.shutdown(socket.SHUT_WR)

    def _receive(self, upstream: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while piece := upstream.recv(65536):
                client.sendall(piece)
        for end in (upstream,) if client in self._silent else (client, upstream):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="session")
def google_port() -> Iterator[int]:
    with google_server() as port:
        yield port


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    with s3_server() as port:
        yield port


@pytest.fixture
def google(google_port: int, monkeypatch: pytest.MonkeyPatch) -> Service:
    return _ready(Service("gs", google_port), monkeypatch)


@pytest.fixture
def s3(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> Service:
    return _ready(Service("s3", s3_port), monkeypatch)


@pytest.fixture(params=["google", "s3"])
def service(request: pytest.FixtureRequest) -> Service:
    """Each service with a new bucket, to which this process's variables lead."""
    found: Service = request.getfixturevalue(request.param)
    return found


def _ready(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    clean(monkeypatch)
    for name, value in service.environment().items():
        monkeypatch.setenv(name, value)
    service.create()
    return service


def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what this machine may say about buckets."""
    for name in [*os.environ]:
        if name.startswith(("AWS_", "GOOGLE_", "STORAGE_EMULATOR", "SERIESVIEW_BUCKET")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
