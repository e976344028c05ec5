"""Names and folders that figures, their links and their servers share."""

from __future__ import annotations

import os
from pathlib import Path

from seriesview.requesting import CHANNEL_VARIABLE

VIEW_NAME = "seriesview"
VIEW_PATH = f"/view/{VIEW_NAME}"
"""Where a node serves the viewer."""
DEFAULT_CHANNEL = "seriesview"


def viewer_directory() -> Path:
    """The folder of the viewer's static files."""
    return Path(__file__).parent.parent / "viewer"


def views() -> dict[str, Path]:
    """The views that a node of seriesview's commands serves, by name."""
    return {VIEW_NAME: viewer_directory()}


def channel_name(channel: str | None) -> str:
    """The kachery channel to use: the one given, else FIGURL_CHANNEL, else `seriesview`."""
    return channel or os.environ.get(CHANNEL_VARIABLE) or DEFAULT_CHANNEL
