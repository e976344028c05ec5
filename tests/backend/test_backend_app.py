"""A backend for people elsewhere: it works through an app, a node that both sides reach, by outgoing connections."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from app_peers import App
from serving_processes import CHANNEL, all_at_once
from waiting import until

from seriesview.backend.app_client import checked_app_url
from seriesview.errors import BackendError
from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.token_file import TokenFile
from seriesview.node.tokens import TOKENS_FILE
from seriesview.store import open_store
from seriesview.tasks.functions import TASK_FUNCTIONS


def test_people_elsewhere_get_results_errors_and_actions(app: App) -> None:
    app.backend()
    assert app.ask("test.echo.1", {"a": [1, "é"]}) == {"name": "", "a": [1, "é"]}
    assert app.ask("test.echo.1", {"a": [1, "é"]})["a"] == [1, "é"]
    assert len(app.own.calls()) == 1
    assert app.ask("test.query.1", {"q": 1}, "query") == {"name": "", "q": 1}
    assert app.ask("test.act.1", {}, "action") is True
    with pytest.raises(RuntimeError, match="it broke"):
        app.ask("test.fail.1", {"kind": "known", "message": "it broke"})
    assert len(app.ask("test.large.1", {"size": 5_000_000})) == 5_000_000


def test_a_backend_id_is_needed_elsewhere_too(app: App) -> None:
    app.backend(SERIESVIEW_BACKEND_ID="one-two-three")
    assert app.ask("test.echo.1", {"a": 1}, backend_id="one-two-three")["a"] == 1
    with pytest.raises(RuntimeError, match="none registered"):
        app.ask("test.echo.1", {"a": 1}, backend_id="four-five-six")


def test_tasks_in_a_lost_answer_are_handed_out_again(app: App) -> None:
    app.backend()
    for number, kind in enumerate(("pure-calculation", "query", "action")):
        app.proxy.lose_answer_with(b'"requestedTasks":[{')
        function_id = {"pure-calculation": "test.echo.1", "query": "test.query.1", "action": "test.act.1"}[
            kind
        ]
        begin = time.monotonic()
        assert app.ask(function_id, {"lost": 1}, kind)
        # A backend that is taken for dead is so after 30 s.
        assert time.monotonic() - begin < 30
        assert app.proxy.num_lost == number + 1
    assert len(app.own.calls()) == 3


def test_reports_whose_answers_are_lost_arrive_once(app: App) -> None:
    app.backend()
    app.proxy.lose_answer_with(b'{"success":true}')
    assert app.ask("test.query.1", {"n": 1}, "query")["n"] == 1
    until(lambda: app.proxy.num_lost == 1)
    assert app.ask("test.query.1", {"n": 2}, "query")["n"] == 2
    assert len(app.own.calls()) == 2


@pytest.mark.soak
def test_requests_survive_connections_that_break_all_the_time(app: App) -> None:
    app.backend()
    is_over = False

    def cut() -> None:
        while not is_over:
            # At whatever moment of an exchange that is.
            time.sleep(0.3)
            app.proxy.cut()

    def ask_all() -> list[Any]:
        nonlocal is_over
        calls = [
            (lambda n=number: app.ask("test.echo.1", {"n": n, "seconds": 0.2})["n"]) for number in range(40)
        ]
        answers = all_at_once(calls)
        is_over = True
        return answers

    _, answers = all_at_once([cut, ask_all])
    assert answers == list(range(40))


def test_requests_wait_while_the_network_is_away(app: App) -> None:
    app.backend()
    app.ask("test.echo.1", {"first": 1})
    app.proxy.is_away = True
    app.proxy.cut()

    def come_back() -> None:
        until(lambda: app.proxy.num_turned_away >= 3)
        app.proxy.is_away = False

    _, answer = all_at_once([come_back, lambda: app.ask_until_heard("test.echo.1", {"meanwhile": 1})])
    assert answer["meanwhile"] == 1


def test_connections_that_go_silent_lose_nothing(app: App) -> None:
    """The other side neither answers nor closes: as when a firewall forgets, or a laptop moves."""
    app.backend(POLL_SECONDS="1", ANSWER_SECONDS="1")
    assert app.ask("test.echo.1", {"n": 0})["n"] == 0
    # A poll is open.
    app.proxy.silence()
    assert app.ask_until_heard("test.echo.1", {"n": 1})["n"] == 1
    # A result is on its way: nothing of it arrives.
    asked = {"channelName": CHANNEL, "taskFunctionId": "test.echo.1", "taskFunctionType": "pure-calculation"}
    kwargs = {"n": 2, "seconds": 0.5}
    app.post("/task/requestTask", {**asked, "taskKwargs": kwargs, "timeoutMsec": 0})
    until(lambda: len(app.own.calls()) == 3)
    app.proxy.silence()
    assert app.ask_until_heard("test.echo.1", kwargs)["n"] == 2
    assert app.ask_until_heard("test.large.1", {"size": 5_000_000})
    assert len(app.own.calls()) == 3


def test_a_slow_network_is_not_a_silent_one(app: App) -> None:
    app.proxy.bytes_per_second = 1_500_000
    app.backend(CONNECT_SECONDS="1")
    assert len(app.ask("test.large.1", {"size": 6_000_000})) == 6_000_000


def test_a_backend_above_its_limits_waits(app: App) -> None:
    app.node.stop()
    app.node = app.there.node("--limit", "requests=2")
    app.backend()
    for number in range(15):
        kind = {"channelName": CHANNEL, "taskFunctionId": "test.query.1", "taskFunctionType": "query"}
        answer = app.as_client(
            "/task/requestTask", {**kind, "taskKwargs": {"n": number}, "timeoutMsec": 60_000}
        )
        assert answer["status"] == "finished"
    assert len(app.own.calls()) == 15


def test_a_restart_of_the_app_loses_no_outcome(app: App) -> None:
    backend = app.backend()
    asked = {"channelName": CHANNEL, "taskFunctionId": "test.echo.1", "taskFunctionType": "pure-calculation"}
    kwargs = {"seconds": 4}
    app.post("/task/requestTask", {**asked, "taskKwargs": kwargs, "timeoutMsec": 0})
    until(lambda: len(app.own.calls()) == 1)
    app.node.stop()
    app.node = app.there.node()
    assert app.ask_until_heard("test.echo.1", kwargs)["seconds"] == 4
    backend.wait_for("event=connected")


@pytest.mark.parametrize("options", [[], ["--channel", "other"], ["--channel", "none"]])
def test_what_the_app_does_not_permit_is_said_at_the_start(app: App, options: list[str]) -> None:
    Channels(app.there.storage / CHANNELS_FILE).ensure("other")
    token = app.provider if options else "x" * 40
    process = app.command(*options, SERIESVIEW_APP_TOKEN=token)
    assert process.wait() == 1
    assert process.written.count("\n") == 1
    expected = {"": "Incorrect token", "other": "does not permit provideTasks", "none": "no channel none"}
    assert expected[options[-1] if options else ""] in process.written
    assert token not in process.written


def test_a_readers_token_is_no_providers(app: App) -> None:
    process = app.command(SERIESVIEW_APP_TOKEN=app.reader)
    assert process.wait() == 1
    assert "does not permit provideTasks to people" in process.written


def test_an_app_that_does_not_answer_is_said(app: App) -> None:
    app.proxy.is_away = True
    process = app.command(SERIESVIEW_APP_TOKEN=app.provider)
    assert process.wait() == 1
    assert "the app cannot be reached" in process.written
    assert f"is {app.url} right" in process.written


def test_all_that_is_missing_is_said_at_once(app: App) -> None:
    options = ["--label", "rig-1", "--app-url", app.url]
    said = app.own.start("seriesview-start-backend", *options)
    assert said.wait() == 2
    lines = said.written.splitlines()
    assert len(lines) == 2, said.written
    assert "FIGURL_CHANNEL" in lines[0]
    assert "seriesview channel create CHANNEL" in lines[0]
    assert "`seriesview token create rig-1 --channel CHANNEL --provide`" in lines[1]
    assert "--token-file" in lines[1]
    given = {"FIGURL_CHANNEL": CHANNEL, "SERIESVIEW_APP_URL": "ftp://x", "LABEL": "a b"}
    key = app.own.directory / "no-key.json"
    more = {"GOOGLE_BUCKET_NAME": "our-lab", "GOOGLE_APPLICATION_CREDENTIALS": str(key)}
    said = app.own.start("seriesview-start-backend", **given, **more)
    assert said.wait() == 2
    lines = said.written.splitlines()
    expected = ("LABEL", "ftp://x", f"token create NAME --channel {CHANNEL} --provide", str(key))
    assert len(lines) == len(expected), said.written
    for line, word in zip(lines, expected, strict=True):
        assert word in line


def test_token_files_are_private(app: App) -> None:
    file = app.own.directory / "token"
    file.write_text(f"{app.provider}\n")
    file.chmod(0o640)
    process = app.command("--token-file", str(file))
    assert process.wait() == 2
    assert f"chmod 600 {file}" in process.written
    file.chmod(0o600)
    process = app.command("--token-file", str(file))
    process.wait_for(f"backend {process.pid} answers")
    assert f"users open {app.url}/f?v=/view/seriesview&channel={CHANNEL}" in process.written
    for part in ("cmdline", "environ"):
        assert app.provider not in Path(f"/proc/{process.pid}/{part}").read_text()
    assert process.stop() == 0


def test_a_revoked_backend_gets_nothing_any_more(app: App) -> None:
    backend = app.backend()
    app.ask("test.echo.1", {"a": 1})
    TokenFile(app.there.storage / TOKENS_FILE).revoke("laboratory")
    session = f"http://127.0.0.1:{app.there.port}/session?channel={CHANNEL}"
    bearer = {"Authorization": f"Bearer {app.provider}"}
    until(lambda: app.http.request("GET", session, headers=bearer).status == 403)
    with pytest.raises(RuntimeError, match=r"No backend|is gone"):
        app.ask("test.echo.1", {"a": 2})
    backend.wait_for("event=disconnected")
    assert len(app.own.calls()) == 1


def test_readers_reach_nothing_but_results(app: App) -> None:
    secret = app.own.directory / "secret.json"
    secret.write_text('{"secret": "hidden words"}')
    with open_store(app.own.storage, "embedded") as store:
        linked = store.hash_and_link(secret)
    process = app.command(SERIESVIEW_APP_TOKEN=app.provider)
    process.wait_for(f"backend {process.pid} answers")
    wrong = [
        str(secret),
        f"file://{secret}",
        "sha1://../../../secret.json",
        f"sha1://{'0' * 40}/../{secret}",
        linked,
        "/etc/passwd",
        "http://127.0.0.1/",
    ]
    names = {"get_array": "uri", "get_workspace": "workspace_uri"}
    more: dict[str, dict[str, Any]] = {
        "get_array": {"dtype": "uint8"},
        "get_window": {
            **{"segment": 0, "first_sample": 0, "samples_per_column": 1, "columns": 10, "channels": None}
        },
        "get_points": {"start_time": 0, "end_time": 1, "max_points": 10},
        "get_statistics": {"segment": 0, "first_sample": 0, "last_sample": 1, "channels": None},
    }
    asked = 0
    for function_id, function in TASK_FUNCTIONS.items():
        name = function_id.split(".")[1]
        if function.type != "pure-calculation":
            continue
        for address in wrong:
            kwargs = {names.get(name, "series_uri"): address, **more.get(name, {})}
            with pytest.raises(RuntimeError) as error:
                app.ask(function_id, kwargs)
            assert "hidden words" not in str(error.value)
            assert address != linked or name != "get_array" or "linked file" in str(error.value)
            assert "none registered" not in str(error.value)
            assert str(app.own.storage) not in str(error.value)
            asked += 1
    assert asked >= 6 * len(wrong)
    headers = {"Authorization": f"Bearer {app.reader}"}
    for path in ("/loadFile", "/linkFile", "/storeFile", "/downloadFileData"):
        answer = app.http.request("POST", f"{app.url}{path}", body=b"{}", headers=headers)
        assert answer.status == 403


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org", "https"),
        ("ftp://example.org", "no address"),
        ("https://", "no address"),
        ("https://a b", "no address"),
        ("https://user:secret@example.org", "no address"),
        ("https://example.org?x=1", "no address"),
    ],
)
def test_addresses_that_are_no_apps(url: str, expected: str) -> None:
    with pytest.raises(BackendError, match=expected):
        checked_app_url(url)


def test_addresses_of_apps() -> None:
    assert checked_app_url("https://example.org/figures/") == "https://example.org/figures"
    assert checked_app_url("http://[::1]:20431/") == "http://[::1]:20431"
