"""Filters on the fly, as the viewer's worker computes them (in node): milliseconds after the samples are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).parent / "filtering.js"


def main() -> None:
    """Print them."""
    node = shutil.which("node")
    if node is None:
        print("node is missing")
        return
    subprocess.run([node, PROGRAM], check=True)
