"""docs/dependencies.md names every dependency, and no other."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs" / "dependencies.md").read_text()
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [name for extra in extras.values() for name in extra]
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in wanted} - {"seriesview"}
    for name in names:
        assert re.search(rf"\b{re.escape(name)}\b", page) or (
            name.startswith("types-") and "types-*" in page
        ), name
    described = {
        row.split("|")[1].strip(" `")
        for row in page.splitlines()
        if row.startswith("| ") and "---" not in row
    }
    assert described - {"package", "extra", *extras} <= names
