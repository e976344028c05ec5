"""The browser of whoever started this process: opened on a link where there is a screen, or reached over SSH."""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import socket
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
    if environment.get("SSH_CONNECTION"):
        return False
    return sys.platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def opened_browser(link: str) -> Iterator[None]:
    """Open a browser on a link that holds a token; what that takes is gone at the end."""
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


def ssh_line(port: int, environment: Mapping[str, str] | None = None) -> str | None:
    """The command that brings a port of this machine to the other end of this SSH session; None where it is none."""
    environment = os.environ if environment is None else environment
    words = environment.get("SSH_CONNECTION", "").split()
    if len(words) != 4:
        return None
    server_port = words[3]
    more = [] if server_port == "22" else ["-p", server_port]
    whom = f"{getpass.getuser()}@{socket.gethostname()}"
    return shlex.join(["ssh", "-L", f"{port}:127.0.0.1:{port}", *more, whom])
