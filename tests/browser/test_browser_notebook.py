"""Figures in a notebook's page, by whichever name it calls this machine; and behind a proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import Viewer
from playwright.sync_api import Page
from prefix_proxy import PrefixProxy
from recordings import Builder, noise
from view_server import ViewServer
from viewer_places import Surroundings, view_frame

import seriesview
from seriesview.figures import notebook
from seriesview.figures.jupyter import URL_VARIABLE
from seriesview.store import open_store


@pytest.fixture
def workspace(
    tmp_path: Path, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> seriesview.Workspace:
    """In a storage directory that no node serves."""
    for name in ("KACHERY_DAEMON_HOST", "KACHERY_DAEMON_PORT"):
        monkeypatch.setenv(name, surroundings.environment()[name])
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "storage"))
    for name in ("FIGURL_CHANNEL", URL_VARIABLE, "JUPYTERHUB_SERVICE_PREFIX", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    store = open_store(tmp_path / "storage", "embedded")
    builder = Builder(store, tmp_path)
    random = np.random.default_rng(0)
    recording = builder.regular("framed", [noise(random, 5000, 2, "int16")], full_resolution="store")
    uri = builder.workspace("framed", [("ContinuousTraces", "framed", recording.uri)])
    return seriesview.open_workspace(uri, store)


@pytest.fixture
def notebooks() -> Iterator[ViewServer]:
    """Where notebooks' pages come from."""
    server = ViewServer()
    yield server
    server.close()
    for running in list(notebook._servers.values()):
        running.stop()
    notebook._servers.clear()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_workspace_shows_itself(
    page: Page, workspace: seriesview.Workspace, notebooks: ViewServer, name: str
) -> None:
    notebooks.documents["/notebook.html"] = f"<!doctype html><body>{workspace._repr_html_()}"
    page.goto(f"{notebooks.address.replace('localhost', name)}/notebook.html")
    around = page.wait_for_selector("iframe").content_frame()
    assert around is not None
    around.wait_for_url(re.compile(rf"http://{re.escape(name)}:[0-9]+/f\?"))
    view = around.wait_for_selector("iframe", state="attached").content_frame()
    assert view is not None
    view.wait_for_url("**/view/seriesview/**")
    viewer = Viewer(page, view).wait()
    assert viewer.panel_keys() == ["0"]


@pytest.mark.parametrize("passes_host", [True, False], ids=["host passed on", "host replaced"])
def test_behind_a_proxy(
    page: Page,
    workspace: seriesview.Workspace,
    notebooks: ViewServer,
    passes_host: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    with PrefixProxy("/user/me/proxy", passes_host) as proxy:
        path = workspace._repr_html_().partition('src="')[2].partition('"')[0].replace("&amp;", "&")
        page.goto(f"http://localhost:{proxy.port}{path}")
        viewer = Viewer(page, view_frame(page)).wait()
        assert viewer.panel_keys() == ["0"]
        viewer.set_state(samplesPerColumn=3, columnsPerSample=1, leftColumn=100)
        assert viewer.panel().painted["error"] is None
        assert all(asked.startswith("/user/me/proxy/") for asked in proxy.requests)
        assert any(asked.endswith("/window") for asked in proxy.requests)
        assert not any("/requestTask" in asked for asked in proxy.requests)
        (cookie,) = page.context.cookies()
        assert cookie["path"] == path.partition("/f?")[0] + "/"
        # The link as it stands in the address works in this browser for as long as the server runs.
        page.reload()
        Viewer(page, view_frame(page)).wait()
