"""A backend for people elsewhere whose results go into a public bucket, to which the app points browsers."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from app_peers import App
from bucket_servers import Service, clean, google_server
from serving_processes import CHANNEL, Process

from seriesview.node.channels import CHANNELS_FILE, Channels

VERSION = "seriesview.get_python_package_version.1"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with google_server() as port:
        yield port


@pytest.fixture
def bucket(port: int, monkeypatch: pytest.MonkeyPatch) -> Service:
    clean(monkeypatch)
    service = Service("gs", port)
    for name, value in service.environment().items():
        monkeypatch.setenv(name, value)
    service.create()
    return service


def start(app: App, bucket: Service, *options: str, **environment: str) -> Process:
    given = bucket.environment() | {"SERIESVIEW_APP_TOKEN": app.provider, "LABEL": "rig-1", **environment}
    return app.command(*options, **given)


def set_bucket(app: App, url: str) -> None:
    Channels(app.there.storage / CHANNELS_FILE).change(CHANNEL, bucket_url=url)


def ready(process: Process) -> Process:
    process.wait_for(f"backend {process.pid} answers")
    return process


def test_results_lie_in_the_bucket_and_the_app_points_there(app: App, bucket: Service) -> None:
    base = f"http://127.0.0.1:{bucket.port}/{bucket.bucket}"
    set_bucket(app, base)
    process = ready(start(app, bucket))
    request = {
        "channelName": CHANNEL,
        "taskFunctionId": VERSION,
        "taskKwargs": {},
        "taskFunctionType": "query",
        "timeoutMsec": 60_000,
    }
    answer = app.post("/task/requestTask", request)
    assert answer["status"] == "finished"
    pointed = app.http.request("GET", answer["taskResultUrl"], redirect=False)
    path = answer["taskResultUrl"].partition("/bucket/")[2]
    assert path.startswith(f"{CHANNEL}/task_results/")
    assert (pointed.status, pointed.headers["Location"]) == (307, f"{base}/{path}")
    assert json.loads(app.http.request("GET", f"{base}/{path}").data)
    assert not (app.there.storage / "buckets" / CHANNEL).exists()
    uri = f"gs://{bucket.bucket}/seriesview-backends/rig-1.json"
    assert process.written.startswith(f"Backend URI: {uri}\n")
    description = json.loads(app.http.request("GET", f"{base}/seriesview-backends/rig-1.json").data)
    assert description == {
        "format": "seriesview-backend/1",
        "label": "rig-1",
        "channel": CHANNEL,
        "appUrl": app.url,
        "bucketUrl": base,
    }


def test_a_prefix_holds_everything(app: App, bucket: Service) -> None:
    base = f"http://127.0.0.1:{bucket.port}/{bucket.bucket}/our/lab"
    set_bucket(app, base)
    process = ready(start(app, bucket, "--bucket", f"gs://{bucket.bucket}/our/lab", "--label", "rig.2"))
    assert f"Backend URI: gs://{bucket.bucket}/our/lab/seriesview-backends/rig.2.json" in process.written
    assert app.ask(VERSION, {}, "query")


@pytest.mark.parametrize("url", ["", "https://storage.googleapis.com/another"])
def test_a_channel_of_another_bucket_is_said(app: App, bucket: Service, url: str) -> None:
    set_bucket(app, url)
    process = start(app, bucket)
    assert process.wait() == 1
    assert (
        f"seriesview channel set {CHANNEL} --bucket-url http://127.0.0.1:{bucket.port}/{bucket.bucket}"
        in (process.written)
    )


def test_a_bucket_that_is_not_there_is_said(app: App, bucket: Service) -> None:
    set_bucket(app, f"http://127.0.0.1:{bucket.port}/missing-bucket")
    process = start(app, bucket, "--bucket", "gs://missing-bucket")
    assert process.wait() == 1
    assert "gs://missing-bucket" in process.written
    assert process.written.count("\n") == 1


def test_results_elsewhere_need_a_channel_with_a_bucket(app: App) -> None:
    answer = app.http.request(
        "POST",
        f"{app.url}/task/finishTask?channelName={CHANNEL}&taskId=x&taskHash={'a' * 40}&storedIn=bucket",
        body=b"",
        headers={"Authorization": f"Bearer {app.provider}", "Content-Length": "0"},
    )
    assert (answer.status, answer.json()) == (200, {"success": True, "isStored": False})


def stored_files(app: App) -> list[Path]:
    """Results that the app itself has."""
    return [path for path in (app.there.storage / "buckets" / CHANNEL).rglob("*") if path.is_file()]


def test_an_app_that_is_started_again_knows_what_lies_in_the_bucket(app: App, bucket: Service) -> None:
    base = f"http://127.0.0.1:{bucket.port}/{bucket.bucket}"
    set_bucket(app, base)
    backend = ready(start(app, bucket))
    data = np.arange(5, dtype="<i4").tobytes()
    sha1 = hashlib.sha1(data).hexdigest()
    path = app.own.storage / "sha1" / sha1[:2] / sha1[2:4] / sha1[4:6] / sha1
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    kwargs = {"dtype": "int32", "uri": f"sha1://{sha1}/a.dat"}
    told = app.ask("seriesview.get_array.2", kwargs)
    backend.stop()
    app.node.stop(signal.SIGKILL)
    app.node = app.there.node()
    assert app.ask("seriesview.get_array.2", kwargs) == told
    # Where the channel reads from another bucket now, nothing of it is known to lie there.
    set_bucket(app, "https://storage.googleapis.com/another")
    request = {
        "channelName": CHANNEL,
        "taskFunctionId": "seriesview.get_array.2",
        "taskKwargs": kwargs,
        "taskFunctionType": "pure-calculation",
        "timeoutMsec": 100,
    }
    assert app.post("/task/requestTask", request)["status"] == "waiting"


def test_the_backend_hears_that_the_channel_has_another_bucket(app: App, bucket: Service) -> None:
    base = f"http://127.0.0.1:{bucket.port}/{bucket.bucket}"
    set_bucket(app, base)
    backend = ready(start(app, bucket))
    assert app.ask(VERSION, {}, "query")
    assert not stored_files(app)
    for url in ("https://storage.googleapis.com/another", ""):
        set_bucket(app, url)
        num_objects = len(bucket.names(CHANNEL))
        assert app.ask(VERSION, {}, "query")
        assert app.ask(VERSION, {}, "query")
        # At most the first of them went to where nobody reads any more.
        assert len(bucket.names(CHANNEL)) <= num_objects + 1
        assert stored_files(app)
    assert f"seriesview channel set {CHANNEL} --bucket-url {base}" in backend.written
    set_bucket(app, base)
    assert app.ask(VERSION, {}, "query")
    num_stored = len(stored_files(app))
    assert app.ask(VERSION, {}, "query")
    assert len(stored_files(app)) == num_stored
