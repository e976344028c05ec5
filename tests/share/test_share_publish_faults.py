"""Publishing through connections that are cut, killed in the middle, and by two at once."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from bucket_servers import CuttingProxy, Service
from shared_workspaces import make_workspace
from waiting import MOST_SECONDS, until

from seriesview import SVSeries
from seriesview.cloud import buckets, retrying
from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.buckets import BucketError, Serving
from seriesview.cloud.open_bucket import open_bucket
from seriesview.share.checking import verify_folder
from seriesview.share.choice import Wish
from seriesview.share.export import plan_export
from seriesview.share.publishing import BucketTarget, publish_plan
from seriesview.store import open_store

RAW = Wish(raw=True)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.05)


def via(service: Service, port: int, monkeypatch):
    for name, value in service.environment(port).items():
        monkeypatch.setenv(name, value)


def published(store, uri, address, wish=RAW):
    bucket = open_bucket(parse_address(address))
    try:
        return publish_plan(plan_export(store, uri, wish), store, bucket)
    finally:
        bucket.close()


def assert_whole(service: Service, prefix, directory):
    assert verify_folder(service.download(prefix, directory)).problems == ()


def test_connections_that_are_cut(service, store, workspace, monkeypatch, tmp_path):
    proxy = CuttingProxy(service.port, cuts=5, after=40_000)
    via(service, proxy.port, monkeypatch)
    published(store, workspace, service.address("cut"))
    proxy.close()
    assert proxy.num_cut == 5
    assert_whole(service, "cut", tmp_path / "copy")


@pytest.fixture(scope="module")
def large_artifact(tmp_path_factory):
    """(its bytes, a function that reads them in blocks): 40 MB."""
    content = np.random.default_rng(1).integers(0, 256, 40_000_000, np.uint8).tobytes()

    class Blocks:
        def __iter__(self):
            return (content[i : i + 1_000_000] for i in range(0, len(content), 1_000_000))

    return content, Blocks()


def test_of_a_large_file_only_what_is_missing_is_sent_again(service, large_artifact, monkeypatch):
    content, blocks = large_artifact
    sha1 = hashlib.sha1(content).hexdigest()
    proxy = CuttingProxy(service.port, cuts=2, after=14_000_000)
    via(service, proxy.port, monkeypatch)
    bucket = open_bucket(parse_address(service.address("large")))
    target = BucketTarget(bucket)
    assert not target.has_artifact(sha1, len(content))
    target.put_artifact(sha1, blocks)
    bucket.close()
    proxy.close()
    assert (target.num_uploaded, target.bytes_uploaded) == (1, len(content))
    assert proxy.num_cut == 2
    # Of each cut connection at most what was under way, or one part, goes again.
    assert proxy.bytes_sent < len(content) + 2 * 17_000_000
    name = f"large/sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
    assert service.names() == [name]
    assert service.read(name) == content
    assert service.headers(name) == ("application/octet-stream", "public, max-age=31536000, immutable")


def test_what_was_stored_is_not_sent_again(google, large_artifact, monkeypatch):
    content, blocks = large_artifact
    proxy = CuttingProxy(google.port, cuts=1, after=30_000_000)
    via(google, proxy.port, monkeypatch)
    bucket = open_bucket(parse_address(google.address("large")))
    sha1 = hashlib.sha1(content).hexdigest()
    assert bucket.put_large("x", blocks, len(content), sha1, Serving("text/plain", "no-cache"))
    bucket.close()
    proxy.close()
    assert proxy.num_cut == 1
    assert proxy.bytes_sent < len(content) + 2_000_000
    assert google.read("x") == content


def test_a_connection_that_goes_silent_is_given_up(service, large_artifact, monkeypatch):
    content, blocks = large_artifact
    monkeypatch.setattr(buckets, "CONNECT_SECONDS", 1.5)
    monkeypatch.setattr(buckets, "SILENT_SECONDS", 1.5)
    proxy = CuttingProxy(service.port, cuts=2, after=14_000_000, is_silent=True)
    via(service, proxy.port, monkeypatch)
    bucket = open_bucket(parse_address(service.address("silent")))
    sha1 = hashlib.sha1(content).hexdigest()
    assert bucket.put_large("x", blocks, len(content), sha1, Serving("text/plain", "no-cache"))
    bucket.close()
    proxy.close()
    assert proxy.num_cut == 2
    assert service.read("x") == content


def test_a_slow_network_is_not_a_silent_one(service, large_artifact, monkeypatch):
    content, _ = large_artifact
    monkeypatch.setattr(buckets, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(retrying, "TRIES", 1)
    monkeypatch.setattr(retrying, "FIRST_CONTACT_TRIES", 1)
    proxy = CuttingProxy(service.port, cuts=0, after=0, bytes_per_second=4_000_000)
    via(service, proxy.port, monkeypatch)
    bucket = open_bucket(parse_address(service.address("slow")))
    part = content[:16_000_000]
    sha1 = hashlib.sha1(part).hexdigest()
    assert bucket.put_large("x", [part], len(part), sha1, Serving("text/plain", "no-cache"))
    assert bucket.put("y", part, Serving("text/plain", "no-cache"))
    bucket.close()
    proxy.close()
    assert service.read("x") == part
    assert service.read("y") == part


def test_an_endless_fault_ends_in_words(service, store, workspace, monkeypatch):
    proxy = CuttingProxy(service.port, cuts=10_000, after=20_000)
    via(service, proxy.port, monkeypatch)
    monkeypatch.setattr(retrying, "TRIES", 3)
    with pytest.raises(
        BucketError, match=r"cannot be reached.*run this again: it goes on where it stopped"
    ) as found:
        published(store, workspace, service.address("endless"))
    proxy.close()
    assert found.value.kind == "unreachable"
    assert not [name for name in service.names() if name.endswith(("export.json", "index.html"))]


def test_nobody_there(service, store, workspace, monkeypatch):
    via(service, 9, monkeypatch)
    with pytest.raises(BucketError, match="cannot be reached"):
        published(store, workspace, service.address("gone"))


def start(store, uri, address, **environment):
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "seriesview.cli.main", "publish", uri, address, "--raw"),
            *("--storage-dir", str(store.directory)),
        ],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_and_run_again(service, store, workspace, tmp_path):
    process = start(store, workspace, service.address("kill"))
    until(lambda: len(service.names()) >= 10, process=process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = service.names()
    assert "kill/export.json" not in left
    assert "kill/index.html" not in left
    done = published(store, workspace, service.address("kill"))
    assert done.num_present >= 10
    assert done.num_uploaded + done.num_present == len(service.names())
    assert_whole(service, "kill", tmp_path / "copy")


def test_interrupted_it_ends_at_once(google, store, workspace, monkeypatch):
    """Also while it waits for another try."""
    proxy = CuttingProxy(google.port, cuts=10_000, after=20_000)
    process = start(store, workspace, google.address("stop"), **google.environment(proxy.port))
    until(lambda: proxy.num_cut >= 8, process=process)
    # Nothing tells that it waits: by then it does so most of the time.
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    # After all its tries it would end with another status.
    process.communicate(timeout=300)
    proxy.close()
    assert process.returncode == 130


def test_two_at_once(service, store, workspace, tmp_path):
    processes = [start(store, workspace, service.address("two")) for _ in range(2)]
    said = [process.communicate(timeout=MOST_SECONDS) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    links = {out.splitlines()[-1] for out, _ in said}
    assert links == {service.url("two/index.html")}
    assert_whole(service, "two", tmp_path / "copy")


@pytest.fixture(scope="module")
def large_workspace(tmp_path_factory):
    """(store, URI) of a workspace with one series of the original API, whose samples are one file of 96 MB."""
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("large")
        patch.setenv("KACHERY_STORAGE_DIR", str(directory))
        values = np.random.default_rng(2).integers(-(2**31), 2**31, (12_000, 2000), np.int32)
        series = SVSeries.from_numpy(
            type="continuous",
            sampling_frequency=1000.0,
            start_time=0,
            end_time=12,
            segment_duration=12,
            timestamps=np.arange(12_000) / 1000,
            values=values,
        )
        uri = series.to_uri()
    with open_store(directory, "embedded") as store:
        # As the original package left it: the file of its samples, and nothing beside it.
        plain = store.put_json({**store.get_json(uri), "levels": [], "moments": []})
        yield store, make_workspace(store, {"large": plain}, "large")


@pytest.fixture
def proxy(service):
    """Cuts the connection in which the 70,000,000th byte is sent."""
    found = CuttingProxy(service.port, cuts=1, after=70_000_000, in_all=True)
    yield found
    found.close()


def begun_and_killed(service: Service, proxy, large_workspace, state):
    """Publish, and kill that with SIGKILL where the connection is cut."""
    store, uri = large_workspace
    more = {**service.environment(proxy.port), "XDG_STATE_HOME": str(state)}
    process = start(store, uri, service.address("kill"), **more)
    proxy.on_cut = process.kill
    process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == -signal.SIGKILL
    assert len(service.names("kill")) == 1


def sent_again(service: Service, proxy, large_workspace, state):
    """Publish, to the end; the bytes that were sent."""
    store, uri = large_workspace
    before = proxy.bytes_sent
    more = {**service.environment(proxy.port), "XDG_STATE_HOME": str(state)}
    process = start(store, uri, service.address("kill"), **more)
    _, err = process.communicate(timeout=MOST_SECONDS)
    assert process.returncode == 0, err
    return proxy.bytes_sent - before


def test_a_large_file_goes_on_in_another_process(service, proxy, large_workspace, tmp_path):
    begun_and_killed(service, proxy, large_workspace, tmp_path)
    kept = list(tmp_path.rglob("*.json"))
    assert [path.stat().st_mode & 0o777 for path in (*kept, kept[0].parent)] == [0o600, 0o700]
    assert sent_again(service, proxy, large_workspace, tmp_path) < 96_000_000 - 45_000_000
    assert list(tmp_path.rglob("*.json")) == []
    assert_whole(service, "kill", tmp_path / "copy")


def test_what_was_kept_of_an_upload_is_not_trusted(service, proxy, large_workspace, tmp_path):
    begun_and_killed(service, proxy, large_workspace, tmp_path)
    [kept] = tmp_path.rglob("*.json")
    known = json.loads(kept.read_text())["session"]
    kept.write_text(json.dumps({"session": known[:-8] + "00000000"}))
    assert sent_again(service, proxy, large_workspace, tmp_path) > 96_000_000
    assert_whole(service, "kill", tmp_path / "copy")
