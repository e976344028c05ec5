"""Packs on their way into a store."""

from collections.abc import Callable
from pathlib import Path

from seriesview.store.faults import write_fault
from seriesview.store.staging import StagedFile


class StagedPack:
    """A pack that is being written; `keep` gives it its name, and `discard` drops what has none."""

    def __init__(
        self, directory: Path, staged: StagedFile, keep: Callable[[StagedFile, str, int], None]
    ) -> None:
        """Take over a staged file of the storage `directory`; `Store.stage_pack` makes these."""
        self._directory = directory
        self._staged = staged
        self._keep = keep

    @property
    def is_closed(self) -> bool:
        """Whether it was kept or dropped."""
        return self._staged.is_closed

    def write(self, data: memoryview, offset: int) -> None:
        """Write bytes at their place; several threads may do so at once. Raises StoreError."""
        try:
            self._staged.write_at(data, offset)
        except OSError as error:
            raise write_fault(self._directory, error) from error

    def touch(self) -> None:
        """Show others that its writer is at work."""
        self._staged.touch()

    def keep(self, sha1: str, size: int) -> None:
        """Put it into the store, on disk, by its SHA-1; raises StoreError."""
        try:
            self._keep(self._staged, sha1, size)
        except OSError as error:
            raise write_fault(self._directory, error) from error
        finally:
            self._staged.close()

    def discard(self) -> None:
        """Drop it, unless it is in the store."""
        self._staged.close()
