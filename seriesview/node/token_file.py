"""Changing a token file: tokens are made, listed and taken back while a node follows the file."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seriesview.errors import NodeError
from seriesview.node.private_files import open_lock, read_secret, write_atomically
from seriesview.node.tokens import HASHED, check_token_name, digest_of, holds_token, parse_tokens

_MODE = 0o600


@dataclass(frozen=True)
class TokenLine:
    """One token of a file."""

    name: str
    is_hashed: bool
    """Whether the file holds its hash, so that nobody can read the token there."""


class TokenFile:
    """A token file that commands change, one at a time; other lines stay as they are."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, name: str) -> str:
        """Return a new token, whose hash is now in the file; raises NodeError where `name` has one."""
        check_token_name(name)
        token = secrets.token_urlsafe(32)
        with self._edit() as lines:
            if name in {line.name for line in _tokens(lines)}:
                raise NodeError(
                    f"{name} has a token in {self.path}; `seriesview token revoke {name}` takes it back"
                )
            lines.append(f"{name}:{HASHED}{digest_of(token).hex()}")
        return token

    def revoke(self, name: str) -> int:
        """Take out all tokens of `name`; returns how many there were."""
        with self._edit() as lines:
            kept = [line for line in lines if not holds_token(line) or _name_of(line) != name]
            count = len(lines) - len(kept)
            lines[:] = kept
        return count

    def tokens(self) -> list[TokenLine]:
        """Return the tokens of the file, in its order; raises NodeError."""
        return _tokens(self._lines())

    def _lines(self) -> list[str]:
        if not self.path.exists():
            return []
        try:
            lines = read_secret(self.path).decode("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise NodeError(f"cannot read the tokens in {self.path}") from error
        parse_tokens(lines, str(self.path))
        return lines

    @contextmanager
    def _edit(self) -> Iterator[list[str]]:
        """Change the lines while no other process does; written when the block ends without an error."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = open_lock(self.path)
        except OSError as error:
            raise NodeError(f"cannot change {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = self._lines()
            before = list(lines)
            yield lines
            if lines != before:
                write_atomically(self.path, "".join(f"{line}\n" for line in lines).encode(), _MODE)
        except OSError as error:
            raise NodeError(f"cannot write {self.path}: {error.strerror}") from error
        finally:
            os.close(lock)


def _tokens(lines: list[str]) -> list[TokenLine]:
    return [
        TokenLine(_name_of(line), line.partition(":")[2].strip().startswith(HASHED))
        for line in lines
        if holds_token(line)
    ]


def _name_of(line: str) -> str:
    return line.strip().partition(":")[0].strip()
