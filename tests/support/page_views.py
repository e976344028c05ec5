"""The node's page with strict views in it: what such views are, a backend by hand, and a link to open."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from node_peers import ask
from playwright.sync_api import Frame, Page
from view_server import ViewServer

from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.config import NodeConfig
from seriesview.node.pages import figure_path
from seriesview.node.server import NodeThread

CHANNEL = "lab"

# A view that refuses what it does not know: an answer with one field too many is never an answer.
STRICT_VIEW = """
const query = location.href.slice(location.href.indexOf('?') + 1).split('&').map(part => part.split('='));
globalThis.parameters = Object.fromEntries(query.map(([name, value]) => [name, decodeURIComponent(value ?? '')]));
globalThis.heard = [];
const FIELDS = {
  getFigureData: ['figureData'], getFileData: ['fileData', 'errorMessage'],
  getFileDataUrl: ['fileDataUrl', 'errorMessage'],
  initiateTask: ['taskId', 'taskStatus', 'errorMessage', 'returnValue'],
  subscribeToSubfeed: ['messages'], getMutable: ['value'], storeFile: ['uri', 'error'],
  storeGithubFile: ['success', 'error'], setUrlState: [], readDir: ['dir', 'errorMessage'],
  serviceQuery: ['result', 'errorMessage'],
};
const NEWS = {
  taskStatusUpdate: ['taskId', 'status', 'errorMessage', 'returnValue'], reportUrlStateChange: ['state'],
  newSubfeedMessages: ['feedId', 'subfeedHash', 'position', 'messages'],
  initializeFigure: ['parentOrigin', 'figureId', 's'],
};
const has = (value, names) => Object.keys(value).every(name => names.includes(name));
const waiting = new Map();
let number = 0;
globalThis.unknown = [];
addEventListener('message', ({source, origin, data}) => {
  if (source !== parent || origin !== parameters.parentOrigin) return;
  if (data.type === 'figurlResponse' && has(data, ['type', 'requestId', 'response'])
      && has(data.response, ['type', ...FIELDS[data.response.type]])) {
    waiting.get(data.requestId)?.(data.response);
  } else if (data.type in NEWS && has(data, ['type', ...NEWS[data.type]])) heard.push(data);
  else unknown.push(data);
});
globalThis.ask = (request, more = {}, target = parameters.parentOrigin) => new Promise(resolve => {
  const requestId = `request${String(number += 1).padStart(3, '0')}`;
  waiting.set(requestId, resolve);
  parent.postMessage({type: 'figurlRequest', figureId: parameters.figureId, requestId, request, ...more}, target);
});
globalThis.task = (functionId, kwargs, functionType = 'pure-calculation', more = {}) => ask({
  type: 'initiateTask', functionId, kwargs, functionType, queryUseCache: false, queryFallbackToCache: false, ...more,
});
globalThis.isReady = true;
"""


def open_dialog(page: Page) -> None:
    """The dialog behind the menu of the node's page."""
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Kachery channel: ").click()


class Scene:
    """A node with a strict view of its own, and the same view at another origin."""

    def __init__(self, folder: Path) -> None:
        self.views = ViewServer("localhost")
        self.views.page("/strict", STRICT_VIEW)
        own = folder / "own view"
        own.mkdir()
        (own / "index.html").write_text('<!doctype html><script type="module" src="view.js"></script>')
        (own / "view.js").write_text(STRICT_VIEW)
        self.storage = folder / "storage"
        viewer = Path(__file__).parents[2] / "seriesview" / "viewer"
        config = NodeConfig(
            self.storage,
            port=0,
            channels=(CHANNEL, "closed"),
            views={"strict": own, "seriesview": viewer},
            view_origins=(self.views.address,),
        )
        self.node = NodeThread(config)
        self.node.start()
        permissions = {"links": frozenset({"requestTasks", "requestFiles", "requestFeeds"})}
        Channels(self.storage / CHANNELS_FILE).change(CHANNEL, permissions)

    def close(self) -> None:
        self.node.stop()
        self.views.close()

    def post(self, path: str, body: Any) -> Any:
        return ask(self.node.port, "POST", path, body, storage=self.storage).json()

    def store(self, value: Any) -> str:
        """Store bytes, or a value as JSON; returns the SHA-1."""
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.post("/store", data)
        return hashlib.sha1(data).hexdigest()

    def token(self) -> str:
        return str(self.post("/newLinkToken", {})["token"])

    def link(
        self, data: Any, view: str = "/view/strict", channel: str = CHANNEL, token: bool = True, **more: Any
    ) -> str:
        path = figure_path(view, self.store(data), channel, more.get("label", "a figure"), more.get("state"))
        return f"{self.node.url}{path}" + (f"#token={self.token()}" if token else "")

    def show(self, page: Page, link: str) -> Frame:
        """Open a link, and wait for the view in it."""
        page.goto(link)
        frame = page.wait_for_selector("iframe", state="attached").content_frame()
        assert frame is not None
        frame.wait_for_function("() => globalThis.isReady")
        return frame


class HandBackend:
    """A backend that runs functions of tests; `with` it."""

    def __init__(
        self,
        scene: Scene,
        functions: dict[str, Callable[..., Any]],
        backend_id: str | None = None,
        kind: str = "",
    ) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._scene = scene
        self._functions = functions
        self._id = {} if backend_id is None else {"backendId": backend_id}
        self._kind = kind or "pure-calculation"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> HandBackend:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        offers = [
            {"channelName": CHANNEL, "taskFunctionId": name, "taskFunctionType": self._kind}
            for name in self._functions
        ]
        while not self._stop.is_set():
            poll = {"taskFunctions": offers, "timeoutMsec": 200, **self._id}
            for task in self._scene.post("/task/registerTaskFunctions", poll)["requestedTasks"]:
                self.asked.append((task["taskFunctionId"], task["kwargs"]))
                self._do(task)

    def _do(self, task: dict[str, Any]) -> None:
        names = {"channelName": CHANNEL, "taskId": task["taskId"]}
        try:
            result = json.dumps(self._functions[task["taskFunctionId"]](**task["kwargs"])).encode()
        except Exception as error:
            told = {**names, "status": "error", "errorMessage": str(error)}
            self._scene.post("/task/updateTaskStatus", told)
            return
        query = "&".join(f"{name}={value}" for name, value in {**names, "taskHash": task["taskHash"]}.items())
        self._scene.post(f"/task/finishTask?{query}", result)
