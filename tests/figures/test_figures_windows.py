"""POST /window: the numbers, words and rules of get_window, with no task between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figurl_reader import decode
from link_client import Browser, Link
from node_peers import Answer, ask
from series_builder import store_events, store_series
from window_answers import taken_apart

from seriesview.figures.server import FigureServer
from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.store import Store, open_store

FUNCTION = "seriesview.get_window.1"
CHANNEL = "seriesview"
WINDOW: dict[str, Any] = {"segment": 0, "first_sample": 0, "samples_per_column": 4, "columns": 10}
HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", "embedded")


@pytest.fixture
def server(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[FigureServer]:
    monkeypatch.delenv("FIGURL_CHANNEL", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    with FigureServer(store.directory, port=0) as running:
        yield running


def stored(store: Store, dtype: str = "int16", seed: int = 1, **more: Any) -> str:
    """URI of a series of three channels and two segments."""
    random = np.random.default_rng(seed)
    segments = [random.integers(0, 100, (length, 3)).astype(dtype) for length in (300, 40)]
    return store_series(store, segments, **more)


def opened(server: FigureServer, uri: str) -> tuple[Browser, Link]:
    browser = Browser()
    return browser, browser.open(server.link(uri, "test"))


def window(browser: Browser, link: Link, kwargs: Any, **more: Any) -> dict[str, Any]:
    body = {"channelName": link.fields["channel"], "taskKwargs": kwargs, **more}
    answer = browser.request("POST", f"{link.base}/window", body)
    assert answer.status == 200, answer.data
    return taken_apart(answer.data)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint16", "int64", "float16", "float32", "float64"]
)
def test_the_numbers_are_those_of_the_task(store: Store, server: FigureServer, dtype: str) -> None:
    uri = stored(store, dtype)
    browser, link = opened(server, uri)
    for more in (
        {},
        {"first_sample": 5, "samples_per_column": 7},
        {"samples_per_column": 1, "columns": 20},
        {"samples_per_column": 32, "columns": 500, "channels": ["ch2", "ch0"]},
        {"segment": 1, "first_sample": 39},
    ):
        kwargs = {"series_uri": uri} | WINDOW | more
        direct = window(browser, link, kwargs)["result"]
        by_task = decode(browser.task(link, FUNCTION, kwargs)["result"])
        (name,) = {"envelope", "values"} & set(by_task)
        assert {**direct, name: 0} == {**by_task, name: 0}
        assert direct[name].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(direct[name], by_task[name])


def test_64_bit_integers_are_exact(store: Store, server: FigureServer) -> None:
    samples = np.array([[2**62 + 1], [2**62 + 3], [2**62 + 2]], np.int64)
    uri = store_series(store, [samples], moments=())
    browser, link = opened(server, uri)
    for halves in (False, True):
        kwargs = {"series_uri": uri} | WINDOW | {"halves": halves, "samples_per_column": 1}
        np.testing.assert_array_equal(window(browser, link, kwargs)["result"]["values"], samples)


def test_what_is_wrong_is_said_as_the_task_says_it(
    store: Store, server: FigureServer, tmp_path: Path
) -> None:
    raw = tmp_path / "raw.dat"
    uri = stored(store, seed=2, samples="link", link_path=raw)
    events = store_events(store, [0.0, 1.0], [0, 1], 2)
    levels, figure = stored(store, samples="omit"), store.put_json({"a": 1})
    browser, link = opened(server, uri)
    for shown in (events, levels, figure):
        server.link(shown, "shown too")
    raw.write_bytes(raw.read_bytes() + b"more")
    good = {"series_uri": uri} | WINDOW
    asked: list[dict[str, Any]] = [
        {},
        {"series_uri": uri},
        {**good, "more": 1},
        {**good, "series_uri": "file:///etc/passwd"},
        {**good, "series_uri": "/etc/passwd"},
        {**good, "series_uri": f"sha1://{uri[7:47]}/.."},
        {**good, "series_uri": events},
        {**good, "series_uri": figure},
        {**good, "samples_per_column": 5},
        {**good, "series_uri": levels, "samples_per_column": 5},
        {**good, "columns": 20_000},
        {**good, "channels": ["nose"]},
        {**good, "channels": ["ch0", "ch0"]},
        {**good, "channels": []},
        {**good, "segment": 2},
        {**good, "first_sample": 300},
        {**good, "first_sample": -1},
        {**good, "first_sample": 2**53 + 1},
        {**good, "samples_per_column": 0},
        {**good, "samples_per_column": 4.0},
        {**good, "samples_per_column": True},
        {**good, "columns": "10"},
        {**good, "halves": 1},
    ]
    for kwargs in asked:
        by_task = browser.task(link, FUNCTION, kwargs)
        direct = window(browser, link, kwargs)
        if by_task["status"] == "finished":
            assert direct["status"] == "finished"
            continue
        assert by_task["errorMessage"].startswith("[")
        assert direct == {"status": "error", "errorMessage": by_task["errorMessage"]}, kwargs


def test_whoever_is_refused_a_task_is_refused_a_window(store: Store, server: FigureServer) -> None:
    uri = stored(store)
    other = stored(store, seed=9)
    browser, _ = opened(server, uri)
    cookie = {"Cookie": browser._cookie}
    own = f"http://127.0.0.1:{server.port}"
    good = {"series_uri": uri} | WINDOW

    def both(kwargs: Any, headers: dict[str, str], channel: Any = CHANNEL, **more: Any) -> list[Answer]:
        body = {"channelName": channel, "taskKwargs": kwargs, **more}
        task = {"taskFunctionId": FUNCTION, "taskFunctionType": "pure-calculation", "timeoutMsec": 0}
        paths = [("/task/requestTask", body | task), ("/window", body)]
        return [ask(server.port, "POST", path, sent, headers) for path, sent in paths]

    letting_in = {**cookie, "Origin": own}
    assert [answer.status for answer in both(good, letting_in)] == [200, 200]
    refused: list[tuple[Any, ...]] = [
        (good, {}),
        (good, {"Origin": own}),
        (good, cookie),
        (good, {**cookie, "Origin": "http://evil.example"}),
        (good, {**cookie, "Origin": "null"}),
        (good, {**letting_in, "Host": "evil.example"}),
        (good, {**letting_in, "Authorization": "Bearer wrong"}),
        (good, {**letting_in, "KACHERY-CLIENT-AUTH-CODE": "wrong"}),
        (good, {"Cookie": "seriesview-node-1=x", "Origin": own}),
        ({**good, "series_uri": other}, letting_in),
        ({**good, "series_uri": f"sha1://{HASH}/a"}, letting_in),
        ({**good, "channels": [other]}, letting_in),
        (good, letting_in, "other"),
        (good, letting_in, 7),
        (good, letting_in, None),
        ("kwargs", letting_in),
        (None, letting_in),
        ({**good, "channels": ["x" * 200_000]}, letting_in),
    ]
    for case in refused:
        by_task, direct = both(*case)
        assert by_task.status >= 400, case
        assert (direct.status, direct.text) == (by_task.status, by_task.text), case
    for body in (b"", b"{", b"[]", b'{"channelName": NaN}', b"\xff"):
        answers = [
            ask(server.port, "POST", path, body, letting_in) for path in ("/task/requestTask", "/window")
        ]
        assert answers[1].status == answers[0].status >= 400, body
    # Another site's page is not told what it may send.
    preflight = ask(server.port, "OPTIONS", "/window", headers={"Origin": "http://evil.example"})
    assert preflight.status == 403
    # What the channel does not permit any more.
    channels = Channels(store.directory / CHANNELS_FILE)
    channels.change(CHANNEL, {"links": frozenset({"requestFiles"})})
    by_task, direct = both(good, letting_in)
    assert by_task.status == 403
    assert (direct.status, direct.text) == (403, by_task.text)
    session = ask(server.port, "GET", f"/session?channel={CHANNEL}", headers=cookie).json()
    assert session["answersWindows"] is False


def test_the_page_is_told_that_windows_are_answered(store: Store, server: FigureServer) -> None:
    browser, link = opened(server, stored(store))

    def told(asking: Browser, channel: str) -> bool:
        said: bool = json.loads(asking.request("GET", f"{link.base}/session?channel={channel}").data)[
            "answersWindows"
        ]
        return said

    assert told(browser, CHANNEL)
    Channels(store.directory / CHANNELS_FILE).ensure("other")
    assert not told(browser, "other")
    assert not told(Browser(), CHANNEL)


def test_what_wants_a_backend_id_is_not_answered_without_it(store: Store, server: FigureServer) -> None:
    uri = stored(store)
    browser, link = opened(server, uri)
    said = window(browser, link, {"series_uri": uri} | WINDOW, backendId="secret")
    assert said["status"] == "error"
    assert said["errorMessage"].startswith("[no-backend] ")
    assert "secret" not in said["errorMessage"]
