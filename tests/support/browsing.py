"""Driving the viewer in a real browser, and looking at the pixels that it drew."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Frame, Page
from waiting import MOST_SECONDS as MOST_SECONDS
from waiting import until

Picture = npt.NDArray[np.uint8]

# Chromium without what only its windows need: a page costs half of the processor time.
PROGRAM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing but this machine can be reached, whatever a page asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

_PANEL = """async ([key, withPixels]) => {
  await seriesview.settled();
  const panel = seriesview.panels().find(panel => panel.key === key);
  const {lanes, frame, width, height, isComplete, notes, error, valueAxis, cut} = panel.painted;
  const picture = withPixels ? panel.canvas.toDataURL('image/png') : null;
  return {type: panel.type, lanes, frame, width, height, isComplete, notes, error, valueAxis, cut, picture,
    canvasSize: [panel.canvas.width, panel.canvas.height]};
}"""


def wait_until(frame: Frame, condition: str) -> None:
    """Return when an expression has come true. (Playwright's own way needs eval, which the node's pages forbid.)"""
    wait_for(frame.page, lambda: frame.evaluate(f"Boolean({condition})"), condition)


def wait_for(page: Page, condition: Callable[[], object], what: str = "what is waited for") -> None:
    """Return when a condition holds; the page goes on meanwhile."""
    # Playwright hears of the page only while it is asked something.
    until(condition, what, MOST_SECONDS, pause=lambda seconds: page.wait_for_timeout(1000 * seconds))


def wait_for_entry(page: Page, words: str) -> None:
    """Return when the current entry of the browser's history has an address that holds these words.

    The browser hears of an entry some time after the page, and Playwright counts the way back from its entries.
    """
    browser = page.context.new_cdp_session(page)

    def has_come() -> bool:
        history = browser.send("Page.getNavigationHistory")
        return words in unquote(history["entries"][history["currentIndex"]]["url"])

    try:
        wait_for(page, has_come, f"an address with {words}")
    finally:
        browser.detach()


@dataclass
class PanelPicture:
    """What one panel shows."""

    painted: dict[str, Any]
    pixels: Picture
    """(height, width, 4)."""

    @property
    def lanes(self) -> list[dict[str, Any]]:
        return list(self.painted["lanes"])

    @property
    def frame(self) -> dict[str, int]:
        return dict(self.painted["frame"])


class Viewer:
    """A viewer that has started, in a page or in a frame of it."""

    def __init__(self, page: Page, frame: Frame) -> None:
        self.page = page
        self.inside = frame

    def wait(self) -> Viewer:
        """Return when every visible panel is painted for good."""
        self.wait_until("globalThis.seriesview !== undefined")
        self.inside.evaluate("seriesview.settled()")
        return self

    def state(self) -> dict[str, Any]:
        return dict(self.inside.evaluate("seriesview.state()"))

    def frame(self) -> dict[str, int]:
        return dict(self.inside.evaluate("seriesview.frame()"))

    def timeline(self) -> dict[str, Any]:
        return dict(self.inside.evaluate("seriesview.timeline()"))

    def set_state(self, **changes: Any) -> None:
        """Change some of what a link holds, and wait until it is shown."""
        self.inside.evaluate(
            """async changes => {
              seriesview.setState({...seriesview.state(), ...changes});
              await seriesview.settled();
            }""",
            changes,
        )

    def change(self, act: Callable[[], Any]) -> dict[str, int]:
        """Do something that moves the view, wait until it has, and return the new frame."""
        before = self.frame()
        act()
        self.wait_until(
            f"JSON.stringify(seriesview.frame()) !== {json.dumps(json.dumps(before, separators=(',', ':')))}"
        )
        self.inside.evaluate("seriesview.settled()")
        return self.frame()

    def wait_until(self, condition: str) -> None:
        """Return when an expression of JavaScript has come true in the viewer."""
        wait_until(self.inside, condition)

    def wait_for_link(self, words: str) -> None:
        """Return when the address of the page holds these words, for the back button of the browser as well."""
        wait_for_entry(self.page, words)

    def box(self, key: str = "0") -> dict[str, float]:
        """Where a panel's canvas is in the page, CSS pixels: x, y, width, height."""
        handle = self.inside.evaluate_handle(
            "key => seriesview.panels().find(panel => panel.key === key).canvas", key
        ).as_element()
        assert handle is not None
        handle.scroll_into_view_if_needed()
        found = handle.bounding_box()
        assert found is not None
        return dict(found)

    def time_at(self, frame: Mapping[str, int], column: float) -> float:
        """View time of a column that is counted from the left edge of a frame, seconds."""
        timeline = self.timeline()
        ticks = (frame["leftColumn"] + column) * frame["samplesPerColumn"] / frame["columnsPerSample"]
        return float(timeline["startTime"] + ticks / timeline["ticksPerSecond"])

    def panel_keys(self) -> list[str]:
        return list(self.inside.evaluate("seriesview.panels().map(panel => panel.key)"))

    def panel(self, key: str = "0") -> PanelPicture:
        """The picture of a panel, once it is painted for good."""
        painted = self.inside.evaluate(_PANEL, [key, True])
        data = base64.b64decode(painted.pop("picture").partition(",")[2])
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
        assert painted["canvasSize"] == [painted["width"], painted["height"]]
        assert pixels.shape == (painted["height"], painted["width"], 4)
        return PanelPicture(painted, pixels)

    def text(self) -> str:
        """All words that the viewer shows."""
        return str(self.inside.evaluate("document.body.innerText"))
