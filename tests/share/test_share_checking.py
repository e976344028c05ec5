"""`seriesview verify` of an exported folder: what is missing, truncated or altered, one a line."""

import json
import shutil
import subprocess

import pytest
from shared_workspaces import run

from seriesview.errors import FormatError, SeriesviewError
from seriesview.series.series import open_series
from seriesview.share.checking import verify
from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.folder import read_description
from seriesview.store.paths import artifact_path
from seriesview.workspace.workspace import open_workspace


@pytest.fixture(scope="module")
def whole(store, workspace, tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole") / "out"
    wish = Wish(raw_ranges=((100.0, 101.0),), max_bytes=4_500_000)
    export_folder(plan_export(store, workspace, wish), store, directory)
    return directory


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "out")


def pack_of(folder, name="stored"):
    """File of the pack of one series' raw samples."""
    from seriesview.series.arrays import ArrayReader
    from seriesview.series.manifest import parse_series_manifest
    from seriesview.store import open_store

    store = open_store(folder, "embedded")
    entries = store.get_json(read_description(folder)["workspace"])["series"]
    uri = next(entry["uri"] for entry in entries if entry["name"] == name)
    reader = ArrayReader(store, parse_series_manifest(store.get_json(uri)).values)
    return artifact_path(folder, reader.pack_digest(0).hex())


def lines(folder):
    return run("verify", folder, expected=1).stdout.splitlines()


def test_a_whole_folder_is_right_and_says_what_was_left_out(whole):
    done = run("verify", whole)
    said = done.stdout.splitlines()
    assert "left out: probe: raw samples 0 to 65536, 131072 to 400000 (not asked for, 4.01 MB)" in said
    assert any("level of factor 16 (too large" in line for line in said)
    assert "not built: lost: it could not be built; whoever made this copy knows why" in said
    assert said[-1].endswith("all right")
    document = json.loads(run("verify", whole, "--json").stdout)
    assert document["ok"]
    assert document["left_out"] == read_description(whole)["left_out"]
    files = [path for path in whole.rglob("*") if path.is_file()]
    assert document["artifacts"] == len(files) - 1
    assert (
        document["bytes"] == sum(path.stat().st_size for path in files) - (whole / "SHA1SUMS").stat().st_size
    )


def test_the_systems_own_program_agrees(folder):
    check = ["sha1sum", "--check", "--strict", "--quiet", "SHA1SUMS"]
    assert subprocess.run(check, cwd=folder, check=False).returncode == 0
    (folder / "viewer.js").write_text("altered")
    assert subprocess.run(check, cwd=folder, check=False, capture_output=True).returncode == 1


@pytest.mark.parametrize(("offset", "part"), [(0, 2), (-1, 4)])
def test_an_altered_part_is_named_and_only_that_one(store, workspace, tmp_path, offset, part):
    # Of seven parts, the third and the last three but one are in the copy's pack.
    wish = Wish(raw_ranges=((140.0, 141.0), (200.0, 300.0)))
    export_folder(plan_export(store, workspace, wish), store, tmp_path / "out")
    pack = pack_of(tmp_path / "out")
    content = bytearray(pack.read_bytes())
    content[offset] ^= 1
    pack.write_bytes(content)
    wrong = [line for line in lines(tmp_path / "out") if line.startswith("altered: ")]
    assert len(wrong) == 1
    assert f"{pack.name}/pack.dat (" in wrong[0]
    assert wrong[0].endswith(f"have another SHA-1 in the array's part {part}")


def test_a_truncated_pack(folder):
    pack = pack_of(folder)
    pack.write_bytes(pack.read_bytes()[:-1])
    assert [line for line in lines(folder) if line.startswith(f"truncated: sha1://{pack.name}/")]


def test_a_missing_pack_that_nobody_left_out(folder):
    pack_of(folder).unlink()
    found = lines(folder)
    assert [line for line in found if line.startswith("missing: ")]
    assert found[-1].endswith("1 wrong")


def test_a_missing_manifest(folder):
    artifact_path(folder, read_description(folder)["workspace"][7:47]).unlink()
    assert any(line.startswith("missing: ") and "workspace manifest" in line for line in lines(folder))


@pytest.mark.parametrize("name", ["index.html", "viewer.js", "serve.py", "README.txt", "export.json"])
def test_other_files(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content + b" ")
    assert any(line.startswith(f"altered: {name} ") for line in lines(folder))
    if name != "export.json":
        (folder / name).unlink()
        assert any(line.startswith(f"missing: {name} ") for line in lines(folder))


def test_a_missing_list(folder):
    (folder / "SHA1SUMS").unlink()
    assert any(line.startswith("missing: SHA1SUMS ") for line in lines(folder))


def test_what_is_no_export_is_an_error(tmp_path, folder):
    assert "no exported folder" in run("verify", tmp_path, expected=2).stderr
    (folder / "export.json").write_text('{"format": "seriesview-export/99"}')
    assert "known format" in run("verify", folder, expected=2).stderr


def test_exporting_again_mends_what_is_missing(store, workspace, folder):
    pack_of(folder).unlink()
    (folder / "viewer.js").write_text("altered")
    wish = Wish(raw_ranges=((100.0, 101.0),), max_bytes=4_500_000)
    done = export_folder(plan_export(store, workspace, wish), store, folder)
    assert done.num_written == 2
    run("verify", folder)


def test_the_function_finds_what_the_command_finds(store, workspace, uris, folder, capfd):
    heard = []
    found = verify(folder, on_bytes=heard.append)
    assert found.is_right
    assert found.problems == ()
    assert found.uri == read_description(folder)["workspace"]
    assert sum(heard) > 0
    pack_of(folder).write_bytes(b"other bytes")
    found = verify(str(folder))
    (problem,) = found.problems
    said = json.loads(run("verify", folder, "--json", expected=1).stdout)
    assert said == {
        "uri": found.uri,
        "ok": False,
        "artifacts": found.num_artifacts,
        "bytes": found.num_bytes,
        "problems": [vars(problem)],
        "missing_series": list(found.missing),
        "left_out": list(found.left_out),
    }
    # Of a store: by URI, by a result, and what is open; the same, and nothing is printed.
    result = folder / "workspace.json"
    result.write_text(json.dumps({"uri": workspace}))
    whole = verify(workspace, store=store)
    assert whole.is_right
    assert whole.missing == ("lost: /home/me/secret.dat: gone",)
    assert verify(result, store=store) == verify(open_workspace(workspace, store)) == whole
    with open_series(uris["short"], store) as series:
        assert verify(series).is_right
    with pytest.raises(SeriesviewError, match="no exported folder"):
        verify(folder.parent)
    with pytest.raises(FormatError):
        verify("sha1://no/workspace.json", store=store)
    assert capfd.readouterr() == ("", "")
