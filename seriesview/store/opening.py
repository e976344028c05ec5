"""Choosing the storage directory, and whether a daemon's is used."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from seriesview.cloud.bucket_address import BucketAddress
from seriesview.errors import StoreError
from seriesview.store.cache import bucket_of, is_bucket, local_directory, noted_bucket
from seriesview.store.client import ClientWriter
from seriesview.store.daemon import Daemon, may_use, probe_daemon, serves
from seriesview.store.store import Store

Mode = Literal["auto", "embedded", "daemon"]


def open_store(
    storage_dir: str | Path | None = None,
    mode: Mode = "auto",
    announce: Callable[[str], None] | None = None,
    follows_figures: bool = True,
) -> Store:
    """Return the store that KACHERY_STORAGE_DIR, else `storage_dir`, else a running daemon, names.

    `auto` uses a daemon that answers, where its directory is the one configured or none is; `embedded` asks
    none; `daemon` insists on one. Where nothing names a directory it is kachery-client's own,
    ~/kachery-storage. gs://BUCKET/PREFIX and s3://BUCKET/PREFIX name a bucket, as does the directory that is its
    cache. With `follows_figures` false the node of a command that shows one recording's figures names none either:
    what is made elsewhere does not belong there. `announce` gets one line: which mode and directory are used. Raises
    StoreError.
    """
    if mode not in ("auto", "embedded", "daemon"):
        raise StoreError(f"store mode {mode!r:.80} is unknown: auto, embedded or daemon is expected")
    bucket, configured = _configured(storage_dir)
    if bucket is not None:
        return _bucket_store(bucket, configured, mode, announce)
    daemon = None if mode == "embedded" else probe_daemon()
    store, refusal = None, "no kachery daemon answers"
    if daemon and daemon.is_for_figures and not configured and not follows_figures:
        refusal = f"the node at {daemon.address} shows figures of {daemon.directory}"
    elif daemon:
        store, refusal = _beside_daemon(daemon, configured)
    if store is None:
        if mode == "daemon":
            raise StoreError(f"{refusal}; start one, or set the store's mode to auto or embedded")
        directory = configured or Path.home() / "kachery-storage"
        reason = f" ({refusal})" if daemon else ""
        store = Store(directory, "embedded", f"embedded store in {directory}{reason}")
    if announce:
        announce(store.description)
    return store


def _configured(storage_dir: str | Path | None) -> tuple[BucketAddress | None, Path | None]:
    """The bucket that is named, by its address or by its cache, and the directory."""
    named = os.environ.get("KACHERY_STORAGE_DIR") or storage_dir
    if not named:
        return None, None
    if is_bucket(named):
        return bucket_of(named), local_directory(named)
    directory = Path(named).expanduser()
    directory = directory if directory.is_absolute() else Path.cwd() / directory
    return noted_bucket(directory), directory


def _bucket_store(
    address: BucketAddress, directory: Path | None, mode: Mode, announce: Callable[[str], None] | None
) -> Store:
    from seriesview.store.bucket_store import BucketStore  # most stores are none

    assert directory is not None
    if mode == "daemon":
        raise StoreError(f"{address}: a daemon has no store in a bucket; set the store's mode to auto")
    store = BucketStore(address, directory)
    if announce:
        announce(store.description)
    return store


def _beside_daemon(daemon: Daemon, configured: Path | None) -> tuple[Store | None, str]:
    """Return a store beside the daemon, or None and why the daemon is not used."""
    directory = configured or daemon.directory
    if directory is None:
        return None, f"the kachery daemon at {daemon.address} does not say where its storage is"
    refusal = _refusal(daemon, directory, configured is not None)
    return (None, refusal) if refusal else (_daemon_store(daemon, directory), "")


def _refusal(daemon: Daemon, directory: Path, configured: bool) -> str | None:
    """Return why the daemon is not used, None where it is."""
    if not serves(daemon, directory):
        if not configured:
            return (
                f"the storage {directory} of the kachery daemon at {daemon.address} is not visible from here"
            )
        return f"the kachery daemon at {daemon.address} serves another directory, {daemon.directory}"
    if not may_use(directory):
        return (
            f"the kachery daemon at {daemon.address} is another user's: "
            f"{directory}/client-auth cannot be read"
        )
    return None


def _daemon_store(daemon: Daemon, directory: Path) -> Store:
    place = f"daemon {daemon.node_id[:8]} at {daemon.address}, storage {directory}"
    if _writable(directory):
        return Store(directory, "daemon", f"{place}, written directly")
    client = ClientWriter(directory, daemon.address)
    return Store(directory, "daemon", f"{place}, written through the daemon", client)


def _writable(directory: Path) -> bool:
    places = [directory, *(path for path in (directory / "sha1",) if path.exists())]
    return all(os.access(place, os.W_OK | os.X_OK) for place in places)
