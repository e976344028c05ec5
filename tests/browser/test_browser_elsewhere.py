"""People elsewhere: figures that an app shows from a backend behind it, and the Backend URI in the dialog."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pytest
from page_views import CHANNEL as SCENE_CHANNEL
from page_views import Scene, open_dialog
from playwright.sync_api import Page, expect
from recordings import Builder, noise
from viewer_places import CHANNEL, HIDDEN, Surroundings, show

from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.pages import figure_path
from seriesview.node.token_file import TokenFile
from seriesview.node.tokens import TOKENS_FILE
from seriesview.store.uris import parse_uri
from seriesview.workspace.multi_panel_view import FIGURE_TYPE

BACKEND = {"format": "seriesview-backend/1", "label": "rig-1", "channel": "closed"}


class Bucket:
    """Serves one description to whoever asks, and notes what was sent along."""

    def __init__(self) -> None:
        self.text = ""
        self.headers: list[dict[str, str]] = []
        self.is_open = True
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bucket.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(200)
                if bucket.is_open:
                    self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                self.wfile.write(bucket.text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.http.server_address[1]}/seriesview-backends/rig-1.json"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    made = Bucket()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("page"))
    yield made
    made.close()


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    there = Surroundings(tmp_path)
    there.node()
    yield there
    there.end()


def token(app: Surroundings, name: str, *granted: str) -> str:
    secret = TokenFile(app.storage / TOKENS_FILE).create(name)
    Channels(app.storage / CHANNELS_FILE).change(CHANNEL, {name: frozenset(granted)})
    return secret


def test_an_app_without_data_shows_what_a_backend_has(
    page: Page, app: Surroundings, builder: Builder, tmp_path: Path
) -> None:
    recording = builder.regular("far", [noise(np.random.default_rng(7), 20_000, 4, "int16")], unit="uV")
    workspace = builder.workspace("far away", [("ContinuousTraces", "far", recording.uri)])
    figure = builder.store.put_json(
        {
            "type": FIGURE_TYPE,
            "data": {
                "panels": [{"type": "ContinuousTraces", "label": "é", "data": {"seriesUri": recording.uri}}]
            },
        },
        name="figure.json",
    )
    other = builder.store.put_json({"more": [1, 2]}, name="other.json")
    reader = token(app, "people", "requestTasks", "requestFiles")
    (tmp_path / "own").mkdir()
    own = Surroundings(tmp_path / "own")
    own.storage = builder.store.directory
    url = f"http://127.0.0.1:{app.port}"
    try:
        provider = token(app, "rig", "provideTasks")
        backend = own.start(
            *("seriesview-start-backend", "--channel", CHANNEL, "--app-url", url),
            SERIESVIEW_APP_TOKEN=provider,
        )
        backend.wait_for(f"backend {backend.pid} answers")
        for shown in (workspace, figure):
            sha1 = parse_uri(shown)[0]
            link = f"{url}{figure_path('/view/seriesview', sha1, CHANNEL, 'far away')}#token={reader}"
            viewer = show(page, link)
            assert viewer.panel("0").pixels.any()
            assert reader not in page.url
        page.goto(f"{url}{figure_path('/view/seriesview', parse_uri(other)[0], CHANNEL, 'no figure')}")
        expect(page.get_by_text("is no figure of a view")).to_be_visible()
    finally:
        own.end()


def test_a_bucket_that_the_page_may_not_read_is_said(page: Page, scene: Scene, bucket: Bucket) -> None:
    """As one without CORS: results lie in the channel's bucket, and the browser gives no reason."""
    bucket.is_open, bucket.text = False, '{"sum": 42}'
    base = bucket.uri.partition("/seriesview-backends")[0]
    Channels(scene.storage / CHANNELS_FILE).change(SCENE_CHANNEL, bucket_url=base)
    try:
        frame = scene.show(page, scene.link({"a": 1}))
        ask = "() => task('f.add', {a: 40, b: 2})"
        first = frame.evaluate(ask)
        offer = {
            "channelName": SCENE_CHANNEL,
            "taskFunctionId": "f.add",
            "taskFunctionType": "pure-calculation",
        }
        poll = scene.post("/task/registerTaskFunctions", {"taskFunctions": [offer], "timeoutMsec": 10_000})
        [task] = poll["requestedTasks"]
        names = {"channelName": SCENE_CHANNEL, "taskId": task["taskId"], "taskHash": task["taskHash"]}
        scene.post(f"/task/finishTask?{urlencode({**names, 'storedIn': 'bucket'})}", b"")
        ended = "taskId => heard.find(one => one.taskId === taskId && one.status === 'error')"
        said = frame.wait_for_function(ended, arg=first["taskId"]).json_value()["errorMessage"]
        assert f"seriesview bucket check --origin {scene.node.url}" in said
        assert "CORS" in said
        bucket.is_open = True
        assert frame.evaluate(ask)["returnValue"] == {"sum": 42}
    finally:
        Channels(scene.storage / CHANNELS_FILE).change(SCENE_CHANNEL, bucket_url="")


def paste(page: Page, uri: str) -> None:
    open_dialog(page)
    page.fill("#backend-uri", uri)
    page.click("#channel-form button[value=use]")
    page.wait_for_url("**/page/backend.html?*")


def test_a_backend_of_another_app_is_a_link_there_and_nothing_goes_to_it(
    page: Page, scene: Scene, bucket: Bucket
) -> None:
    bucket.text = json.dumps(BACKEND | {"appUrl": "http://127.0.0.1:9/figures", "bucketUrl": "https://x.org"})
    scene.show(page, scene.link({"a": 1}, state={"z": 1}))
    paste(page, bucket.uri)
    link = page.get_by_role("link", name="Open the same figure on 127.0.0.1:9")
    expect(link).to_be_visible()
    target = urlsplit(str(link.get_attribute("href")))
    assert (target.netloc, target.path, target.fragment) == ("127.0.0.1:9", "/figures/f", "")
    asked = parse_qs(target.query)
    assert (asked["channel"], asked["v"], asked["s"]) == (["closed"], ["/view/strict"], ['{"z":1}'])
    assert len(asked["d"][0]) == 40
    assert "cookie" not in bucket.headers[-1]
    assert "referer" not in bucket.headers[-1]


def test_a_backend_of_this_app_sets_its_channel(page: Page, scene: Scene, bucket: Bucket) -> None:
    bucket.text = json.dumps(BACKEND | {"appUrl": scene.node.url, "bucketUrl": "https://x.org"})
    scene.show(page, scene.link({"a": 1}))
    paste(page, bucket.uri)
    page.get_by_role("link", name="Open the figure with it").click()
    open_dialog(page)
    expect(page.locator("#channel-name")).to_have_value("closed")
    expect(page.locator("#backend-label")).to_have_value("rig-1")


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "null",
        json.dumps(BACKEND),
        json.dumps(BACKEND | {"appUrl": "javascript:alert(1)"}),
        json.dumps(BACKEND | {"appUrl": "http://example.org"}),
        json.dumps(BACKEND | {"appUrl": "https://example.org", "channel": "a b"}),
        json.dumps(BACKEND | {"appUrl": "https://example.org", "more": "x" * 20_000}),
    ],
)
def test_what_describes_no_backend_is_said(page: Page, scene: Scene, bucket: Bucket, text: Any) -> None:
    bucket.text = text
    page.goto(f"{scene.node.url}/page/backend.html?uri={bucket.uri}")
    expect(page.locator("#message")).to_contain_text("does not describe a backend")
    expect(page.locator("#open")).to_be_hidden()


def test_a_bucket_without_cors_is_said(page: Page, scene: Scene, bucket: Bucket) -> None:
    bucket.is_open = False
    page.goto(f"{scene.node.url}/page/backend.html?uri={bucket.uri}")
    expect(page.locator("#message")).to_contain_text(f"seriesview bucket cors --origin {scene.node.url}")
    page.goto(f"{scene.node.url}/page/backend.html?uri=ftp://x")
    expect(page.locator("#message")).to_contain_text("begins with gs:// or https://")
