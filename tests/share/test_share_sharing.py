"""Exporting and publishing as functions: what the commands do, with a result to read, and nothing printed."""

import dataclasses
import json

import pytest
from shared_workspaces import files_of, make_workspace, run

from seriesview.errors import FormatError, MissingArtifactError, RequestError, SeriesviewError
from seriesview.series.series import open_series
from seriesview.share.sharing import export, publish
from seriesview.workspace.workspace import Workspace, open_workspace


def test_the_function_writes_what_the_command_writes(store, workspace, uris, tmp_path, capfd):
    plans, heard = [], []
    opened = open_workspace(workspace, store)
    done = export(
        opened,
        tmp_path / "by function",
        raw_ranges=[(100, 101)],
        without=["wheel"],
        on_plan=plans.append,
        on_bytes=heard.append,
    )
    assert capfd.readouterr() == ("", "")
    with pytest.raises(dataclasses.FrozenInstanceError):
        done.uri = ""
    choices = ("--raw-range", "100:101", "--without", "wheel")
    target = tmp_path / "by command"
    said = run("export", workspace, target, *choices, "--json", "--storage-dir", store.directory)
    assert files_of(tmp_path / "by function") == files_of(target)
    document = json.loads(said.stdout)
    assert document | {"directory": str(done.path)} == {
        "uri": done.uri,
        "directory": str(tmp_path / "by function"),
        "files_written": done.num_written,
        "bytes_written": done.bytes_written,
        "files_removed": done.num_removed,
        "left_out": [entry.to_json_dict() for entry in done.left_out],
        "small_series_with_samples": list(done.small),
        "days_moved": done.days,
    }
    assert "wheel" in {entry.series for entry in done.left_out}
    (plan,) = plans
    assert sum(heard) == pytest.approx(plan.num_bytes, rel=0.01)
    # A series that is open, and again: nothing to write.
    with open_series(uris["short"], store) as series:
        first = export(series, str(tmp_path / "short"))
        assert export(series, tmp_path / "short").num_written < first.num_written


def test_one_file_holds_what_the_commands_file_holds(store, uris, tmp_path, capfd):
    uri = make_workspace(store, uris, "short", "spikes")
    done = export(uri, tmp_path / "a.html", single_file=True, store=store, raw=False)
    assert capfd.readouterr() == ("", "")
    options = ("--no-raw", "--json", "--storage-dir", store.directory)
    said = json.loads(run("export", uri, "--single-file", tmp_path / "b.html", *options).stdout)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (said["uri"], said["bytes"], said["days_moved"]) == (done.uri, done.bytes_written, None)
    assert done.path == tmp_path / "a.html"


def test_what_was_shared_is_kept(store, workspace, tmp_path):
    export(workspace, tmp_path / "out", store=store)
    assert workspace in {entry.uri for entry in store.recorded_workspaces()}


@pytest.mark.parametrize(
    ("choices", "kind", "message"),
    [
        ({"raw": True, "raw_ranges": [(0, 1)]}, RequestError, "not both"),
        ({"raw": False, "raw_series": ["probe"]}, RequestError, "not both"),
        ({"raw_ranges": [(2, 1)]}, RequestError, "no stretch of time"),
        ({"raw_ranges": [(0, float("inf"))]}, RequestError, "no stretch of time"),
        ({"shift_dates": 10**7}, RequestError, "move no date"),
        ({"without": ["nobody"]}, SeriesviewError, "no such series"),
        ({"max_bytes": 10}, SeriesviewError, "max-size"),
    ],
)
def test_choices_that_make_no_sense_are_errors(store, workspace, tmp_path, choices, kind, message):
    with pytest.raises(kind, match=message):
        export(workspace, tmp_path / "out", store=store, **choices)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_workspace_is_an_error(store, workspace, tmp_path):
    with pytest.raises(FormatError):
        export("sha1://broken", tmp_path / "out", store=store)
    with pytest.raises(FormatError):
        export(tmp_path / "none.json", tmp_path / "out", store=store)
    with pytest.raises(MissingArtifactError):
        export(f"sha1://{'0' * 40}/workspace.json", tmp_path / "out", store=store)
    with pytest.raises(FormatError, match="was not stored"):
        export(Workspace(open_workspace(workspace, store).manifest, store), tmp_path / "out")


def test_publishing_says_what_was_sent_and_what_was_there(service, store, uris, capfd):
    uri = make_workspace(store, uris, "short", "spikes")
    plans, sent, present = [], [], []
    first = publish(
        uri,
        service.address("night"),
        store=store,
        on_plan=lambda plan, address: plans.append((plan, address)),
        on_bytes=sent.append,
        on_present=present.append,
    )
    assert capfd.readouterr() == ("", "")
    assert [address for _, address in plans] == [first.bucket]
    assert (first.num_uploaded, first.bytes_uploaded) == (len(sent), sum(sent))
    assert (first.num_present, sum(present)) == (0, 0)
    assert first.status in (200, 206)
    assert first.link == service.url("night/index.html")
    # The command finds all of it there.
    said = json.loads(
        run("publish", uri, service.address("night"), "--json", "--storage-dir", store.directory).stdout
    )
    assert said["url"] == first.link
    assert said["uri"] == first.uri
    assert said["files_uploaded"] == 0
    assert said["bytes_present"] == first.bytes_uploaded
    assert said["left_out"] == [entry.to_json_dict() for entry in first.left_out]
