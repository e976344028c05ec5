"""What is kept and what may be removed: never others' files, never what is being built, nothing without being shown."""

import hashlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from series_builder import store_rows, store_series
from waiting import MOST_SECONDS

from seriesview.errors import StoreError
from seriesview.store import open_store, parse_uri
from seriesview.store.locking import removing
from seriesview.store.paths import artifact_path, staging_directory
from seriesview.upkeep.garbage import Reach, find_garbage, kept_workspaces
from seriesview.upkeep.removal import remove_artifacts, undo_unfinished
from seriesview.upkeep.verification import Verifier
from seriesview.workspace.manifest import build_workspace


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "storage", "embedded") as opened:
        yield opened


def samples(seed, count=300):
    return np.random.default_rng(seed).integers(-100, 100, (count, 2)).astype(np.int16)


def make_workspace(store, label, *series):
    document = build_workspace(
        label,
        [(f"s{n}", uri) for n, uri in enumerate(series)],
        types={f"s{n}": "continuous" for n in range(len(series))},
    )
    uri = store.put_json(document, name="workspace.json")
    store.record_workspace(uri, label)
    return uri


def collect(store, **options):
    with removing(store.directory):
        undo_unfinished(store.directory)
        garbage = find_garbage(store, **options)
        return remove_artifacts(store.directory, garbage.sizes, garbage.known)


def files(store):
    """Names of all files below sha1/."""
    return {path.name for path in store.directory.glob("sha1/??/??/??/*")}


def check(store, uri):
    verifier = Verifier(store)
    for entry in store.get_json(uri)["series"]:
        verifier.series(entry["uri"], entry["name"])
    assert verifier.found.problems == []


def test_what_only_a_forgotten_workspace_reaches_goes(store):
    shared, alone = store_series(store, [samples(1)]), store_series(store, [samples(2)])
    kept = make_workspace(store, "kept", shared)
    before = files(store)
    gone = make_workspace(store, "gone", shared, alone)
    assert collect(store).num_files == 0
    store.forget_workspace(gone)
    garbage = find_garbage(store)
    assert [workspace.label for workspace in garbage.forgotten] == ["gone"]
    removed = collect(store)
    assert removed.num_files == len(garbage.sizes) > 10
    assert removed.num_bytes == garbage.num_bytes
    check(store, kept)
    assert not store.exists(gone)
    assert not store.exists(alone)
    assert files(store) <= before
    assert collect(store).num_files == 0
    assert not list(staging_directory(store.directory).iterdir())


def test_a_forgotten_workspace_that_is_built_again_is_kept(store):
    uri = make_workspace(store, "again", store_series(store, [samples(1)]))
    store.forget_workspace(uri)
    assert store.recorded_workspaces() == []
    store.record_workspace(uri, "again")
    assert [workspace.uri for workspace in store.recorded_workspaces()] == [uri]
    assert collect(store).num_files == 0
    check(store, uri)


def place_as_another_user(store, data):
    sha1 = hashlib.sha1(data).hexdigest()
    path = artifact_path(store.directory, sha1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return sha1


def test_samples_keep_nothing_whatever_they_say(store):
    uri = store.put_bytes(b"what nothing names", name="lost.dat")
    text = np.frombuffer(json.dumps([uri]).encode(), np.uint8)
    reached = Reach(store).of([parse_uri(store_series(store, [text[:, None]], part_rows=len(text)))[0]])
    assert hashlib.sha1(text).hexdigest() in reached
    assert parse_uri(uri)[0] not in reached


def test_files_of_others_stay(store):
    rows = samples(3)
    theirs = {
        place_as_another_user(store, b"a photograph"),
        place_as_another_user(store, rows[:21].tobytes()),
    }
    uri = make_workspace(store, "w", store_series(store, [rows]))
    assert theirs & {artifact.sha1 for artifact in store.recorded_artifacts()}
    store.forget_workspace(uri)
    assert collect(store, unfinished_seconds=0).num_files > 10
    assert files(store) == theirs


def test_series_and_figures_made_in_python_stay(store):
    series = store_series(store, [samples(4)])
    figure = store.put_json(
        {"type": "seriesview.multipanel-timeseries.2", "data": {"panels": [{"seriesUri": series}]}}
    )
    uri = make_workspace(store, "w", series)
    store.forget_workspace(uri)
    removed = collect(store, unfinished_seconds=0)
    assert removed.num_files == 1  # the workspace's manifest alone
    assert store.exists(figure)
    assert store.exists(series)


def test_parts_of_a_killed_build_stay_for_a_day(store):
    part = store.put_part(np.arange(1000))
    assert collect(store).num_files == 0
    garbage = find_garbage(store, unfinished_seconds=0)
    assert (list(garbage.sizes), garbage.num_unreached) == ([part.hex()], 1)
    record = next((store.directory / "seriesview" / "record").iterdir())
    os.utime(record, (1e9, 1e9))
    assert collect(store).num_files == 1


WRITER = """
import sys, numpy as np
from seriesview.store import open_store, parse_uri
store = open_store(sys.argv[1], "embedded")
with store.building() if sys.argv[2] == "build" else open("/dev/null"):
    for seed in range(3):
        store.put_part(np.random.default_rng(seed).integers(0, 99, 1000))
    print("ready", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def writer(store):
    started = []

    def start(how):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, store.directory, how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_what_a_running_process_has_written_or_found_stays(store, writer):
    found = store_rows(store, np.random.default_rng(1).integers(0, 99, 1000), 1000)
    document = store.get_json(store_series(store, [samples(5)]))
    uri = make_workspace(store, "w", store.put_json(document | {"colour": found.to_json_dict()}))
    store.forget_workspace(uri)
    process = writer("alone")
    parts = {
        hashlib.sha1(np.random.default_rng(seed).integers(0, 99, 1000).tobytes()).hexdigest()
        for seed in range(3)
    }
    assert collect(store, unfinished_seconds=0).num_files > 0
    assert parts <= files(store)
    process.communicate(b"\n")
    assert collect(store, unfinished_seconds=0).num_files == 3
    assert not parts & files(store)


def test_while_something_is_built_nothing_is_removed(store, writer):
    store.put_part(samples(1))
    process = writer("build")
    with pytest.raises(StoreError, match=r"build into .* is running"), removing(store.directory):
        pass
    process.kill()
    process.communicate()
    with removing(store.directory):
        pass


def test_what_is_stored_again_at_that_moment_stays(store):
    rows = samples(6)
    uri = make_workspace(store, "w", store_series(store, [rows]))
    store.forget_workspace(uri)
    garbage = find_garbage(store)
    again = store.put_part(rows[:21])
    removed = remove_artifacts(store.directory, garbage.sizes, garbage.known)
    assert removed.num_kept == 1
    assert files(store) == {again.hex()}
    assert store.get_part(again) == rows[:21].tobytes()


def test_a_removal_that_was_killed_is_undone(store):
    uri = make_workspace(store, "w", store_series(store, [samples(7)]))
    before = files(store)
    aside = staging_directory(store.directory) / "removed-0123"
    aside.mkdir()
    for path in list(store.directory.glob("sha1/??/??/??/*"))[:5]:
        path.rename(aside / path.name)
    assert collect(store).num_files == 0
    assert files(store) == before
    check(store, uri)


def test_links_go_and_recordings_stay(store, tmp_path):
    recording = tmp_path / "raw.dat"
    uri = make_workspace(store, "w", store_series(store, [samples(8)], samples="link", link_path=recording))
    content = recording.read_bytes()
    store.forget_workspace(uri)
    assert [name for name in files(store) if name.endswith(".link")]
    collect(store)
    assert files(store) == set()
    assert recording.read_bytes() == content


def test_sizes_of_workspaces(store):
    shared, alone = store_series(store, [samples(1)]), store_series(store, [samples(2, 3000)])
    make_workspace(store, "small", shared)
    make_workspace(store, "large", shared, alone)
    small, large = kept_workspaces(store)
    assert [entry.workspace.label for entry in (small, large)] == ["small", "large"]
    everything = sum(path.stat().st_size for path in store.directory.glob("sha1/??/??/??/*"))
    assert large.num_bytes + small.own_bytes == everything
    assert 0 < small.own_bytes < small.num_bytes < large.own_bytes < large.num_bytes


def run(*arguments, expected=0):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KACHERY")}
    done = subprocess.run(
        [sys.executable, "-m", "seriesview.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == expected, done.stderr
    return done


BUILT = """
import sys
sys.path[:0] = sys.argv[2:]
from test_upkeep_garbage import make_workspace, samples, store_series
from seriesview.store import open_store, parse_uri
with open_store(sys.argv[1], "embedded") as store:
    print(make_workspace(store, "kept", store_series(store, [samples(1)])))
    print(make_workspace(store, "gone", store_series(store, [samples(1)]), store_series(store, [samples(2)])))
"""


@pytest.fixture
def built(tmp_path):
    """A storage directory and the URIs of two workspaces, built by a process that has ended."""
    storage = tmp_path / "storage"
    places = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]
    done = subprocess.run(
        [sys.executable, "-c", BUILT, storage, *places], capture_output=True, text=True, check=True
    )
    return storage, done.stdout.split()


def test_the_commands(built):
    storage, (kept, gone) = built
    option = ("--storage-dir", storage)
    listed = run("ls", *option).stdout.splitlines()
    assert [line.split()[-1] for line in listed] == [kept, gone]
    document = json.loads(run("ls", "--json", *option).stdout)
    assert [entry["label"] for entry in document["workspaces"]] == ["kept", "gone"]
    assert "0 artifacts" in run("gc", "--yes", *option).stdout
    assert (
        "no kept workspace"
        in run("forget", "sha1://" + "0" * 40 + "/workspace.json", *option, expected=2).stderr
    )
    assert "gone: forgotten" in run("forget", gone, *option).stdout
    assert "no kept workspace" in run("forget", gone, *option, expected=2).stderr
    assert len(run("ls", *option).stdout.splitlines()) == 1
    # Nobody can be asked: it is shown, and nothing else.
    shown = run("gc", *option).stdout
    assert f"forgotten: gone  {gone}" in shown
    assert "nothing was removed; --yes removes it" in shown
    assert json.loads(run("gc", "--json", *option).stdout)["removed"] == 0
    run("verify", gone, *option)
    document = json.loads(run("gc", "--json", "--yes", *option).stdout)
    assert document["removed"] == document["artifacts"] > 10
    assert document["removed_bytes"] == document["bytes"]
    run("verify", kept, *option)
    run("verify", gone, *option, expected=1)


@pytest.mark.parametrize(("answer", "is_removed"), [(b"n\n", False), (b"\n", False), (b"y\n", True)])
def test_on_a_terminal_it_asks(built, answer, is_removed):
    storage, (_, gone) = built
    run("forget", gone, "--storage-dir", storage)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "seriesview.cli.main", "gc", "--storage-dir", storage]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(ours, answer)
        said, asked = process.communicate(timeout=MOST_SECONDS)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert b"Remove them?" in asked
    assert (b"removed: " in said) == is_removed
    run("verify", gone, "--storage-dir", storage, expected=1 if is_removed else 0)


def test_a_build_keeps_what_it_finds_forgotten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("raw.npy", samples(9, 3000))
    Path("config.yaml").write_text(
        "workspace: w\nstore: {storage_dir: storage, mode: embedded}\n"
        "datasets: {raw: {path: raw.npy, sampling_frequency: 100}}\n"
    )
    run("build", "--cores", "1")
    run("forget", "results/workspace.json")
    assert "no workspaces" in run("ls").stdout
    run("build", "--cores", "1")
    assert len(run("ls").stdout.splitlines()) == 1
    run("forget", "results/workspace.json")
    assert int(json.loads(run("gc", "--yes", "--json").stdout)["removed"]) > 5
    assert np.load("raw.npy").shape == (3000, 2)
    run("build", "--cores", "1")
    run("verify", "results/workspace.json")
    assert "0 artifacts" in run("gc").stdout
