"""How the browser that shows a notebook reaches a port of the machine that runs it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import SeriesviewError

URL_VARIABLE = "SERIESVIEW_NOTEBOOK_URL"

_ON_DEMAND = re.compile(r"/r?node/(?P<host>[^/]+)/[0-9]+/?.*")


@dataclass(frozen=True)
class Way:
    """A way from the browser to a port here: an address, or a path on the notebook's own site."""

    template: str
    """With {port} in it, and no slash at its end."""
    host: str = "localhost"
    """Where a server must listen to be reached so."""

    def base(self, port: int) -> str:
        """What a page's path is appended to."""
        return self.template.replace("{port}", str(port))


def way_to_browser(environment: Mapping[str, str] | None = None) -> Way:
    """How pages of this process are reached from the notebook; raises SeriesviewError for a setting that is wrong.

    SERIESVIEW_NOTEBOOK_URL decides, else Open OnDemand's or JupyterHub's path where the notebook runs in one, else
    jupyter-server-proxy where it is installed, else the port is taken for open to the browser: localhost.
    """
    environment = os.environ if environment is None else environment
    wanted = environment.get(URL_VARIABLE)
    if wanted:
        if "{port}" not in wanted:
            raise SeriesviewError(
                f"{URL_VARIABLE} is {wanted!r:.200}; it must have {{port}} in it, such as /proxy/{{port}}"
            )
        return Way(wanted.rstrip("/"))
    base = _server_path(environment)
    on_demand = _ON_DEMAND.fullmatch(base or "")
    if on_demand is not None:
        # /node/ keeps its prefix, /rnode/ takes it away; both come over the cluster's network.
        return Way(f"/rnode/{on_demand['host']}/{{port}}", "0.0.0.0")
    hub = environment.get("JUPYTERHUB_SERVICE_PREFIX")
    if hub is not None:
        return Way(f"{hub.rstrip('/')}/proxy/{{port}}")
    if base is not None and importlib.util.find_spec("jupyter_server_proxy") is not None:
        return Way(f"{base.rstrip('/')}/proxy/{{port}}")
    return Way("http://localhost:{port}")


def _server_path(environment: Mapping[str, str]) -> str | None:
    """The path under which this kernel's Jupyter server is served, as it noted it when it started."""
    process = environment.get("JPY_PARENT_PID", "")
    if not process.isdecimal():
        return None
    for name in (f"jpserver-{process}.json", f"nbserver-{process}.json"):
        with suppress(OSError, ValueError):
            note = json.loads((_runtime_directory(environment) / name).read_text())
            if isinstance(note, dict) and isinstance(note.get("base_url"), str):
                return str(note["base_url"])
    return None


def _runtime_directory(environment: Mapping[str, str]) -> Path:
    named = environment.get("JUPYTER_RUNTIME_DIR")
    if named:
        return Path(named)
    with suppress(ImportError):
        from jupyter_core.paths import jupyter_runtime_dir

        return Path(jupyter_runtime_dir())
    return Path.home() / ".local" / "share" / "jupyter" / "runtime"
