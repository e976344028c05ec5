"""The viewer's side of the figurl protocol, message by message, in pages that play its parents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from browsing import wait_for_entry
from playwright.sync_api import Frame, Page
from view_server import ViewServer

FIGURE = {"type": "a figure", "data": [1, 2]}
VIEW = """
import { connect } from '/viewer/connect/start.js';
connect().then(found => { globalThis.connection = found; }, error => { globalThis.problem = error.message; });
"""
PARENT = """
const view = document.getElementById('view');
globalThis.heard = [];
globalThis.post = message => view.contentWindow.postMessage(message, '*');
globalThis.respond = ({requestId}, response) => post({type: 'figurlResponse', requestId, response});
addEventListener('message', event => {
  if (event.source !== view.contentWindow) return;
  heard.push(event.data);
  globalThis.hear?.(event.data);
});
globalThis.isReady = true;
"""
# What a parent of each generation knows; any other message gets no answer.
HEAR = """
globalThis.figure = {type: 'a figure', data: [1, 2]};
globalThis.tasks = 0;
const bytes = new Uint8Array(20).map((_, index) => index);
globalThis.known = {
  K: {
    getFigureData: () => ({figureData: figure}),
    getFileData: ({uri}) => uri.startsWith('sha1://aa') ? {fileData: {uri}} : null,
    initiateTask: () => ({taskId: `task-${tasks += 1}`, taskStatus: 'waiting'}),
  },
  N: {
    getFigureData: () => ({figureData: figure}),
    getFileData: ({uri, responseType, startByte = 0, endByte = 20}) => uri.startsWith('sha1://aa')
      ? {fileData: responseType === 'binary' ? bytes.slice(startByte, endByte).buffer : {uri}}
      : {errorMessage: 'there is no such file'},
    getFileDataUrl: () => ({errorMessage: 'no'}),
    setUrlState: () => ({}),
  },
};
globalThis.play = generation => {
  globalThis.hear = message => {
    if (message.type !== 'figurlRequest' || message.figureId !== 'abcdefghij') return;
    const response = known[generation][message.request.type]?.(message.request);
    if (response) respond(message, {type: message.request.type, ...response});
  };
};
"""
FIELDS = {
    "getFigureData": {"type"},
    "getFileData": {"type", "uri"},
    "initiateTask": {
        "type",
        "functionId",
        "kwargs",
        "functionType",
        "queryUseCache",
        "queryFallbackToCache",
    },
}


@pytest.fixture(scope="module")
def parent_server() -> Iterator[ViewServer]:
    server = ViewServer("127.0.0.1")
    server.page("/parent", PARENT + HEAR, '<iframe id="view"></iframe>')
    server.page("/empty", "", "")
    yield server
    server.close()


@pytest.fixture(scope="module")
def view_server() -> Iterator[ViewServer]:
    server = ViewServer("localhost")
    server.page("/view", VIEW)
    yield server
    server.close()


class Play:
    """A parent's page with the view in it."""

    def __init__(self, page: Page, parent: ViewServer, view: ViewServer) -> None:
        self.page = page
        self.parent = parent
        self.view = f"{view.address}/view"
        page.goto(f"{parent.address}/parent")
        page.wait_for_function("() => globalThis.isReady")

    def start(self, generation: str, query: str | None = None) -> Frame:
        self.page.evaluate("generation => play(generation)", generation)
        if query is None:
            query = f"?parentOrigin={self.parent.address}&figureId=abcdefghij"
        self.page.evaluate("address => { document.getElementById('view').src = address; }", self.view + query)
        frame = self.page.frames[-1]
        frame.wait_for_url(re.compile("/view"))
        return frame

    def connected(self, generation: str, query: str | None = None) -> Frame:
        frame = self.start(generation, query)
        frame.wait_for_function("() => globalThis.connection || globalThis.problem")
        return frame

    def requests(self) -> list[dict[str, Any]]:
        return [message["request"] for message in self.page.evaluate("heard")]


@pytest.fixture
def play(page: Page, parent_server: ViewServer, view_server: ViewServer) -> Play:
    return Play(page, parent_server, view_server)


def start_of(frame: Frame) -> dict[str, Any]:
    return dict(frame.evaluate("connection.start"))


def test_a_parent_with_tasks_is_sent_nothing_of_later_generations(play: Play) -> None:
    frame = play.connected("K")
    start = start_of(frame)
    assert (start["mode"], start["figureData"]) == ("parent", FIGURE)
    assert (start["hasTasks"], start["hasByteRanges"], start["leavesArraysEncoded"]) == (True, False, False)
    frame.evaluate("connection.setState({a: 1}, 'push')")
    assert frame.evaluate("connection.outside.getFileJson('sha1://aa')") == {"uri": "sha1://aa"}
    for message in play.page.evaluate("heard"):
        assert set(message) == {"type", "figureId", "requestId", "request"}
        assert len(message["requestId"]) == 10
        request = message["request"]
        if request["type"] != "getFileDataUrl":
            assert set(request) == FIELDS[request["type"]]
    assert "setUrlState" not in {request["type"] for request in play.requests()}
    assert "keeps no state" in frame.evaluate("connection.linkNote()")
    assert frame.evaluate("connection.link()") == ""


def test_a_tasks_updates_may_overtake_its_answer(play: Play) -> None:
    frame = play.connected("K")
    play.page.evaluate("""() => {
      known.K.initiateTask = ({functionId, kwargs}) => {
        const [taskId, status] = [functionId, 'finished'];
        post({type: 'taskStatusUpdate', taskId, status: 'running'});
        post({type: 'taskStatusUpdate', taskId, status, returnValue: {got: kwargs}});
        return {taskId, taskStatus: 'waiting'};
      };
    }""")
    run = "kwargs => connection.outside.runTask('f.1', 'pure-calculation', kwargs)"
    assert frame.evaluate(run, {"a": 1}) == {"got": {"a": 1}}
    play.page.evaluate("""() => {
      known.K.initiateTask = () => ({taskId: 'f.2', taskStatus: 'finished', returnValue: [3]});
    }""")
    assert frame.evaluate(run, {}) == [3]
    # What was said of an earlier task does not count for a later one of the same name.
    frame.evaluate(
        "() => { globalThis.told = new Promise(resolve => addEventListener('message', resolve)); }"
    )
    play.page.evaluate("""() => {
      post({type: 'taskStatusUpdate', taskId: 'f.3', status: 'error', errorMessage: 'old'});
      known.K.initiateTask = () => {
        setTimeout(() => post({type: 'taskStatusUpdate', taskId: 'f.3', status: 'finished', returnValue: 'new'}), 50);
        return {taskId: 'f.3', taskStatus: 'waiting'};
      };
    }""")
    frame.evaluate("told.then(() => undefined)")
    assert frame.evaluate(run, {}) == "new"


def test_a_tasks_error_is_told(play: Play) -> None:
    frame = play.connected("K")
    play.page.evaluate("""() => {
      known.K.initiateTask = () => ({taskId: 'x', taskStatus: 'error', errorMessage: '<b>no such series</b>'});
    }""")
    kinds = "connection.outside.runTask('f.1', 'query', {}).catch(error => [error.kind, error.message])"
    assert frame.evaluate(kinds) == ["refused", "<b>no such series</b>"]


def test_a_backend_that_does_not_answer_and_comes_back(play: Play) -> None:
    frame = play.connected("K")
    seconds = """async () => {
      globalThis.back = 0;
      connection.onBackend(() => { back += 1; });
      const begin = performance.now();
      const problem = await connection.outside.runTask('f.1', 'query', {}).catch(error => error);
      return [problem.kind, problem.message, (performance.now() - begin) / 1000];
    }"""
    kind, message, waited = frame.evaluate(seconds)
    assert (kind, "backend ID" in message) == ("backend", True)
    assert 2.9 < waited < 15
    # A task that was given up is still listened to.
    play.page.evaluate("post({type: 'taskStatusUpdate', taskId: `task-${tasks}`, status: 'running'})")
    frame.wait_for_function("() => back === 1")


def test_a_parent_with_files_reads_ranges_and_keeps_the_state(play: Play) -> None:
    frame = play.connected("N")
    start = start_of(frame)
    assert (start["hasTasks"], start["hasByteRanges"]) == (False, True)
    read = "async ([start, end]) => [...new Uint8Array(await connection.outside.getFileBytes('sha1://aa', start, end))]"
    assert frame.evaluate(read, [3, 6]) == [3, 4, 5]
    whole = "connection.outside.getFileBytes('sha1://aa').then(buffer => buffer.byteLength)"
    assert frame.evaluate(whole) == 20
    ranged, unranged = play.requests()[-2:]
    assert ranged == {
        "type": "getFileData",
        "uri": "sha1://aa",
        "responseType": "binary",
        "startByte": 3,
        "endByte": 6,
    }
    assert set(unranged) == {"type", "uri", "responseType"}
    missing = "connection.outside.getFileBytes('sha1://bb').catch(error => [error.kind, error.message])"
    assert frame.evaluate(missing) == ["missing", "there is no such file"]

    frame.evaluate("""() => {
      globalThis.states = [];
      connection.onState(state => states.push(state));
      connection.setState({a: 1}, 'push');
    }""")
    play.page.wait_for_function("() => heard.some(({request}) => request.type === 'setUrlState')")
    assert play.requests()[-1] == {"type": "setUrlState", "state": {"a": 1}}
    play.page.evaluate("""() => {
      post({type: 'reportUrlStateChange', state: {a: 1}});
      post({type: 'reportUrlStateChange', state: 'nothing'});
      post({type: 'reportUrlStateChange', state: {a: 0}});
    }""")
    frame.wait_for_function("() => states.length > 0")
    assert frame.evaluate("states") == [{"a": 0}]


STATE = {"a": "1 % # & ü", "b": [1.5]}


@pytest.mark.parametrize("times", [1, 2])
def test_the_state_is_read_from_the_address(play: Play, times: int) -> None:
    text = json.dumps(STATE)
    for _ in range(times):
        text = quote(text, safe="")
    origin = play.parent.address
    frame = play.connected("N", f"?parentOrigin={origin}&figureId=abcdefghij&s={text}")
    assert frame.evaluate("connection.state") == STATE


@pytest.mark.parametrize("text", [json.dumps(STATE), quote(json.dumps(STATE))])
def test_a_parent_may_start_the_view_by_message(play: Play, text: str) -> None:
    frame = play.start("N", "")
    frame.wait_for_load_state()
    play.page.evaluate(
        """s => {
          const repeat = () => {
            if (heard.length) return;
            post({type: 'something else', figureId: 'x'});
            post({type: 'initializeFigure', parentOrigin: 'https://elsewhere.example', figureId: 'wrong'});
            post({type: 'initializeFigure', parentOrigin: location.origin, figureId: 'abcdefghij', s});
            post({type: 'initializeFigure', parentOrigin: location.origin, figureId: 'second'});
            setTimeout(repeat, 50);
          };
          repeat();
        }""",
        text,
    )
    frame.wait_for_function("() => globalThis.connection")
    assert frame.evaluate("connection.state") == STATE
    assert start_of(frame)["hasByteRanges"]
    assert {message["figureId"] for message in play.page.evaluate("heard")} == {"abcdefghij"}


def test_a_number_sign_in_a_value_survives(play: Play) -> None:
    frame = play.start("N", f"?parentOrigin={play.parent.address}&figureId=abc#def%26")
    play.page.wait_for_function("() => heard.length > 0")
    assert play.page.evaluate("heard[0].figureId") == "abc#def&"
    assert frame.evaluate("globalThis.problem ?? null") is None


def test_messages_of_others_are_ignored(play: Play) -> None:
    play.page.evaluate("known.nobody = {}")
    frame = play.start("nobody")
    play.page.wait_for_function("() => heard.length > 0")
    # The view's own window, strange things, and an answer of another type.
    frame.evaluate(
        """requestId => {
          const response = {type: 'getFigureData', figureData: 'forged'};
          postMessage({type: 'figurlResponse', requestId, response}, '*');
        }""",
        play.page.evaluate("heard[0].requestId"),
    )
    play.page.evaluate("""() => {
      for (const strange of [null, 1, 'text', [], {}, {type: 5}, {type: 'figurlResponse'}]) post(strange);
      post({type: 'figurlResponse', requestId: heard[0].requestId, response: null});
      respond({requestId: 'nobody'}, {type: 'getFigureData', figureData: 'forged'});
      respond(heard[0], {type: 'getFileData', figureData: 'forged'});
      play('N');
      respond(heard[0], {type: 'getFigureData', figureData: 'the true one'});
    }""")
    frame.wait_for_function("() => globalThis.connection")
    assert start_of(frame)["figureData"] == "the true one"


def test_a_parent_of_another_origin_than_it_says_hears_nothing(play: Play, view_server: ViewServer) -> None:
    frame = play.start("N", f"?parentOrigin={view_server.address}&figureId=abcdefghij")
    frame.wait_for_load_state("networkidle")
    play.page.evaluate("respond({requestId: 'x'}, {type: 'getFigureData', figureData: 1})")
    assert play.page.evaluate("heard") == []
    assert frame.evaluate("globalThis.connection ?? null") is None


def test_a_figure_without_data_is_explained(play: Play) -> None:
    play.page.evaluate("known.N.getFigureData = () => ({})")
    frame = play.connected("N")
    assert "names no figure" in frame.evaluate("problem")


def test_a_view_may_be_opened_by_its_parent(
    page: Page, parent_server: ViewServer, view_server: ViewServer
) -> None:
    page.goto(f"{parent_server.address}/empty")
    query = f"?parentOrigin={parent_server.address}&figureId=abcdefghij&useOpener=1"
    with page.expect_popup() as opened:
        page.evaluate(
            """address => {
              addEventListener('message', ({source, data}) => {
                if (data.type !== 'figurlRequest') return;
                const response = {type: data.request.type, figureData: 'for the opened one'};
                source.postMessage({type: 'figurlResponse', requestId: data.requestId, response}, '*');
              });
              open(address);
            }""",
            f"{view_server.address}/view{query}",
        )
    opened.value.wait_for_function("() => globalThis.connection")
    assert opened.value.evaluate("connection.start.figureData") == "for the opened one"


def test_plain_files_with_the_state_in_their_address(page: Page, view_server: ViewServer) -> None:
    sha1 = "0123456789abcdef0123456789abcdef01234567"
    export = {"format": "seriesview-export/1", "workspace": f"sha1://{sha1}/workspace.json", "left_out": []}
    view_server.page("/folder/index.html", VIEW)
    view_server.documents["/folder/export.json"] = json.dumps(export)
    page.goto(f"{view_server.address}/folder/index.html?other=1&s={quote(json.dumps(STATE))}")
    page.wait_for_function("() => globalThis.connection || globalThis.problem")
    assert page.evaluate("connection.start") == {
        "mode": "static",
        "figureData": export,
        "base": f"{view_server.address}/folder/",
        "hasTasks": False,
        "hasByteRanges": False,
        "leavesArraysEncoded": False,
        "workspaceUri": export["workspace"],
    }
    assert page.evaluate("connection.state") == STATE
    page.evaluate("""() => {
      globalThis.states = [];
      connection.onState(state => states.push(state));
      connection.setState({a: 'pushed'}, 'push');
      connection.setState({a: 'replaced'}, 'replace');
    }""")
    assert "other=1" in page.url
    assert page.url == page.evaluate("connection.link()")
    assert "this computer only" in page.evaluate("connection.linkNote()")
    wait_for_entry(page, '"replaced"')
    page.go_back()
    page.wait_for_function("() => states.length === 1")
    page.go_forward()
    page.wait_for_function("() => states.length === 2")
    assert page.evaluate("states") == [STATE, {"a": "replaced"}]


def test_without_a_parent_and_without_files_it_says_so(page: Page, view_server: ViewServer) -> None:
    page.goto(f"{view_server.address}/view")
    page.wait_for_function("() => globalThis.problem")
    assert page.evaluate("problem") == "export.json is not there."
