"""Chromium, Firefox and WebKit, each driven by the protocol that it speaks: WebDriver, or WebDriver BiDi."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browsing import ARGUMENTS
from driving import Driven
from selenium import webdriver
from selenium.common import WebDriverException
from selenium.webdriver.chrome.options import Options as ChromeOptions
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.remote.command import Command
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options as WebKitOptions
from selenium.webdriver.webkitgtk.service import Service as WebKitService
from waiting import MOST_SECONDS, until
from websocket import WebSocket, create_connection

WIDTH, HEIGHT = 760, 640
BROWSERS = ("chromium", "firefox", "webkit")

_VALUE = """(async () => {
  const value = (%s);
  const found = typeof value === 'function' ? await value(%s) : await value;
  return JSON.stringify(found ?? null);
})()"""
_ASYNC = "const done = arguments[0]; %s.then(text => done({text}), error => done({error: String(error)}));"
# Nothing but this machine can be reached, whatever a page or the browser itself asks for.
_NOWHERE = "127.0.0.1:9"
_FIREFOX_SETTINGS = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.no_proxies_on": "127.0.0.1, localhost",
}


_IS_OPEN = """() => {
  try {
    return Boolean(document.querySelector('iframe').contentWindow.document);
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}"""
_FRAME_PLACE = """() => {
  const frame = document.querySelector('iframe');
  const box = frame.getBoundingClientRect();
  return [box.x + frame.clientLeft, box.y + frame.clientTop];
}"""


class _WebDriver(Driven):
    """A browser behind a driver of its own."""

    def __init__(self, driver: WebDriver, downloads: Path) -> None:
        super().__init__(downloads)
        self._driver = driver
        self._frame: str | None = None
        driver.set_script_timeout(MOST_SECONDS)
        driver.set_window_size(WIDTH, HEIGHT)
        inner = self.evaluate("[innerWidth, innerHeight]")
        driver.set_window_size(2 * WIDTH - inner[0], 2 * HEIGHT - inner[1])

    def open(self, address: str) -> None:
        self._frame = None
        self._driver.get(address)

    def back(self) -> None:
        self._driver.back()

    def _enter_frame(self) -> None:
        self._frame = None
        self._frame = "own" if self.evaluate(_IS_OPEN) else "foreign"

    def address(self) -> str:
        return str(self._driver.current_url)

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        script = _ASYNC % (_VALUE % (expression, json.dumps(argument)))
        if self._frame == "own":
            # From outside: WebKit's driver loses frames whose page changes the address.
            script = f"with (document.querySelector('iframe').contentWindow) {{ {script} }}"
        elif self._frame == "foreign":
            self._driver.switch_to.frame(self._driver.find_element("css selector", "iframe"))
        try:
            found = self._driver.execute_async_script(script)
        finally:
            if self._frame == "foreign":
                self._driver.switch_to.default_content()
        if "error" in found:
            raise WebDriverException(found["error"])
        return json.loads(found["text"])

    def act(self, *sources: dict[str, Any]) -> None:
        if self._frame is not None:
            # Drivers do not agree on what places in a frame are.
            frame, self._frame = self._frame, None
            x, y = self.evaluate(_FRAME_PLACE)
            self._frame = frame
            sources = tuple(_moved(source, x, y) for source in sources)
        self._driver.execute(Command.W3C_ACTIONS, {"actions": list(sources)})
        self._driver.execute(Command.W3C_CLEAR_ACTIONS)

    def screenshot(self) -> bytes:
        return bytes(self._driver.get_screenshot_as_png())


def _moved(source: dict[str, Any], x: float, y: float) -> dict[str, Any]:
    """A source of input whose places are counted from somewhere else."""
    actions = [
        {**action, "x": round(action["x"] + x), "y": round(action["y"] + y)} if "x" in action else action
        for action in source["actions"]
    ]
    return {**source, "actions": actions}


class _Firefox(Driven):
    """Firefox, which speaks WebDriver BiDi itself."""

    def __init__(self, socket: WebSocket, downloads: Path) -> None:
        super().__init__(downloads)
        self._socket = socket
        self._numbers = itertools.count(1)
        self.send("session.new", capabilities={})
        behavior = {"type": "allowed", "destinationFolder": str(downloads)}
        self.send("browser.setDownloadBehavior", downloadBehavior=behavior)
        self._page = self.send("browsingContext.getTree")["contexts"][0]["context"]
        self._frame = self._page
        self.send(
            "browsingContext.setViewport", context=self._page, viewport={"width": WIDTH, "height": HEIGHT}
        )

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What Firefox answers to a command."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                if answer["type"] == "error":
                    raise WebDriverException(f"{method}: {answer['error']}: {answer['message']}")
                return dict(answer["result"])

    def open(self, address: str) -> None:
        self._frame = self._page
        self.evaluate("() => { globalThis.isLeft = true; }")
        self.send("browsingContext.navigate", context=self._page, url=address, wait="none")
        # Firefox's own waiting does not always end where another process takes over the page.
        until(self._is_loaded, f"{address} is loaded")

    def _is_loaded(self) -> bool:
        try:
            return bool(self.evaluate("!globalThis.isLeft && document.readyState === 'complete'"))
        except WebDriverException:
            return False

    def back(self) -> None:
        self.send("browsingContext.traverseHistory", context=self._page, delta=-1)

    def _enter_frame(self) -> None:
        frames = self._tree()["children"]
        if not frames:
            raise WebDriverException("no frame yet")
        self._frame = frames[0]["context"]

    def address(self) -> str:
        return str(self._tree()["url"])

    def _tree(self) -> dict[str, Any]:
        return dict(self.send("browsingContext.getTree", root=self._page)["contexts"][0])

    def evaluate(self, expression: str, argument: Any = None) -> Any:
        code = _VALUE % (expression, json.dumps(argument))
        found = self.send(
            "script.evaluate", expression=code, target={"context": self._frame}, awaitPromise=True
        )
        if found["type"] == "exception":
            raise WebDriverException(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"])

    def act(self, *sources: dict[str, Any]) -> None:
        self.send("input.performActions", context=self._frame, actions=list(sources))
        self.send("input.releaseActions", context=self._frame)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.send("browsingContext.captureScreenshot", context=self._page)["data"])


@contextmanager
def chromium(folder: Path) -> Iterator[Driven]:
    """Chromium with a profile of its own in a folder."""
    options = ChromeOptions()
    options.binary_location = _program("chromium")
    for argument in ("--headless=new", f"--user-data-dir={folder / 'profile'}", *ARGUMENTS):
        options.add_argument(argument)
    downloads = _downloads(folder)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options, ChromeService(_program("chromedriver")))
    try:
        yield _WebDriver(driver, downloads)
    finally:
        driver.quit()


@contextmanager
def firefox(folder: Path) -> Iterator[Driven]:
    """Firefox with a profile of its own in a folder."""
    profile = folder / "profile"
    profile.mkdir()
    lines = [
        f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _FIREFOX_SETTINGS.items()
    ]
    (profile / "user.js").write_text("\n".join(lines))
    command = [_program("firefox-esr"), "--headless", "--no-remote", "--profile", str(profile)]
    said = folder / "said"
    with said.open("w") as output:
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"],
            stdout=output,
            stderr=output,
            env={**os.environ, "HOME": str(folder)},
        )
    try:
        place = until(lambda: re.search(r"ws://\S+(?=\s)", said.read_text()), "Firefox listens")
        socket = create_connection(f"{place[0]}/session", timeout=MOST_SECONDS, suppress_origin=True)
        yield _Firefox(socket, _downloads(folder))
        socket.close()
    finally:
        process.terminate()
        process.wait(MOST_SECONDS)


@contextmanager
def webkit(folder: Path) -> Iterator[Driven]:
    """WebKit in the small browser that comes with its driver, on a screen that nobody sees."""
    downloads = _downloads(folder)
    (folder / "user-dirs.dirs").write_text(f'XDG_DOWNLOAD_DIR="{downloads}"\n')
    options = WebKitOptions()
    browsers = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    assert browsers, "MiniBrowser is missing: tests/install-programs installs webkit2gtk-driver"
    options.binary_location = str(browsers[-1])
    ignored = [f"--ignore-host={host}" for host in ("127.0.0.1", "localhost")]
    for argument in ("--automation", f"--proxy=http://{_NOWHERE}", *ignored):
        options.add_argument(argument)
    with _screen() as display:
        environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "DISPLAY": display,
            "GDK_BACKEND": "x11",
        }
        service = WebKitService(_program("WebKitWebDriver"), env=environment)
        driver = webdriver.WebKitGTK(options, service=service)
        try:
            yield _WebDriver(driver, downloads)
        finally:
            driver.quit()


@contextmanager
def _screen() -> Iterator[str]:
    """The name of an X display."""
    reading, writing = os.pipe()
    options = ["-displayfd", str(writing), "-screen", "0", "1400x1200x24", "-nolisten", "tcp"]
    with subprocess.Popen(
        [_program("Xvfb"), *options], pass_fds=[writing], stderr=subprocess.DEVNULL
    ) as process:
        os.close(writing)
        with os.fdopen(reading) as said:
            number = said.readline().strip()
        assert number, "Xvfb gives no display"
        try:
            yield f":{number}"
        finally:
            process.terminate()


def _downloads(folder: Path) -> Path:
    downloads = folder / "downloads"
    downloads.mkdir()
    return downloads


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing: tests/install-programs installs it"
    return found


START = {"chromium": chromium, "firefox": firefox, "webkit": webkit}
