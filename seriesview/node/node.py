"""The node: everything that its handlers share."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from seriesview.errors import NodeError
from seriesview.node.address_file import AddressFile
from seriesview.node.broker import TaskBroker
from seriesview.node.buckets import Buckets
from seriesview.node.channels import CHANNELS_FILE, Channels
from seriesview.node.codes import ClientCodes
from seriesview.node.config import NodeConfig
from seriesview.node.database import DATABASE_FILE, Database
from seriesview.node.feeds import Feeds
from seriesview.node.identity import load_identity
from seriesview.node.late_sync import LateSync
from seriesview.node.mutables import Mutables
from seriesview.node.one_thread import ShortCalls
from seriesview.node.quotas import Quotas
from seriesview.node.rare_warnings import RareWarnings
from seriesview.node.reach import Gate
from seriesview.node.result_keeping import ResultKeeping
from seriesview.node.results_elsewhere import ResultsElsewhere
from seriesview.node.tokens import TOKENS_FILE, Sessions, Tokens
from seriesview.store.writer import AtomicWriter

_THREADS = 8
"""For short calls: a block of a file to hash or to send."""
_LONG_CALLS = 4
"""For calls that may take minutes: a whole local file to hash or to copy."""


class Node:
    """One storage directory and what is served from it; made and used inside a running event loop."""

    def __init__(self, config: NodeConfig, port: int, stop_server: Callable[[], None]) -> None:
        """Take the storage directory; `port` is the one that is listened on. Raises NodeError, StoreError."""
        self.config = config
        self.limits = config.limits
        self.directory = config.storage_dir.absolute()
        self.port = port
        self.stop_server = stop_server
        self.warnings = RareWarnings()
        self.closing = asyncio.Event()
        """Set when the node stops: whatever waits for something should answer at once."""
        self.writer = AtomicWriter(self.directory)
        self.writer.prepare()
        # First: its lock keeps a second node from changing anything below.
        self.database = Database(self.directory / DATABASE_FILE)
        try:
            self.identity = load_identity(self.directory)
            self.key = self.identity.derive("tasks")
            self.channels = Channels(self.directory / CHANNELS_FILE)
            for name in config.channels:
                self.channels.ensure(name)
            self.buckets = Buckets(
                self.directory,
                self.identity.derive("bucket"),
                f"http://{_url_host(config.host)}:{port}",
                config.limits.signed_url_seconds,
                ResultsElsewhere(self._bucket_url, self.database),
            )
            self.broker = TaskBroker(
                self.key, self.buckets, config.task_limits, hides_results=config.reach is not None
            )
            self.mutables = Mutables(self.database)
            self.feeds = Feeds(self.database)
            self.tokens = Tokens(config.token_file, self.directory / TOKENS_FILE)
            self.quotas = Quotas(config.caller_limits)
            self.sessions = Sessions()
            self.codes = ClientCodes(self.directory, config.auth_group)
        except BaseException:
            self.database.close()
            raise
        self.threads = ThreadPoolExecutor(_THREADS, "node")
        self.short_calls = ShortCalls(self.threads)
        self.gate = Gate(config.reach, self.threads)
        self.names = LateSync((self.writer, self.buckets.writer), self.threads)
        self.long_calls = ThreadPoolExecutor(_LONG_CALLS, "node-long")
        self.results = ResultKeeping(
            self.buckets.directory, self.limits.kept_result_bytes, self.long_calls, self.closing.is_set
        )
        self._address_file = AddressFile(self.directory)
        self._background: list[asyncio.Task[None]] = []

    def _bucket_url(self, channel: str) -> str | None:
        found = self.channels.get(channel)
        return None if found is None else found.bucket_url

    async def start(self) -> None:
        """Let clients in: the first code is written before the port opens. Raises NodeError."""
        try:
            self.codes.rotate()
        except OSError as error:
            raise NodeError(
                f"cannot write the client-auth code in {self.directory}: {error.strerror}"
            ) from error
        self._background.append(asyncio.create_task(self.codes.rotate_forever()))
        self._address_file.write(_url_host(self.config.host), self.port)

    def begin_stop(self) -> None:
        """Have whatever waits for something answered at once."""
        self.closing.set()
        self.broker.close()
        self.feeds.wake()

    async def stop(self) -> None:
        """Stop what runs in the background and close the database."""
        self.begin_stop()
        self._address_file.remove()
        for task in self._background:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.names.stop()
        for pool in (self.long_calls, self.threads):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
        self.buckets.close()
        self.database.close()


def _url_host(host: str) -> str:
    """Return the host of the node's own address, where no request says how it is reached."""
    if host in ("0.0.0.0", "::", "", "localhost"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
