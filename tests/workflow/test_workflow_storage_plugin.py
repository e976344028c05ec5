"""Snakemake's storage `kachery`: the interface's own tests, and workflows that name URIs."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from closed_port import CLOSED_PORT
from snakemake_interface_storage_plugins.tests import TestStorageBase

from seriesview.store import open_store, sha1_uri
from snakemake_storage_plugin_kachery import StorageProvider, StorageProviderSettings

WORKFLOW = Path(__file__).parents[2] / "workflow" / "Snakefile"


@pytest.fixture(autouse=True)
def no_store_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))


class _Kachery(TestStorageBase):
    retrieve_only = True

    @pytest.fixture(autouse=True)
    def storage(self, tmp_path):
        self.directory = tmp_path / "storage"

    def get_storage_provider_cls(self):
        return StorageProvider

    def get_storage_provider_settings(self):
        return StorageProviderSettings(storage_dir=str(self.directory), mode="embedded")

    def get_query_not_existing(self, tmp_path):
        return sha1_uri("0" * 40, "recording.dat")


class TestStoredFiles(_Kachery):
    __test__ = True

    def get_query(self, tmp_path):
        return open_store(self.directory, "embedded").put_bytes(b"samples", "re cording.dat")


class TestLinkedFiles(_Kachery):
    __test__ = True

    def get_query(self, tmp_path):
        (tmp_path / "raw.dat").write_bytes(b"raw samples")
        return open_store(self.directory, "embedded").hash_and_link(tmp_path / "raw.dat")


def provider(tmp_path: Path) -> StorageProvider:
    settings = StorageProviderSettings(storage_dir=str(tmp_path / "storage"), mode="embedded")
    return StorageProvider(tmp_path / "local", logging.getLogger(), settings=settings)


@pytest.mark.parametrize(
    ("query", "is_valid"),
    [
        (sha1_uri("0" * 40, "a b.dat"), True),
        (sha1_uri("0" * 40, "a.dat", "1" * 40), True),
        ("sha1://{hash}/{name}.dat", True),
        ("sha1://" + "0" * 40, False),
        ("sha1://" + "0" * 40 + "/a/b", False),
        ("sha1://" + "0" * 40 + "/..", False),
        ("sha1://" + "0" * 40 + f"/a?chunkOf={'1' * 40}~0~5", False),
        ("s3://bucket/a.dat", False),
    ],
)
def test_queries_are_uris_of_whole_files(query: str, is_valid: bool) -> None:
    answer = StorageProvider.is_valid_query(query)
    assert bool(answer) == is_valid
    assert is_valid or answer.reason


def test_it_is_given_a_second_name_and_a_recording_a_link(tmp_path: Path) -> None:
    store = open_store(tmp_path / "storage", "embedded")
    (tmp_path / "raw.dat").write_bytes(b"raw")
    uris = [store.put_bytes(b"stored", "a.dat"), store.hash_and_link(tmp_path / "raw.dat")]
    stored, linked = (provider(tmp_path).object(uri) for uri in uris)
    for each in (stored, linked):
        each.local_path().parent.mkdir(parents=True)
        each.retrieve_object()
        each.retrieve_object()
        assert f"sha1:{hashlib.sha1(each.local_path().read_bytes()).hexdigest()}" == each.checksum()
    assert stored.local_path().samefile(store.path(uris[0]))
    assert not stored.local_path().is_symlink()
    assert linked.local_path().readlink() == tmp_path / "raw.dat"
    # What is no longer the recording is not there.
    (tmp_path / "raw.dat").write_bytes(b"other samples")
    assert not linked.exists()


def test_another_file_system_gets_a_symbolic_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    uri = open_store(tmp_path / "storage", "embedded").put_bytes(b"stored", "a.dat")
    each = provider(tmp_path).object(uri)
    each.local_path().parent.mkdir(parents=True)
    monkeypatch.setattr(os, "link", refuse)
    each.retrieve_object()
    assert each.local_path().is_symlink()
    assert each.local_path().read_bytes() == b"stored"


SNAKEFILE = """
storage kachery:
    provider="kachery",
    storage_dir="storage",


rule all:
    input:
        "count.txt",


rule count:
    input:
        storage.kachery("{stored}"),
        storage.kachery("{linked}"),
        storage.kachery("{stored}", retrieve=False),
    output:
        "count.txt",
    shell:
        "cat {{input[0]:q}} {{input[1]:q}} > {{output}}; echo {{input[2]}} >> {{output}}"
"""


def test_a_workflow_reads_what_uris_name(tmp_path: Path) -> None:
    store = open_store(tmp_path / "storage", "embedded")
    (tmp_path / "raw.dat").write_bytes(b"raw\n")
    stored, linked = store.put_bytes(b"stored\n", "a.dat"), store.hash_and_link(tmp_path / "raw.dat")
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(stored=stored, linked=linked))

    def run() -> str:
        command = [sys.executable, "-m", "snakemake", "--cores", "1"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        return f"{done.returncode}\n{done.stdout}{done.stderr}"

    assert run().startswith("0\n")
    assert (tmp_path / "count.txt").read_text() == f"stored\nraw\n{stored}\n"
    assert store.get_bytes(stored) == b"stored\n"
    assert (tmp_path / "raw.dat").read_bytes() == b"raw\n"
    assert "Nothing to be done" in run()
    # Gone before the first run of another one.
    (tmp_path / "count.txt").unlink()
    (tmp_path / "raw.dat").write_bytes(b"changed\n")
    refused = run()
    assert refused.startswith("1\n")
    assert linked in refused


def test_datasets_by_uri_are_inputs_of_their_jobs(tmp_path: Path) -> None:
    store = open_store(tmp_path / "storage", "embedded")
    samples = np.random.default_rng(1).integers(-300, 300, (20_000, 2), dtype=np.int16)
    uri = store.put_bytes(samples.tobytes(), "raw.dat")
    lost = sha1_uri("0" * 40, "lost.dat")
    flat = {"reader": "binary", "dtype": "int16", "channels": 2, "sampling_frequency": 1000}
    config = {
        "store": {"storage_dir": "storage"},
        "datasets": {"raw": {"path": uri, **flat}, "lost": {"path": lost, **flat}},
    }
    (tmp_path / "lab.json").write_text(json.dumps(config))
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-s",
        str(WORKFLOW),
        "--configfile",
        "lab.json",
        "--cores",
        "1",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = done.stdout + done.stderr
    # One that is not there is told, and stops no other.
    assert done.returncode == 1
    assert f"SHA-1 {'0' * 40} is not in the kachery storage" in said
    assert json.loads((tmp_path / "results" / "series" / "raw.json").read_text())["source"]["size"] == 80_000
    assert re.search(rf"input: .*{re.escape(uri)}", said)
    assert not re.search(rf"input: .*{re.escape(lost)}", said)
