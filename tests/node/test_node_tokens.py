"""Tokens that are made and taken back while a node runs, and what their holders may ask for at most."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from node_peers import Answer, ask, node_process
from waiting import until

from seriesview.cli.main import cli
from seriesview.errors import NodeError
from seriesview.node.config import NodeConfig
from seriesview.node.quotas import CallerLimits
from seriesview.node.server import NodeThread
from seriesview.node.tokens import TOKENS_FILE, Tokens

REGISTER = {
    "taskFunctions": [
        {"channelName": "demo", "taskFunctionId": "f.1", "taskFunctionType": "pure-calculation"},
        {"channelName": "demo", "taskFunctionId": "q.1", "taskFunctionType": "query"},
    ],
    "timeoutMsec": 0,
}


@pytest.fixture(autouse=True)
def follows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seriesview.node.tokens._FOLLOW_SECONDS", 0.0)


def token(storage: Path, *arguments: str) -> str:
    result = run(storage, *arguments)
    assert result.exit_code == 0, result.output
    return str(result.stdout.strip())


def run(storage: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["token", *arguments, "--storage-dir", str(storage)])


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def request(number: int = 0, function: str = "f.1", milliseconds: int = 0) -> dict[str, object]:
    return {
        "channelName": "demo",
        "taskFunctionId": function,
        "taskKwargs": {"n": number},
        "taskFunctionType": "query" if function == "q.1" else "pure-calculation",
        "timeoutMsec": milliseconds,
    }


def test_provider_and_reader_are_kept_apart(node: NodeThread) -> None:
    storage = node.config.storage_dir
    provider = token(storage, "create", "backend", "--channel", "demo", "--provide")
    reader = token(storage, "create", "people", "--channel", "demo", "--request")
    register, task = "/task/registerTaskFunctions", "/task/requestTask"
    assert ask(node.port, "POST", register, REGISTER, bearer(provider)).json()["success"]
    assert ask(node.port, "POST", task, request(), bearer(reader)).json()["success"]
    for path, body, secret, what in (
        (register, REGISTER, reader, "provideTasks"),
        (task, request(), provider, "requestTasks"),
    ):
        answer = ask(node.port, "POST", path, body, bearer(secret))
        assert (answer.status, answer.text[: len(what)]) == (403, what)


def test_the_file_holds_hashes_alone(node: NodeThread) -> None:
    storage = node.config.storage_dir
    secret = token(storage, "create", "backend")
    file = storage / TOKENS_FILE
    assert re.fullmatch(r"backend:sha256=[0-9a-f]{64}\n", file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    hashed = file.read_text().strip().partition(":")[2]
    for wrong in (hashed, hashed.removeprefix("sha256="), secret[:-1]):
        assert (
            ask(node.port, "GET", "/session?channel=demo", headers=bearer(wrong)).text == "Incorrect token."
        )
    assert ask(node.port, "GET", "/session?channel=demo", headers=bearer(secret)).json()["name"] == "backend"


def test_lines_beside_those_of_the_command_stay(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# ours\nplain: {'p' * 30}\n\n")
    file.chmod(0o600)
    secret = token(tmp_path, "create", "new", "--token-file", str(file))
    assert file.read_text().startswith(f"# ours\nplain: {'p' * 30}\n\nnew:sha256=")
    tokens = Tokens(file)
    assert (tokens.name_of(secret), tokens.name_of("p" * 30)) == ("new", "plain")
    listed = run(tmp_path, "list", "--token-file", str(file)).output
    assert "plain (readable in the file)" in listed
    assert "new  nothing is permitted" in listed
    assert secret not in listed
    token(tmp_path, "revoke", "new", "--token-file", str(file))
    assert file.read_text() == f"# ours\nplain: {'p' * 30}\n\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "links"],
        ["create", "a b"],
        ["create", "x", "--provide"],
        ["create", "x", "--channel", "demo"],
        ["create", "x", "--channel", "demo", "--provide", "--request"],
        ["create", "x", "--channel", "other", "--provide"],
        ["revoke", "nobody"],
    ],
)
def test_what_cannot_be_is_an_error(node: NodeThread, arguments: list[str]) -> None:
    assert run(node.config.storage_dir, *arguments).exit_code != 0
    assert not (node.config.storage_dir / TOKENS_FILE).exists()


def test_a_name_has_one_token(tmp_path: Path) -> None:
    token(tmp_path, "create", "x")
    assert "revoke" in str(run(tmp_path, "create", "x").exception)


@pytest.mark.parametrize("line", ["x:sha256=12", f"x:sha256={'g' * 64}", f"x:sha256={'A' * 64}"])
def test_a_wrong_hash_is_said(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(line)
    file.chmod(0o600)
    with pytest.raises(NodeError, match="64 hexadecimal digits"):
        Tokens(file)


def test_a_poll_gets_nothing_once_its_token_was_taken_back(node: NodeThread) -> None:
    storage = node.config.storage_dir
    secret = token(storage, "create", "backend", "--channel", "demo", "--provide")
    answers: list[Answer] = []

    def poll() -> None:
        body = {**REGISTER, "timeoutMsec": 20_000}
        answers.append(ask(node.port, "POST", "/task/registerTaskFunctions", body, bearer(secret)))

    thread = threading.Thread(target=poll)
    thread.start()
    # It is open when a function of another type is an error at once.
    wrong = {**request(), "taskFunctionType": "action", "timeoutMsec": 0}
    while ask(node.port, "POST", "/task/requestTask", wrong, storage=storage).json()["status"] != "error":
        pass
    token(storage, "revoke", "backend")
    task = ask(node.port, "POST", "/task/requestTask", request(), storage=storage).json()
    thread.join()
    assert (answers[0].status, "taken back" in answers[0].text) == (403, True)
    waiting = {"channelName": "demo", "taskId": task["taskId"], "taskFunctionType": "pure-calculation"}
    told = ask(node.port, "POST", "/task/waitForTaskResult", {**waiting, "timeoutMsec": 0}, storage=storage)
    assert told.json()["status"] == "waiting"


def test_a_revoked_token_is_refused_by_a_node_in_another_process(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with node_process(storage, "--channel", "demo") as node:
        secret = token(storage, "create", "people", "--channel", "demo", "--request")
        assert ask(node.port, "GET", "/session?channel=demo", headers=bearer(secret)).status == 200
        opened = ask(
            node.port,
            "POST",
            "/session",
            {"token": secret},
            {"Origin": f"http://127.0.0.1:{node.port}"},
        )
        cookie = {"Cookie": opened.headers["Set-Cookie"].partition(";")[0]}
        assert ask(node.port, "GET", "/session?channel=demo", headers=cookie).json()["name"] == "people"
        token(storage, "revoke", "people")
        until(lambda: ask(node.port, "GET", "/session?channel=demo", headers=bearer(secret)).status == 403)
        assert ask(node.port, "GET", "/session?channel=demo", headers=cookie).json()["name"] is None


def limited(tmp_path: Path, limits: CallerLimits) -> NodeConfig:
    return NodeConfig(tmp_path / "storage", port=0, channels=("demo",), caller_limits=limits)


def assert_told_to_wait(answer: Answer, what: str) -> None:
    assert (answer.status, what in answer.text) == (429, True), answer
    assert int(answer.headers["Retry-After"]) >= 1
    assert f"again in {answer.headers['Retry-After']} s" in answer.text


def test_requests_a_second_are_limited_for_each_holder(tmp_path: Path) -> None:
    config = limited(tmp_path, CallerLimits(requests=2))
    with NodeThread(config) as node:
        storage = config.storage_dir
        one, other = (token(storage, "create", name) for name in ("one", "other"))
        answers = [ask(node.port, "GET", "/session", headers=bearer(one)) for _ in range(30)]
        assert {answer.status for answer in answers} == {200, 429}
        refused = next(answer for answer in answers if answer.status == 429)
        assert_told_to_wait(refused, "2 requests a second")
        assert ask(node.port, "GET", "/session", headers=bearer(other)).status == 200
        assert {ask(node.port, "GET", "/stats", storage=storage).status for _ in range(30)} == {200}


def test_tasks_that_wait_and_their_arguments_are_limited(tmp_path: Path) -> None:
    config = limited(tmp_path, CallerLimits(tasks=3, argument_bytes=50_000))
    with NodeThread(config) as node:
        storage = config.storage_dir
        one, other = (
            token(storage, "create", name, "--channel", "demo", "--request") for name in ("one", "other")
        )
        path = "/task/requestTask"
        for number in (0, 1, 2, 2):
            assert ask(node.port, "POST", path, request(number), bearer(one)).status == 200 or number == 2
        assert_told_to_wait(ask(node.port, "POST", path, request(3), bearer(one)), "3 of your tasks")
        assert ask(node.port, "POST", path, request(3), bearer(other)).status == 200
        large = request(4) | {"taskKwargs": {"text": "x" * 60_000}}
        assert_told_to_wait(ask(node.port, "POST", path, large, bearer(other)), "50000 bytes of arguments")
        for number in range(3):
            # They end when their backend refuses them.
            body = {"channelName": "demo", "status": "error", "errorMessage": "no"}
            asked = ask(node.port, "POST", path, request(number), storage=storage).json()
            update = body | {"taskId": asked["taskId"]}
            ask(node.port, "POST", "/task/updateTaskStatus", update, storage=storage)
        assert ask(node.port, "POST", path, request(9), bearer(one)).status == 200


def test_results_are_limited_in_size_and_number(tmp_path: Path) -> None:
    config = limited(tmp_path, CallerLimits(result_bytes=1000, results_bytes=100))
    with NodeThread(config) as node:
        secret = token(config.storage_dir, "create", "backend", "--channel", "demo", "--provide")
        path = f"/task/finishTask?channelName=demo&taskId=x&taskHash={'a' * 40}"
        large = ask(node.port, "POST", path, b"x" * 1001, bearer(secret))
        assert (large.status, "at most 1000" in large.text) == (413, True)
        answers = [ask(node.port, "POST", path, b"x" * 900, bearer(secret)) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 429, 429]
        assert_told_to_wait(answers[1], "100 bytes of results a second")
        sign = {"channelName": "demo", "taskId": "a" * 40, "size": 900}
        signed = ask(node.port, "POST", "/task/createSignedTaskResultUploadUrl", sign, bearer(secret))
        assert_told_to_wait(signed, "100 bytes")


def test_the_command_takes_limits(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    with node_process(storage, "--channel", "demo", "--limit", "requests=1", "--limit", "tasks=2") as node:
        secret = token(storage, "create", "one")
        statuses = set()
        while 429 not in statuses:
            statuses.add(ask(node.port, "GET", "/session", headers=bearer(secret)).status)
    for wrong in ("requests", "requests=0", "requests=x", "speed=3"):
        result = CliRunner().invoke(cli, ["node", "--storage-dir", str(storage), "--limit", wrong])
        assert "--limit" in result.output
