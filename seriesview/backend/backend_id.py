"""The backend ID: a secret that requests must carry; where it comes from, and how it is kept from sight."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from seriesview.errors import BackendError

ID_VARIABLE = "SERIESVIEW_BACKEND_ID"
MAX_LENGTH = 500


class BackendId:
    """A backend ID; shown nowhere, compared by keyed hash in constant time."""

    def __init__(self, plain: str) -> None:
        """Check it; raises BackendError, which does not say it."""
        if not plain or plain != plain.strip() or not plain.isprintable() or len(plain) > MAX_LENGTH:
            raise BackendError(
                f"the backend ID must have 1 to {MAX_LENGTH} printable characters, with no space around them; "
                "`openssl rand -hex 16` makes a good one"
            )
        self._plain = plain
        self._key = secrets.token_bytes(32)
        self._hash = self._hashed(plain)

    def __repr__(self) -> str:
        return "BackendId(...)"

    def matches(self, other: object) -> bool:
        """Return whether `other` is this ID; takes the same time for all wrong ones."""
        given = self._hashed(other) if isinstance(other, str) else bytes(32)
        return hmac.compare_digest(given, self._hash) and isinstance(other, str)

    def reveal(self) -> str:
        """Return the ID itself, which the protocol wants in each poll and request."""
        return self._plain

    def _hashed(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def find_backend_id(
    option: str | None, file: Path | None, announce: Callable[[str], None]
) -> BackendId | None:
    """Return the ID of the command line, of `file` or of SERIESVIEW_BACKEND_ID, in this order; None without.

    The variable is taken out of the environment, the option out of what `ps` shows. `announce` gets warnings.
    Raises BackendError.
    """
    variable = os.environ.pop(ID_VARIABLE, None)
    if option is not None and file is not None:
        raise BackendError("give --backend-id or --backend-id-file, not both")
    if option is not None:
        hide_argument(option)
        announce(
            "warning: an ID on the command line could be read by other users of this machine while this started, "
            f"and stays in the shell's history; use --backend-id-file or {ID_VARIABLE}"
        )
        return BackendId(option)
    if file is not None:
        return BackendId(_read(file))
    return BackendId(variable) if variable is not None else None


def _read(file: Path) -> str:
    try:
        status = file.stat()
        text = file.read_text("utf-8")
    except OSError as error:
        raise BackendError(f"cannot read the backend ID from {file}: {error.strerror}") from error
    except ValueError:
        raise BackendError(f"{file} holds no backend ID: it is not text") from None
    if stat.S_ISREG(status.st_mode) and status.st_mode & stat.S_IROTH:
        raise BackendError(f"{file} holds a secret and every user may read it; run: chmod 600 {file}")
    return text.rstrip("\r\n")


def hide_argument(secret: str) -> None:
    """Overwrite a secret in this process's command line, where the system allows it (Linux)."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = int(fields[45]), int(fields[46])
        if 0 < start < end:
            line = ctypes.string_at(start, end - start)
            argument = re.compile(rb"(?<=[\0=])" + re.escape(os.fsencode(secret)) + rb"(?=\0)")
            for found in argument.finditer(line):
                ctypes.memset(start + found.start(), ord("*"), found.end() - found.start())
    except (OSError, ValueError, IndexError):
        return
