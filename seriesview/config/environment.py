"""What the environment says beside config.yaml."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STORAGE_VARIABLE = "KACHERY_STORAGE_DIR"


def effective_store(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The configuration's `store`, with the directory that KACHERY_STORAGE_DIR names, if it does."""
    effective = dict(settings or {})
    if directory := os.environ.get(STORAGE_VARIABLE):
        effective["storage_dir"] = directory
    return effective


def find_own_commands() -> None:
    """Let jobs find the `seriesview` command of this Python, where the PATH has none."""
    commands = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), commands])
