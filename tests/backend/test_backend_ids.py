"""Backend IDs: who is answered, and where an ID can be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving_processes import CHANNEL, Surroundings, all_at_once, processes_of

from seriesview.backend.backend_id import BackendId, find_backend_id
from seriesview.backend.client import DaemonClient
from seriesview.backend.requesting import request_task
from seriesview.errors import BackendError, TaskError

ask = partial(request_task, channel=CHANNEL)
SECRETS = ["correct horse battery staple", "überlänge-\U0001f511-" + "x" * 300, "1"]


def test_a_request_reaches_only_backends_of_its_id(surroundings: Surroundings) -> None:
    surroundings.node()
    for number, secret in enumerate(SECRETS):
        surroundings.backend(NAME=f"with {number}", SERIESVIEW_BACKEND_ID=secret)
    surroundings.backend(NAME="without")
    for kind in ("test.echo.1", "test.query.1"):
        function_type = "query" if "query" in kind else "pure-calculation"
        for number, secret in enumerate(SECRETS):
            answer = ask(kind, {"a": 1}, backend_id=secret, function_type=function_type)
            assert answer == {"name": f"with {number}", "a": 1}
        assert ask(kind, {"a": 1}, function_type=function_type)["name"] == "without"
    assert surroundings.ask_kachery("test.echo.1", {"a": 1})["name"] == "without"
    answers = all_at_once(
        [partial(ask, "test.echo.1", {"a": 2, "seconds": 0.5}, backend_id=secret) for secret in SECRETS * 3]
    )
    assert [answer["name"] for answer in answers] == ["with 0", "with 1", "with 2"] * 3
    assert len(surroundings.calls()) == 2 * (len(SECRETS) + 1) + len(SECRETS)


def test_without_the_id_nothing_is_answered_not_even_what_is_stored(surroundings: Surroundings) -> None:
    surroundings.node()
    surroundings.backend(SERIESVIEW_BACKEND_ID="its secret")
    assert ask("test.echo.1", {"a": 1}, backend_id="its secret") == {"name": "", "a": 1}
    others = [None, "wrong", "its secret ", "Its secret", "its secre"]
    calls = [partial(ask, "test.echo.1", {"a": 1}, backend_id=other, timeout=30) for other in others]
    unknown = partial(ask, "test.absent.1", {}, backend_id="its secret", timeout=30)
    for answer in all_at_once([*calls, unknown]):
        assert isinstance(answer, TaskError)
        assert "its secre" not in str(answer)
    assert len(surroundings.calls()) == 1


def test_a_stored_result_has_no_address_that_can_be_worked_out(surroundings: Surroundings) -> None:
    surroundings.node()
    surroundings.backend(SERIESVIEW_BACKEND_ID="secret")
    surroundings.backend()
    client = DaemonClient()
    request = {
        "channelName": CHANNEL,
        "taskFunctionId": "test.echo.1",
        "taskKwargs": {"a": 1},
        "taskFunctionType": "pure-calculation",
        "timeoutMsec": 10_000,
    }
    protected = client.post("/task/requestTask", {**request, "backendId": "secret"})["taskResultUrl"]
    plain = client.post("/task/requestTask", request)["taskResultUrl"]
    assert protected != plain
    assert "secret" not in protected
    with urlopen(protected) as answer:
        assert json.load(answer) == {"name": "", "a": 1}


def test_the_id_shows_nowhere(surroundings: Surroundings) -> None:
    secret = "a-secret-that-nobody-sees"
    node = surroundings.node()
    by_variable = surroundings.backend(SERIESVIEW_BACKEND_ID=secret)
    storage = surroundings.environment(MARK=str(surroundings.directory))
    by_option = surroundings.start(
        *("seriesview-start-backend", "--channel", CHANNEL, "--backend-id", secret), MARK=storage["MARK"]
    )
    by_option.wait_for("answers only requests with its backend ID")
    assert "warning" in by_option.written
    for process in (by_variable, by_option):
        assert secret.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
    assert b"--backend-id\0**" in Path(f"/proc/{by_option.pid}/cmdline").read_bytes()
    assert processes_of(f"MARK={surroundings.directory}") == [by_option.pid]
    ask("test.echo.1", {"a": 1}, backend_id=secret)
    with pytest.raises(TaskError) as failed:
        ask("test.fail.1", {"kind": "unknown"}, backend_id=secret)
    assert secret not in str(failed.value)
    health = ask("seriesview.get_health.1", backend_id=secret)
    assert secret not in json.dumps(health)
    node.stop()
    by_variable.wait_for("event=disconnected")
    for process in (by_variable, by_option):
        process.stop()
    written = "".join(process.written for process in (node, by_variable, by_option))
    assert secret not in written
    for path in surroundings.directory.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_ids_match_themselves_alone(one: str, other: str) -> None:
    try:
        backend_id = BackendId(one)
    except BackendError:
        return
    assert backend_id.matches(one)
    assert backend_id.matches(other) == (one == other)
    for wrong in (None, 0, b"", [one], one + " ", one[:-1]):
        assert not backend_id.matches(wrong)
    assert one not in repr(backend_id).removeprefix("BackendId(...)")
    assert backend_id.reveal() == one


@pytest.mark.parametrize("bad", ["", " ", "a ", "\ta", "a\nb", "a\0b", "x" * 501, "\ud800"])
def test_what_cannot_be_an_id(bad: str) -> None:
    with pytest.raises(BackendError):
        BackendId(bad)


def test_where_the_id_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    file = tmp_path / "id"
    file.write_text("from file\n")
    file.chmod(0o600)
    monkeypatch.delenv("SERIESVIEW_BACKEND_ID", raising=False)
    assert find_backend_id(None, None, said.append) is None
    monkeypatch.setenv("SERIESVIEW_BACKEND_ID", "from variable")
    found = find_backend_id(None, None, said.append)
    assert found is not None
    assert found.matches("from variable")
    assert "SERIESVIEW_BACKEND_ID" not in os.environ
    monkeypatch.setenv("SERIESVIEW_BACKEND_ID", "from variable")
    found = find_backend_id(None, file, said.append)
    assert found is not None
    assert found.matches("from file")
    assert "SERIESVIEW_BACKEND_ID" not in os.environ
    assert said == []
    found = find_backend_id("from option", None, said.append)
    assert found is not None
    assert found.matches("from option")
    assert len(said) == 1
    with pytest.raises(BackendError, match="not both"):
        find_backend_id("a", file, said.append)
    file.chmod(0o644)
    with pytest.raises(BackendError, match="chmod 600"):
        find_backend_id(None, file, said.append)
    with pytest.raises(BackendError, match="No such file"):
        find_backend_id(None, tmp_path / "absent", said.append)
    assert "from" not in "".join(said)


def test_the_command_line_is_overwritten_in_place() -> None:
    script = (
        "import sys; from pathlib import Path; from seriesview.backend.backend_id import hide_argument\n"
        "hide_argument(sys.argv[1]); print(Path('/proc/self/cmdline').read_bytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "sé", "--id=sé", "unsé", "sé2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith(r'\x00***\x00--id=***\x00uns\xc3\xa9\x00s\xc3\xa92\x00"')
