"""`figurl().url()`: links to what Python made, on the node that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from closed_port import CLOSED_PORT
from link_client import Browser

import seriesview
from seriesview.figures.figure import Figure
from seriesview.figures.server import FigureServer
from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread
from seriesview.store import open_store


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("FIGURL_CHANNEL", "FIGURL_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "storage"))
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "storage"


@pytest.fixture
def server(storage: Path) -> Iterator[FigureServer]:
    with FigureServer(storage, port=0) as running:
        yield running


@pytest.fixture
def view(storage: Path) -> seriesview.MultiPanelView:
    times = np.arange(0, 10, 0.1)
    amplitudes = seriesview.SVSeries.from_numpy(
        type="discrete",
        sampling_frequency=None,
        start_time=0,
        end_time=10,
        segment_duration=10,
        timestamps=times,
        values=np.sin(times),
    )
    made = seriesview.MultiPanelView()
    made.add_event_amplitudes_panel(amplitudes, label="Amplitudes")
    return made


def test_a_link_shows_the_view(server: FigureServer, view: seriesview.MultiPanelView) -> None:
    browser = Browser()
    link = browser.open(view.figurl().url(label="Rat 7 & 8"))
    assert link.base == f"http://127.0.0.1:{server.port}"
    assert (link.fields["label"], link.fields["channel"]) == ("Rat 7 & 8", "seriesview")
    assert link.fields["v"] == "/view/seriesview"
    assert browser.figure_data(link) == view.to_dict()
    assert browser.query(link, "seriesview.get_python_package_version.1") == seriesview.__version__
    # Each link has a token of its own.
    assert Browser().open(view.figurl().url(label="Rat 7 & 8")).fields == link.fields


def test_the_channel_is_given_or_in_the_environment(
    server: FigureServer, view: seriesview.MultiPanelView, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(seriesview.BackendError, match="seriesview channel create lab"):
        view.figurl().url(label="x", channel="lab")
    monkeypatch.setenv("FIGURL_CHANNEL", "lab")
    with FigureServer(storage, announce=lambda _: None) as other:
        assert other.port == server.port
        link = Browser().open(view.figurl().url(label="x"))
    assert link.fields["channel"] == "lab"


@pytest.mark.parametrize("by_variable", [True, False])
def test_another_page_shows_it(
    server: FigureServer, view: seriesview.MultiPanelView, monkeypatch: pytest.MonkeyPatch, by_variable: bool
) -> None:
    base = "http://127.0.0.1:1/figurl/"
    if by_variable:
        monkeypatch.setenv("FIGURL_BASE_URL", base)
        address = view.figurl().url(label="x")
    else:
        address = view.figurl().url(label="x", base_url=base)
    assert address.startswith("http://127.0.0.1:1/figurl/f?")
    # No token is sent to a page of somebody else, and the view is named by where it is.
    parts = urlsplit(address)
    assert parts.fragment == ""
    assert parse_qs(parts.query)["v"] == [f"http://127.0.0.1:{server.port}/view/seriesview"]


def test_the_nodes_page_by_another_name(server: FigureServer, view: seriesview.MultiPanelView) -> None:
    address = view.figurl().url(label="x", base_url=f"http://localhost:{server.port}/")
    assert address.startswith(f"http://localhost:{server.port}/f?v=/view/seriesview&")
    Browser().open(address)


def test_without_a_node_it_says_what_to_run(storage: Path, view: seriesview.MultiPanelView) -> None:
    with pytest.raises(seriesview.BackendError) as error:
        view.figurl().url(label="x")
    assert "seriesview serve sha1://" in str(error.value)
    assert str(storage) in str(error.value)


def test_a_node_without_the_viewer_is_not_used(storage: Path, view: seriesview.MultiPanelView) -> None:
    with (
        NodeThread(NodeConfig(storage, port=0, channels=("seriesview",))),
        pytest.raises(seriesview.BackendError, match="does not show seriesview's viewer"),
    ):
        view.figurl().url(label="x")


def test_the_node_is_found_where_kachery_clients_find_it(
    storage: Path, view: seriesview.MultiPanelView, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with FigureServer(storage, port=0) as server:
        for note in storage.glob("seriesview-node.json"):
            note.unlink()
        monkeypatch.setenv("KACHERY_DAEMON_PORT", str(server.port))
        Browser().open(view.figurl().url(label="x"))
        monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "other"))
        with pytest.raises(seriesview.BackendError, match="no node serves"):
            Figure(data={"a": 1}, store=open_store(), label="x").url()


def test_data_that_are_too_large_are_refused(storage: Path) -> None:
    with pytest.raises(seriesview.SeriesviewError, match="put less into one view"):
        Figure(data={"text": "x" * 30_000_001}, store=open_store(), label="large")
    assert not (storage / "sha1").exists()
