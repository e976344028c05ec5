"""Turning errors of the operating system into one line that says what to do."""

import errno
import os
from pathlib import Path

from seriesview.errors import Code, StoreError
from seriesview.store.folders import OddFileError
from seriesview.store.paths import bucket_note_path

_ADVICE = {
    errno.ENOSPC: "the disk is full; free some space or choose another storage_dir",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another storage_dir",
    errno.EFBIG: "a file may not grow that large here; raise the file size limit (ulimit -f)",
    errno.EROFS: "the file system is read-only; choose a storage_dir that can be written",
    errno.EACCES: "permission denied; ask its owner for write access or choose another storage_dir",
    errno.EPERM: "permission denied; ask its owner for write access or choose another storage_dir",
    errno.ENOTDIR: "it, or something above it, is a file; choose a directory as storage_dir",
    errno.EEXIST: "it, or something in it, is a file where a directory is needed; choose another storage_dir",
    errno.ENAMETOOLONG: "the path is too long; choose a shorter storage_dir",
    errno.EMFILE: "too many open files; raise the limit (ulimit -n)",
    errno.EXDEV: "its sha1 and seriesview folders lie on different file systems; put them on one",
    errno.EIO: "the disk reported an input/output error; check it",
    errno.ESTALE: "the network file system lost it; mount it again",
}

_NO_FILES = "its file system has no room for more files (inodes); remove some or choose another storage_dir"


def write_fault(directory: Path, error: OSError) -> StoreError:
    """Return the StoreError for a write below `directory` that failed."""
    code: Code = "no-space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "store-unusable"
    reason = _NO_FILES if error.errno == errno.ENOSPC and _has_no_files(directory) else _reason(error)
    advice = None
    if bucket_note_path(directory).exists():
        advice = "it is the cache of a bucket, for which SERIESVIEW_CACHE_DIR names another place"
    return StoreError(
        f"cannot write to the kachery storage {directory}: {reason}",
        advice=advice,
        code=code,
        path=str(directory),
    )


def scratch_fault(path: Path, error: OSError) -> StoreError:
    """Return the StoreError for `scratch` that cannot be used."""
    return StoreError(
        f"scratch {path}: {error.strerror or error}",
        advice="free some space there, name another folder, or leave `scratch` out",
        code=_code(error),
        path=str(path),
    )


def _code(error: OSError) -> Code:
    return "no-space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "store-unusable"


def read_fault(path: Path | str, error: OSError) -> StoreError:
    """Return the StoreError for a file that exists but cannot be read."""
    if isinstance(error, OddFileError):
        what = f"cannot read {error.filename}: {error.strerror}"
        return StoreError(what, advice="remove it", path=str(error.filename))
    reason = error.strerror or str(error)
    return StoreError(
        f"cannot read {path}: {reason}", advice="check the file and its permissions", path=str(path)
    )


def _has_no_files(directory: Path) -> bool:
    """Whether it is files that a full file system has no more of: not as many as an artifact and its folders take."""
    try:
        system = os.statvfs(directory)
    except OSError:
        return False
    return system.f_files > 0 and system.f_favail < 4


def _reason(error: OSError) -> str:
    if isinstance(error, OddFileError):
        return f"{error.filename}: {error.strerror}; remove it"
    if error.errno in _ADVICE:
        return _ADVICE[error.errno]
    return f"{error.strerror or error}; check the directory"
