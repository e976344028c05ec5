"""Feeds: append-only lists of signed messages, in the node's database.

A feed is a key pair, its ID the public key. Each message is signed together with its number, its time and the
signature of the message before it in its subfeed. What is acknowledged is on disk.
"""

import asyncio
import hashlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seriesview.errors import NodeError
from seriesview.node.canonical import canonical_json
from seriesview.node.database import Database

PAGE_MESSAGES = 200
MAX_WATCHES = 10_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS feeds (feed_id TEXT PRIMARY KEY, private_key BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feed_messages (
    feed_id TEXT NOT NULL REFERENCES feeds ON DELETE CASCADE,
    subfeed_hash TEXT NOT NULL,
    position INTEGER NOT NULL,
    message TEXT NOT NULL,
    seal TEXT NOT NULL,
    PRIMARY KEY (feed_id, subfeed_hash, position)
) WITHOUT ROWID
"""
_LAST = (
    "SELECT position, seal FROM feed_messages WHERE feed_id = ? AND subfeed_hash = ? "
    "ORDER BY position DESC LIMIT 1"
)
_PAGE = (
    "SELECT message, seal FROM feed_messages WHERE feed_id = ? AND subfeed_hash = ? "
    "AND position >= ? AND position < ? ORDER BY position"
)

Subfeed = tuple[str, str]
"""A feed's ID (64 hex digits) and a subfeed's hash (40 hex digits)."""


class Feeds:
    """The feeds of one node."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: dict[Subfeed, set[asyncio.Event]] = {}
        self._num_watches = 0
        database.create(_SCHEMA)

    async def create(self) -> str:
        """Make a feed; returns its ID."""
        private = Ed25519PrivateKey.generate()
        feed_id = private.public_key().public_bytes_raw().hex()
        await self._database.execute(
            "INSERT INTO feeds VALUES (?, ?)", (feed_id, private.private_bytes_raw())
        )
        return feed_id

    async def delete(self, feed_id: str) -> bool:
        """Delete a feed and its messages; returns whether it was there."""
        return await self._database.execute("DELETE FROM feeds WHERE feed_id = ?", (feed_id,)) > 0

    async def is_writeable(self, feed_id: str) -> bool:
        """Return whether this node has the feed's private key."""
        return bool(await self._database.query("SELECT 1 FROM feeds WHERE feed_id = ?", (feed_id,)))

    async def append(self, subfeed: Subfeed, messages: Sequence[Any]) -> None:
        """Sign and add messages, all or none; NodeError where this node does not have the feed's key."""
        texts = [json.dumps(message, separators=(",", ":"), allow_nan=False) for message in messages]
        milliseconds = int(time.time() * 1000)

        def write(connection: sqlite3.Connection) -> None:
            rows = connection.execute(
                "SELECT private_key FROM feeds WHERE feed_id = ?", subfeed[:1]
            ).fetchall()
            if not rows:
                raise NodeError(f"feed {subfeed[0]} cannot be written here: this node did not create it")
            private = Ed25519PrivateKey.from_private_bytes(rows[0][0])
            last = connection.execute(_LAST, subfeed).fetchone()
            number, signature = (last[0] + 1, _signature_in(last[1])) if last else (0, None)
            for message, text in zip(messages, texts, strict=True):
                details: dict[str, Any] = {} if signature is None else {"previousSignature": signature}
                details |= {"messageNumber": number, "timestamp": milliseconds}
                signature = private.sign(_digest({"message": message, **details})).hex()
                connection.execute(
                    "INSERT INTO feed_messages VALUES (?, ?, ?, ?, ?)",
                    (*subfeed, number, text, _seal(details, signature)),
                )
                number += 1

        await self._database.run(write)
        for watcher in self._watchers.get(subfeed, ()):
            watcher.set()

    async def num_messages(self, subfeeds: Sequence[Subfeed]) -> list[int]:
        """Return how many messages there are in each of some subfeeds."""

        def count(connection: sqlite3.Connection) -> list[int]:
            found = [connection.execute(_LAST, subfeed).fetchone() for subfeed in subfeeds]
            return [row[0] + 1 if row else 0 for row in found]

        return await self._database.run(count)

    async def messages(
        self, subfeed: Subfeed, first: int, end: int, is_signed: bool
    ) -> AsyncIterator[list[str]]:
        """Yield the messages from `first` up to `end`, as JSON texts, some at a time."""
        while first < end:
            last = min(first + PAGE_MESSAGES, end)
            rows = await self._database.query(_PAGE, (*subfeed, first, last))
            yield [f'{{"body":{{"message":{text},{seal}' if is_signed else text for text, seal in rows]
            first = last

    def wake(self) -> None:
        """Have all who watch look again."""
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.set()

    @contextmanager
    def watching(self, subfeeds: Sequence[Subfeed]) -> Iterator[asyncio.Event]:
        """Give an event that is set when something is appended to one of some subfeeds; raises NodeError."""
        if self._num_watches >= MAX_WATCHES:
            raise NodeError(f"{MAX_WATCHES} clients watch feeds already; try again later")
        watcher = asyncio.Event()
        self._num_watches += 1
        for subfeed in subfeeds:
            self._watchers.setdefault(subfeed, set()).add(watcher)
        try:
            yield watcher
        finally:
            self._num_watches -= 1
            for subfeed in set(subfeeds):
                watchers = self._watchers[subfeed]
                watchers.discard(watcher)
                if not watchers:
                    del self._watchers[subfeed]


def _digest(body: dict[str, Any]) -> bytes:
    return hashlib.sha1(canonical_json(body), usedforsecurity=False).digest()


def _seal(details: dict[str, Any], signature: str) -> str:
    """Return what follows the message in its signed form."""
    return f'{json.dumps(details, separators=(",", ":"))[1:]},"signature":"{signature}"}}'


def _signature_in(seal: str) -> str:
    return seal[-130:-2]
