"""Tokens of remote providers and browsers, and the sessions of browsers that exchanged one for a cookie."""

import hashlib
import logging
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import NodeError
from seriesview.node.callers import CLIENTS, LINKS
from seriesview.node.names import is_caller_name
from seriesview.node.private_files import read_secret

TOKENS_VARIABLE = "SERIESVIEW_NODE_TOKENS"
TOKENS_FILE = "seriesview-tokens"
"""In the storage directory: the token file where none is named."""
HASHED = "sha256="
"""What a line holds in place of a token: this, and the token's SHA-256 in hexadecimal digits."""
LINK_SECONDS = 3600.0
SESSION_SECONDS = 30 * 24 * 3600.0

_SHORTEST = 20
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FOLLOW_SECONDS = 1.0
_MOST_SESSIONS = 10_000
_log = logging.getLogger("seriesview.node")


class Tokens:
    """Tokens, `NAME:TOKEN` or `NAME:sha256=HEX` in a line: of a file, followed while it changes, or the environment."""

    def __init__(self, path: Path | None, default: Path | None = None) -> None:
        """Read them; where no `path` is named, from the environment and from `default`, which may come later.

        Raises NodeError.
        """
        self._path = path or default
        self._is_named = path is not None
        self._stamp = _stamp(self._path)
        self._looked = time.monotonic()
        self._names = self._read()

    def name_of(self, token: str) -> str | None:
        """Return who holds a token, None for a wrong one; a changed file counts within a second."""
        self._follow()
        # Looked up by hash, so that the time it takes says nothing about the tokens.
        digest = digest_of(token)
        if digest not in self._names:
            # Perhaps it was made a moment ago.
            self._follow(0.0)
        return self._names.get(digest)

    def knows(self, digest: bytes, name: str) -> bool:
        """Return whether a token, by its hash, is still that of `name`."""
        self._follow()
        return self._names.get(digest) == name

    def allow(self, session: "Session") -> bool:
        """Return whether a session may go on: one that a token opened ends when the token is taken back."""
        return not session.token_digest or self.knows(session.token_digest, session.name)

    def _follow(self, seconds: float | None = None) -> None:
        """Read the file again where it changed; while it cannot be read, no token is taken."""
        seconds = _FOLLOW_SECONDS if seconds is None else seconds
        if self._path is None or time.monotonic() < self._looked + seconds:
            return
        self._looked = time.monotonic()
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._names = self._read()
        except NodeError as error:
            self._names = {}
            _log.warning("no token is taken until this is mended: %s", error)
        else:
            _log.info("read %s again: %d tokens", self._path, len(self._names))

    def _read(self) -> dict[bytes, str]:
        names: dict[bytes, str] = {}
        if not self._is_named:
            lines = os.environ.get(TOKENS_VARIABLE, "").replace(",", "\n").splitlines()
            names = parse_tokens(lines, TOKENS_VARIABLE)
        if self._path is not None and (self._is_named or self._path.exists()):
            names |= read_tokens(self._path)
        return names


@dataclass(frozen=True)
class Session:
    """A browser that was let in, and as what it called this node then."""

    name: str
    """The name of the caller, in a channel's permissions."""
    host: str = ""
    """The Host header, in lower case; a proxy may have names that the node does not know."""
    origin: str = ""
    """The Origin header of the page, which a proxy may serve under another name still."""
    token_digest: bytes = b""
    """Hash of the token that opened it; empty for a link's, which is used up."""
    account: str = ""
    """Whose limits count, see `Caller.account`."""
    sees_front: bool = True
    """See `Caller.sees_front`."""


class Sessions:
    """Single-use tokens for links, and the sessions that they are exchanged for; kept in memory only."""

    def __init__(self) -> None:
        self._links: dict[bytes, tuple[float, bool]] = {}
        self._sessions: dict[bytes, tuple[Session, float]] = {}

    def new_link_token(self, to_front: bool = False) -> str:
        """Return a token that one browser can exchange for a session within the hour, one of the front page or not."""
        now = time.monotonic()
        self._links = {digest: link for digest, link in self._links.items() if link[0] >= now}
        token = secrets.token_urlsafe(32)
        self._links[digest_of(token)] = (time.monotonic() + LINK_SECONDS, to_front)
        return token

    def exchange_link(
        self, token: str, host: str = "", origin: str = "", sees_front: bool = False
    ) -> str | None:
        """Use up a link's token; returns a new session's secret, None where the token is wrong or used.

        `sees_front`: whether the browser sees the front page already.
        """
        until, to_front = self._links.pop(digest_of(token), (0.0, False))
        if until < time.monotonic():
            return None
        return self.open(LINKS, host, origin, sees_front=to_front or sees_front)

    def open(
        self, name: str, host: str = "", origin: str = "", token: str = "", sees_front: bool = True
    ) -> str:
        """Return the secret of a new session of the caller called `name`, whose browser sent this Host and Origin.

        It lasts no longer than the `token` of the token file that opened it.
        """
        now = time.monotonic()
        self._sessions = {digest: entry for digest, entry in self._sessions.items() if entry[1] >= now}
        while len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.pop(next(iter(self._sessions)))
        secret = secrets.token_urlsafe(32)
        account = name if token else f"{name} {secrets.token_hex(8)}"
        session = Session(name, host, origin, digest_of(token) if token else b"", account, sees_front)
        self._sessions[digest_of(secret)] = (session, time.monotonic() + SESSION_SECONDS)
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session that a secret names, None where there is none."""
        entry = self._sessions.get(digest_of(secret))
        return entry[0] if entry and entry[1] >= time.monotonic() else None


def read_tokens(path: Path) -> dict[bytes, str]:
    """Return who holds which token of a file, by the token's hash; raises NodeError."""
    try:
        lines = read_secret(path).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NodeError(f"cannot read the tokens in {path}") from error
    return parse_tokens(lines, str(path))


def parse_tokens(lines: list[str], source: str) -> dict[bytes, str]:
    """Return the names of the tokens that lines hold, by the tokens' hashes; raises NodeError."""
    return dict(_parse(line, source, number) for number, line in enumerate(lines, 1) if holds_token(line))


def check_token_name(name: str) -> str:
    """Return `name` when it can be the name of a token; raises NodeError."""
    if not is_caller_name(name) or name in (CLIENTS, LINKS):
        raise NodeError(
            f"{name!r:.80} cannot be the name of a token: up to 64 letters, digits, _ . - are expected, and "
            f"{CLIENTS} and {LINKS} are no names"
        )
    return name


def _stamp(path: Path | None) -> tuple[int, ...]:
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return (-1,)
    return () if status is None else (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _parse(line: str, source: str, number: int) -> tuple[bytes, str]:
    name, _, token = line.strip().partition(":")
    name, token = name.strip(), token.strip()
    if not is_caller_name(name) or name in (CLIENTS, LINKS):
        raise NodeError(
            f"{source}, line {number}: NAME:TOKEN is expected; {CLIENTS} and {LINKS} are no names"
        )
    if token.startswith(HASHED):
        if not _SHA256.fullmatch(token[len(HASHED) :]):
            raise NodeError(
                f"{source}, line {number}: {name}:{HASHED} and 64 hexadecimal digits are expected"
            )
        return bytes.fromhex(token[len(HASHED) :]), name
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
        raise NodeError(
            f"{source}, line {number}: the token of {name} needs {_SHORTEST} characters or more; "
            "`openssl rand -hex 32` makes one"
        )
    return digest_of(token), name


def holds_token(line: str) -> bool:
    """Return whether a line of a token file is neither empty nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def digest_of(secret: str) -> bytes:
    """Return the hash by which a secret is kept."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()
