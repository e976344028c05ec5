"""Names and folders that figures, their links and their servers share."""

from __future__ import annotations

import os

from seriesview.backend.requesting import CHANNEL_VARIABLE
from seriesview.node.config import ViewFiles
from seriesview.sessions.page import node_page
from seriesview.viewer.joined import joined_viewer

VIEW_NAME = "seriesview"
VIEW_PATH = f"/view/{VIEW_NAME}"
"""Where a node serves the viewer."""
INDEX_NAME = "sessions"
"""The view that is the index of sessions."""
DEFAULT_CHANNEL = "seriesview"


def views() -> dict[str, ViewFiles]:
    """The views that a node of seriesview's commands serves, by name."""
    return {VIEW_NAME: joined_viewer(), INDEX_NAME: node_page()}


def channel_name(channel: str | None) -> str:
    """The kachery channel to use: the one given, else FIGURL_CHANNEL, else `seriesview`."""
    return channel or os.environ.get(CHANNEL_VARIABLE) or DEFAULT_CHANNEL
