"""The node's database: what is awaited is on disk, what fails is undone alone."""

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from seriesview.errors import NodeError
from seriesview.node.database import Database

TABLE = "CREATE TABLE IF NOT EXISTS numbers (number INTEGER PRIMARY KEY)"


def test_jobs_that_wait_together_fail_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    database.create(TABLE)

    async def insert_many() -> list[object]:
        inserts = [database.execute("INSERT INTO numbers VALUES (?)", (number % 30,)) for number in range(60)]
        return await asyncio.gather(*inserts, return_exceptions=True)

    async def count() -> int:
        found: int = (await database.query("SELECT count(*) FROM numbers"))[0][0]
        return found

    outcomes = asyncio.run(insert_many())
    assert outcomes[:30] == [1] * 30
    assert all(isinstance(outcome, sqlite3.IntegrityError) for outcome in outcomes[30:])
    assert asyncio.run(count()) == 30
    database.close()
    database.close()


def test_a_job_that_fails_halfway_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    database.create(TABLE)

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO numbers VALUES (1)")
        raise KeyError("half")

    async def both() -> list[tuple[int]]:
        with pytest.raises(KeyError):
            await database.run(half)
        return await database.query("SELECT number FROM numbers")

    assert asyncio.run(both()) == []
    database.close()


def test_a_cancelled_wait_does_no_harm(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    database.create(TABLE)

    async def cancelled() -> int:
        jobs = [
            asyncio.ensure_future(database.execute("INSERT INTO numbers VALUES (?)", (number,)))
            for number in range(50)
        ]
        await asyncio.sleep(0)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        found: int = (await database.query("SELECT count(*) FROM numbers"))[0][0]
        return found

    assert 0 <= asyncio.run(cancelled()) <= 50
    database.close()


def test_what_was_acknowledged_survives_sigkill(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        database = Database(tmp_path / "db")
        database.create(TABLE)

        async def insert_for_ever() -> None:
            for number in range(100_000):
                await database.execute("INSERT INTO numbers VALUES (?)", (number,))
                os.write(writer, b"%d\n" % number)

        asyncio.run(insert_for_ever())
    os.close(writer)
    with os.fdopen(reader) as lines:
        acknowledged = [int(lines.readline()) for _ in range(50)]
        os.kill(child, signal.SIGKILL)
        acknowledged += [int(line) for line in lines if line.endswith("\n")]
    os.waitpid(child, 0)
    database = Database(tmp_path / "db")
    found = asyncio.run(database.query("SELECT number FROM numbers ORDER BY number"))
    database.close()
    assert [row[0] for row in found][: len(acknowledged)] == acknowledged


def test_another_user_of_the_file_is_named(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    with pytest.raises(NodeError, match="another node"):
        Database(tmp_path / "db")
    database.close()
    Database(tmp_path / "db").close()


@pytest.mark.parametrize("text", [b"not a database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_said(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "db").write_bytes(text)
    with pytest.raises(NodeError, match="damaged"):
        Database(tmp_path / "db")


def test_a_directory_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="cannot use"):
        Database(tmp_path / "missing" / "db")


def test_damage_that_is_met_later_is_said(tmp_path: Path) -> None:
    path = tmp_path / "db"
    database = Database(path)
    database.create("CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT)")
    asyncio.run(database.execute("INSERT INTO texts VALUES (1, ?)", ("x" * 3000,)))
    database.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\x55" * 4096 + whole[8192:])
    database = Database(path)
    with pytest.raises(NodeError, match="damaged"):
        asyncio.run(database.query("SELECT text FROM texts"))
    database.close()


def test_the_journal_is_cut_after_a_large_transaction(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    database.create("CREATE TABLE texts (text TEXT)")

    def write_much(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO texts VALUES (?)", [("x" * 100_000,)] * 200)

    asyncio.run(database.run(write_much))
    for _ in range(3):
        asyncio.run(database.execute("INSERT INTO texts VALUES ('y')"))
    assert (tmp_path / "db-wal").stat().st_size < 10_000_000
    database.close()
