"""What is being built can be looked at by the page of the process that builds it, exactly, and by nobody else."""

from __future__ import annotations

import json
import re
import sys
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import numpy.typing as npt
import pytest
import urllib3
from gated_recordings import Gate, disk_of, stalled, write_gated
from link_client import Browser, Link
from small_disks import small_disk_at
from waiting import until

import seriesview
from seriesview.build.followed import Following
from seriesview.errors import BuildError, SeriesviewError
from seriesview.figures import notebook
from seriesview.figures.finding import ToBuild, meant
from seriesview.figures.view import View
from seriesview.live import live_build
from seriesview.live.live_build import LiveBuild
from seriesview.store import open_store

NUM_SAMPLES = 1_200_000
"""So many of 32 channels are more than are read for one window."""


@pytest.fixture
def gated(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, npt.NDArray[np.int16], Gate]]:
    path = place / "night.gated"
    samples, gate = write_gated(path, NUM_SAMPLES, monkeypatch, place / "readers")
    yield path, samples, gate
    gate.open()


def started(path: Path, store: Path, announce: Callable[[str], None] = lambda _: None) -> View:
    found = meant(path, lambda: open_store(store, "embedded"), store=store)
    assert isinstance(found, ToBuild)
    return View(found, announce, port=0)


class Page:
    """What the page of a link asks of a build."""

    def __init__(self, link: str) -> None:
        self.browser = Browser()
        self.link: Link = self.browser.open(link)
        self.address = f"{self.link.base}/live/{parse_qs(urlsplit(link).query)['live'][0]}"

    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.browser.request("GET", self.address).data))

    def window(self, first: int, per_column: int, columns: int, **more: Any) -> urllib3.BaseHTTPResponse:
        asked = {"series": "local:night", "segment": 0, "firstSample": first, "samplesPerColumn": per_column}
        return self.browser.request("POST", f"{self.address}/window", {**asked, "columns": columns, **more})

    def rows(self, *asked: int, **more: Any) -> tuple[int, npt.NDArray[np.int16]]:
        answer = self.window(*asked, **more)
        assert answer.status == 200, answer.data
        width = len(more["channels"]) if more.get("channels") else 32
        return json.loads(answer.headers["Seriesview-Window"])["columns"], np.frombuffer(
            answer.data, "<i2"
        ).reshape(-1, width)

    def is_half_built(self) -> bool:
        """Whether all is built that can be while the gate is closed."""
        series = self.state()["series"].get("local:night")
        return series is not None and series["done"] > 0.4


def columns_of(samples: npt.NDArray[Any], first: int, per_column: int, columns: int) -> npt.NDArray[Any]:
    """Lowest and highest (columns * 2, C) of closed columns, one after the other."""
    found = []
    for start in range(first, first + columns * per_column, per_column):
        part = samples[start : start + per_column + 1]
        found += [part.min(axis=0), part.max(axis=0)]
    return np.array(found)


def test_half_of_a_build_is_exact_and_the_rest_is_not_told(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]
) -> None:
    path, samples, gate = gated
    with started(path, place / "store") as view:
        assert not view.is_built
        page = Page(view.url)
        until(page.is_half_built)
        state = page.state()
        assert state["state"] == "building"
        assert [panel["data"]["series"] for panel in state["workspace"]["views"][0]["panels"]] == ["night"]
        assert 400 < state["series"]["local:night"]["exact_until"] < 600
        # Samples, anywhere: behind what is built too.
        found, rows = page.rows(1_100_000, 1, 500)
        assert (found, len(rows)) == (500, 501)
        assert (rows == samples[1_100_000:1_100_501]).all()
        # Columns close by, from samples; the last ends with the segment.
        found, rows = page.rows(900_000, 160, 100)
        assert found == 100
        assert (rows == columns_of(samples, 900_000, 160, 100)).all()
        found, rows = page.rows(NUM_SAMPLES - 161, 160, 20, channels=["3", "1"])
        assert found == 1
        assert (rows == columns_of(samples, NUM_SAMPLES - 161, 160, 1)[:, [3, 1]]).all()
        # From far away as many as there are levels of, and none of the rest.
        found, rows = page.rows(0, 2048, 512)
        assert 200 < found < 310
        assert (rows == columns_of(samples, 0, 2048, found)).all()
        assert page.rows(2048 * 320, 2048, 260)[0] == 0
        # A preview of the whole, which knows what a few samples of each stretch are like.
        answer = page.browser.request("GET", f"{page.address}/preview?series=local:night")
        stretch = json.loads(answer.headers["Seriesview-Window"])["samples"]
        preview = np.frombuffer(answer.data, "<i2").reshape(-1, 2, 32)
        assert len(preview) == -(-NUM_SAMPLES // stretch)
        # However few of them there was time for: where none was looked at the lowest is above the highest.
        seen = np.flatnonzero(preview[:, 0, 0] <= preview[:, 1, 0])
        looked_at = samples[seen[-1] * stretch : seen[-1] * stretch + 32]
        assert (preview[seen[-1]] == [looked_at.min(axis=0), looked_at.max(axis=0)]).all()
        for wrong in ({"segment": 1}, {"channels": ["none"]}, {"series": "local:other"}):
            assert page.window(0, 16, 10, **wrong).status in (404, 409)
        gate.open()
        view.wait()
        assert page.state()["state"] == "done"
        # Whoever was let in before can read what it became.
        link = Link(view.link())
        assert page.browser.figure_data(link)["series"][0]["name"] == "night"
        assert (page.state()["uri"] or "")[7:47] == link.fields["d"]
        uri = view.workspace.series("night").uri if view.workspace else None
    undisturbed = seriesview.build_dataset(path, store=place / "other", name="night")
    assert uri == undisturbed.uri
    kept = [file.read_bytes() for file in (place / "store").rglob("*") if file.is_file()]
    assert not any(b"local:" in content for content in kept)


def test_nobody_else_is_answered(place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]) -> None:
    path, _, gate = gated
    with started(path, place / "store") as view:
        page = Page(view.url)
        assert page.browser.request("GET", page.address).status == 200
        stranger = Browser()
        assert stranger.request("GET", page.address).status == 403
        # A kachery client, who may read the whole storage directory.
        code = (place / "store" / "client-auth").read_text().strip()
        client = Browser(**{"KACHERY-CLIENT-AUTH-CODE": code})
        answer = client.request("GET", page.address)
        assert answer.status == 403
        assert b"by nobody else" in answer.data
        assert page.browser.request("GET", page.address[:-1]).status == 404
        assert (
            page.browser.request("GET", page.address, **{"Origin": "http://elsewhere.example"}).status == 403
        )
        gate.open()
        view.wait()


@pytest.mark.parametrize("how", ["shorter", "replaced", "gone"])
def test_a_file_that_is_not_what_it_was_is_read_no_more(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate], how: str
) -> None:
    path, _, gate = gated
    with started(path, place / "store") as view:
        page = Page(view.url)
        until(page.is_half_built)
        assert page.window(0, 1, 10).status == 200
        kept = path.read_bytes()
        if how == "shorter":
            with path.open("r+b") as file:
                file.truncate(len(kept) - 64)
        else:
            path.rename(path.with_suffix(".old"))
            if how == "replaced":
                path.write_bytes(kept)
        answer = page.window(0, 1, 10)
        assert answer.status == 409
        assert answer.data.startswith((b"[source-changed", b"[source-gone"))
        # Whatever comes in its place.
        path.unlink(missing_ok=True)
        path.write_bytes(kept)
        assert page.window(0, 1, 10).status == 409
        # What is built by now is still told.
        assert page.rows(0, 2048, 512)[0] > 200
        gate.open()
        with pytest.raises(BuildError, match="while it was read"):
            view.wait()
        state = page.state()
        assert state["state"] == "failed"
        assert "while it was read" in state["error"]
        assert page.rows(0, 2048, 512)[0] > 200


def test_a_disk_that_stalls_is_told_and_keeps_nobody(
    place: Path,
    gated: tuple[Path, npt.NDArray[np.int16], Gate],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, _, gate = gated
    monkeypatch.setattr("seriesview.figures.view._PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("seriesview.node.server._GRACE_SECONDS", 1)
    view = started(path, place / "store")
    page = Page(view.url)
    until(page.is_half_built)
    assert page.state()["quiet_seconds"] is None
    disk = Gate(disk_of(path))

    def ask() -> None:
        with suppress(urllib3.exceptions.HTTPError):
            page.window(1_100_000, 1, 10)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    until(lambda: path in stalled, "windows wait for the disk")
    # How it is going is told all the same.
    monkeypatch.setattr(live_build, "QUIET_SECONDS", 0.5)
    until(lambda: page.state()["quiet_seconds"] is not None)
    assert not view.close()
    gate.open()
    disk.open()
    for thread in asking:
        thread.join()
    until(lambda: all(each.name not in ("build", "live-close") for each in threading.enumerate()))


def test_a_view_outlives_the_one_through_whose_node_it_was_to_be_shown(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]
) -> None:
    path, _, gate = gated
    first = started(path, place / "store")
    until(Page(first.url).is_half_built)
    lines: list[str] = []
    with started(path, place / "store", lines.append) as second:
        assert not second.is_followed
        assert lines[-1].startswith("it is shown when all of it is built")
        gate.open()
        first.close()
        second.wait()
        browser = Browser()
        assert browser.figure_data(browser.open(second.link()))["series"][0]["name"] == "night"


def test_what_was_stopped_before_it_began_holds_no_file_open(place: Path) -> None:
    path = place / "short.dat"
    np.zeros((1000, 4), np.int16).tofile(path)
    keys = {"dtype": "int16", "channels": 4, "sampling_frequency": 100.0}
    found = meant(path, lambda: open_store(place / "store", "embedded"), store=place / "store", given=keys)
    assert isinstance(found, ToBuild)
    live = LiveBuild("short", lambda _: None)
    live.stop()
    with pytest.raises(KeyboardInterrupt):
        found.run(lambda _: None, live)
    held = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert path not in held


def test_a_full_store_is_told_and_what_is_built_stays_to_be_seen(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]
) -> None:
    path, samples, gate = gated
    with (
        small_disk_at(place / "disk", "size=200m") as disk,
        started(path, disk / "store") as view,
    ):
        page = Page(view.url)
        until(page.is_half_built)
        with suppress(OSError), (disk / "others.dat").open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
        gate.open()
        with pytest.raises(SeriesviewError):
            view.wait()
        state = page.state()
        assert state["state"] == "failed"
        assert "No space left" in state["error"] or "full" in state["error"]
        found, rows = page.rows(0, 2048, 512)
        assert found > 200
        assert (rows == columns_of(samples, 0, 2048, found)).all()


def test_two_views_of_a_recording_build_it_once(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]
) -> None:
    path, _, gate = gated
    store = place / "store"
    first = started(path, store)
    page = Page(first.url)
    until(page.is_half_built)
    # The second waits for the first, through whose node it will be shown.
    second = started(path, store)
    assert not second.is_followed
    gate.open()
    first.wait()
    second.wait()
    assert second.uri == first.uri
    assert second.link().partition("#")[0] == first.link().partition("#")[0]
    results = path.with_suffix(".gated.seriesview") / "results"
    (made,) = (results / "artifacts").iterdir()
    second.close()
    first.close()
    # Looked at again: nothing is read.
    with started(path, store) as again:
        again.wait()
        assert again.uri == first.uri
    assert json.loads(made.read_bytes())["manifest"]["type"] == "continuous"


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process of a notebook, whose servers are stopped at the end."""
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    yield
    for server in list(notebook._servers.values()):
        server.stop()
    notebook._servers.clear()


def framed(figure: seriesview.Figure) -> str:
    """The address of a figure's page in a notebook."""
    found = re.search(r'<iframe src="([^"]*)"', figure._repr_html_())
    assert found is not None
    return unescape(found[1])


@pytest.mark.usefixtures("cell")
def test_a_notebook_shows_a_recording_before_it_is_built(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]
) -> None:
    path, samples, gate = gated
    figure = seriesview.show(path, store=place / "store")
    assert not figure.is_built
    page = Page(framed(figure))
    until(page.is_half_built)
    assert (page.rows(1_100_000, 1, 500)[1] == samples[1_100_000:1_100_501]).all()
    gate.open()
    figure.wait()
    assert figure.is_built
    assert page.state()["uri"] == figure.to_uri()
    browser = Browser()
    link = browser.open(framed(figure))
    assert link.base == page.link.base
    assert browser.figure_data(link)["series"] == figure.data["series"]
    # What is built already is shown as what it is.
    again = seriesview.show(path, store=place / "store")
    again.wait()
    assert "live=" not in framed(again)


@pytest.mark.usefixtures("cell")
def test_a_figure_says_why_it_could_not_be_built(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]
) -> None:
    path, _, gate = gated
    figure = seriesview.show(path, store=place / "store")
    page = Page(framed(figure))
    until(page.is_half_built)
    with path.open("ab") as file:
        file.write(bytes(64))
    gate.open()
    with pytest.raises(BuildError, match="while it was read"):
        figure.wait()
    assert not figure.is_built
    assert Page(framed(figure)).state()["state"] == "failed"


@pytest.mark.usefixtures("cell")
def test_through_the_node_of_others_nothing_is_shown_before_it_is_built(
    place: Path, gated: tuple[Path, npt.NDArray[np.int16], Gate]
) -> None:
    path, _, gate = gated
    with started(path, place / "store"):
        figure = seriesview.show(path, store=place / "store")
        assert "still being built" in figure._repr_html_()
        gate.open()
        figure.wait()
        browser = Browser()
        assert browser.figure_data(browser.open(framed(figure)))["series"] == figure.data["series"]


def test_what_is_followed_is_told_as_it_grows_and_named_when_it_is_cut(place: Path) -> None:
    samples = np.random.default_rng(4).integers(-999, 999, (40_000, 32)).astype(np.int16)
    path, store = place / "night.dat", place / "store"
    path.write_bytes(samples[:5_000].tobytes())
    keys = {"dtype": "int16", "channels": 32, "sampling_frequency": 1000.0}
    following = Following(1000.0, beside=True)
    found = meant(path, lambda: open_store(store, "embedded"), store=store, given=keys, following=following)
    assert isinstance(found, ToBuild)
    with View(found, port=0) as view:
        page = Page(view.url)

        def tells(num_samples: int) -> bool:
            series = page.state()["series"].get("local:night")
            return series is not None and series["manifest"]["segments"][0]["num_samples"] == num_samples

        until(lambda: tells(5_000) and page.state()["state"] == "following")
        typical = page.state()["series"]["local:night"]["manifest"]["channels"][0]["typical"]
        with path.open("ab") as file:
            file.write(samples[5_000:].tobytes() + b"part of a sample")
        until(lambda: tells(40_000))
        state = page.state()
        assert state["behind_seconds"] == 0
        assert state["quiet_seconds"] is None
        # What scales come from stays.
        assert state["series"]["local:night"]["manifest"]["channels"][0]["typical"] == typical
        # Whole columns alone, from samples and from levels.
        for per_column in (7, 256, 4096):
            found_columns, rows = page.rows(0, per_column, 16_000)
            assert found_columns == min(39_999 // per_column, 16_000)
            assert (rows == columns_of(samples, 0, per_column, found_columns)).all()
        with path.open("r+b") as file:
            file.truncate(64 * 1000)
        until(lambda: page.state()["state"] == "failed")
        assert "night.dat: it has become shorter" in page.state()["error"]
        with pytest.raises(SeriesviewError, match="it has become shorter"):
            view.wait()
