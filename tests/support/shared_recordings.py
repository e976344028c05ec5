"""Files that other programs wrote, where somebody has put them: beside the checkout, or named by the environment."""

from __future__ import annotations

import os
from pathlib import Path

PLACE = Path(
    os.environ.get("SERIESVIEW_RECORDINGS", Path(__file__).resolve().parents[3] / "shared" / "recordings")
)


def shared_recordings(kind: str, pattern: str = "*") -> list[Path]:
    """Files of a kind, which is the name of their folder; empty where there are none."""
    return sorted(path for path in (PLACE / kind).rglob(pattern) if path.is_file())
