"""What grows, and how: bytes, parts, sessions, artifacts and readers; prints the tables of docs/scaling.md.

Seconds are of the processor where nothing else is said. What is marked * is no measure: columns of a TB and of cores
are multiplied from what was measured, and sessions of an index and most parts of a series are made up.
`SERIESVIEW_BENCH_PARTS` names some of cost, year, folders, sessions, serving; `SERIESVIEW_BENCH_SIZE` makes all
smaller or larger (1), `SERIESVIEW_BENCH_DIR` says where it is all written.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.scaling.cost import print_cost
from benchmarks.scaling.folders import print_folders
from benchmarks.scaling.serving import print_serving
from benchmarks.scaling.sessions import print_sessions
from benchmarks.scaling.year import print_year

PARTS = {
    "cost": lambda folder, size: print_cost(folder, int(1e9 * size)),
    "year": lambda folder, size: print_year(folder, max(int(1e6 * size), 100)),
    "folders": lambda folder, size: print_folders(folder, int(2e4 * size)),
    "sessions": lambda folder, size: print_sessions(folder, int(10_000 * size), max(int(200 * size), 2)),
    "serving": lambda folder, size: print_serving(folder, 3 * size),
}


def main() -> None:
    """Print the tables."""
    size = float(os.environ.get("SERIESVIEW_BENCH_SIZE", 1))
    for name in os.environ.get("SERIESVIEW_BENCH_PARTS", ",".join(PARTS)).split(","):
        with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as directory:
            PARTS[name](Path(directory), size)
