"""The node's SQLite database: one thread, one file, nothing acknowledged before it is on disk."""

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from seriesview.errors import NodeError
from seriesview.store.folders import Folder

DATABASE_FILE = "seriesview-node.db"

Result = TypeVar("Result")
Row = tuple[Any, ...]
_Job = tuple[Callable[[sqlite3.Connection], Any], "Future[Any]"]

_MOST_AT_ONCE = 256
_JOURNAL_BYTES = 2**23
"""What the file beside the database is cut to after a large transaction."""


class Database:
    """A SQLite database used by one thread; what is awaited is on disk when the await ends.

    Jobs that wait together share a transaction, and so one sync of the disk; one that fails is undone alone.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the database; NodeError where another node has it or it cannot be used."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection = _open(path)
        self._thread = threading.Thread(target=self._work, name="node-database", daemon=True)
        self._thread.start()

    async def run(self, function: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `function` in the database's thread, as a whole or, where it raises, not at all."""
        job: Future[Result] = Future()
        self._jobs.put((function, job))
        return await asyncio.wrap_future(job)

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement that changes something; returns the number of rows that changed."""
        return await self.run(lambda connection: connection.execute(sql, parameters).rowcount)

    async def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a statement that only reads."""
        return await self.run(lambda connection: connection.execute(sql, parameters).fetchall())

    def read(self, sql: str) -> list[Row]:
        """Return the rows of a statement that only reads, at the start; waits for them."""
        job: Future[list[Row]] = Future()
        self._jobs.put((lambda connection: connection.execute(sql).fetchall(), job))
        return job.result()

    def create(self, schema: str) -> None:
        """Run statements at the start (CREATE TABLE IF NOT EXISTS ...), one per `;`; waits for them."""
        job: Future[Any] = Future()

        def run_all(connection: sqlite3.Connection) -> None:
            for statement in schema.split(";"):
                if statement.strip():
                    connection.execute(statement)

        self._jobs.put((run_all, job))
        job.result()

    def close(self) -> None:
        """Finish what waits, and close."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        while True:
            batch, last = self._next_batch()
            if batch:
                self._run(batch)
            if last:
                self._connection.close()
                return

    def _next_batch(self) -> tuple[list[_Job], bool]:
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            if len(batch) == _MOST_AT_ONCE:
                return batch, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _run(self, batch: list[_Job]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            self._connection.execute("BEGIN")
            for function, job in batch:
                if not job.set_running_or_notify_cancel():
                    continue
                self._connection.execute("SAVEPOINT job")
                try:
                    value = function(self._connection)
                except Exception as error:
                    self._connection.execute("ROLLBACK TO job")
                    is_fault = isinstance(error, sqlite3.Error) and not isinstance(
                        error, sqlite3.IntegrityError
                    )
                    job.set_exception(_fault(error) if is_fault else error)
                else:
                    done.append((job, value))
                self._connection.execute("RELEASE job")
            self._connection.execute("COMMIT")
        except Exception as error:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            fault = _fault(error)
            for _, job in batch:
                if not job.done():
                    job.set_exception(fault)
        else:
            for job, value in done:
                job.set_result(value)


def _fault(error: Exception) -> NodeError:
    """Return what to tell of an error of SQLite's."""
    code = _primary(error)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return NodeError(
            f"the node's database is damaged ({error}); stop the node and put {DATABASE_FILE} aside"
        )
    if code == sqlite3.SQLITE_FULL:
        return NodeError(
            "cannot write the node's database: the disk is full; free some space", code="no-space"
        )
    return NodeError(
        f"cannot use the node's database: {error}; check the disk, and the directory's permissions"
    )


def _primary(error: Exception) -> int:
    """Return SQLite's primary result code, 0 where it gave none."""
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _check_own(path: Path) -> None:
    """Make the database where it is missing; NodeError where it, or what SQLite keeps beside it, is not this user's."""
    with Folder.at(path.parent) as folder:
        with contextlib.suppress(FileExistsError):
            os.close(folder.create_file(path.name, os.O_RDWR, 0o600))
        for name in (path.name, *(f"{path.name}{ending}" for ending in ("-wal", "-shm", "-journal"))):
            status = folder.find(name)
            is_own = status is not None and status.st_uid == os.geteuid() and not status.st_mode & 0o022
            if not is_own and os.path.lexists(path.with_name(name)):
                raise NodeError(
                    f"{path.with_name(name)} is another user's, or others may write to it; put it aside, or choose "
                    "another --storage-dir"
                )


def _open(path: Path) -> sqlite3.Connection:
    if path.parent.is_dir() and not os.access(path.parent, os.W_OK):
        raise NodeError(f"cannot use {path}: its directory cannot be written; choose another --storage-dir")
    try:
        _check_own(path)
        connection = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
        # An exclusive lock needs no shared memory (network file systems), and keeps a second node out.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if _primary(error) == sqlite3.SQLITE_BUSY:
            raise NodeError(
                f"another node serves {path.parent}; stop it, or choose another --storage-dir"
            ) from error
        raise NodeError(f"cannot use {path}: {error}; check the directory and its permissions") from error
    except sqlite3.DatabaseError as error:
        raise NodeError(f"{path} is damaged ({error}); put it aside to start with an empty one") from error
    except OSError as error:
        raise NodeError(f"cannot use {path}: {error.strerror}") from error
    return connection
