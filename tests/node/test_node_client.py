"""The unmodified kachery-client against the node."""

import hashlib
import os
import threading
from pathlib import Path

from node_peers import ask, node_process, run_client

from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread


def test_store_and_load_everything(node: NodeThread, tmp_path: Path) -> None:
    found = run_client(
        node.port,
        tmp_path,
        """
        import numpy as np
        array = np.arange(24, dtype=np.float32).reshape(4, 6)
        open("data.bin", "wb").write(b"0123456789")
        report({
            "text": kc.load_text(kc.store_text("h\\u00e9llo")),
            "json": kc.load_json(kc.store_json({"a": [1, 2.5, None, "\\u00e9"], "b": True})),
            "npy": bool((kc.load_npy(kc.store_npy(array)) == array).all()),
            "pkl": kc.load_pkl(kc.store_pkl({"a": [1, 2]})),
            "uri": kc.store_file("data.bin"),
            "bytes": kc.load_bytes(kc.store_file("data.bin"), 2, 5).decode(),
            "empty": [kc.load_text(kc.store_text("")), kc.store_text("")],
            "again": kc.store_file("data.bin"),
            "unknown": kc.load_text("sha1://" + "0" * 40 + "/x"),
            "unknown on channel": kc.load_text("sha1://" + "0" * 40 + "/x", channel="demo"),
        })
        """,
    )
    sha1 = hashlib.sha1(b"0123456789").hexdigest()
    assert found == {
        "text": "héllo",
        "json": {"a": [1, 2.5, None, "é"], "b": True},
        "npy": True,
        "pkl": {"a": [1, 2]},
        "uri": f"sha1://{sha1}/data.bin",
        "bytes": "234",
        "empty": ["", "sha1://da39a3ee5e6b4b0d3255bfef95601890afd80709/file.txt"],
        "again": f"sha1://{sha1}/data.bin",
        "unknown": None,
        "unknown on channel": None,
    }


def test_large_files_get_the_chunk_manifest_of_the_daemon(node: NodeThread, tmp_path: Path) -> None:
    exact, large = os.urandom(20_000_000), os.urandom(45_000_001)
    (tmp_path / "exact").write_bytes(exact)
    (tmp_path / "large").write_bytes(large)
    found = run_client(
        node.port,
        tmp_path,
        """
        uri = kc.store_file("large")
        manifest = "sha1://" + uri.split("manifest=")[1]
        report([kc.store_file("exact"), uri, open(kc.load_file(manifest)).read(), kc.load_file(uri)])
        """,
    )
    assert found[0] == f"sha1://{hashlib.sha1(exact).hexdigest()}/exact"
    sha1 = hashlib.sha1(large).hexdigest()
    chunks = [
        f'{{"start":{start},"end":{end},"sha1":"{hashlib.sha1(large[start:end]).hexdigest()}"}}'
        for start, end in ((0, 20_000_000), (20_000_000, 40_000_000), (40_000_000, 45_000_001))
    ]
    assert found[2] == f'{{"size":45000001,"sha1":"{sha1}","chunks":[{",".join(chunks)}]}}'
    assert found[1] == f"sha1://{sha1}/large?manifest={hashlib.sha1(found[2].encode()).hexdigest()}"
    assert Path(found[3]).read_bytes() == large


def test_link_file(node: NodeThread, tmp_path: Path) -> None:
    linked = tmp_path / "a recording é.dat"
    linked.write_bytes(b"samples")
    os.utime(linked, (1_700_000_000.123, 1_700_000_000.123))
    found = run_client(
        node.port,
        tmp_path,
        """
        import os
        uri = kc.link_file("a recording \\u00e9.dat")
        before = kc.load_file(uri)
        os.utime("a recording \\u00e9.dat", (1, 1))
        report([uri, before, kc.load_file(uri), kc.load_file(uri, channel="demo")])
        """,
    )
    assert found[0] == f"sha1://{hashlib.sha1(b'samples').hexdigest()}/a recording é.dat"
    assert found[1] == str(linked)
    assert found[2:] == [None, None]


def test_mutables(node: NodeThread, tmp_path: Path) -> None:
    found = run_client(
        node.port,
        tmp_path,
        """
        key = {"type": "test", "n": [1, 2.5, "\\u00e9"]}
        other_order = {"n": [1, 2.5, "\\u00e9"], "type": "test"}
        report([
            kc.get(key), kc.set(key, {"value": 1}), kc.get(other_order), kc.set(key, 2, update=False), kc.get(key),
            kc.set(key, 0), kc.get(key), kc.delete(key), kc.delete(key), kc.get(key),
        ])
        """,
    )
    assert found == [None, True, {"value": 1}, False, {"value": 1}, True, 0, True, False, None]


def test_upload_to_a_channel_and_load_elsewhere(node: NodeThread, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(os.urandom(45_000_001))
    hub = {
        "KACHERY_HUB_API_URI": "http://seriesview-node.invalid",
        "HTTP_PROXY": f"http://127.0.0.1:{node.port}",
    }
    script = """
        small = kc.upload_json({"a": 1}, channel="demo")
        large = kc.upload_file("large", channel="demo")
        large_again = kc.upload_file("large", channel="demo")
        direct = kc.DirectClient(channel="demo").load_file(small)
        report([small, large, open(direct).read()])
    """
    small, large, text = run_client(node.port, tmp_path, script, **hub)
    assert text == '{"a":1}'
    storage = node.config.storage_dir
    for sha1 in (small[7:47], large[7:47]):
        (storage / f"sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}").unlink()
    script = f"""
        report([kc.load_json({small!r}, channel="demo"), kc.load_file({large!r}, channel="demo"),
                kc.load_json({small!r})])
    """
    found = run_client(node.port, tmp_path, script)
    assert found[0] == {"a": 1} == found[2]
    assert Path(found[1]).read_bytes() == (tmp_path / "large").read_bytes()


def test_a_client_does_not_notice_a_restart(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with node_process(storage, "--channel", "demo") as first:
        port = first.port
        ready, gone = tmp_path / "ready", tmp_path / "gone"
        os.mkfifo(ready)
        os.mkfifo(gone)
        results: list[object] = []
        script = """
            kc.set("a", 1)
            open("ready", "w").close()
            open("gone").close()
            report([kc.get("a"), kc.load_text(kc.store_text("after"))])
        """
        client = threading.Thread(target=lambda: results.append(run_client(port, tmp_path, script)))
        client.start()
        ready.open().close()
        first.kill()
        with node_process(storage, port=port):
            gone.open("w").close()
            client.join()
    assert results == [[1, "after"]]


def test_another_host_name_and_a_shared_directory(tmp_path: Path) -> None:
    config = NodeConfig(
        tmp_path / "storage", host="127.0.0.1", port=0, allow_hosts=("127.0.0.2", "workstation")
    )
    with NodeThread(config) as node:
        headers = {"Host": f"workstation:{node.port}"}
        assert ask(node.port, "GET", "/probe", headers=headers).json()["success"]
        script = "report([kc.load_text(kc.store_text('x'))])"
        assert run_client(node.port, tmp_path, script, KACHERY_DAEMON_HOST="127.0.0.1") == ["x"]
