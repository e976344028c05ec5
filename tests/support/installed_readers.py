"""Readers of tests' own packages: found as an installed package's is, and forgotten with the test."""

import os
from functools import cache
from pathlib import Path

import pytest

from seriesview.readers import registry


def look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the installed readers anew: what was found before comes back when the test is over, and nothing else."""
    for name in ("_entry_points", "_load"):
        monkeypatch.setattr(registry, name, cache(getattr(registry, name).__wrapped__))


def install_reader(place: Path, name: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process and those that it starts find a reader (`module:Class`), whose module may lie in `place`."""
    information = place / f"seriesview_{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: seriesview-{name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{name} = {target}\n")
    support = str(Path(__file__).parent)
    inherited = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(place), support, inherited])))
    monkeypatch.syspath_prepend(str(place))
    look_again(monkeypatch)
