"""Very many artifacts in a storage directory: how they lie in folders, and what storing and finding one takes then."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.measuring import amount, print_table
from seriesview.store import open_store
from seriesview.upkeep.garbage import find_garbage


def print_folders(directory: Path, count: int) -> None:
    """Print what `count` small artifacts take."""
    place = directory / "kachery"
    with open_store(place, "embedded") as store:
        began = time.process_time()
        for number in range(count):
            last = store.put_part(number.to_bytes(8, "little"))
        store.flush()
        storing = time.process_time() - began
        began = time.process_time()
        for number in range(1000):
            assert store.exists(f"sha1://{last.hex()}/part.dat")
            store.exists(f"sha1://{number:040x}/part.dat")
        finding = (time.process_time() - began) / 2000
        began = time.process_time()
        find_garbage(store)
        collecting = time.process_time() - began
    folders = files = most = 0
    for _, inner, names in os.walk(place / "sha1"):
        folders += len(inner)
        files += len(names)
        most = max(most, len(names))
    assert files == count
    print_table(
        ("in a storage directory", f"{count:,} artifacts"),
        [
            ["folders that they lie in", f"{folders:,}"],
            ["most of them in one folder", f"{most}"],
            ["storing one", f"{1e6 * storing / count:.0f} us of the processor"],
            ["finding one, or that it is not there", f"{1e6 * finding:.0f} us"],
            [
                "`gc`: what nothing reaches",
                f"{collecting:.1f} s, {amount(1e6 * collecting / count)} us an artifact",
            ],
        ],
    )
