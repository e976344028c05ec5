"""A figure: data in the store, and the viewer that shows them, as one link."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.exceptions import HTTPError

from seriesview.errors import BackendError, SeriesviewError
from seriesview.figures.place import VIEW_PATH, channel_name

if TYPE_CHECKING:
    from pathlib import Path

    from seriesview.backend.client import DaemonClient
    from seriesview.store import Store

BASE_URL_VARIABLE = "FIGURL_BASE_URL"
MOST_DATA_BYTES = 30_000_000
"""What figurl pages take."""

_PROBE_SECONDS = 3.0


class Figure:
    """What a link shows: a workspace, a series or a view. As in figurl, `url` gives the link.

    The data are stored when they are first needed. In a notebook a figure shows itself.
    """

    def __init__(
        self, *, data: Any, store: Store, label: str, view_url: str | None = None, uri: str | None = None
    ) -> None:
        """Data are JSON, `uri` names them where they are stored already. SeriesviewError where they are too large."""
        size = len(json.dumps(data))
        if size > MOST_DATA_BYTES:
            raise SeriesviewError(
                f"figure {label!r:.80}: its data take {size} bytes, and at most {MOST_DATA_BYTES} are shown; "
                "put less into one view"
            )
        self._data = data
        self._store = store
        self._label = label
        self._view_url = view_url
        self._uri = uri

    @property
    def data(self) -> Any:
        """The figure's data, as JSON."""
        return self._data

    @property
    def label(self) -> str:
        """What the figure is called where a link says nothing else."""
        return self._label

    @property
    def view_url(self) -> str:
        """The address of the view; a path is one of the node's own."""
        return self._view_url or VIEW_PATH

    @property
    def storage_dir(self) -> Path:
        """The storage directory that holds the data, and what they name."""
        return self._store.directory

    @property
    def is_built(self) -> bool:
        """Whether all is there that it shows: what `seriesview.show` shows may still be built."""
        return True

    def wait(self) -> None:
        """Return when all is built that it shows. Raises what the build raised."""

    def to_uri(self) -> str:
        """Store the data, where they are not stored yet, and give their URI. Raises StoreError."""
        if self._uri is None:
            self._uri = self._store.put_json(self._data, name="figure.json")
        return self._uri

    def url(
        self,
        *,
        label: str | None = None,
        channel: str | None = None,
        base_url: str | None = None,
        view_url: str | None = None,
    ) -> str:
        """Store the data and return a link to the figure, on the node that serves the storage directory.

        `channel` is FIGURL_CHANNEL where it is not given, else `seriesview`. `base_url`, or FIGURL_BASE_URL, is the
        page that shows it, where that is not the node's own. A link to the node's own page holds a token: one
        browser can follow it, within the hour. Raises BackendError where no node runs.
        """
        from seriesview.figures.node_access import connect, has_channel, new_token
        from seriesview.node.pages import figure_path
        from seriesview.store.daemon import find_node
        from seriesview.store.uris import parse_uri

        uri, channel = self.to_uri(), channel_name(channel)
        found = find_node(self.storage_dir)
        if found is None:
            raise BackendError(
                f"no node serves {self.storage_dir}; run `seriesview serve {uri} --storage-dir {self.storage_dir}`, "
                f"or `seriesview node --storage-dir {self.storage_dir}` and `seriesview-start-backend`, and try again"
            )
        client = connect(self.storage_dir, found[1])
        try:
            if not has_channel(client, channel):
                raise BackendError(
                    f"the node at {client.address} has no channel {channel}; run `seriesview channel create {channel} "
                    f"--permit links=requestTasks,requestFiles --storage-dir {self.storage_dir}`"
                )
            base = (base_url or os.environ.get(BASE_URL_VARIABLE) or _public(client)).rstrip("/")
            is_own = _is_page_of(base, client)
            view = view_url or self._view_url or (VIEW_PATH if is_own else f"{_public(client)}{VIEW_PATH}")
            path = figure_path(view, parse_uri(uri)[0], channel, label or self._label)
            return f"{base}{path}#token={new_token(client, uri)}" if is_own else f"{base}{path}"
        finally:
            client.close()

    def path_on(self, server: Any) -> str:
        """Path, query and fragment of a new link to it on a server of figures of its storage directory."""
        return str(server.path(self.to_uri(), self.label))

    def _repr_html_(self) -> str:
        from seriesview.figures.notebook import figure_html

        return figure_html(self)


def _public(client: DaemonClient) -> str:
    """The node's address, as a browser on its machine calls it."""
    return client.address.replace("//localhost:", "//127.0.0.1:")


def _is_page_of(base: str, client: DaemonClient) -> bool:
    """Whether a page's address is the node's own, by whatever name."""
    if base == _public(client) or base == client.address:
        return True
    node_id = client.daemon.node_id if client.daemon is not None else None
    try:
        with urllib3.PoolManager(retries=False, timeout=_PROBE_SECONDS) as pool:
            said = json.loads(pool.request("GET", f"{base}/probe", redirect=False).data[:100_000])
        return isinstance(said, dict) and said.get("nodeId") == node_id
    except (HTTPError, OSError, ValueError):
        return False
