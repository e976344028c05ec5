"""All files that the demo's config.yaml names, and how they are made."""

from __future__ import annotations

from pathlib import Path

from seriesview.demo.heart import HEART_FILES, copy_heart_recordings
from seriesview.demo.nwb_file import DEFAULT_SECONDS, DEFAULT_SEED, write_session

DEMO_DIRECTORY = "demo-data"
SESSION_FILE = "session.nwb"
DEMO_FILES = tuple(f"{DEMO_DIRECTORY}/{name}" for name in (SESSION_FILE, *HEART_FILES))


def write_demo_data(
    directory: str | Path, seconds: float = DEFAULT_SECONDS, seed: int = DEFAULT_SEED, *, heart: bool = True
) -> list[Path]:
    """Write session.nwb and, with `heart`, the heart recordings into `directory`; raises SeriesviewError."""
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    copies = copy_heart_recordings(target) if heart else []
    return [*copies, write_session(target / SESSION_FILE, seconds=seconds, seed=seed)]
