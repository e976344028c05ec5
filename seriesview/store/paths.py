"""Where things lie in a kachery storage directory."""

from pathlib import Path

from seriesview.store.folders import Folder

CHUNK_BYTES = 20_000_000
"""kachery cuts stored files larger than this into chunks of this size and writes a chunk manifest."""
NODE_ADDRESS_FILE = "seriesview-node.json"
"""A node notes here where it listens: {machine, host, port, process}."""


def artifact_path(directory: Path, sha1: str) -> Path:
    """Return where the stored bytes of a hash lie."""
    return Path(f"{directory}/sha1/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}")


def link_path(directory: Path, sha1: str) -> Path:
    """Return where the link lies that says which file outside the storage has this hash."""
    return Path(f"{artifact_path(directory, sha1)}.link")


def staging_directory(directory: Path) -> Path:
    """Return where files lie while they are being written.

    kachery looks only into folders of two characters there, and a rename out of it stays on one file system
    even where `sha1` is a symbolic link or a mount.
    """
    return directory / "sha1" / "seriesview-staging"


def record_directory(directory: Path) -> Path:
    """Return where the record of what seriesview wrote lies, one file a writer process."""
    return directory / "seriesview" / "record"


def lock_path(directory: Path) -> Path:
    """Return the file that builds hold a shared lock on, and whoever removes artifacts an exclusive one."""
    return directory / "seriesview" / "lock"


def bucket_note_path(directory: Path) -> Path:
    """Return the file that says of which bucket a storage directory is the cache."""
    return directory / "seriesview" / "bucket.json"


def open_parent(directory: Path, path: Path) -> Folder:
    """Open the folder of a `path` below a storage directory, by way of no symbolic link but that of `sha1` itself.

    Raises OSError, OddFileError.
    """
    with Folder.at(directory) as root:
        return enter_storage(root, path.relative_to(directory).parts[:-1])


def enter_storage(root: Folder, names: tuple[str, ...]) -> Folder:
    """Open a folder below an open storage directory, whose `sha1` may be a symbolic link to another disk.

    Raises OSError, OddFileError.
    """
    if names[:1] != ("sha1",):
        return root.enter(*names)
    with root.enter_link("sha1") as artifacts:
        return artifacts.enter(*names[1:])
