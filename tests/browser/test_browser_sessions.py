"""The index of sessions: it sorts, filters, and leads to what it lists, from a file and from a node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import seriesview
from seriesview.figures.stored import sessions_of
from seriesview.figures.view import View
from seriesview.store import open_store


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three sessions of different lengths, of which the second has something that is not there."""
    folder = tmp_path_factory.mktemp("sessions")
    for number, subject in enumerate(("rat10", "rat2", "rat9")):
        path = folder / "data" / subject / "raw.dat"
        path.parent.mkdir(parents=True)
        np.random.default_rng(0).integers(-99, 99, (1000 * (number + 1), 2)).astype(np.int16).tofile(path)
        if subject != "rat2":
            (path.parent / "spikes.csv").write_text("time,unit\n0.1,1\n0.2,2\n")
    raw = {"dtype": "int16", "channels": 2, "sampling_frequency": 1000}
    spikes = {"path": f"{folder}/data/{{subject}}/spikes.csv", "type": "event"}
    content: dict[str, Any] = {
        "workspace": "three <rats>",
        "store": {"storage_dir": str(folder / "store"), "mode": "embedded"},
        "sessions": {
            "path": f"{folder}/data/{{subject}}/raw.dat",
            "datasets": {"raw": raw, "spikes": spikes},
        },
    }
    return seriesview.build_sessions(content, results=folder / "results", progress=lambda _: None).results


def ids(page: Page) -> list[str]:
    return page.locator("tbody td.session a").all_inner_texts()


def check_sorting_and_finding(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("three <rats>")
    expect(page.locator("#count")).to_have_text("3 sessions, 1 not whole")
    assert ids(page) == ["rat10", "rat2", "rat9"]
    page.get_by_role("button", name="session").click()
    assert ids(page) == ["rat2", "rat9", "rat10"]
    page.get_by_role("button", name="duration").click()
    page.get_by_role("button", name="duration").click()
    assert ids(page) == ["rat9", "rat2", "rat10"]
    expect(page.locator("th[aria-sort=descending]")).to_have_text("duration")
    page.get_by_role("searchbox").fill("duration<3 spikes.csv")
    assert ids(page) == ["rat2"]
    expect(page.locator("#count")).to_have_text("1 of 3 sessions, 1 not whole")
    expect(page.locator("td.state")).to_contain_text("spikes: path:")
    # The address holds what is looked for.
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("searchbox").fill("state=built subject:RAT9")
    assert ids(page) == ["rat9"]
    picture = page.locator("tbody img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500


def test_the_file_sorts_and_finds_and_leads_to_pictures(page: Page, results: Path) -> None:
    page.goto((results / "index.html").as_uri())
    check_sorting_and_finding(page)
    page.get_by_role("link", name="rat9").click()
    expect(page.locator("h1")).to_have_text("rat9")
    assert page.locator("img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500


def test_the_front_page_of_a_node_leads_to_the_viewer(page: Page, results: Path, new_context: Any) -> None:
    store = open_store(results.parent / "store", "embedded")
    with View(sessions_of(results, store)) as view:
        page.goto(view.url)
        check_sorting_and_finding(page)
        with page.expect_response(lambda answer: "front/sessions.tsv" in answer.url) as answer:
            page.evaluate("fetch(document.querySelector('a[download]').href)")
        assert answer.value.text().startswith("id\tsubject\t")
        page.get_by_role("link", name="rat9").click()
        expect(page).to_have_title("rat9")
        expect(page.frame_locator("iframe").locator("canvas").first).to_be_visible()
        # Who was not let in sees nothing of it.
        stranger = new_context().new_page()
        stranger.goto(view.url.partition("#")[0])
        expect(stranger.locator("#problem")).to_contain_text("has not been let in")
        assert ids(stranger) == []
