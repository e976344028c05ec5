"""Opening a browser on a link, where there is somebody in front of a screen."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={link}">
<title>seriesview</title>
<p><a href="{link}">Open seriesview</a></p>
"""
_PAGE_SECONDS = 60.0


def has_browser(environment: Mapping[str, str] | None = None) -> bool:
    """Whether a browser would open on the screen of whoever started this: not over SSH, not without a screen."""
    environment = os.environ if environment is None else environment
    if not sys.stdout.isatty() or environment.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def opened_browser(link: str, is_unwanted: bool) -> Iterator[None]:
    """Open a browser on a link, where there is one that is wanted; what that takes is gone at the end."""
    if is_unwanted or not has_browser():
        yield
        return
    page = _private_page(link)
    # Afterwards nobody needs it any more, and its link has been used.
    timer = threading.Timer(_PAGE_SECONDS, lambda: page.unlink(missing_ok=True))
    timer.daemon = True
    timer.start()
    try:
        open_address(page.as_uri())
        yield
    finally:
        timer.cancel()
        page.unlink(missing_ok=True)


def _private_page(link: str) -> Path:
    """A page that leads to the link: a browser's command line, with the link's token, could be read by all users."""
    # In the home directory: browsers that are confined (snap) see no other.
    descriptor, name = tempfile.mkstemp(prefix="seriesview-", suffix=".html", dir=Path.home())
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_PAGE.format(link=escape(link)))
    return Path(name)


def open_address(address: str) -> None:
    """Open the browser with an address that others may see; nothing where there is none but those in a terminal."""
    with contextlib.suppress(webbrowser.Error):
        browser = webbrowser.get()
        # Others take the terminal.
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(address)
