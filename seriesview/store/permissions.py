"""Giving what is written the storage directory's group and group permissions, whatever the umask."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from seriesview.store.folders import Folder


@dataclass(frozen=True)
class Sharing:
    """The group that a storage directory is shared with, and what that group and others may do."""

    group: int
    directory_mode: int
    """Permission bits with set-group-ID, of the storage directory itself."""

    def adopt_file(self, descriptor: int, rights: int = 0o060) -> None:
        """Give an open new file the group, and the group's `rights` of reading and writing; raises OSError."""
        self._adopt(descriptor, os.fstat(descriptor), 0o070, self.directory_mode & rights)

    def adopt_folder(self, folder: Folder) -> None:
        """Give an open folder the group, and the group's rights, if it is this user's; raises OSError."""
        status = folder.status()
        if status.st_uid == os.geteuid() and not self._has(status, 0o2070, self.directory_mode & 0o2070):
            descriptor = folder.open_itself()
            try:
                self._adopt(descriptor, status, 0o2070, self.directory_mode & 0o2070)
            finally:
                os.close(descriptor)

    def file_mode(self, rights: int = 0o066) -> int:
        """Return the mode to create files with: nothing that the storage directory itself withholds."""
        return 0o600 | (self.directory_mode & rights)

    def new_directory_mode(self) -> int:
        """Return the mode to create directories with."""
        return 0o700 | (self.directory_mode & 0o077)

    def _has(self, status: os.stat_result, mask: int, wanted: int) -> bool:
        return status.st_gid == self.group and stat.S_IMODE(status.st_mode) & mask == wanted

    def _adopt(self, descriptor: int, status: os.stat_result, mask: int, wanted: int) -> None:
        if self._has(status, mask, wanted):
            return
        if status.st_gid != self.group:
            try:
                os.fchown(descriptor, -1, self.group)
            except PermissionError:
                return  # not a member: the rights meant for that group must not go to another one
        os.fchmod(descriptor, (stat.S_IMODE(status.st_mode) & ~mask) | wanted)


def sharing_of(directory: Path) -> Sharing:
    """Return how an existing storage directory is shared; raises OSError."""
    status = directory.stat()
    return Sharing(group=status.st_gid, directory_mode=stat.S_IMODE(status.st_mode))


def readable_by(path: Path, group: int | None) -> bool:
    """Return whether everybody, or every member of a group, can read a file, by the rights of it and its folders."""
    places = [(path, 0o4), *((folder, 0o1) for folder in path.parents)]
    for place, right in places:
        try:
            status = place.stat()
        except OSError:
            return False
        granted = stat.S_IMODE(status.st_mode)
        if not granted & right and not (status.st_gid == group and granted >> 3 & right):
            return False
    return True
