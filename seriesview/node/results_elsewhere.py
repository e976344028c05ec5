"""Which results of tasks are not this node's own: they lie in their channel's public bucket. A restart keeps it."""

import time
from collections.abc import Callable
from contextlib import suppress

from seriesview.errors import NodeError
from seriesview.node.database import Database

KNOWN_SECONDS = 24 * 3600.0
_MOST = 100_000


class ResultsElsewhere:
    """Bucket paths, each with the bucket that has it and when that was said."""

    def __init__(
        self, bucket_url: Callable[[str], str | None] = lambda _: None, database: Database | None = None
    ) -> None:
        """`bucket_url` tells where a channel's results are read now. Without a database the end forgets all."""
        self._bucket_url = bucket_url
        self._database = database
        self._known: dict[str, tuple[str, float]] = {}
        if database is not None:
            database.create(
                "CREATE TABLE IF NOT EXISTS results_elsewhere (path TEXT PRIMARY KEY, url TEXT, time REAL);"
                f"DELETE FROM results_elsewhere WHERE time < {time.time() - KNOWN_SECONDS}"
            )
            rows = database.read(f"SELECT * FROM results_elsewhere ORDER BY time DESC LIMIT {_MOST}")
            self._known = {path: (url, noted) for path, url, noted in reversed(rows)}

    def url(self, path: str) -> str | None:
        """Return where browsers read a result; None where it is not known to be in its channel's bucket."""
        url, noted = self._known.get(path, ("", 0.0))
        # Of another bucket than the channel's, nobody knows what it holds.
        if not url or time.time() - noted > KNOWN_SECONDS or url != self._bucket_url(path.partition("/")[0]):
            return None
        return f"{url}/{path}"

    def noted(self, path: str) -> float:
        """Return when a result was stored there, in seconds since 1970; 0 where it is not there."""
        return 0.0 if self.url(path) is None else self._known[path][1]

    async def note(self, path: str, url: str) -> None:
        """Note that a result was stored in the bucket at `url`."""
        self._known.pop(path, None)
        noted = time.time()
        self._known[path] = (url, noted)
        if len(self._known) > _MOST:
            await self.forget(next(iter(self._known)))
        await self._change("INSERT OR REPLACE INTO results_elsewhere VALUES (?, ?, ?)", path, url, noted)

    async def forget(self, path: str) -> None:
        """Note that a result is on this node, or nowhere."""
        if self._known.pop(path, None) is not None:
            await self._change("DELETE FROM results_elsewhere WHERE path = ?", path)

    async def _change(self, sql: str, *values: str | float) -> None:
        # A result that is forgotten is computed again: a full disk must not lose one that is there.
        with suppress(NodeError):
            if self._database is not None:
                await self._database.execute(sql, values)
