"""What tests do with a browser window, whatever drives it."""

from __future__ import annotations

import io
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from browsing import Picture
from PIL import Image
from selenium.common import WebDriverException
from waiting import until

_UNFINISHED = (".part", ".crdownload", ".wkdownload")


class Driven(ABC):
    """A browser window that tests drive. `evaluate` and `act` mean the frame that was entered, else the page."""

    def __init__(self, downloads: Path) -> None:
        self.downloads = downloads
        """The folder of what pages save."""
        self.page = self

    @abstractmethod
    def open(self, address: str) -> None:
        """Go to an address, and wait until the page is loaded."""

    @abstractmethod
    def back(self) -> None:
        """What the browser's back button does."""

    def enter_frame(self) -> None:
        """Mean the page's first frame from now on, once it is loaded."""
        until(self._is_in_frame, "the frame is loaded")

    def _is_in_frame(self) -> bool:
        try:
            self._enter_frame()
            return bool(
                self.evaluate("location.href !== 'about:blank' && document.readyState === 'complete'")
            )
        except WebDriverException:
            return False  # it is about to go elsewhere

    @abstractmethod
    def _enter_frame(self) -> None:
        """Mean the first frame, which may not be there yet: WebDriverException."""

    @abstractmethod
    def address(self) -> str:
        """The page's own, not a frame's."""

    @abstractmethod
    def evaluate(self, expression: str, argument: Any = None) -> Any:
        """The value of an expression, or what the function that it is returns for an argument; JSON."""

    @abstractmethod
    def act(self, *sources: dict[str, Any]) -> None:
        """Do what sources of input do, as both protocols write it; then let go of everything."""

    @abstractmethod
    def screenshot(self) -> bytes:
        """The page as a PNG."""

    def picture(self) -> Picture:
        """The page's pixels, (height, width, 4)."""
        return np.asarray(Image.open(io.BytesIO(self.screenshot())).convert("RGBA"))

    def wait_for_timeout(self, milliseconds: float) -> None:
        """Let a moment pass between two looks at something that is waited for."""
        # As long as the caller says.
        time.sleep(milliseconds / 1000)

    def press(self, *keys: str) -> None:
        """Press keys one after the other; `Alt+x` holds the first down. Names of keys as in `KEYS`."""
        for names in (key.split("+") if len(key) > 1 else [key] for key in keys):
            codes = [KEYS.get(name, name) for name in names]
            downs = [{"type": "keyDown", "value": code} for code in codes]
            ups = [{"type": "keyUp", "value": code} for code in reversed(codes)]
            self.act({"type": "key", "id": "keyboard", "actions": [*downs, *ups]})

    def move(self, x: float, y: float) -> None:
        """Move the mouse to a place in the frame, CSS pixels."""
        self.act(_mouse([_to(x, y)]))

    def drag(self, places: Sequence[tuple[float, float]], holding: str | None = None) -> None:
        """Press the button at the first place, move along the others, let go at the last."""
        moves = [_to(x, y) for x, y in places]
        steps = [
            moves[0],
            {"type": "pointerDown", "button": 0},
            *moves[1:],
            {"type": "pointerUp", "button": 0},
        ]
        if holding is None:
            self.act(_mouse(steps))
            return
        # Ticks of all sources are done together.
        pause = {"type": "pause"}
        down, up = ({"type": kind, "value": KEYS[holding]} for kind in ("keyDown", "keyUp"))
        keyboard = {"type": "key", "id": "keyboard", "actions": [down, *[pause] * len(steps), up]}
        self.act(keyboard, _mouse([pause, *steps, pause]))

    def wheel(self, x: float, y: float, delta_x: int, delta_y: int) -> None:
        """Turn the wheel at a place."""
        scroll = {"type": "scroll", "x": round(x), "y": round(y), "deltaX": delta_x, "deltaY": delta_y}
        self.act({"type": "wheel", "id": "wheel", "actions": [scroll]})

    def click(self, selector: str, words: str = "") -> None:
        """Click in the middle of the first visible element that has these words in its text or label."""

        def still() -> Any:
            # What has just opened may still move to its place.
            place = self.evaluate(_MIDDLE, [selector, words])
            return place if place == self.evaluate(_MIDDLE, [selector, words]) else None

        x, y = until(still, f"{selector} {words!r} is shown")
        steps = [_to(x, y), {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.act(_mouse(steps))

    def saved(self, act: Callable[[], Any]) -> Path:
        """The file that the browser saves when something is done."""
        for path in self.downloads.iterdir():
            path.unlink()
        act()
        return Path(until(self._saved_file, "a file is saved"))

    def _saved_file(self) -> Path | None:
        """The file that is whole: the unfinished have another name, or one beside them."""
        new = list(self.downloads.iterdir())
        if len(new) != 1 or new[0].name.startswith(".") or new[0].suffix in _UNFINISHED:
            return None
        return new[0] if new[0].stat().st_size else None


KEYS = {
    "Alt": "\ue00a",
    "ArrowDown": "\ue015",
    "ArrowLeft": "\ue012",
    "ArrowRight": "\ue014",
    "ArrowUp": "\ue013",
    "End": "\ue010",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "Home": "\ue011",
    "PageDown": "\ue00f",
    "Shift": "\ue008",
}
_MIDDLE = """([selector, words]) => {
  for (const element of document.querySelectorAll(selector)) {
    const text = `${element.textContent} ${element.title} ${element.ariaLabel}`;
    const box = element.getBoundingClientRect();
    if (!text.includes(words) || !box.width || !box.height) continue;
    element.scrollIntoView({block: 'nearest'});
    const {x, y, width, height} = element.getBoundingClientRect();
    const middle = [x + width / 2, y + height / 2];
    return element.contains(document.elementFromPoint(...middle)) ? middle : null;
  }
  return null;
}"""


def _to(x: float, y: float) -> dict[str, Any]:
    return {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0}


def _mouse(actions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
