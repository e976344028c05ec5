"""Which results lie in a channel's bucket: kept over a restart, and no more of them than a node can hold."""

import asyncio
from pathlib import Path

import pytest

from seriesview.node import results_elsewhere
from seriesview.node.database import Database
from seriesview.node.results_elsewhere import ResultsElsewhere

URL = "https://bucket.example/results"


def known(database: Database) -> dict[str, str | None]:
    """Where the results of paths 0 to 9 are after a restart."""
    elsewhere = ResultsElsewhere(lambda _: URL, database)
    return {str(number): elsewhere.url(f"demo/{number}") for number in range(10)}


def test_a_restart_keeps_what_was_noted_and_not_what_was_forgotten(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")

    async def note() -> None:
        elsewhere = ResultsElsewhere(lambda _: URL, database)
        await elsewhere.note("demo/1", URL)
        await elsewhere.note("demo/2", URL)
        await elsewhere.forget("demo/1")

    asyncio.run(note())
    assert {number for number, url in known(database).items() if url} == {"2"}
    assert ResultsElsewhere(lambda _: "https://another.example", database).url("demo/2") is None
    database.close()


def test_only_the_last_ones_are_kept_on_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_elsewhere, "_MOST", 3)
    database = Database(tmp_path / "db")

    async def note() -> None:
        elsewhere = ResultsElsewhere(lambda _: URL, database)
        for number in range(10):
            await elsewhere.note(f"demo/{number}", URL)

    asyncio.run(note())
    assert {number for number, url in known(database).items() if url} == {"7", "8", "9"}
    assert len(database.read("SELECT * FROM results_elsewhere")) == 3
    database.close()
