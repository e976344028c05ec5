"""Real heart recordings, from the heartpy package."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

from seriesview.errors import SeriesviewError

HEART_FILES = ("data.csv", "data2.csv", "data3.csv")


def copy_heart_recordings(directory: str | Path) -> list[Path]:
    """Copy heartpy's recordings into `directory`; SeriesviewError where heartpy is not installed."""
    spec = importlib.util.find_spec("heartpy")
    if spec is None or spec.origin is None:
        raise SeriesviewError(
            "demo: the heart recordings come with the package heartpy, which is not installed: "
            "pip install 'seriesview[demo]'"
        )
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    copies = []
    for name in HEART_FILES:
        source = Path(spec.origin).parent / "data" / name
        if not source.is_file():
            raise SeriesviewError(f"demo: heartpy has no {source}; install heartpy 1.2.7 or a later one")
        copy = target / name
        partial = copy.with_name(name + ".partial")
        shutil.copyfile(source, partial)
        partial.replace(copy)
        copies.append(copy)
    return copies
