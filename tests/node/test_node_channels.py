"""Channels: their file, their commands, and what changes at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from node_peers import ask

from seriesview.cli.channel import command
from seriesview.errors import NodeError
from seriesview.node.callers import CLIENTS, Caller
from seriesview.node.channels import (
    CHANNELS_FILE,
    PERMISSIONS,
    Channel,
    Channels,
    check_bucket_url,
    read_channels,
)
from seriesview.node.names import is_channel_name
from seriesview.node.server import NodeThread

FIGURL = "https://figurl.org"


def run(storage: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--storage-dir", str(storage)])


def test_commands_change_what_a_running_node_permits(node: NodeThread) -> None:
    storage = node.config.storage_dir
    request = {"channelName": "lab.one", "sha1": "0" * 40}

    def status() -> int:
        return ask(node.port, "POST", "/createSignedFileUploadUrl", request, storage=storage).status

    assert status() == 500
    assert run(storage, "create", "lab.one").exit_code == 0
    assert status() == 200
    run(storage, "set", "lab.one", "--permit", f"{CLIENTS}=requestTasks,requestFiles")
    assert status() == 403
    run(storage, "set", "lab.one", "--permit", f"{CLIENTS}=all")
    assert status() == 200
    assert run(storage, "list").output.split() == ["demo", "lab.one"]
    run(storage, "remove", "lab.one")
    assert status() == 500


def test_the_directory_that_is_named_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "other"))
    run(tmp_path / "named", "create", "lab")
    CliRunner().invoke(command, ["create", "elsewhere"])
    assert run(tmp_path / "named", "list").output.split() == ["lab"]
    assert run(tmp_path / "other", "list").output.split() == ["elsewhere"]


def test_show(tmp_path: Path) -> None:
    made = run(
        tmp_path,
        "create",
        "lab",
        "--permit",
        "figurl=requestTasks",
        "--permit",
        "clients=none",
        "--origin",
        FIGURL,
    )
    assert made.output == f"lab\n  figurl: requestTasks\n  web pages of {FIGURL}\n"
    assert run(tmp_path, "show", "lab").output == made.output
    assert run(tmp_path, "set", "lab", "--no-origins").output == "lab\n  figurl: requestTasks\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "demo"],
        ["create", "x"],
        ["create", "../demo"],
        ["create", "*local*"],
        ["create", "new", "--permit", "figurl"],
        ["create", "new", "--permit", "figurl=fly"],
        ["create", "new", "--permit", "a b=all"],
        ["create", "new", "--origin", "figurl.org"],
        ["create", "new", "--origin", "https://figurl.org/"],
        ["set", "missing"],
        ["show", "missing"],
        ["remove", "missing"],
    ],
)
def test_what_is_wrong_changes_nothing(tmp_path: Path, arguments: list[str]) -> None:
    run(tmp_path, "create", "demo")
    before = (tmp_path / CHANNELS_FILE).read_bytes()
    result = run(tmp_path, *arguments)
    assert isinstance(result.exception, NodeError | SystemExit)
    assert result.exit_code != 0
    assert (tmp_path / CHANNELS_FILE).read_bytes() == before


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    names = [f"channel{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Channels(tmp_path / CHANNELS_FILE).create(Channel(name)), names))
    found = Channels(tmp_path / CHANNELS_FILE)
    assert [channel.name for channel in found.all()] == sorted(names)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "seriesview-channels/2", "channels": {}}',
        '{"format": "seriesview-channels/1", "channels": []}',
        '{"format": "seriesview-channels/1", "channels": {"x": {}}}',
        '{"format": "seriesview-channels/1", "channels": {"demo": []}}',
        '{"format": "seriesview-channels/1", "channels": {"demo": {"permissions": {"clients": ["fly"]}}}}',
        '{"format": "seriesview-channels/1", "channels": {"demo": {"permissions": {"clients": [[]]}}}}',
        '{"format": "seriesview-channels/1", "channels": {"demo": {"origins": ["x"]}}}',
        '{"format": "seriesview-channels/1", "channels": {"demo": {"more": 1}}}',
    ],
)
def test_a_wrong_file_stops_a_start_but_no_running_node(tmp_path: Path, text: str) -> None:
    path = tmp_path / CHANNELS_FILE
    channels = Channels(path)
    channels.ensure("demo")
    path.write_text(text)
    assert channels.get("demo") is not None
    with pytest.raises(NodeError, match=CHANNELS_FILE):
        Channels(path)
    path.write_text(json.dumps({"format": "seriesview-channels/1", "channels": {"other": {}}}))
    assert channels.get("demo") is None
    assert channels.get("other") is not None


@given(st.text(max_size=45) | st.from_regex(r"[A-Za-z0-9_.-]{1,45}", fullmatch=True))
def test_names(name: str) -> None:
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.")
    expected = 3 <= len(name) <= 40 and set(name) <= allowed and "" not in name.split(".")
    assert is_channel_name(name) == expected


def test_permissions_are_of_the_caller_and_its_page() -> None:
    channel = Channel(
        "demo", {CLIENTS: frozenset(PERMISSIONS), "x": frozenset({"requestTasks"})}, frozenset({FIGURL})
    )
    assert channel.allows(Caller(CLIENTS), "provideTasks")
    assert channel.allows(Caller("x"), "requestTasks")
    assert not channel.allows(Caller("x"), "provideTasks")
    assert not channel.allows(Caller("y"), "requestTasks")
    assert channel.allows(Caller("x", FIGURL), "requestTasks")
    assert not channel.allows(Caller("x", "https://other.example"), "requestTasks")
    with pytest.raises(ValueError):
        channel.allows(Caller("x"), "fly")


def test_a_channel_has_a_public_bucket_or_none(tmp_path: Path) -> None:
    channels = Channels(tmp_path / CHANNELS_FILE)
    channels.create(Channel("lab"))
    url = "https://storage.googleapis.com/our-bucket/lab"
    assert channels.change("lab", bucket_url=url).bucket_url == url
    assert read_channels(channels.path)["lab"].bucket_url == url
    assert channels.change("lab", {"x": frozenset({"requestTasks"})}).bucket_url == url
    assert channels.change("lab", bucket_url="").bucket_url is None
    for wrong in (
        "gs://bucket",
        "https://host/",
        "https://host/a b",
        "https://host/?x",
        "javascript:1",
        "//host",
        3,
    ):
        with pytest.raises(NodeError, match="web address of a bucket"):
            check_bucket_url(wrong)
