"""docs/backend.md from its first to its last step, as one who reads it does, and the figures that it ends in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import Viewer
from page_views import open_dialog
from playwright.sync_api import Page, expect
from recordings import Builder, noise
from viewer_places import HIDDEN, Surroundings, show, view_frame
from waiting import MOST_SECONDS

from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.store import open_store

ROOT = Path(__file__).parents[2]
READY = {"seriesview node": "is ready at", "seriesview-start-backend": " on channel "}
LINK = "import seriesview; print(seriesview.open_workspace('results/workspace.json').figurl().url())"


class Reader:
    """Somebody with a workspace that was built, who types what a page says."""

    def __init__(self, directory: Path) -> None:
        self.surroundings = Surroundings(directory)
        self.directory = directory
        self.variables: dict[str, str] = {}
        (directory / "results").mkdir()
        store = open_store(self.surroundings.storage, "embedded")
        builder = Builder(store, directory)
        samples = noise(np.random.default_rng(5), 20_000, 4, "int16")
        recording = builder.regular("probe", [samples], unit="uV", full_resolution="link")
        self.uri = builder.workspace("night 3", [("ContinuousTraces", "probe", recording.uri)])
        result = {"uri": self.uri, "manifest": store.get_json(self.uri)}
        (directory / "results" / "workspace.json").write_text(json.dumps(result))

    def type(self, line: str) -> str:
        """What a line prints; one that starts a service returns when it is ready."""
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            self.variables[name] = value
            return ""
        if line.startswith(tuple(READY)):
            service = self.surroundings.start(
                "bash", "-c", f"cd {self.directory}; exec {line}", **self.variables
            )
            service.wait_for(next(text for start, text in READY.items() if line.startswith(start)))
            return service.written
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.directory,
            env=self.surroundings.environment(**self.variables),
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        return done.stdout

    def link(self) -> str:
        return self.type(f'python -c "{LINK}"').strip()


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    there = Reader(tmp_path)
    yield there
    there.surroundings.end()


def test_every_step_of_the_page_works_and_ends_in_a_picture(page: Page, reader: Reader) -> None:
    from docs_pages import blocks

    for block in blocks(ROOT / "docs" / "backend.md"):
        if block.language == "sh":
            for line in block.text.splitlines():
                reader.type(line)
    assert reader.variables == {"FIGURL_CHANNEL": "lab"}
    assert f'python -c "{LINK}"' in (ROOT / "docs" / "backend.md").read_text()
    viewer = show(page, reader.link())
    assert viewer.panel("0").pixels.any()
    expect(page.locator("#note")).to_have_text("")
    expect(page.locator("#channel-dialog")).to_be_hidden()


@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_backend_alone_is_enough(page: Page, reader: Reader, by: str) -> None:
    if by == "variable":
        reader.type("export FIGURL_CHANNEL=lab")
        said = reader.type("seriesview-start-backend")
    else:
        said = reader.type("seriesview-start-backend --channel lab")
        reader.variables["FIGURL_CHANNEL"] = "lab"
    assert said.count("channel lab changed: whoever has a link may ask for tasks and files on it") == 1
    viewer = show(page, reader.link())
    assert viewer.panel("0").pixels.any()
    # Who has no link is let in to nothing.
    address = page.url
    page.context.clear_cookies()
    page.goto(address)
    expect(page.locator("#message")).to_contain_text("has not been let in")


def test_what_is_said_of_links_already_stays(page: Page, reader: Reader) -> None:
    reader.type("seriesview node --channel lab")
    reader.type("seriesview channel set lab --permit links=none")
    reader.type("export FIGURL_CHANNEL=lab")
    said = reader.type("seriesview-start-backend")
    assert "channel lab does not permit links" in said
    channels = Channels(reader.surroundings.storage / CHANNELS_FILE)
    found = channels.get("lab")
    assert found is not None
    assert found.permissions["links"] == frozenset()
    page.goto(reader.link())
    expect(page.locator("#note")).to_contain_text("does not permit this browser")


def test_a_wrong_backend_id_is_told_at_once(page: Page, reader: Reader) -> None:
    reader.type("export FIGURL_CHANNEL=lab")
    reader.type("printf right-one > id; chmod 600 id")
    reader.type("seriesview-start-backend --backend-id-file id")
    page.goto(reader.link())
    note = page.locator("#note")
    expect(note).to_contain_text("wants a backend ID")
    for backend_id, said in (("wrong-one", "has the backend ID that is set here"), ("right-one", "")):
        open_dialog(page)
        page.fill("#backend-id", backend_id)
        page.click("#channel-form button[value=use]")
        page.wait_for_load_state("load")
        expect(note).to_contain_text(said)
    viewer = Viewer(page, view_frame(page)).wait()
    assert viewer.panel("0").pixels.any()
    expect(page.locator("#channel-dialog")).to_be_hidden()
