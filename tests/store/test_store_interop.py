"""What we write, unmodified kachery-client reads, and the other way round."""

import json
from pathlib import Path

import kachery_client as kc
import numpy as np
import pytest
from kachery_peer import KacheryPeer, forget_client_state

from seriesview.store import Store, open_store, parse_uri, sha1_uri


class Interop:
    """Subclasses give `store`, and a client that looks at the same directory."""

    store: Store

    def test_the_client_loads_what_we_store(self, tmp_path: Path) -> None:
        array = np.arange(12.0).reshape(3, 4)
        np.save(tmp_path / "array.npy", array)
        value = {"é": [1, 2.5, None], "a": "b"}
        assert kc.load_text(self.store.put_bytes("Grüße\n".encode(), "a b.txt")) == "Grüße\n"
        assert kc.load_json(self.store.put_json(value)) == value
        assert np.array_equal(kc.load_npy(self.store.put_file(tmp_path / "array.npy")), array)
        part = self.store.put_part(array)
        path = kc.load_file(sha1_uri(part.hex(), "part.dat"))
        assert Path(path).read_bytes() == array.tobytes()

    def test_the_client_loads_a_large_file_by_its_manifest_uri(self) -> None:
        data = np.random.default_rng(5).bytes(45_000_000)
        uri = self.store.put_bytes(data, "large.dat")
        assert "?manifest=" in uri
        assert Path(kc.load_file(uri)).read_bytes() == data
        manifest = kc.load_json(f"sha1://{parse_uri(uri)[2]}/manifest.json")
        assert manifest["size"] == len(data)
        assert len(manifest["chunks"]) == 3

    def test_we_read_what_the_client_stored(self, tmp_path: Path) -> None:
        array = np.arange(5, dtype=np.int16)
        (tmp_path / "my file.txt").write_text("from a file")
        assert self.store.get_bytes(kc.store_text("Grüße")) == "Grüße".encode()
        assert self.store.get_json(kc.store_json({"b": 1, "a": ["é"]})) == {"b": 1, "a": ["é"]}
        assert np.array_equal(np.load(self.store.path(kc.store_npy(array))), array)
        uri = kc.store_file(str(tmp_path / "my file.txt"), basename="my file.txt")
        assert self.store.get_bytes(uri) == b"from a file"
        assert parse_uri(uri)[1] == "my file.txt"

    def test_both_write_one_text_to_one_file(self) -> None:
        ours = self.store.put_json({"a": [1, "é"]}, "file.json")
        assert kc.store_json({"a": [1, "é"]}) == ours


class TestEphemeralMode(Interop):
    @pytest.fixture(autouse=True)
    def _open(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "storage"))
        kc.enable_ephemeral()
        self.store = open_store()
        assert self.store.mode == "embedded"


class TestBesideDaemon(Interop):
    @pytest.fixture(autouse=True)
    def _open(self, peer: KacheryPeer) -> None:
        self.store = open_store(mode="daemon")

    def test_we_read_a_large_file_of_the_daemon_and_make_the_same_uri(self, tmp_path: Path) -> None:
        data = np.random.default_rng(6).bytes(41_000_000)
        (tmp_path / "large.dat").write_bytes(data)
        uri = kc.store_file(str(tmp_path / "large.dat"))
        assert self.store.get_bytes(uri) == data
        assert self.store.put_bytes(data, "large.dat") == uri

    def test_we_follow_links_of_the_daemon(self, tmp_path: Path) -> None:
        source = tmp_path / "raw.dat"
        source.write_bytes(b"linked by the daemon")
        uri = kc.link_file(str(source))
        assert self.store.path(uri) == source
        assert self.store.get_bytes(uri) == b"linked by the daemon"
        assert self.store.hash_and_link(source) == uri

    def test_the_client_follows_our_links_and_refuses_touched_ones(self, tmp_path: Path) -> None:
        check_links(self.store, tmp_path)


def test_the_client_follows_our_links_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KACHERY_OFFLINE_STORAGE_DIR", str(tmp_path / "storage"))
    check_links(open_store(tmp_path / "storage", "embedded"), tmp_path)


def check_links(store: Store, folder: Path) -> None:
    for number in range(20):
        source = folder / f"raw {number}é.dat"
        source.write_bytes(b"samples %d" % number)
        uri = store.hash_and_link(source)
        assert kc.load_file(uri) == str(source)
        sha1 = parse_uri(uri)[0]
        link = json.loads(
            (store.directory / "sha1" / sha1[:2] / sha1[2:4] / sha1[4:6] / f"{sha1}.link").read_text()
        )
        assert list(link) == ["path", "manifestSha1", "stat", "_writingProcess"]
        assert link["stat"] == {"size": source.stat().st_size, "mtime": source.stat().st_mtime}
        assert (link["path"], link["manifestSha1"]) == (str(source), None)
    source.write_bytes(b"changed samples")
    forget_client_state()
    if store.mode == "daemon":
        assert kc.load_file(uri) is None
    else:
        with pytest.raises(Exception, match="Not connected"):  # the client asks a daemon for what it lacks
            kc.load_file(uri)


def test_a_link_is_made_absolute_without_following_symbolic_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "raw.dat").write_bytes(b"x")
    (tmp_path / "data").symlink_to("disk")
    monkeypatch.chdir(tmp_path)
    store = open_store("storage", "embedded")
    uri = store.hash_and_link("disk/../data/raw.dat")
    monkeypatch.chdir("/")
    assert store.path(uri) == tmp_path / "data" / "raw.dat"
