"""A machine's own disk, where artifacts are written before they go whole into a store that many machines share."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from seriesview.errors import IntegrityError, StoreError
from seriesview.store.faults import scratch_fault
from seriesview.store.folders import Folder
from seriesview.store.processes import is_running, own_name
from seriesview.store.staging import StagedFile

_SUFFIX = ".seriesview"
_COPIED_BYTES = 4 << 20


class ScratchFile(StagedFile):
    """A file that is written on scratch; what goes wrong there is told with its name."""

    def write(self, data: memoryview) -> None:
        """See `StagedFile`; raises StoreError."""
        try:
            super().write(data)
        except OSError as error:
            raise scratch_fault(self.folder.path, error) from error

    def write_at(self, data: memoryview, offset: int) -> None:
        """See `StagedFile`; raises StoreError."""
        try:
            super().write_at(data, offset)
        except OSError as error:
            raise scratch_fault(self.folder.path, error) from error

    def copy_to(self, whole: StagedFile, sha1: str) -> None:
        """Copy all of it into a file of the store, and check that the bytes have this SHA-1.

        Raises OSError of the store, StoreError of scratch, IntegrityError.
        """
        hasher, offset = hashlib.sha1(usedforsecurity=False), 0
        while data := self._read(offset):
            whole.write(memoryview(data))
            hasher.update(data)
            offset += len(data)
        if hasher.hexdigest() != sha1:
            raise IntegrityError(
                f"scratch {self.folder.path}: what was read back is not what was written there",
                advice="check that disk, or leave `scratch` out",
                path=str(self.folder.path),
            )

    def _read(self, offset: int) -> bytes:
        try:
            return os.pread(self.descriptor, _COPIED_BYTES, offset)
        except OSError as error:
            raise scratch_fault(self.folder.path, error) from error


class Scratch:
    """A folder of this process's on scratch, for nobody else to look into; it goes with `remove`."""

    def __init__(self, place: str) -> None:
        """Make it in a folder, in whose path variables of the environment are filled in. Raises StoreError.

        What processes of this user left there, that ended on this host without removing it, goes first.
        """
        above = _folder_at(place)
        if "$" in str(above):
            raise StoreError(
                f"scratch: {place}: {above} is not set here", advice="name a folder that each node has"
            )
        self.path = above / own_name(_SUFFIX)
        try:
            remove_leftovers(place)
            self.path.mkdir(0o700)
            self._folder = Folder.at(self.path)
        except OSError as error:
            raise scratch_fault(above, error) from error
        status = self._folder.status()
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise StoreError(f"scratch {above}: somebody else has put a folder in the place of a new one")

    def open_staged(self) -> ScratchFile:
        """Open a new file; raises StoreError."""
        name = own_name(".tmp")
        try:
            return ScratchFile(self._folder.enter(), name, self._folder.create_file(name, os.O_RDWR, 0o600))
        except OSError as error:
            raise scratch_fault(self.path, error) from error

    def remove(self) -> None:
        """Remove it with all that is in it; doing so twice does no harm."""
        self._folder.close()
        shutil.rmtree(self.path, ignore_errors=True)


def remove_leftovers(place: str) -> None:
    """Remove the folders of this user's processes that ended on this host without doing so."""
    with suppress(OSError), os.scandir(_folder_at(place)) as entries:
        for entry in entries:
            if not entry.name.endswith(_SUFFIX) or is_running(entry.name) is not False:
                continue
            with suppress(OSError):
                is_own = entry.stat(follow_symlinks=False).st_uid == os.geteuid()
                if is_own and entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)


def _folder_at(place: str) -> Path:
    return Path(os.path.expandvars(place)).expanduser()
