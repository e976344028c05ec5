"""Snakemake storage `kachery`: files named by kachery URIs (`sha1://HASH/NAME`) as inputs of rules.

It reads only: a URI is the hash of a content, which is not known before a rule has written it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from snakemake_interface_storage_plugins.io import IOCacheStorageInterface
from snakemake_interface_storage_plugins.settings import StorageProviderSettingsBase
from snakemake_interface_storage_plugins.storage_object import StorageObjectRead
from snakemake_interface_storage_plugins.storage_provider import (
    ExampleQuery,
    Operation,
    QueryType,
    StorageProviderBase,
    StorageQueryValidationResult,
)

from seriesview.errors import FormatError
from seriesview.store import Store, open_store, parse_uri
from seriesview.store.opening import Mode


@dataclass
class StorageProviderSettings(StorageProviderSettingsBase):
    """Which store the files are read from."""

    storage_dir: str | None = field(
        default=None,
        metadata={
            "help": "kachery storage directory or bucket; KACHERY_STORAGE_DIR comes before it, and where neither is "
            "given it is that of a running daemon, or ~/kachery-storage",
            "env_var": False,
            "required": False,
            "type": str,
        },
    )
    mode: str | None = field(
        default=None,
        metadata={
            "help": "auto (a running kachery daemon's store, if it fits), embedded (asks none) or daemon",
            "env_var": False,
            "required": False,
            "type": str,
            "choices": ["auto", "embedded", "daemon"],
        },
    )


class StorageProvider(StorageProviderBase):
    """A kachery storage directory, that of a daemon or one of its own."""

    @cached_property
    def store(self) -> Store:
        """The store that the settings name. Raises StoreError."""
        settings = self.settings or StorageProviderSettings()
        return open_store(settings.storage_dir, cast(Mode, settings.mode or "auto"))

    @classmethod
    def example_queries(cls) -> list[ExampleQuery]:
        """URIs as they are written."""
        example = "sha1://2aae6c35c94fcfb415dbe95f408b9ce91ee846ed/recording.dat"
        return [ExampleQuery(example, "a file in the kachery storage directory", QueryType.INPUT)]

    @classmethod
    def is_valid_query(cls, query: str) -> StorageQueryValidationResult:
        """Whether a query is a URI of a whole file; one with wildcards need only begin like one."""
        if "{" in query and query.startswith("sha1://"):
            return StorageQueryValidationResult(query, valid=True)
        try:
            parse_uri(query)
        except FormatError as error:
            return StorageQueryValidationResult(query, valid=False, reason=str(error))
        return StorageQueryValidationResult(query, valid=True)

    def rate_limiter_key(self, query: str, operation: Operation) -> Any:
        """No limit: it is a directory."""
        return None

    def default_max_requests_per_second(self) -> float:
        """No limit: it is a directory."""
        return float("inf")

    def use_rate_limiter(self) -> bool:
        """No limit: it is a directory."""
        return False


class StorageObject(StorageObjectRead):
    """A file in the store, or one that the store links."""

    @property
    def _store(self) -> Store:
        store: Store = self.provider.store
        return store

    def local_suffix(self) -> str:
        """HASH/NAME, the name as it stands in the URI, so that readers find its suffix."""
        return str(self.query.removeprefix("sha1://").partition("?")[0])

    async def inventory(self, cache: IOCacheStorageInterface) -> None:
        """Nothing to gather: a question costs one look into a directory."""

    def get_inventory_parent(self) -> str | None:
        """None: nothing is gathered."""
        return None

    def cleanup(self) -> None:
        """Nothing is left over."""

    def exists(self) -> bool:
        """Whether it is stored, or linked and unchanged."""
        return self._store.exists(self.query)

    def mtime(self) -> float:
        """0: what a hash names never changes, so that nothing is made again for it."""
        return 0.0

    def size(self) -> int:
        """Bytes. Raises MissingArtifactError."""
        return self._store.size(self.query)

    def checksum(self) -> str:
        """`sha1:HASH`, known without reading."""
        return f"sha1:{parse_uri(self.query)[0]}"

    def local_footprint(self) -> int:
        """0: it is linked where the job looks for it, not copied."""
        return 0

    def retrieve_object(self) -> None:
        """Link it to where the job looks for it: by a second name where that can be, else by a symbolic link.

        A file outside the storage directory gets a symbolic link only: what is done to its second name (a new
        modification time, say) is done to the recording. Raises MissingArtifactError.
        """
        path, local = self._store.path(self.query), self.local_path()
        local.unlink(missing_ok=True)
        if path.is_relative_to(self._store.directory):
            try:
                os.link(path, local)
                return
            except OSError:  # another file system, or another user's file
                pass
        local.symlink_to(path)
