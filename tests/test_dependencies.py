"""docs/dependencies.md names every dependency, and no other."""

import json
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


def test_every_package_of_the_viewers_checks_has_its_reason() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert "dependencies" not in package
    assert set(package["devDependencies"]) == set(re.findall(r"^- ([\w@/.-]+):", page, re.MULTILINE))


def test_the_lock_of_packages_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
