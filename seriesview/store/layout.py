"""Where things lie in a kachery storage directory."""

from pathlib import Path

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
