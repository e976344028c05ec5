"""Workspaces to share, the files of a folder, and running the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from waiting import MOST_SECONDS

from seriesview.store import Store
from seriesview.workspace.manifest import build_workspace, view_from_config

Array = np.ndarray[Any, Any]

RATE = 1000.0
"""Samples a second of `probe`."""


def make_workspace(store: Store, uris: dict[str, str], *names: str, label: str = "Night 7") -> str:
    """URI of a workspace of these series, with a view of all that has a panel."""
    kinds = {name: store.get_json(uris[name])["type"] for name in names}
    panels = {"continuous": "ContinuousTraces", "discrete": "EventAmplitudes", "event": "RasterPlot"}
    view = view_from_config(
        {
            "label": "all",
            "panels": [
                {"type": panels[kind], "series": name} for name, kind in kinds.items() if kind in panels
            ],
        }
    )
    document = build_workspace(
        label, [(name, uris[name]) for name in names], [view], [("lost", "/home/me/secret.dat: gone")], kinds
    )
    return store.put_json(document, name="workspace.json")


def files_of(directory: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by path."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def run(*arguments: object, expected: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """`seriesview` in a process of its own, with its output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KACHERY")}
    done = subprocess.run(
        [sys.executable, "-m", "seriesview.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=MOST_SECONDS,
        check=False,
        **more,
    )
    assert done.returncode == expected, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
