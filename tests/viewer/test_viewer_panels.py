"""Types of panels: a module each in panels/, those that Python knows, and named nowhere else."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from seriesview.workspace.panels import PANEL_TYPES

VIEWER = Path(__file__).parents[2] / "seriesview" / "viewer"


def test_the_viewer_draws_what_python_puts_into_panels() -> None:
    script = f"""
      const {{ TYPES }} = await import('{(VIEWER / "panels" / "registry.js").as_uri()}');
      console.log(JSON.stringify(TYPES));
    """
    node = shutil.which("node")
    assert node, "node is missing: tests/install-programs installs it"
    ended = subprocess.run(
        [node, "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    drawn = {found["name"]: found for found in json.loads(ended.stdout)}
    assert list(drawn) == list(PANEL_TYPES)
    for name, panel_type in PANEL_TYPES.items():
        assert set(panel_type.series_types) <= set(drawn[name]["seriesTypes"])
        assert drawn[name].get("defaultFor") == panel_type.default_for


def test_there_is_one_list_of_panel_types() -> None:
    """Whoever needs a type asks the registry: elsewhere no name stands, and in each of its modules its own alone."""
    for module in VIEWER.rglob("*.js"):
        found = [name for name in PANEL_TYPES if re.search(rf"'{name}'", module.read_text())]
        is_type = module.parent.name == "panels" and module.name != "registry.js"
        assert len(found) == is_type, f"{module}: {found}"


def test_every_panel_type_is_described() -> None:
    page = (VIEWER.parents[1] / "docs" / "viewer.md").read_text()
    assert re.findall(r"^\| (\w+) \| [a-z]", page, re.MULTILINE)[: len(PANEL_TYPES)] == list(PANEL_TYPES)
