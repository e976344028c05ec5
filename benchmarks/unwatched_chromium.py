"""Chromium without Playwright, which makes a page keep what it was sent (DevTools' network record): for its memory."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_START_SECONDS = 20


class Browser:
    """A headless browser that is told what to do by its remote-debugging pipe."""

    def __init__(self, arguments: Sequence[str], profile: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()
        # The browser reads orders from descriptor 3 and answers on 4.
        places = f'exec {shutil.which("chromium")} "$@" 3<&{ours[0]} 4>&{theirs[1]}'
        command = ["bash", "-c", places, "chromium", "--headless=new", "--remote-debugging-pipe", *arguments]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(ours[0], theirs[1]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(ours[0])
        os.close(theirs[1])
        self._orders = ours[1]
        self._answers = os.fdopen(theirs[0], "rb")
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The result of a command of the DevTools protocol; events that come meanwhile are kept."""
        number = next(self._numbers)
        order = {"id": number, "method": method, "params": parameters}
        if session:
            order["sessionId"] = session
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        while True:
            message = self._receive()
            if message.get("id") != number:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            else:
                return dict(message["result"])

    def _receive(self) -> dict[str, Any]:
        found = bytearray()
        while not found.endswith(b"\0"):
            letter = self._answers.read(1)
            if not letter:
                raise RuntimeError("The browser has gone.")
            found += letter
        return dict(json.loads(found[:-1]))

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        os.close(self._orders)
        self._answers.close()


@contextmanager
def browser(arguments: Sequence[str]) -> Iterator[Browser]:
    """A browser that knows nothing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        running = Browser(arguments, Path(profile))
        try:
            yield running
        finally:
            running.close()


class ViewerPage:
    """The viewer in the only page of a browser."""

    def __init__(self, browser: Browser, address: str, width: int, height: int) -> None:
        self._browser = browser
        targets = browser.send("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = browser.send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        browser.send("Runtime.enable", self.session)
        shape = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.send("Emulation.setDeviceMetricsOverride", self.session, **shape)
        browser.send("Page.navigate", self.session, url=address)
        self._context = self._viewer_context()

    def _viewer_context(self) -> int:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self._browser.send("Runtime.evaluate", self.session, expression="0")
            for event in self._browser.events:
                if event["method"] != "Runtime.executionContextCreated":
                    continue
                context = int(event["params"]["context"]["id"])
                try:
                    if self._value("Boolean(globalThis.seriesview)", context):
                        return context
                except RuntimeError:
                    continue  # That of a document that has gone.
            time.sleep(0.05)
        raise RuntimeError("The viewer did not start.")

    def _value(self, expression: str, context: int) -> Any:
        options = {"contextId": context, "awaitPromise": True, "returnByValue": True}
        result = self._browser.send("Runtime.evaluate", self.session, expression=expression, **options)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def evaluate(self, expression: str) -> Any:
        """What an expression gives in the viewer's frame; promises are awaited."""
        return self._value(expression, self._context)

    def megabytes(self) -> tuple[float, float]:
        """(the page's heap, memory of the browser's renderers), after a collection of garbage."""
        self._browser.send("HeapProfiler.collectGarbage", self.session)
        heap = self._browser.send("Runtime.getHeapUsage", self.session)["usedSize"]
        return heap / 1e6, renderer_bytes(self._browser.send("SystemInfo.getProcessInfo")) / 1e6


def renderer_bytes(processes: dict[str, Any]) -> int:
    """Memory of a browser's renderers, pages that are shared divided among their users."""
    found = 0
    for process in processes["processInfo"]:
        if process["type"] == "renderer":
            for line in Path(f"/proc/{process['id']}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    found += int(line.split()[1]) * 1024
    return found
