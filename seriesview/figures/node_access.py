"""What links need of a node: that it shows the viewer, a channel that they may use, and tokens."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seriesview.errors import BackendError, NodeError
from seriesview.figures.place import VIEW_NAME
from seriesview.store.uris import parse_uri

if TYPE_CHECKING:
    from seriesview.backend.client import DaemonClient

LINK_PERMISSIONS = frozenset({"requestTasks", "requestFiles"})


def permit_links(
    storage_dir: Path, channel: str, announce: Callable[[str], None], may_create: bool = True
) -> None:
    """Permit links to ask on a channel where nothing is said of them; without the channel, create it. NodeError.

    A link is made by a kachery client, which may ask for everything itself. On the node of another user nothing is
    changed, and `announce` gets what they may do.
    """
    from seriesview.node.callers import LINKS
    from seriesview.node.channels import CHANNELS_FILE, Channels

    path = storage_dir / CHANNELS_FILE
    if not _is_own(path):
        announce(
            f"the channels of {storage_dir} are another user's; if links are refused on {channel}, they may run: "
            f"{_permitting(channel, storage_dir)}"
        )
        return
    channels = Channels(path)
    known = channels.get(channel)
    if known is None and not may_create:
        return
    if known is not None and LINKS in known.permissions:
        if not known.permissions[LINKS] >= LINK_PERMISSIONS:
            announce(
                f"channel {channel} does not permit links to ask for tasks and files; to change that: "
                f"{_permitting(channel, storage_dir)}"
            )
        return
    channels.ensure(channel)
    channels.change(channel, {LINKS: LINK_PERMISSIONS})
    what = "created" if known is None else "changed"
    announce(f"channel {channel} {what}: whoever has a link may ask for tasks and files on it")


def _permitting(channel: str, storage_dir: Path) -> str:
    permit = f"links={','.join(sorted(LINK_PERMISSIONS, reverse=True))}"
    return f"seriesview channel set {channel} --permit {permit} --storage-dir {shlex.quote(str(storage_dir))}"


def _is_own(path: Path) -> bool:
    """Whether a file is this user's, or will be: nobody else's directory is where it would be."""
    for place in (path, path.parent):
        try:
            return place.stat().st_uid == os.geteuid()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def connect(storage_dir: Path, at: tuple[str, int]) -> DaemonClient:
    """A connection to the node at a host and port. Raises BackendError where it shows no viewer."""
    from seriesview.backend.client import DaemonClient, Unreachable

    client = DaemonClient(storage_dir, at=at)
    if not client.connect():
        raise Unreachable(f"the node at {client.address} does not answer any more; try again")
    if not client.is_node:
        raise BackendError(
            f"a kachery daemon answers at {client.address}, which shows no pages; stop it, and use `seriesview node` "
            "or `seriesview serve` on its storage directory"
        )
    if VIEW_NAME not in (_said(client).get("views") or []):
        raise BackendError(
            f"the node at {client.address} does not show seriesview's viewer; stop it, and start it again with this "
            "version of seriesview"
        )
    return client


def shows_all(client: DaemonClient) -> bool:
    """Whether links to a node reach all that its channel permits, and not only the figures that it was given."""
    return bool(_said(client).get("showsAll", True))


def _said(client: DaemonClient) -> dict[str, Any]:
    """What a node says of itself to whoever asks."""
    from seriesview.backend.client import Refused

    try:
        said = json.loads(client.get(f"{client.address}/session"))
    except (Refused, ValueError):
        # A node of an earlier version.
        return {}
    return said if isinstance(said, dict) else {}


def has_channel(client: DaemonClient, channel: str) -> bool:
    """Whether the node has a channel of that name."""
    from seriesview.node.channels import CHANNELS_FILE, Channels

    try:
        return Channels(client.directory / CHANNELS_FILE).get(channel) is not None
    except NodeError:
        # Only its owner may read who may do what; the node itself will say what is missing.
        return True


def check_front(client: DaemonClient, key: str) -> None:
    """Raise BackendError where a node's front page is not the one of this key."""
    front = _said(client).get("front")
    if front != key:
        shown = "the index of other sessions" if front else "no index of sessions"
        raise BackendError(
            f"the node at {client.address} serves this storage directory already, and shows {shown}; end "
            "it (Ctrl-C where it runs) and try again, or name a session: `seriesview serve "
            "results/SESSION/workspace.json`"
        )


def new_token(client: DaemonClient, uri: str | None = None, to_front: bool = False) -> str:
    """A token that one browser can use once, within the hour, to see the figure of a URI, or the front page.

    Raises BackendError.
    """
    shown = [] if uri is None else [parse_uri(uri)[0]]
    token = client.post("/newLinkToken", {"shown": shown, "front": to_front}).get("token")
    if not isinstance(token, str):
        raise BackendError(f"the node at {client.address} gave no token for a link; start it again")
    return token
