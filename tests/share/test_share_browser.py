"""Exported folders and single files in a real browser: from every server of plain files, and from file://."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import ARGUMENTS, PROGRAM, Viewer
from playwright.sync_api import BrowserContext, Page, sync_playwright
from shared_workspaces import make_workspace

from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.single_file import export_single_file, plan_single_file

STARTED = """async () => {
  for (let tries = 0; tries < 400 && !globalThis.seriesview; tries += 1) {
    await new Promise((later) => setTimeout(later, 50));
  }
  await seriesview.settled();
}"""


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        yield running.new_context(viewport={"width": 720, "height": 640})
        running.close()


@pytest.fixture
def opened(context: BrowserContext) -> Iterator[Callable[[str], Viewer]]:
    """Opens an address; nothing may be asked of other hosts, and no error may stay uncaught."""
    pages: list[Page] = []
    errors: list[str] = []
    asked: list[str] = []

    def open_address(address: str) -> Viewer:
        page = context.new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.evaluate(STARTED)
        return Viewer(page, page.main_frame)

    yield open_address
    for page in pages:
        page.close()
    assert errors == []
    assert [url for url in asked if not re.match(r"http://127\.0\.0\.1:|file://|blob:|data:", url)] == []


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder's own server."""
    with subprocess.Popen(
        [sys.executable, folder / "serve.py"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[0]
        finally:
            process.terminate()


@contextmanager
def serving_simply(folder: Path) -> Iterator[str]:
    """As `python -m http.server` does, which knows no byte ranges."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def place(viewer: Viewer, sample: int, samples_per_column: int, columns_per_sample: int = 1) -> None:
    """Show a stretch that begins at a sample of the first panel's series."""
    viewer.set_state(
        samplesPerColumn=samples_per_column,
        columnsPerSample=columns_per_sample,
        leftColumn=sample * columns_per_sample // samples_per_column,
        columns=viewer.frame()["columns"],
    )


def probe_picture(viewer: Viewer) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    panel = viewer.panel("0")
    assert panel.painted["isComplete"], panel.painted["error"]
    return panel.pixels, panel.painted


@pytest.fixture(scope="module")
def shared(store: Any, uris: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by what is in them, and single files."""
    uri = make_workspace(store, uris, "probe", "wheel", "spikes", "stages", "short")
    base = tmp_path_factory.mktemp("shared")
    wishes = {
        "levels": Wish(),
        "raw": Wish(raw=True),
        "stretch": Wish(raw_ranges=((100.0, 101.0),)),
    }
    found = {}

    def export(name: str, wish: Wish) -> None:
        found[name] = base / name
        export_folder(plan_export(store, uri, wish), store, found[name])

    for name, wish in wishes.items():
        export(name, wish)
    size = sum(path.stat().st_size for path in found["levels"].rglob("*") if path.is_file())
    export("small", Wish(max_bytes=size - 300_000))
    found["page"] = base / "a page of data.html"
    export_single_file(plan_single_file(store, uri, Wish(raw_ranges=((100.0, 101.0),))), store, found["page"])
    return found


@pytest.mark.parametrize("server", [serving, serving_simply])
def test_a_folder_is_shown_by_servers_with_and_without_ranges(
    server: Any, shared: dict[str, Path], opened: Callable[[str], Viewer]
) -> None:
    with server(shared["levels"]) as address:
        viewer = opened(address)
        assert viewer.timeline()["ladder"][0] == 16
        _, painted = probe_picture(viewer)
        assert painted["error"] is None
        assert "Night 7" in viewer.text()
        assert "could not be built" not in viewer.text() or "secret" not in viewer.text()
        place(viewer, 16 * 4096, 16)
        pixels, _ = probe_picture(viewer)
        assert pixels[..., 3].any()


def test_samples_of_a_stretch_are_drawn_as_from_all_samples(
    shared: dict[str, Path], opened: Callable[[str], Viewer]
) -> None:
    with serving(shared["raw"]) as everything, serving(shared["stretch"]) as stretch:
        whole, part = opened(everything), opened(stretch)
        for viewer in (whole, part):
            assert viewer.timeline()["ladder"][0] == 1
        # Within the stretch (samples 65536 to 131072), at zooms that are read from samples.
        for step, closer in ((1, 4), (1, 1), (3, 1), (20, 1), (48, 1)):
            for viewer in (whole, part):
                place(viewer, 90_000, step, closer)
            expected, _ = probe_picture(whole)
            found, painted = probe_picture(part)
            np.testing.assert_array_equal(found, expected)
            assert painted["notes"] == []
        # Beyond it, bins of the finest level, and the reason.
        for first, step, closer in ((200_000, 1, 4), (131_000, 1, 1), (60_000, 20, 1)):
            place(part, first, step, closer)
            pixels, painted = probe_picture(part)
            assert painted["error"] is None
            assert any("left out: bins of 16 samples" in note for note in painted["notes"])
            assert pixels[..., 3].any(axis=0).mean() > 0.9
        # Far out nothing is missing.
        place(part, 0, 512)
        place(whole, 0, 512)
        found, painted = probe_picture(part)
        np.testing.assert_array_equal(found, probe_picture(whole)[0])
        assert painted["notes"] == []


def test_where_zoom_ends_without_the_finest_levels(
    shared: dict[str, Path], opened: Callable[[str], Viewer]
) -> None:
    with serving(shared["small"]) as address, serving(shared["levels"]) as levels:
        viewer, other = opened(address), opened(levels)
        ladder = viewer.timeline()["ladder"]
        assert ladder[:4] == [64, 128, 192, 256]
        place(viewer, 64 * 1000, 64)
        place(other, 64 * 1000, 64)
        np.testing.assert_array_equal(probe_picture(viewer)[0], probe_picture(other)[0])


def test_opened_as_a_file_a_folder_says_how_to_serve_it(
    shared: dict[str, Path], context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto((shared["levels"] / "index.html").as_uri())
    assert "python3 serve.py" in page.inner_text("body")
    page.close()


def test_a_single_file_opens_by_double_click(
    shared: dict[str, Path], opened: Callable[[str], Viewer]
) -> None:
    with serving(shared["stretch"]) as address:
        folder, page = opened(address), opened(shared["page"].as_uri())
        assert page.page.title().startswith("Night 7") or "Night 7" in page.text()
        for sample, step in ((0, 512), (90_000, 1), (200_000, 16)):
            for viewer in (folder, page):
                place(viewer, sample, step)
            np.testing.assert_array_equal(probe_picture(page)[0], probe_picture(folder)[0])
        state = page.state()
        # The address follows what is shown after a moment.
        page.page.wait_for_url(lambda url: f"leftColumn%22%3A{state['leftColumn']}" in url)
        again = opened(page.page.url)
        assert again.state()["leftColumn"] == state["leftColumn"]
        assert [panel for panel in again.panel_keys() if again.panel(panel).painted["error"]] == []
