"""What others who may write to a shared storage directory put there reaches nothing outside of it, and stops nobody."""

import hashlib
import json
import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from other_process import in_child, open_directory

from seriesview.errors import FormatError, MissingArtifactError, SeriesviewError, StoreError
from seriesview.store import open_store, sha1_uri
from seriesview.store.daemon import find_node, may_use
from seriesview.store.locking import building, removing
from seriesview.store.paths import artifact_path, link_path, staging_directory
from seriesview.upkeep.garbage import find_garbage, kept_workspaces
from seriesview.upkeep.removal import remove_artifacts, undo_unfinished

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")
LAB, ALICE, MALLORY = 54321, 54001, 54002
GONE = 1e9
"""A modification time of long ago."""


class Lab:
    """A storage directory that a group shares, and a folder that is Alice's alone."""

    def __init__(self, folder: Path) -> None:
        self.storage = folder / "storage"
        self.storage.mkdir()
        os.chown(self.storage, 0, LAB)
        self.storage.chmod(0o2770)
        self.private = folder / "alice"
        self.private.mkdir()
        os.chown(self.private, ALICE, ALICE)
        self.private.chmod(0o700)

    def secret(self, name: str, content: bytes = b"secret", age: float = GONE) -> Path:
        """Make a file that only Alice can read."""
        path = self.private / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for made in (path.parent, *path.parent.parents):
            if made == self.private:
                break
            os.chown(made, ALICE, ALICE)
        path.write_bytes(content)
        os.chown(path, ALICE, ALICE)
        path.chmod(0o600)
        os.utime(path, (age, age))
        return path

    def state(self) -> dict[str, Any]:
        """Everything about Alice's folder that anybody could change."""
        return {
            str(path): (
                path.lstat().st_mode,
                path.lstat().st_gid,
                path.read_bytes() if path.is_file() else sorted(entry.name for entry in path.iterdir()),
            )
            for path in (self.private, *self.private.rglob("*"))
        }

    def alice(self, function: Callable[[], Any]) -> Any:
        """Run something as Alice, who gives up after a minute."""
        return in_child(lambda: within_a_minute(function), ALICE, (ALICE, LAB))

    def mallory(self, function: Callable[[], Any]) -> Any:
        """Run something as Mallory, a member of the group."""

        def run() -> Any:
            os.umask(0o002)
            return function()

        return in_child(run, MALLORY, (MALLORY, LAB))

    def record(self, *lines: bytes | dict[str, Any], name: str = "elsewhere-1-00.jsonl") -> None:
        """Have Mallory record lines, long ago."""

        def write() -> None:
            folder = self.storage / "seriesview" / "record"
            folder.mkdir(parents=True, exist_ok=True)
            texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
            (folder / name).write_bytes(b"\n".join(texts) + b"\n")
            (folder / name).chmod(0o640)
            os.utime(folder / name, (GONE, GONE))

        self.mallory(write)


def within_a_minute(function: Callable[[], Any]) -> Any:
    signal.alarm(60)
    try:
        return function()
    finally:
        signal.alarm(0)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with open_directory() as folder:
        yield Lab(folder)


def collect(storage: Path) -> int:
    store = open_store(storage, "embedded")
    with removing(storage):
        undo_unfinished(storage)
        garbage = find_garbage(store)
        return remove_artifacts(storage, garbage.sizes, garbage.known).num_files


def put_something(storage: Path) -> None:
    with open_store(storage, "embedded") as store:
        store.record_workspace(store.put_json({"a": 1}), "a workspace")
        for number in range(40):
            store.put_part(b"%d" % number)


def test_hashes_in_the_record_name_artifacts_alone(lab: Lab) -> None:
    secret = lab.secret("notes.txt")
    lab.alice(lambda: put_something(lab.storage))
    up = "../" * (len(artifact_path(lab.storage, "0" * 40).parts) - 1)
    names = [
        f"{up}{str(secret)[1:]}",
        str(secret),
        "../../alice/notes.txt",
        secret.name,
        "",
        "0" * 39 + "\n",
        "٣" * 40,
        7,
        None,
        [],
    ]
    lines = [{"sha1": name, "size": 6, "kind": kind} for name in names for kind in ("part", "json", "link")]
    lab.record(*lines, *({"workspace": f"sha1://{name}", "label": "w", "time": 1.0} for name in names))
    before = lab.state()
    assert lab.alice(lambda: collect(lab.storage)) == 0
    assert [entry.workspace.label for entry in lab.alice(lambda: listed(lab.storage))] == ["a workspace"]
    assert lab.state() == before


def listed(storage: Path) -> list[Any]:
    return kept_workspaces(open_store(storage, "embedded"))


def test_nobodys_record_gives_a_right_over_anothers_file(lab: Lab) -> None:
    lab.alice(lambda: put_something(lab.storage))
    data = b"put here by Alice with another program"
    sha1 = hashlib.sha1(data).hexdigest()

    def place() -> None:
        path = artifact_path(lab.storage, sha1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    lab.alice(place)
    line = {"sha1": sha1, "size": len(data), "kind": "part"}
    lab.record(line)
    assert lab.alice(lambda: collect(lab.storage)) == 0

    def append() -> None:
        for path in (lab.storage / "seriesview" / "record").iterdir():
            if path.stat().st_uid == ALICE:
                with path.open("ab") as file:
                    file.write(json.dumps(line).encode() + b"\n")

    with pytest.raises(PermissionError):
        lab.mallory(append)
    assert artifact_path(lab.storage, sha1).read_bytes() == data


def old_workspace(storage: Path) -> tuple[str, str]:
    """Store a workspace, and a series made in Python, long ago; their URIs."""
    with open_store(storage, "embedded") as store:
        series = store.put_json({"values": "mine"})
        uri = store.put_json({"of": sha1_uri(store.put_part(b"samples").hex(), "x")})
        store.record_workspace(uri, "a workspace")
    for path in (storage / "seriesview" / "record").iterdir():
        if path.stat().st_uid == os.geteuid():
            os.utime(path, (GONE, GONE))
    return uri, series


def test_nobody_forgets_what_another_user_keeps(lab: Lab) -> None:
    uri, series = lab.alice(lambda: old_workspace(lab.storage))
    made = lab.mallory(lambda: list_all(lab.storage, [uri, series]))
    lab.record(
        {"forgotten": uri, "time": 4e9},
        {"workspace": made, "label": "all of it", "time": 1.0},
        {"forgotten": made, "time": 4e9},
    )
    assert [entry.workspace.label for entry in lab.alice(lambda: listed(lab.storage))] == ["a workspace"]
    mine = [uri, series, sha1_uri(hashlib.sha1(b"samples").hexdigest(), "x")]

    def are_there() -> bool:
        collect(lab.storage)
        store = open_store(lab.storage, "embedded")
        return all(store.size(each) for each in mine)

    assert lab.alice(are_there)

    def forget() -> None:
        with open_store(lab.storage, "embedded") as store:
            store.forget_workspace(uri)

    lab.mallory(forget)
    assert lab.alice(are_there)
    lab.alice(forget)
    assert lab.alice(lambda: listed(lab.storage)) == []
    assert lab.alice(lambda: collect(lab.storage)) == 2
    assert lab.alice(lambda: open_store(lab.storage, "embedded").get_json(series)) == {"values": "mine"}


def list_all(storage: Path, uris: list[str]) -> str:
    with open_store(storage, "embedded") as store:
        return store.put_json({"series": uris})


def test_what_two_users_recorded_both_forget(lab: Lab) -> None:
    uri, _ = lab.alice(lambda: old_workspace(lab.storage))
    lab.record({"workspace": uri, "label": "mine too", "time": 1.0})

    def forget() -> None:
        with open_store(lab.storage, "embedded") as store:
            store.forget_workspace(uri)

    lab.alice(forget)
    assert [entry.workspace.label for entry in lab.alice(lambda: listed(lab.storage))] == ["mine too"]
    (own,) = lab.alice(lambda: open_store(lab.storage, "embedded").recorded_workspaces(forgotten=True))
    assert (own.uri, own.owner) == (uri, ALICE)
    assert lab.alice(lambda: collect(lab.storage)) == 0
    lab.mallory(forget)
    assert lab.alice(lambda: collect(lab.storage)) == 2


def test_root_forgets_for_all(lab: Lab) -> None:
    uri, _ = lab.alice(lambda: old_workspace(lab.storage))
    with open_store(lab.storage, "embedded") as store:
        store.forget_workspace(uri)
    assert lab.alice(lambda: listed(lab.storage)) == []


def test_a_record_that_cannot_be_read_stops_only_removal_and_is_named(lab: Lab) -> None:
    lab.alice(lambda: put_something(lab.storage))
    lab.record({"forgotten": "x", "time": 1.0}, name="elsewhere-3-00.jsonl")
    lab.mallory(lambda: (lab.storage / "seriesview" / "record" / "elsewhere-3-00.jsonl").chmod(0))
    assert [entry.workspace.label for entry in lab.alice(lambda: listed(lab.storage))] == ["a workspace"]
    with pytest.raises(StoreError, match="elsewhere-3-00"):
        lab.alice(lambda: collect(lab.storage))


def test_what_a_removal_set_aside_is_put_back_from_real_folders_alone(lab: Lab) -> None:
    lab.alice(lambda: put_something(lab.storage))
    sha1 = hashlib.sha1(b"secret").hexdigest()
    lab.secret(f"kept/{sha1}")
    lab.secret("kept/notes.txt")
    lab.secret(f"kept/{sha1}.link")
    before = lab.state()

    def plant() -> None:
        staging = staging_directory(lab.storage)
        (staging / "removed-0123").symlink_to(lab.private / "kept")
        (staging / "removed-4567").mkdir()
        (staging / "removed-4567" / sha1).symlink_to(lab.private / "kept" / sha1)
        (staging / "removed-4567" / "..x").write_bytes(b"")
        (staging / "removed-89").mkdir(0o700)
        os.mkfifo(staging / "removed-4567" / f"{'1' * 40}")

    lab.mallory(plant)
    assert lab.alice(lambda: collect(lab.storage)) == 0
    assert lab.state() == before
    assert not os.path.lexists(artifact_path(lab.storage, sha1))


def test_what_is_put_back_replaces_nothing(lab: Lab) -> None:
    lab.alice(lambda: put_something(lab.storage))
    sha1 = hashlib.sha1(b"1").hexdigest()

    def plant() -> None:
        aside = staging_directory(lab.storage) / "removed-0123"
        aside.mkdir()
        (aside / sha1).write_bytes(b"2")

    lab.mallory(plant)
    lab.alice(lambda: collect(lab.storage))
    assert artifact_path(lab.storage, sha1).read_bytes() == b"1"


def links_of_folders(lab: Lab, target: Path) -> None:
    """Have Mallory put a symbolic link in the place of every folder of artifacts that is not there."""

    def plant() -> None:
        for number in range(256):
            place = lab.storage / "sha1" / f"{number:02x}"
            if not place.exists():
                place.symlink_to(target)

    lab.mallory(plant)


def test_nothing_is_written_or_shared_behind_a_symbolic_link(lab: Lab) -> None:
    lab.alice(lambda: open_store(lab.storage, "embedded").check_writable())
    links_of_folders(lab, lab.private)
    before = lab.state()
    with pytest.raises(StoreError, match="symbolic link"):
        lab.alice(lambda: put_something(lab.storage))
    assert lab.state() == before


@pytest.mark.parametrize(
    "place", ["sha1", "sha1/seriesview-staging", "seriesview", "seriesview/record", "seriesview/lock"]
)
@pytest.mark.parametrize("is_there", [True, False])
def test_symbolic_links_in_the_places_of_the_stores_own_folders(lab: Lab, place: str, is_there: bool) -> None:
    lab.secret("old.tmp")
    lab.secret("record/notes.jsonl", b'{"sha1":"' + b"0" * 40 + b'","size":1,"kind":"part"}\n')
    lab.secret(f"removed-00/{'0' * 40}")
    target = lab.private if is_there else lab.private / "new"

    def plant() -> None:
        (lab.storage / place).parent.mkdir(parents=True, exist_ok=True)
        (lab.storage / place).symlink_to(target)

    lab.mallory(plant)
    before = lab.state()
    for attempt in (put_something, collect, listed, lambda storage: enter(building(storage))):
        with suppress(SeriesviewError):
            lab.alice(lambda attempt=attempt: attempt(lab.storage))
    assert lab.state() == before


def enter(manager: Any) -> None:
    with manager:
        pass


def test_artifacts_behind_symbolic_links_are_neither_removed_nor_read(lab: Lab) -> None:
    """Alice's own, private storage directory lies behind the links."""
    own = lab.private / "own"

    def store_privately() -> None:
        own.mkdir(mode=0o700)
        put_something(own)

    lab.alice(store_privately)
    lab.alice(lambda: open_store(lab.storage, "embedded").check_writable())
    sha1 = hashlib.sha1(b"7").hexdigest()
    lab.alice(lambda: record_own(lab.storage, sha1))

    def plant() -> None:
        for number in range(256):
            (lab.storage / "sha1" / f"{number:02x}").symlink_to(own / "sha1" / f"{number:02x}")

    lab.mallory(plant)
    lab.record({"sha1": sha1, "size": 1, "kind": "part"})
    before = lab.state()
    assert lab.alice(lambda: collect(lab.storage)) == 0
    assert lab.state() == before
    for read in ("get_bytes", "path", "size"):
        with pytest.raises(StoreError, match="symbolic link"):
            lab.alice(
                lambda read=read: getattr(open_store(lab.storage, "embedded"), read)(sha1_uri(sha1, "x"))
            )


def record_own(storage: Path, sha1: str) -> None:
    with open_store(storage, "embedded") as store:
        store.record_artifact(sha1_uri(sha1, "x"), "part", 1)
    for path in (storage / "seriesview" / "record").iterdir():
        if path.stat().st_uid == os.geteuid():
            os.utime(path, (GONE, GONE))


def test_a_symbolic_link_is_no_artifact(lab: Lab) -> None:
    secret = lab.secret("raw.dat", b"private samples")
    sha1 = "0123456789" * 4

    def plant() -> None:
        path = artifact_path(lab.storage, sha1)
        path.parent.mkdir(parents=True)
        path.symlink_to(secret)

    lab.mallory(plant)

    def read() -> bytes:
        return open_store(lab.storage, "embedded").get_range(sha1_uri(sha1, "x"), 0, 7)

    with pytest.raises(MissingArtifactError, match="symbolic link"):
        lab.alice(read)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "zeros", "one long line"])
def test_odd_files_stop_nobody(lab: Lab, kind: str) -> None:
    lab.alice(lambda: put_something(lab.storage))
    sha1, other = "0123456789" * 4, "9876543210" * 4

    def odd(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "pipe":
            os.mkfifo(path, 0o660)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "folder":
            path.mkdir()
        elif kind == "zeros":
            with path.open("wb") as file:
                file.truncate(1 << 40)
        else:
            path.write_bytes(b'{"sha1":"' + b"[" * 3_000_000)

    def plant() -> None:
        odd(lab.storage / "seriesview" / "record" / "elsewhere-1-00.jsonl")
        odd(artifact_path(lab.storage, sha1))
        odd(link_path(lab.storage, other))
        for name in ("seriesview-node.json", "kachery-node-id", "client-auth"):
            odd(lab.storage / name)

    lab.mallory(plant)
    lab.record(
        {"workspace": sha1_uri(sha1, "w"), "label": "w", "time": 1.0},
        {"workspace": sha1_uri(other, "w"), "label": "w", "time": 2.0},
        name="elsewhere-2-00.jsonl",
    )

    def use() -> list[str]:
        store = open_store(lab.storage, "embedded")
        labels = [entry.workspace.label for entry in kept_workspaces(store)]
        collect(lab.storage)
        find_node(lab.storage)
        may_use(lab.storage)
        for uri in (sha1_uri(sha1, "w"), sha1_uri(other, "w")):
            for read in (store.get_json, store.path, lambda uri: store.get_range(uri, 5, 7)):
                with suppress(SeriesviewError):
                    read(uri)
        return labels

    assert lab.alice(use) == ["w", "w", "a workspace"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"sha1":"' + b"1" * 40 + b'","size":1e400,"kind":"part"}',
        b'{"sha1":"' + b"1" * 40 + b'","size":' + b"9" * 6000 + b',"kind":"part"}',
        b'{"sha1":' + b"[" * 100_000,
        b'{"workspace":' + b"[" * 100_000,
        b'{"workspace":"sha1://' + b"1" * 40 + b'/w","label":"w","time":NaN}',
        b'{"workspace":"sha1://' + b"1" * 40 + b'/w","label":"w","time":1e300}',
        b'{"workspace":"sha1://' + b"1" * 40 + b'/w","label":"w","time":"0"}',
        b'{"forgotten":["x"],"time":1}',
        b'{"forgotten":{},"time":{}}',
        b"\xff\xfe\x00",
        b"[]",
        b"null",
    ],
)
def test_lines_that_mean_nothing_are_passed_over(lab: Lab, line: bytes) -> None:
    lab.alice(lambda: put_something(lab.storage))
    lab.record(line)
    assert [entry.workspace.label for entry in lab.alice(lambda: listed(lab.storage))] == ["a workspace"]
    assert lab.alice(lambda: collect(lab.storage)) == 0


def test_what_is_printed_of_the_record_can_be_printed(lab: Lab) -> None:
    uri = sha1_uri("1" * 40, "w")
    lab.record({"workspace": uri, "label": "\x1b]0;x\x07\ud800\n\u202eend µ", "time": 1.0})
    (entry,) = lab.alice(lambda: listed(lab.storage))
    assert entry.workspace.label.isprintable()
    assert entry.workspace.label.endswith("end µ")


@pytest.mark.parametrize(
    "text", [b"[[" + b"],[" * 6_000_000 + b"]]", b"[" * 1_000_000, b'{"a":' + b"9" * 6000 + b"}"]
)
def test_documents_that_would_take_all_memory_are_not_read(lab: Lab, text: bytes) -> None:
    sha1 = hashlib.sha1(text).hexdigest()

    def put() -> None:
        path = artifact_path(lab.storage, sha1)
        path.parent.mkdir(parents=True)
        path.write_bytes(text)

    lab.mallory(put)
    lab.record({"workspace": sha1_uri(sha1, "w"), "label": "w", "time": 1.0})

    def kilobytes(line: str) -> int:
        return int(Path("/proc/self/status").read_text().partition(f"{line}:")[2].split()[0])

    def use() -> int:
        # What the tests' own process held is this one's from the start.
        before = kilobytes("VmRSS")
        with pytest.raises(FormatError, match="is not JSON"):
            open_store(lab.storage, "embedded").get_json(sha1_uri(sha1, "w"))
        assert len(listed(lab.storage)) == 1
        return kilobytes("VmHWM") - before

    assert lab.alice(use) < 400_000


def test_ones_own_files_go_from_a_shared_directory_and_others_stay(lab: Lab) -> None:
    lab.alice(lambda: put_something(lab.storage))
    lab.mallory(lambda: put_more(lab.storage))
    uri = lab.alice(lambda: listed(lab.storage))[0].workspace.uri
    lab.alice(lambda: open_store(lab.storage, "embedded").forget_workspace(uri))
    for path in (lab.storage / "seriesview" / "record").iterdir():
        if path.stat().st_uid == ALICE:
            os.utime(path, (GONE, GONE))
    assert lab.alice(lambda: collect(lab.storage)) == 41
    (left,) = (lab.storage / "sha1").glob("??/??/??/*")
    assert left.read_bytes() == b"more"


def put_more(storage: Path) -> None:
    with open_store(storage, "embedded") as store:
        store.put_part(b"more")
        store.put_part(b"7")


def test_a_lock_that_somebody_holds_is_not_waited_for_without_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seriesview.store.locking.MOST_SECONDS", 0.5)
    lab.alice(lambda: put_something(lab.storage))
    with removing(lab.storage), pytest.raises(StoreError, match="locked"):
        lab.alice(lambda: enter(building(lab.storage)))


def make_link(lab: Lab, target: Path, path: Path | None = None) -> str:
    """Have Mallory link a hash to a file by hand, with the size and time that it has; the URI."""
    status = target.stat()
    sha1 = hashlib.sha1(str(target).encode()).hexdigest()
    text = {"path": str(path or target), "stat": {"size": status.st_size, "mtime": status.st_mtime}}

    def write() -> None:
        place = link_path(lab.storage, sha1)
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(text))

    lab.mallory(write)
    return sha1_uri(sha1, "raw.dat")


def test_a_link_of_anothers_leads_only_to_what_its_maker_could_read(lab: Lab) -> None:
    secret = lab.secret("raw.dat", b"private samples")
    uri = make_link(lab, secret)
    alias = lab.storage.parent / "alias"
    alias.symlink_to(secret)

    def read(uri: str) -> bytes:
        return open_store(lab.storage, "embedded").get_range(uri, 0, 7)

    with pytest.raises(MissingArtifactError, match=f"user {MALLORY}, who made the link"):
        lab.alice(lambda: read(uri))
    secret.chmod(0o644)  # still in a folder that is Alice's alone
    with pytest.raises(MissingArtifactError, match="who made the link"):
        lab.alice(lambda: read(uri))
    lab.private.chmod(0o755)
    assert lab.alice(lambda: read(uri)) == b"private"
    secret.chmod(0o640)
    os.chown(secret, ALICE, LAB)
    assert lab.alice(lambda: read(uri)) == b"private"
    os.chown(secret, MALLORY, MALLORY)
    secret.chmod(0o644)
    assert lab.alice(lambda: read(uri)) == b"private"


def test_a_link_of_ones_own_leads_to_what_one_can_read(lab: Lab) -> None:
    secret = lab.secret("raw.dat", b"private samples")

    def link() -> bytes:
        with open_store(lab.storage, "embedded") as store:
            return store.get_range(store.hash_and_link(secret), 0, 7)

    assert lab.alice(link) == b"private"


def test_linking_a_file_that_a_neighbour_linked_makes_the_link_ones_own(lab: Lab) -> None:
    secret = lab.secret("raw.dat", b"private samples")
    status, sha1 = secret.stat(), hashlib.sha1(b"private samples").hexdigest()
    text = {"path": str(secret), "stat": {"size": status.st_size, "mtime": status.st_mtime}}

    def write() -> None:
        place = link_path(lab.storage, sha1)
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(text))

    lab.mallory(write)

    def link() -> bytes:
        with open_store(lab.storage, "embedded") as store:
            return store.get_bytes(store.hash_and_link(secret))

    assert lab.alice(link) == b"private samples"
    assert link_path(lab.storage, sha1).stat().st_uid == ALICE


@pytest.mark.parametrize("path", ["relative.dat", "", "/a\0b", 7])
def test_links_to_nowhere_are_one_line(lab: Lab, path: Any) -> None:
    sha1 = "1" * 40

    def write() -> None:
        place = link_path(lab.storage, sha1)
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps({"path": path, "stat": {"size": 1, "mtime": 1.0}}))

    lab.mallory(write)
    with pytest.raises(SeriesviewError, match="not a kachery link"):
        lab.alice(lambda: open_store(lab.storage, "embedded").path(sha1_uri(sha1, "x")))


def test_a_sha1_folder_on_another_disk_is_followed_where_its_maker_can_be_relied_upon(lab: Lab) -> None:
    disk = lab.storage.parent / "disk"
    disk.mkdir()
    os.chown(disk, 0, LAB)
    disk.chmod(0o2770)
    (lab.storage / "sha1").symlink_to(disk)
    lab.alice(lambda: put_something(lab.storage))
    assert (disk / "seriesview-staging").is_dir()
    assert stat.S_IMODE((disk / "seriesview-staging").stat().st_mode) == 0o2770
    os.chown(lab.storage / "sha1", MALLORY, -1, follow_symlinks=False)
    with pytest.raises(StoreError, match="symbolic link"):
        lab.alice(lambda: put_something(lab.storage))
