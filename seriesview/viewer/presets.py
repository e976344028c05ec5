"""The presets of filters: the table that the viewer offers, for commands and pages."""

from __future__ import annotations

import json
from typing import Any

from seriesview.viewer.files import VIEWER


def presets() -> dict[str, dict[str, Any]]:
    """What each preset is, by its name: `label`, `about`, `steps` and where it fits (viewer/steps/presets.js)."""
    text = (VIEWER / "steps" / "presets.js").read_text(encoding="utf-8")
    _, table = text.split("export const PRESETS = ")
    found: dict[str, dict[str, Any]] = json.loads(table.removesuffix(";\n"))
    return found
