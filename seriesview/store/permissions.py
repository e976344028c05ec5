"""Giving what is written the storage directory's group and group permissions, whatever the umask."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sharing:
    """The group that a storage directory is shared with, and what that group and others may do."""

    group: int
    directory_mode: int
    """Permission bits with set-group-ID, of the storage directory itself."""

    def adopt_file(self, descriptor: int) -> None:
        """Give an open new file the group, and the group's reading and writing rights; raises OSError."""
        self._adopt(descriptor, os.fstat(descriptor), 0o070, self.directory_mode & 0o060)

    def adopt_directory(self, path: Path) -> None:
        """Give a directory the group, and the group's rights, if it is this user's; raises OSError."""
        status = path.stat()
        if status.st_uid == os.geteuid():
            self._adopt(path, status, 0o2070, self.directory_mode & 0o2070)

    def file_mode(self) -> int:
        """Return the mode to create files with: nothing that the storage directory itself withholds."""
        return 0o600 | (self.directory_mode & 0o066)

    def new_directory_mode(self) -> int:
        """Return the mode to create directories with."""
        return 0o700 | (self.directory_mode & 0o077)

    def _adopt(self, target: int | Path, status: os.stat_result, mask: int, wanted: int) -> None:
        if status.st_gid != self.group:
            try:
                os.chown(target, -1, self.group)
            except PermissionError:
                return  # not a member: the rights meant for that group must not go to another one
        mode = stat.S_IMODE(status.st_mode)
        if mode & mask != wanted or status.st_gid != self.group:
            os.chmod(target, (mode & ~mask) | wanted)  # noqa: PTH101  (target may be a descriptor)


def sharing_of(directory: Path) -> Sharing:
    """Return how an existing storage directory is shared; raises OSError."""
    status = directory.stat()
    return Sharing(group=status.st_gid, directory_mode=stat.S_IMODE(status.st_mode))
