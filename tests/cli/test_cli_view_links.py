"""`seriesview view LINK`: old links, of whatever host, are shown from the storage directory here."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from closed_port import CLOSED_PORT
from link_client import Browser
from series_builder import store_series
from served_links import Served
from serving_processes import Surroundings
from waiting import MOST_SECONDS

from seriesview.store import open_store
from seriesview.workspace.manifest import build_workspace

HASH = "0123456789" * 4
STATE = {"samplesPerColumn": 4, "leftColumn": 7, "panels": {"0": {"mode": "image"}}}


@pytest.fixture
def workspace(surroundings: Surroundings) -> str:
    with open_store(surroundings.storage, "embedded") as store:
        samples = np.arange(4000, dtype=np.int16).reshape(-1, 2)
        document = build_workspace(
            "rat7", [("probe", store_series(store, [samples]))], types={"probe": "continuous"}
        )
        document["series"].append({"name": "lost", "uri": f"sha1://{HASH}/series.json"})
        uri = store.put_json(document, name="workspace.json")
        store.record_workspace(uri, "rat7")
    return uri


def ended(surroundings: Surroundings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["seriesview", "view", *arguments],
        env=surroundings.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )


@pytest.mark.parametrize(
    "form",
    [
        "http://127.0.0.1:1/f?v=/view/seriesview&d={sha1}&channel=gone&label=old%20name&s={state}#token=spent",
        "https://jupyter.lab.example/user/me/proxy/20431/f?s={state}&d={sha1}&label=old%20name&v=/view/seriesview",
        " <https://www.figurl.example/f?v=gs://views/1&d=sha1://{sha1}&\n  label=old%20name&s={state}> ",
    ],
)
def test_an_old_link_is_shown_as_it_was(surroundings: Surroundings, workspace: str, form: str) -> None:
    old = form.format(sha1=workspace[7:47], state=quote(json.dumps(STATE)))
    served = Served(surroundings, "seriesview", "view", old)
    browser = Browser()
    link = browser.open(served.links()[0])
    assert json.loads(link.fields["s"]) == STATE
    assert link.fields["label"] == "old name"
    assert link.fields["d"] == workspace[7:47]
    assert link.token != "spent"
    assert browser.figure_data(link)["label"] == "rat7"
    # What of it is missing is named.
    assert f"series 'lost' is not in {surroundings.storage}: sha1://{HASH}" in served.process.written
    assert served.process.stop() == 0


def test_a_figures_data_are_shown_by_their_uri_and_by_a_link(
    surroundings: Surroundings, workspace: str
) -> None:
    with open_store(surroundings.storage, "embedded") as store:
        figure = store.put_json({"type": "any", "data": {"workspace": workspace}}, name="figure.json")
    for argument in (figure, f"http://localhost:9/f?d={figure[7:47]}&s=[broken"):
        served = Served(surroundings, "seriesview", "view", argument)
        browser = Browser()
        link = browser.open(served.links()[0])
        assert browser.figure_data(link)["data"] == {"workspace": workspace}
        assert "s" not in link.fields
        assert ("cannot be read" in served.process.written) == argument.startswith("http")
        assert served.process.stop() == 0


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (
            f"http://lab7:20431/f?d={HASH}&channel=c",
            ["not in the kachery storage", "--storage-dir", "at lab7:20431"],
        ),
        ("http://lab7:20431/f?d=0123&channel=c", ["no SHA-1", "copy the link whole"]),
        ("http://127.0.0.1:CLOSED_PORT/shared/", ["does not answer"]),
        ("http://[broken/f?d=1", ["not a link"]),
    ],
)
def test_what_cannot_be_shown_is_said_in_words(
    surroundings: Surroundings, link: str, words: list[str]
) -> None:
    done = ended(surroundings, link.replace("CLOSED_PORT", str(CLOSED_PORT)))
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def folder_address(tmp_path: Path, surroundings: Surroundings) -> Iterator[str]:
    """Address of a server of plain files with an exported folder, `shared`, in it."""
    with open_store(surroundings.storage, "embedded") as store:
        series = store_series(store, [np.arange(4000, dtype=np.int16).reshape(-1, 2)])
        document = build_workspace("rat7", [("probe", series)], types={"probe": "continuous"})
        uri = store.put_json(document, name="workspace.json")
    subprocess.run(
        ["seriesview", "export", uri, str(tmp_path / "web" / "shared")],
        env=surroundings.environment(),
        check=True,
        timeout=MOST_SECONDS,
    )

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "web")))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_an_exported_folder_is_opened_where_it_is(surroundings: Surroundings, folder_address: str) -> None:
    for path in ("shared/", "shared/index.html", "shared/?s=%7B%22view%22%3A0%7D"):
        done = ended(surroundings, f"{folder_address}/{path}")
        assert (done.returncode, done.stdout) == (0, f"{folder_address}/{path}\n"), done.stderr
        assert "this is an export of sha1://" in done.stderr
    assert ended(surroundings, f"{folder_address}/shared").stdout == f"{folder_address}/shared/\n"
    printed = ended(surroundings, f"{folder_address}/shared/", "--json").stdout
    assert json.loads(printed) == {"url": f"{folder_address}/shared/"}
    for path in ("", "shared/sha1/"):
        done = ended(surroundings, f"{folder_address}/{path}")
        assert (done.returncode, done.stdout) == (2, "")
        assert "export.json gives 404" in done.stderr
