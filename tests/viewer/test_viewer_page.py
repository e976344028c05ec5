"""docs/viewer.md names every key that the viewer listens to."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
APP = ROOT / "seriesview" / "viewer" / "app"
ALSO = {"=": "+", "_": "-"}
"""Keys that are others without Shift on some keyboards."""


def test_every_key_is_documented() -> None:
    page = (ROOT / "docs" / "viewer.md").read_text()
    documented = set(re.findall(r"<kbd>(.+?)</kbd>", page))
    code = (APP / "keys.js").read_text() + (APP / "tools" / "index.js").read_text()
    code += (APP / "tools" / "filterMenu.js").read_text()
    lists = re.findall(r"keys: \[(.+?)\]|\[\s*'[A-Z][^']*',\s*\[([^\]]+)\]", code)
    keys = {key for found in lists for key in re.findall(r"'([^']+)'", "".join(found))}
    assert {"g", "?", "ArrowLeft", "Alt+PageUp"} <= keys
    named = {ALSO.get(key, key) for key in keys}
    parts = {part for key in named for part in ([key] if key == "+" else key.split("+"))}
    assert parts <= documented, parts - documented
