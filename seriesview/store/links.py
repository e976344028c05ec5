"""kachery's links: a hash that is kept in a file outside the storage directory."""

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import IntegrityError, MissingArtifactError
from seriesview.store.faults import read_fault

_FINDING = "`seriesview relink WORKSPACE DIR`"


@dataclass(frozen=True)
class Link:
    """Which file has the bytes, and the size and modification time that prove it is still the same."""

    path: Path
    size: int
    mtime: float

    def to_bytes(self) -> bytes:
        """Return the link file's content, as kachery writes it."""
        link = {
            "path": str(self.path),
            "manifestSha1": None,
            "stat": {"size": self.size, "mtime": self.mtime},
            "_writingProcess": "seriesview",
        }
        return json.dumps(link, separators=(",", ":")).encode("ascii")

    def check(self) -> Path:
        """Return the linked file's path; raises MissingArtifactError where it moved or changed."""
        try:
            status = self.path.stat()
        except FileNotFoundError as error:
            raise MissingArtifactError(
                f"linked file {self.path} is gone; put it back, or find it with {_FINDING}"
            ) from error
        except OSError as error:
            raise MissingArtifactError(f"linked file {self.path} cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(status.st_mode):
            change = "it is no longer a file"
        elif status.st_size != self.size:
            change = f"size was {self.size}, is {status.st_size}"
        elif status.st_mtime != self.mtime:
            change = f"modification time was {self.mtime!r}, is {status.st_mtime!r}"
        else:
            return self.path
        raise MissingArtifactError(
            f"linked file {self.path} changed ({change}); "
            f"build its series again, or find an unchanged copy with {_FINDING}"
        )


def link_to(path: Path, size: int, mtime: float) -> Link:
    """Return a link to `path`, made absolute without following symbolic links, as kachery does."""
    return Link(Path(os.path.abspath(path)), size, mtime)  # noqa: PTH100  (Path.absolute keeps "..")


def read_link(path: Path) -> Link | None:
    """Return what a link file says, None where there is none; raises IntegrityError, StoreError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise read_fault(path, error) from error
    try:
        link = json.loads(text)
        size, mtime, target = link["stat"]["size"], link["stat"]["mtime"], link["path"]
        if not (type(size) is int and type(mtime) in (int, float) and type(target) is str):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} is not a kachery link; delete it and build its series again") from error
    return Link(Path(target), size, mtime)
