"""Things that are opened when they are needed, of which only a few stay open."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What is let go of when others are opened."""

    def close(self) -> None:
        """Let go of it."""
        ...


Key = TypeVar("Key", bound=Hashable)
Opened = TypeVar("Opened", bound=Closable)


@dataclass
class _Entry(Generic[Opened]):
    opened: Opened
    users: int = 0


class FewOpen(Generic[Key, Opened]):
    """At most `most` things stay open, the last ones used, beside those in use; safe from any thread."""

    def __init__(self, open_one: Callable[[Key], Opened], most: int) -> None:
        self._open_one = open_one
        self._most = most
        self._entries: OrderedDict[Key, _Entry[Opened]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def opened(self, key: Key) -> Iterator[Opened]:
        """The thing of a key, opened if it is not open; it stays so within the block. Raises what opening raises."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(self._open_one(key))
            self._entries.move_to_end(key)
            entry.users += 1
        try:
            yield entry.opened
        finally:
            with self._lock:
                entry.users -= 1
                self._close_idle(self._most)

    def close(self) -> None:
        """Let go of all that nobody uses."""
        with self._lock:
            self._close_idle(0)

    def _close_idle(self, most: int) -> None:
        for key in [key for key, entry in self._entries.items() if not entry.users]:
            if len(self._entries) <= most:
                return
            self._entries.pop(key).opened.close()
