"""Series, workspaces and views in a notebook: an iframe on a server of the notebook's process, also behind a proxy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from closed_port import CLOSED_PORT
from link_client import Browser
from prefix_proxy import PrefixProxy

import seriesview
from seriesview.figures import notebook
from seriesview.figures.jupyter import URL_VARIABLE, Way, way_to_browser
from seriesview.store import Store, open_store
from seriesview.workspace.manifest import build_workspace

HOSTILE = "<img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The default store of this process, in a directory of the test's own; servers are stopped at the end."""
    for name in (
        "FIGURL_CHANNEL",
        "FIGURL_BASE_URL",
        URL_VARIABLE,
        "JUPYTERHUB_SERVICE_PREFIX",
        "JPY_PARENT_PID",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "storage"))
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    yield open_store()
    for server in list(notebook._servers.values()):
        server.stop()
    notebook._servers.clear()


@pytest.fixture
def series(store: Store) -> seriesview.Series:
    from series_builder import store_series

    samples = np.random.default_rng(0).integers(-1000, 1000, (5000, 3)).astype(np.int16)
    return seriesview.open_series(store_series(store, [samples], part_rows=512), store)


def addresses(html: str) -> list[str]:
    """The iframe's address, and that of the link below it."""
    assert re.fullmatch(r"<iframe [^<>]*></iframe><p><a [^<>]*>[^<>]*</a></p>", html, re.DOTALL), html
    return [unescape(address) for address in re.findall(r'(?:src|href)="([^"]*)"', html)]


def test_a_series_shows_itself(series: seriesview.Series) -> None:
    framed, linked = addresses(series._repr_html_())
    assert framed.startswith("http://localhost:")
    browser = Browser()
    link = browser.open(framed)
    assert browser.figure_data(link)["type"] == "continuous"
    assert f"sha1://{link.fields['d']}/series.json" == series.uri
    assert browser.query(link, "seriesview.get_python_package_version.1") == seriesview.__version__
    # The link below is one of its own, on the same server.
    assert Browser().open(linked).base == link.base
    again, _ = addresses(series._repr_html_())
    assert urlsplit(again).port == urlsplit(framed).port
    assert Browser().open(again).fields == link.fields


def test_a_workspace_shows_itself_and_no_text_is_markup(store: Store, series: seriesview.Series) -> None:
    manifest = build_workspace(HOSTILE, [("probe", str(series.uri))], types={"probe": "continuous"})
    workspace = seriesview.open_workspace(store.put_json(manifest, "workspace.json"))
    assert (workspace.label, workspace.names) == (HOSTILE, ("probe",))
    html = workspace._repr_html_()
    framed, _ = addresses(html)
    browser = Browser()
    link = browser.open(framed)
    assert link.fields["label"] == HOSTILE
    assert browser.figure_data(link) == manifest
    assert workspace.series("probe").uri == series.uri


def test_a_view_and_a_series_of_arrays_show_themselves(store: Store) -> None:
    times = np.arange(0, 10, 0.1)
    track = seriesview.SVSeries.from_numpy(
        type="discrete",
        sampling_frequency=None,
        start_time=0,
        end_time=10,
        segment_duration=5,
        timestamps=times,
        values=np.sin(times),
    )
    view = seriesview.MultiPanelView()
    view.add_event_amplitudes_panel(track, label="Amplitudes")
    browser = Browser()
    data = browser.figure_data(browser.open(addresses(view._repr_html_())[0]))
    assert data == view.to_dict()
    assert data["type"] == "seriesview.multipanel-timeseries.2"
    assert data["data"]["panels"][0]["data"]["seriesUri"] == track.to_uri()
    data = browser.figure_data(browser.open(addresses(track._repr_html_())[0]))
    assert data == track.to_dict()
    assert f"stored in {store.directory}" in track._repr_html_()


def test_what_cannot_be_shown_is_said_in_words(
    series: seriesview.Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, "<b>no port</b>")
    html = series._repr_html_()
    assert "cannot be shown" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


@pytest.mark.parametrize("passes_host", [True, False], ids=["host passed on", "host replaced"])
def test_behind_a_proxy_that_takes_a_path_away(
    series: seriesview.Series, monkeypatch: pytest.MonkeyPatch, passes_host: bool
) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    framed, _ = addresses(series._repr_html_())
    assert re.match(r"/user/me/proxy/[0-9]+/f\?", framed)
    with PrefixProxy("/user/me/proxy", passes_host) as proxy:
        hub = f"hub.example:{proxy.port}"
        browser = Browser(Host=hub, Origin=f"https://{hub}")
        link = browser.open(f"http://127.0.0.1:{proxy.port}{framed}")
        assert browser.figure_data(link)["type"] == "continuous"
        assert browser.query(link, "seriesview.get_python_package_version.1") == seriesview.__version__
        # Without the cookie nothing is answered there either.
        other = Browser(Host=hub, Origin=f"https://{hub}")
        assert other.request("GET", f"{link.base}/stats").status == 403
        assert other.exchange(link).status == 403


def test_a_server_that_another_process_ended_is_replaced(
    store: Store, series: seriesview.Series, tmp_path: Path
) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom seriesview.figures.server import FigureServer\n"
        "with FigureServer(Path(sys.argv[1]), port=0) as server:\n"
        "    print(server.port, flush=True)\n    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(store.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert other.stdout is not None
    port = int(other.stdout.readline())
    framed, _ = addresses(series._repr_html_())
    assert urlsplit(framed).port == port
    other.communicate("")
    framed, _ = addresses(series._repr_html_())
    assert urlsplit(framed).port != port
    Browser().open(framed)


@pytest.mark.parametrize(
    ("environment", "base_url", "expected"),
    [
        ({}, None, Way("http://localhost:{port}")),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/me/"}, None, Way("/user/me/proxy/{port}")),
        ({"JUPYTERHUB_SERVICE_PREFIX": "/user/me/"}, "/user/me/", Way("/user/me/proxy/{port}")),
        ({}, "/node/c12.cluster/8888/", Way("/rnode/c12.cluster/{port}", "0.0.0.0")),
        ({}, "/rnode/c12/8888", Way("/rnode/c12/{port}", "0.0.0.0")),
        ({URL_VARIABLE: "/proxy/{port}/"}, "/node/c12/8888/", Way("/proxy/{port}")),
        ({URL_VARIABLE: "https://ws1/{port}"}, None, Way("https://ws1/{port}")),
    ],
)
def test_the_way_to_the_browser(
    tmp_path: Path, environment: dict[str, str], base_url: str | None, expected: Way
) -> None:
    if base_url is not None:
        (tmp_path / "jpserver-77.json").write_text(json.dumps({"base_url": base_url, "port": 8888}))
        environment = environment | {"JPY_PARENT_PID": "77", "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    assert way_to_browser(environment) == expected


def test_nothing_is_started_by_a_series_that_is_not_shown(series: seriesview.Series) -> None:
    assert repr(series)
    assert not notebook._servers
