"""Whoever has a link sees what it was made for, and nothing else of the storage directory."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from link_client import Browser, Link
from served_links import Served
from serving_processes import Surroundings

from seriesview.node.canonical import task_hash
from seriesview.store import open_store, parse_uri
from seriesview.workspace.manifest import build_workspace


class Stored:
    """Two workspaces of one storage directory: one series each."""

    def __init__(self, surroundings: Surroundings) -> None:
        from series_builder import store_series

        self.uris, self.series, self.pages, self.parts, self.results = [], [], [], [], []
        with open_store(surroundings.storage, "embedded") as store:
            for number in range(2):
                samples = np.random.default_rng(number).integers(-1000, 1000, (5000, 3)).astype(np.int16)
                uri = store_series(store, [samples], part_rows=512)
                manifest = build_workspace(f"rat {number}", [("probe", uri)], types={"probe": "continuous"})
                whole = store.put_json(manifest, "workspace.json")
                page = store.get_json(uri)["levels"][0]["pages"][0]
                self.uris.append(whole)
                self.series.append(uri)
                self.pages.append(page)
                self.parts.append(f"sha1://{store.get_bytes(page)[:20].hex()}/part.dat")
                path = surroundings.directory / f"workspace-{number}.json"
                path.write_text(json.dumps({"uri": whole, "manifest": manifest}))
                self.results.append(str(path))

    def tasks(self, number: int) -> dict[str, dict[str, Any]]:
        uri = self.series[number]
        stretch = {"series_uri": uri, "segment": 0, "first_sample": 0}
        return {
            "seriesview.get_workspace.1": {"workspace_uri": self.uris[number]},
            "seriesview.get_series_manifest.1": {"series_uri": uri},
            "seriesview.get_window.1": {**stretch, "samples_per_column": 4, "columns": 10},
            "seriesview.get_points.1": {
                "series_uri": uri,
                "start_time": 0,
                "end_time": 1,
                "max_points": 10,
            },
            "seriesview.get_statistics.1": {**stretch, "last_sample": 100},
            "seriesview.get_array.2": {"dtype": "uint8", "uri": self.parts[number]},
        }


@pytest.fixture
def stored(surroundings: Surroundings) -> Stored:
    return Stored(surroundings)


def file_status(browser: Browser, link: Link, uri: str) -> int:
    sha1 = parse_uri(uri)[0]
    path = f"sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
    return browser.request("GET", f"{link.base}/files/{link.fields['channel']}/{path}").status


def outcome(browser: Browser, link: Link, function_id: str, kwargs: dict[str, Any]) -> tuple[int, str]:
    """The status of asking for a task, and the task's own, or what was said."""
    request = {
        "channelName": link.fields["channel"],
        "taskFunctionId": function_id,
        "taskKwargs": kwargs,
        "taskFunctionType": "pure-calculation",
        "timeoutMsec": 30_000,
    }
    answer = browser.request("POST", f"{link.base}/task/requestTask", request)
    if answer.status != 200:
        return answer.status, answer.data.decode()
    return 200, str(json.loads(answer.data)["status"])


def test_nothing_else_is_answered(surroundings: Surroundings, stored: Stored) -> None:
    served = Served(surroundings, "seriesview", "serve", stored.results[0])
    browser = Browser()
    link = browser.open(served.links()[0])
    assert "and nothing else in" in served.process.written
    for uri in (stored.uris[0], stored.series[0], stored.pages[0], stored.parts[0]):
        assert file_status(browser, link, uri) == 200
    for uri in (stored.uris[1], stored.series[1], stored.pages[1], stored.parts[1]):
        assert file_status(browser, link, uri) == 404
    for function_id, kwargs in stored.tasks(0).items():
        assert outcome(browser, link, function_id, kwargs) == (200, "finished"), function_id
    for function_id, kwargs in stored.tasks(1).items():
        status, said = outcome(browser, link, function_id, kwargs)
        assert status == 403, function_id
        assert "--all" in said
    # A window in which the other one is named beside what is shown.
    mixed = {**stored.tasks(0)["seriesview.get_window.1"], "channels": [stored.series[1]]}
    assert outcome(browser, link, "seriesview.get_window.1", mixed)[0] == 403


def test_another_link_shows_what_it_was_made_for_too(surroundings: Surroundings, stored: Stored) -> None:
    first = Served(surroundings, "seriesview", "serve", stored.results[0])
    browser = Browser()
    link = browser.open(first.links()[0])
    assert file_status(browser, link, stored.parts[1]) == 404
    second = Served(surroundings, "seriesview", "view", stored.uris[1])
    other = browser.open(second.links()[0])
    assert "and nothing else in" in second.process.written
    for number in range(2):
        assert file_status(browser, other, stored.parts[number]) == 200
        for function_id, kwargs in stored.tasks(number).items():
            assert outcome(browser, other, function_id, kwargs) == (200, "finished"), function_id


def test_all_shows_everything(surroundings: Surroundings, stored: Stored) -> None:
    served = Served(surroundings, "seriesview", "serve", stored.results[0], "--all")
    browser = Browser()
    link = browser.open(served.links()[0])
    assert "whoever has a link can read all" in served.process.written
    assert file_status(browser, link, stored.parts[1]) == 200
    for function_id, kwargs in stored.tasks(1).items():
        assert outcome(browser, link, function_id, kwargs) == (200, "finished"), function_id


def test_a_node_that_shows_all_is_said(surroundings: Surroundings, stored: Stored) -> None:
    surroundings.node()
    served = Served(surroundings, "seriesview", "serve", stored.results[0])
    served.links()
    assert "whoever has a link can read all" in served.process.written
    assert "of that node permits" in served.process.written


def test_results_of_before_are_out_of_reach(surroundings: Surroundings, stored: Stored) -> None:
    """Their names follow from what was asked."""
    function_id = "seriesview.get_series_manifest.1"
    kwargs = stored.tasks(1)[function_id]
    before = Served(surroundings, "seriesview", "serve", stored.results[1], "--all")
    browser = Browser()
    link = browser.open(before.links()[0])
    assert outcome(browser, link, function_id, kwargs) == (200, "finished")
    name = task_hash(function_id, kwargs)
    path = f"bucket/seriesview/task_results/{name[:2]}/{name[2:4]}/{name[4:6]}/{name}"
    assert browser.request("GET", f"{link.base}/{path}").status == 200
    assert before.process.stop() == 0
    served = Served(surroundings, "seriesview", "serve", stored.results[0])
    served.links()
    for another in (Browser(), browser):
        assert another.request("GET", f"{link.base}/{path}").status in (403, 404)
    link = browser.open(served.links()[0])
    assert browser.request("GET", f"{link.base}/{path}").status == 404
    # What was asked through the link is given.
    assert browser.query(link, "seriesview.get_python_package_version.1")
    assert outcome(browser, link, function_id, stored.tasks(0)[function_id]) == (200, "finished")


def test_kachery_clients_read_what_they_could_read_anyway(surroundings: Surroundings, stored: Stored) -> None:
    served = Served(surroundings, "seriesview", "serve", stored.results[0], "--channel", "tests")
    served.links()
    found = surroundings.ask_kachery(
        "seriesview.get_series_manifest.1", stored.tasks(1)["seriesview.get_series_manifest.1"]
    )
    assert found["type"] == "continuous"


def test_a_further_link_of_the_same_process(surroundings: Surroundings, stored: Stored) -> None:
    served = Served(surroundings, "seriesview", "serve", stored.results[0])
    served.links()
    served.process.popen.send_signal(signal.SIGUSR1)
    browser = Browser()
    link = browser.open(served.links(2)[1])
    assert browser.figure_data(link) == json.loads(Path(stored.results[0]).read_text())["manifest"]
    assert file_status(browser, link, stored.series[1]) == 404
