"""What goes wrong is said in words, can be tried again, and never runs: backends, artifacts, hosts, hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from browsing import Viewer
from expected_pictures import assert_same, expected_picture
from page_views import open_dialog
from playwright.sync_api import Frame, Page, expect
from recordings import Builder, Recording, noise
from static_servers import VIEWER, StaticServer
from viewer_places import CHANNEL, Places, Process, Surroundings, show, start_backend, view_frame

from seriesview.figures.node_access import permit_links
from seriesview.store import open_store, parse_uri

HOSTILE = (
    "<img src=x onerror=\"globalThis.hasRun = document.title = 'run'\"><script>globalThis.hasRun = 1</script>"
)
CLOSE = {"samplesPerColumn": 1, "columnsPerSample": 2, "leftColumn": 5000}
BACKEND_ID = "a backend's ID"


def sha1_of(uri: str) -> str:
    return str(parse_uri(uri)[0])


def parts_of(builder: Builder, array: dict[str, Any]) -> set[str]:
    """SHA-1s of the parts of a stored array."""
    pages = b"".join(builder.store.path(uri).read_bytes() for uri in array["pages"])
    return {pages[begin : begin + 20].hex() for begin in range(0, len(pages), 20)}


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    samples = noise(np.random.default_rng(71), 150_000, 6, "int16")
    return builder.regular("fragile", [samples], full_resolution="store")


@pytest.fixture(scope="module")
def workspace(builder: Builder, recording: Recording) -> str:
    return builder.workspace("faults", [("ContinuousTraces", recording.name, recording.uri)])


@pytest.fixture
def host(storage: Path) -> Iterator[StaticServer]:
    """A static host of this test's own, to be spoilt."""
    server = StaticServer(storage, {"/": VIEWER})
    yield server
    server.close()


def publish(host: StaticServer, workspace: str) -> str:
    host.documents["/export.json"] = {"format": "seriesview-export/1", "workspace": workspace, "left_out": []}
    return f"{host.address}/"


def card_says(viewer: Viewer, *words: str) -> str:
    """What a panel says is wrong, these words among others."""
    card = viewer.inside.locator(".panel [role=alert]:visible").first
    card.wait_for()
    text = card.inner_text()
    assert all(word in text for word in words), text
    return str(text)


def opened(page: Page, address: str) -> Frame:
    """The frame of a viewer that may not get far."""
    page.goto(address)
    return view_frame(page)


@pytest.mark.parametrize("fault", ["damaged", "missing"])
def test_a_spoilt_artifact_is_named_and_can_be_tried_again(
    page: Page, host: StaticServer, workspace: str, builder: Builder, recording: Recording, fault: str
) -> None:
    viewer = show(page, publish(host, workspace))
    values = parts_of(builder, builder.store.get_json(recording.uri)["values"])
    getattr(host, fault).update(values)
    viewer.set_state(**CLOSE)
    text = card_says(viewer, {"damaged": "damaged", "missing": "not"}[fault])
    assert any(sha1 in text for sha1 in values)
    getattr(host, fault).clear()
    viewer.inside.get_by_role("button", name="Try again").first.click()
    viewer.wait_until(
        "seriesview.panels()[0].painted?.error === null && seriesview.panels()[0].painted.isComplete"
    )
    panel = viewer.panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), fault)


def test_what_is_not_spoilt_is_shown(
    page: Page, host: StaticServer, workspace: str, builder: Builder, recording: Recording
) -> None:
    """Levels, where samples cannot be read."""
    host.damaged.update(parts_of(builder, builder.store.get_json(recording.uri)["values"]))
    viewer = show(page, publish(host, workspace))
    viewer.set_state(samplesPerColumn=64, columnsPerSample=1, leftColumn=0)
    panel = viewer.panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), "levels")


def test_a_host_that_fails_for_a_while(
    page: Page, host: StaticServer, workspace: str, recording: Recording
) -> None:
    viewer = show(page, publish(host, workspace))
    host.refuses = True
    viewer.set_state(**CLOSE)
    card_says(viewer)
    host.refuses = False
    # It is tried again by itself.
    viewer.wait_until(
        "seriesview.panels()[0].painted?.error === null && seriesview.panels()[0].painted.isComplete"
    )
    panel = viewer.panel()
    assert_same(panel, expected_picture(recording, panel, viewer.timeline()), "again")


def test_a_host_without_byte_ranges_is_enough(
    page: Page, storage: Path, workspace: str, recording: Recording
) -> None:
    plain = StaticServer(storage, {"/": VIEWER}, has_ranges=False)
    try:
        viewer = show(page, publish(plain, workspace))
        for frame in (CLOSE, {"samplesPerColumn": 24, "columnsPerSample": 1, "leftColumn": 3}):
            viewer.set_state(**frame)
            panel = viewer.panel()
            assert_same(panel, expected_picture(recording, panel, viewer.timeline()), frame)
    finally:
        plain.close()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda host, workspace: host.missing.add(sha1_of(workspace)), "not there"),
        (lambda host, workspace: host.damaged.add(sha1_of(workspace)), "damaged"),
        (lambda host, workspace: host.documents.pop("/export.json"), "export.json"),
        (
            lambda host, workspace: host.documents.update({"/export.json": {"format": "other/9"}}),
            "export.json",
        ),
    ],
)
def test_a_workspace_that_cannot_be_opened_is_explained(
    page: Page, host: StaticServer, workspace: str, spoil: Any, words: str
) -> None:
    address = publish(host, workspace)
    spoil(host, workspace)
    alert = opened(page, address).get_by_role("alert")
    expect(alert).to_contain_text(words)
    publish(host, workspace)
    host.missing.clear()
    host.damaged.clear()
    page.get_by_role("button", name="Try again").click()
    Viewer(page, page.main_frame).wait()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"format": "seriesview-workspace/9", "label": "x"}, "seriesview-workspace/9"),
        ({"format": "seriesview-workspace/1", "label": "x", "series": "all", "views": []}, "series"),
        ({"nothing": "known"}, "not known here"),
    ],
)
def test_a_figure_of_a_wrong_form_is_explained(
    page: Page, host: StaticServer, builder: Builder, document: dict[str, Any], words: str
) -> None:
    page.goto(publish(host, str(builder.store.put_json(document, name="workspace.json"))))
    expect(page.get_by_role("alert").filter(has_text=words)).to_be_visible()


def test_a_missing_series_says_why_in_its_panel(
    page: Page, host: StaticServer, builder: Builder, recording: Recording
) -> None:
    panels = [("here", recording.name), ("gone", "lost")]
    document = {
        "format": "seriesview-workspace/1",
        "label": "partly",
        "series": [{"name": recording.name, "uri": recording.uri}],
        "missing": [{"name": "lost", "error": "data/lost.nwb: no such file"}],
        "views": [
            {
                "label": "All",
                "panels": [
                    {"type": "ContinuousTraces", "label": label, "data": {"series": name}}
                    for label, name in panels
                ],
            }
        ],
    }
    viewer = show(page, publish(host, str(builder.store.put_json(document, name="workspace.json"))))
    card_says(viewer, "data/lost.nwb: no such file")
    assert viewer.panel("0").painted["isComplete"]


@pytest.mark.parametrize("source", ["tasks", "static"])
def test_names_from_files_are_shown_and_never_run(
    page: Page, places: Places, builder: Builder, source: str
) -> None:
    random = np.random.default_rng(72)
    one = builder.regular("hostile", [noise(random, 2000, 3, "int16")], full_resolution="store")
    channels = [{"id": f"{HOSTILE}{number}", "label": HOSTILE, "group": HOSTILE} for number in range(3)]
    one = builder.changed(one, channels=channels, label=HOSTILE, unit=HOSTILE)
    path = builder.directory / "hostile.h5"
    with h5py.File(path, "w") as file:
        file["laps"] = np.array([[0.1, 1.5]])
    laps = builder.series("hostile laps", path, dataset="/laps", type="interval")
    manifest = builder.store.get_json(laps)
    manifest["intervals"]["labels"] = [HOSTILE] * len(manifest["intervals"]["labels"])
    laps = str(builder.store.put_json(manifest, name="series.json"))
    document = {
        "format": "seriesview-workspace/1",
        "label": HOSTILE,
        "series": [{"name": HOSTILE, "uri": one.uri}, {"name": f"{HOSTILE} laps", "uri": laps}],
        "missing": [{"name": "lost", "error": HOSTILE}],
        "views": [
            {
                "label": HOSTILE,
                "panels": [
                    {"type": "ContinuousTraces", "label": HOSTILE, "data": {"series": HOSTILE}},
                    {"type": "ContinuousTraces", "label": HOSTILE, "data": {"series": "lost"}},
                ],
            }
        ],
    }
    viewer = show(page, places.address(source, str(builder.store.put_json(document, name="workspace.json"))))
    viewer.set_state(selection={"start": 0.1, "end": 0.5})
    box = viewer.box()
    page.mouse.move(box["x"] + 100, box["y"] + 30)
    viewer.inside.get_by_role("button", name="Menu of").first.click()
    page.keyboard.press("Escape")
    viewer.inside.get_by_role("button", name="Statistics").click()
    viewer.inside.get_by_role("cell").first.wait_for()
    assert HOSTILE in viewer.text()
    for frame in page.frames:
        assert frame.evaluate(
            "[globalThis.hasRun, document.querySelectorAll('img, #viewer script').length]"
        ) == [None, 0]
        assert frame.evaluate("document.title") != "run"


def test_a_folder_that_is_opened_as_a_file_says_what_to_do(
    page: Page, tmp_path: Path, workspace: str
) -> None:
    page.goto((VIEWER / "index.html").as_uri())
    expect(page.locator("#viewer")).to_contain_text("python3 -m http.server")
    assert "Opening" not in page.inner_text("body")


@dataclass
class Served:
    """A node of a module's own, whose backends come and go."""

    surroundings: Surroundings
    node: Process
    places: Places
    recording: Recording
    workspace: str


@pytest.fixture
def served(
    tmp_path: Path, static_server: StaticServer, viewer_host: StaticServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    """Samples are linked, so that only a backend has them; levels are artifacts."""
    own = Surroundings(tmp_path)
    builder = Builder(open_store(own.storage, "embedded"), tmp_path)
    samples = noise(np.random.default_rng(73), 30_000, 6, "int16")
    recording = builder.regular("served", [samples], full_resolution="link")
    workspace = builder.workspace("served", [("ContinuousTraces", recording.name, recording.uri)])
    permit_links(own.storage, CHANNEL, print)
    node = own.node()
    address = f"http://127.0.0.1:{own.port}"
    yield Served(own, node, Places(address, static_server, viewer_host, own.storage), recording, workspace)
    own.end()


def test_a_backend_that_is_lost_and_found(page: Page, served: Served) -> None:
    backend = start_backend(served.surroundings)
    viewer = show(page, served.places.address("tasks", served.workspace))
    backend.stop()
    viewer.inside.evaluate(
        "seriesview.setState({samplesPerColumn: 1, columnsPerSample: 2, leftColumn: 5000})"
    )
    # Files are shown, so no dialog comes in their way.
    expect(page.locator("#note")).to_contain_text("No backend has answered")
    expect(page.locator("dialog")).to_be_hidden()
    card_says(viewer, "backend")
    # What is an artifact can be seen all the same.
    viewer.set_state(samplesPerColumn=64, columnsPerSample=1, leftColumn=0)
    panel = viewer.panel()
    assert_same(panel, expected_picture(served.recording, panel, viewer.timeline()), "levels")
    viewer.inside.evaluate(
        "seriesview.setState({samplesPerColumn: 1, columnsPerSample: 2, leftColumn: 5000})"
    )
    start_backend(served.surroundings)
    viewer.wait_until(
        "seriesview.panels()[0].painted?.error === null && seriesview.panels()[0].painted.isComplete"
    )
    panel = viewer.panel()
    assert panel.frame["columnsPerSample"] == 2
    assert_same(panel, expected_picture(served.recording, panel, viewer.timeline()), "found")


def test_a_node_that_is_stopped_and_started_again(page: Page, served: Served) -> None:
    """The page says what to do, and goes on by itself once this browser is known again."""
    start_backend(served.surroundings)
    viewer = show(page, served.places.address("tasks", served.workspace))
    served.node.stop()
    move = "seriesview.setState({samplesPerColumn: 1, columnsPerSample: 2, leftColumn: 5000})"
    viewer.inside.evaluate(move)
    card_says(viewer, "The node does not answer", "running")
    served.surroundings.node()
    start_backend(served.surroundings)
    card = viewer.inside.locator(".panel [role=alert]:visible").first
    expect(card).to_contain_text("Print a new link")
    other = page.context.new_page()
    show(other, served.places.address("tasks", served.workspace))
    viewer.wait_until(
        "seriesview.panels()[0].painted?.error === null && seriesview.panels()[0].painted.isComplete"
    )
    panel = viewer.panel()
    assert_same(panel, expected_picture(served.recording, panel, viewer.timeline()), "again")
    files = "fetch('files/tests/sha1/00/00/00/' + '0'.repeat(40)).then(answer => answer.status)"
    assert page.evaluate(files) == 404


def test_a_backend_that_wants_an_id(page: Page, served: Served) -> None:
    """No ID, a wrong one, the right one: messages instead of waiting without end."""
    start_backend(served.surroundings, "--backend-id", BACKEND_ID)
    page.goto(served.places.address("tasks", served.workspace))
    note = page.locator("#note")
    expect(note).to_contain_text("wants a backend ID")
    for wrong in ("a wrong ID", BACKEND_ID):
        open_dialog(page)
        page.get_by_label("Backend", exact=True).fill("mine")
        page.get_by_label("Backend ID").fill(wrong)
        page.get_by_role("button", name="Use").click()
        if wrong != BACKEND_ID:
            expect(note).to_contain_text("has the backend ID that is set here")
    viewer = Viewer(page, view_frame(page)).wait()
    viewer.set_state(**CLOSE)
    panel = viewer.panel()
    assert_same(panel, expected_picture(served.recording, panel, viewer.timeline()), "with the ID")
    assert BACKEND_ID not in page.url
