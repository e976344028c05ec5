"""Small recordings of several kinds, and a home of their own for what builds note."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from closed_port import CLOSED_PORT

Entries = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, in which nothing is known of earlier builds, and no daemon answers."""
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    return directory


@pytest.fixture
def raw(here: Path) -> dict[str, Any]:
    """A flat binary file of the working directory, and the keys that open it."""
    samples = np.random.default_rng(1).normal(0, 300, (60_000, 6)).astype("int16")
    samples.tofile(here / "raw.dat")
    return {"path": "raw.dat", "dtype": "int16", "channels": 6, "sampling_frequency": 1000}


@pytest.fixture
def spikes(here: Path) -> dict[str, Any]:
    """A table of events."""
    times = np.sort(np.random.default_rng(2).uniform(0, 60, 200))
    lines = [f"{time:.6f},unit{index % 3}" for index, time in enumerate(times)]
    (here / "spikes.csv").write_text("\n".join(["time,unit", *lines, ""]))
    return {"path": "spikes.csv", "type": "event"}


@pytest.fixture
def config(raw: dict[str, Any], spikes: dict[str, Any]) -> dict[str, Any]:
    """A configuration of both: the samples as a whole, and spread over jobs under another name."""
    return {
        "workspace": "rat7",
        "store": {"storage_dir": "storage", "mode": "embedded"},
        "datasets": {
            "raw": raw,
            "spread": raw | {"scatter": 3, "full_resolution": "store", "label": "Spread", "unit": "mV"},
            "spikes": spikes,
        },
        "views": [
            {
                "label": "All",
                "panels": [
                    {"type": "ContinuousTraces", "series": "spread"},
                    {"type": "RasterPlot", "series": "spikes", "label": "Units"},
                ],
            }
        ],
    }
