"""The local cache of a store in a bucket: a kachery storage directory of this user's alone, which notes its bucket.

So whoever is given the directory, as a node and its backend are, reads from the bucket too. What others can write to
names no bucket: they could lead what is stored there into one of theirs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from seriesview.cloud.bucket_address import BucketAddress, parse_address, public_base_url
from seriesview.errors import SeriesviewError, StoreError
from seriesview.store.faults import write_fault
from seriesview.store.folders import Folder
from seriesview.store.paths import bucket_note_path
from seriesview.store.processes import own_name

CACHE_VARIABLE = "SERIESVIEW_CACHE_DIR"

# A path has one slash where the address has two.
_BUCKET = re.compile(r"(gs|s3):/+")
_MOST_BYTES = 1 << 12


def is_bucket(named: str | Path | None) -> bool:
    """Whether what names a store names a bucket."""
    return named is not None and _BUCKET.match(str(named)) is not None


def bucket_of(named: str | Path) -> BucketAddress:
    """The bucket that is named; raises StoreError."""
    try:
        return parse_address(_BUCKET.sub(r"\1://", str(named), count=1))
    except SeriesviewError as error:
        raise StoreError(f"storage_dir: {error}", code="bad-config") from error


def local_directory(named: str | Path) -> Path:
    """The storage directory on this machine that is named; of a bucket its cache, which is made. Raises StoreError."""
    if not is_bucket(named):
        return Path(named).expanduser()
    address = bucket_of(named)
    directory = cache_of(address)
    note_bucket(directory, address)
    return directory


def cache_of(address: BucketAddress) -> Path:
    """Where the cache of a bucket is: in SERIESVIEW_CACHE_DIR, else in the user's own cache. Raises StoreError."""
    place = f"{public_base_url(address)}/{address.prefix}"
    name = f"{address.scheme}-{address.bucket}-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute() / name
    own = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # Only absolute paths count.
        folder = Path(own) if own.startswith("/") else Path("~/.cache").expanduser()
    except RuntimeError as error:
        raise StoreError(f"{address}: no home for its cache: {error}; set {CACHE_VARIABLE}") from error
    return folder / "seriesview" / name


def noted_bucket(directory: Path) -> BucketAddress | None:
    """The bucket that a storage directory is the cache of, None where it is a store itself."""
    note = bucket_note_path(directory)
    faults = (OSError, ValueError, KeyError, TypeError, RecursionError, SeriesviewError)
    with suppress(*faults), Folder.at(directory) as root, root.enter(note.parent.name) as folder:
        descriptor = folder.open_file(note.name)
        with open(descriptor, "rb") as file:  # noqa: PTH123
            if not _is_own(os.fstat(descriptor)):
                return None
            return parse_address(str(json.loads(file.read(_MOST_BYTES))["bucket"]))
    return None


def note_bucket(directory: Path, address: BucketAddress) -> None:
    """Make a directory the cache of a bucket; raises StoreError."""
    if noted_bucket(directory) == address:
        return
    note = bucket_note_path(directory)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with Folder.at(directory) as root:
            if not _is_own(root.status()):
                raise StoreError(
                    f"{directory}: others can write to this cache of {address}; set {CACHE_VARIABLE} to a folder of "
                    "your own"
                )
            root.make(note.parent.name, 0o700)
            with root.enter(note.parent.name) as folder:
                name = own_name(".tmp")
                with open(folder.create_file(name, os.O_WRONLY, 0o600), "wb") as file:  # noqa: PTH123
                    file.write(json.dumps({"bucket": str(address)}).encode("ascii"))
                folder.rename(name, folder, note.name)
    except OSError as error:
        raise write_fault(directory, error) from error


def _is_own(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else can write to it."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
