"""The node's own page: what it answers to views, whom it lets in, and what it says where something is wrong."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from browsing import wait_for_entry
from page_views import CHANNEL, Scene
from playwright.sync_api import BrowserContext, Page, expect

FIGURE = {
    "type": "a figure",
    "array": {"_type": "ndarray", "shape": [2, 2], "dtype": "int16", "data_b64": "AQACAAMABAA="},
}
DECODED = {"type": "a figure", "array": [[1, 2], [3, 4]]}
NewContext = Callable[..., BrowserContext]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("page"))
    yield made
    made.close()


# Letting a browser in


def test_the_links_token_is_gone_from_the_address_before_anything_is_asked_for(
    page: Page, new_context: NewContext, scene: Scene
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    link = scene.link(FIGURE)
    token = link.partition("#token=")[2]
    frame = scene.show(page, link)
    assert "#" not in page.url
    assert frame.evaluate("ask({type: 'getFigureData'})")["figureData"] == FIGURE
    # The page itself was opened with it, without sending it.
    assert not [one for one in asked if token in one.partition("#")[0] or token in one.partition("{")[2]]
    assert page.evaluate("document.cookie") == ""
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    # Without the token the same browser is still let in, another one is told what to do.
    scene.show(page, page.url)
    expect(page.locator("#note")).to_have_text("")
    other = new_context().new_page()
    other.goto(link)
    expect(other.locator("#message")).to_contain_text("Print a new link")
    expect(other.locator("#message")).to_contain_text("used already")


def test_what_a_channel_does_not_permit_is_said(page: Page, scene: Scene) -> None:
    page.goto(scene.link(FIGURE, channel="closed"))
    expect(page.locator("#message")).to_contain_text("--permit links=requestTasks,requestFiles")
    page.goto(scene.link(FIGURE, channel="nowhere"))
    expect(page.locator("#message")).to_contain_text("no channel nowhere")


@pytest.mark.parametrize(
    "view",
    [
        "https://elsewhere.example/index.html",
        "gs://bucket/view",
        "/view/none",
        "/view/../session",
        "javascript:alert(1)",
        "data:text/html,<p>x",
        "http://127.0.0.1:1/view/strict",
        "//elsewhere.example/view/strict",
    ],
)
def test_other_views_are_refused_in_words(page: Page, scene: Scene, view: str) -> None:
    page.goto(scene.link(FIGURE, view=view))
    expect(page.locator("#message")).to_contain_text("This page does not show the view")
    assert page.locator("iframe").count() == 0


def test_a_link_without_view_or_with_damaged_data_is_explained(page: Page, scene: Scene) -> None:
    page.goto(f"{scene.node.url}/f#token={scene.token()}")
    expect(page.locator("#message")).to_contain_text("names no view")
    page.goto(scene.link(b"not JSON"))
    expect(page.locator("#message")).to_contain_text("cannot be read")
    page.goto(f"{scene.node.url}/f?v=/view/strict&channel={CHANNEL}&d={'0' * 40}")
    expect(page.locator("#message")).to_contain_text("is not on this node")


def test_a_label_is_text(page: Page, scene: Scene) -> None:
    label = "<img src=x onerror=document.title='run'>"
    scene.show(page, scene.link(FIGURE, label=label))
    assert page.locator("#label").text_content() == label
    assert page.title() == label
    assert page.locator("#label img").count() == 0


# Answers


def test_files_of_both_generations(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link(FIGURE))
    assert (frame.evaluate("parameters.arrays"), frame.evaluate("parameters.s ?? null")) == ("encoded", None)
    data = bytes(range(256))
    raw, document = scene.store(data), scene.store(FIGURE)

    def read(uri: str, **more: Any) -> Any:
        request = {"type": "getFileData", "uri": uri, **more}
        return frame.evaluate(
            """async request => {
              const {fileData, errorMessage} = await ask(request);
              return fileData instanceof ArrayBuffer ? [...new Uint8Array(fileData)] : fileData ?? {errorMessage};
            }""",
            request,
        )

    assert read(f"sha1://{document}") == FIGURE
    assert read(f"sha1://{document}/file.json?manifest=x", responseType="json") == FIGURE
    assert json.loads(read(f"sha1://{document}", responseType="text")) == FIGURE
    assert read(f"sha1://{raw}", responseType="binary") == list(data)
    assert read(f"sha1://{raw}", responseType="binary", startByte=3, endByte=9) == list(data[3:9])
    assert read(f"sha1://{raw}", responseType="binary", startByte=250) == list(data[250:])
    assert read(f"sha1://{raw}", responseType="binary", startByte=7, endByte=7) == []
    assert read(f"sha1://{document}", responseType="text", startByte=1, endByte=7) == '"type"'
    assert "range" in read(f"sha1://{document}", startByte=1, endByte=7)["errorMessage"]
    assert "is not JSON" in read(f"sha1://{raw}")["errorMessage"]
    assert "not on this node" in read(f"sha1://{'0' * 40}")["errorMessage"]
    assert "sha1://" in read("https://elsewhere.example/x")["errorMessage"]
    assert "sha1://" in read("../session")["errorMessage"]
    old = frame.evaluate("sha1 => ask({type: 'getFileData', sha1})", document)
    assert old["fileData"] == FIGURE
    address = frame.evaluate("uri => ask({type: 'getFileDataUrl', uri})", f"sha1://{raw}")["fileDataUrl"]
    fetched = "async address => (await (await fetch(address)).arrayBuffer()).byteLength"
    assert frame.evaluate(fetched, address) == 256
    assert frame.evaluate("unknown") == []


def test_a_view_of_another_origin_gets_arrays_as_lists(page: Page, scene: Scene) -> None:
    floats = np.linspace(0, 1, 6, dtype=np.float64).reshape(1, 2, 3)
    packed = base64.b64encode(zlib.compress(floats.tobytes())).decode()
    figure = {
        "a": [FIGURE],
        "b": {"_type": "ndarray", "shape": [1, 2, 3], "dtype": "float64", "data_gzip_b64": packed},
    }
    frame = scene.show(page, scene.link(figure, view=f"{scene.views.address}/strict"))
    assert frame.evaluate("Object.keys(parameters)") == ["parentOrigin", "figureId"]
    asked = frame.evaluate("ask({type: 'getFigureData'})")["figureData"]
    assert asked == {"a": [DECODED], "b": floats.tolist()}
    kept = frame.evaluate("ask({type: 'getFigureData', figurlProtocolVersion: 'p1'})")["figureData"]
    assert kept == figure
    uri = f"sha1://{scene.store(FIGURE)}"
    read = "([uri, responseType]) => ask({type: 'getFileData', uri, responseType})"
    assert frame.evaluate(read, [uri, "json-deserialized"])["fileData"] == DECODED
    assert frame.evaluate(read, [uri, "json"])["fileData"] == FIGURE
    address = frame.evaluate("uri => ask({type: 'getFileDataUrl', uri})", uri)["fileDataUrl"]
    assert json.loads(base64.b64decode(address.partition(",")[2])) == FIGURE
    # It cannot reach the node by itself.
    tried = "address => fetch(address, {credentials: 'include'}).then(() => 'reached', () => 'refused')"
    assert frame.evaluate(tried, f"{scene.node.url}/session") == "refused"


def test_what_the_page_does_not_do_is_answered_too(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link(FIGURE))
    answers = frame.evaluate("""() => Promise.all([
      ask({type: 'storeFile', fileData: 'x'}), ask({type: 'storeGithubFile', fileData: 'x', uri: 'gh://a/b'}),
      ask({type: 'getMutable', key: 'x'}), ask({type: 'readDir', uri: '$dir'}),
      ask({type: 'serviceQuery', serviceName: 'x', query: {}}),
    ])""")
    assert [sorted(answer) for answer in answers] == [
        ["error", "type"],
        ["error", "success", "type"],
        ["type", "value"],
        ["errorMessage", "type"],
        ["errorMessage", "type"],
    ]


def test_foreign_messages_get_no_answer(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link(FIGURE))
    answered = frame.evaluate("""async () => {
      for (const strange of [null, 5, 'x', {}, {type: 'figurlRequest'}, {type: 'webpackOk', data: {}}]) {
        parent.postMessage(strange, parameters.parentOrigin);
      }
      let answered = [];
      const request = {type: 'getFigureData'};
      const none = {
        figureId: ask(request, {figureId: 'another'}), kind: ask(request, {type: 'other'}),
        id: ask(request, {requestId: 5}), field: ask({...request, more: 1}), unknown: ask({type: 'format'}),
        wrong: ask({type: 'getFileDataUrl', uri: 5}), missing: ask({type: 'getFileDataUrl'}),
        inherited: ask({type: 'toString'}),
      };
      for (const [name, one] of Object.entries(none)) one.then(() => answered.push(name));
      await ask(request);
      await new Promise(resolve => setTimeout(resolve, 200));
      return answered;
    }""")
    assert answered == []
    # A window that is not the view is not answered either, though it knows the figure.
    figure_id = frame.evaluate("parameters.figureId")
    assert (
        page.evaluate(
            """async figureId => {
          const heard = [];
          addEventListener('message', ({data}) => { if (data.type === 'figurlResponse') heard.push(data); });
          const request = {type: 'getFigureData'};
          postMessage({type: 'figurlRequest', figureId, requestId: 'abcdefghij', request}, '*');
          await new Promise(resolve => setTimeout(resolve, 200));
          return heard;
        }""",
            figure_id,
        )
        == []
    )


def test_the_view_is_started_by_message_too(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link(FIGURE, state={"a": "50 %"}))
    frame.wait_for_function("() => heard.some(({type}) => type === 'initializeFigure')")
    message = frame.evaluate("heard.find(({type}) => type === 'initializeFigure')")
    assert message["figureId"] == frame.evaluate("parameters.figureId")
    assert json.loads(message["s"]) == {"a": "50 %"}
    text = frame.evaluate("parameters.s")
    assert "%" not in text
    assert json.loads(text) == {"a": "50 %"}


def test_the_state_lies_in_the_pages_address(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link(FIGURE, label="µ & #"))
    state = {"text": "# & % + ü", "n": [1, 2.5]}
    frame.evaluate("state => ask({type: 'setUrlState', state})", state)
    assert frame.evaluate("state => ask({type: 'setUrlState', state, history: 'push'})", {"n": 2}) == {
        "type": "setUrlState"
    }
    found = parse_qs(urlsplit(page.url).query)
    assert (json.loads(found["s"][0]), found["label"], found["v"]) == ({"n": 2}, ["µ & #"], ["/view/strict"])
    wait_for_entry(page, '{"n":2}')
    page.go_back()
    frame.wait_for_function("() => heard.filter(({type}) => type === 'reportUrlStateChange').length === 3")
    assert [one["state"] for one in frame.evaluate("heard") if one["type"] == "reportUrlStateChange"] == [
        state,
        {"n": 2},
        state,
    ]
    again = scene.show(page, page.url)
    assert json.loads(again.evaluate("parameters.s")) == state


def test_messages_of_feeds_are_passed_on(page: Page, scene: Scene) -> None:
    frame = scene.show(page, scene.link(FIGURE))
    feed = {"feedId": scene.post("/feed/createFeed", {})["feedId"], "subfeedHash": "0" * 40}
    scene.post("/feed/appendMessages", {**feed, "messages": [{"n": 0}, {"n": 1}]})
    asked = frame.evaluate("feed => ask({type: 'subscribeToSubfeed', ...feed})", feed)
    assert asked["messages"] == [{"n": 0}, {"n": 1}]
    for number in (2, 3):
        scene.post("/feed/appendMessages", {**feed, "messages": [{"n": number}]})
        frame.wait_for_function("n => heard.some(one => one.position === n)", arg=number)
    news = [one for one in frame.evaluate("heard") if one["type"] == "newSubfeedMessages"]
    assert [(one["position"], one["messages"]) for one in news] == [(2, [{"n": 2}]), (3, [{"n": 3}])]
    assert {(one["feedId"], one["subfeedHash"]) for one in news} == {tuple(feed.values())}


# Views made with the published package


INTERFACE = """
import {{ getFigureData, startListeningToParent, getFileData }} from '/npm/{package}/dist/index';
import send from '/npm/{package}/dist/sendRequestToParent';
import * as state from '/npm/{package}/dist/UrlStateContext';
startListeningToParent();
const progress = () => undefined;
globalThis.library = {{getFigureData, getFile: (uri, more) => getFileData(uri, progress, more), send, state}};
globalThis.isReady = true;
"""


@pytest.mark.parametrize("package", ["@figurl/interface", "figurl-interface-2022"])
def test_views_made_with_figurls_package_work(page: Page, scene: Scene, package: str) -> None:
    is_later = package.startswith("@")
    view = scene.views.page("/later" if is_later else "/earlier", INTERFACE.format(package=package))
    state = {"text": "50 % # & ü"}
    frame = scene.show(page, scene.link(FIGURE, view=view, state=state))
    assert frame.evaluate("library.getFigureData()") == DECODED
    uri = f"sha1://{scene.store(FIGURE)}"
    assert frame.evaluate("uri => library.getFile(uri)", uri) == DECODED
    initial = "library.state.getInitialUrlState?.() ?? library.state.initialUrlState"
    assert frame.evaluate(initial) == state
    frame.evaluate("library.send({type: 'setUrlState', state: {a: 1}})")
    page.wait_for_url(lambda address: json.loads(parse_qs(urlsplit(address).query)["s"][0]) == {"a": 1})
    if is_later:
        # The earlier one knows no answer that tells of an error.
        missing = "library.getFile('sha1://' + '0'.repeat(40)).catch(error => error.message)"
        assert "not on this node" in frame.evaluate(missing)
        read = """async uri => [...new Uint8Array(
          await library.getFile(uri, {responseType: 'binary', startByte: 2, endByte: 6}))]"""
        assert bytes(frame.evaluate(read, uri)) == json.dumps(FIGURE).encode()[2:6]
