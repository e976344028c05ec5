"""The browser of whoever started a process: where there is a screen, or at the other end of an SSH session."""

from __future__ import annotations

import pytest

from seriesview.figures.browser import has_browser, ssh_line


def test_the_line_names_another_ssh_port() -> None:
    line = ssh_line(8000, {"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 2222"})
    assert line is not None
    assert line.startswith("ssh -L 8000:127.0.0.1:8000 -p 2222 ")
    assert ssh_line(8000, {}) is None


@pytest.mark.skipif("sys.platform == 'darwin'")
def test_a_browser_opens_on_a_screen_of_this_machine_alone() -> None:
    assert has_browser({"DISPLAY": ":0"})
    assert has_browser({"WAYLAND_DISPLAY": "wayland-0"})
    assert not has_browser({})
    assert not has_browser({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"})
