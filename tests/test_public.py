"""What is public: the names that the package's front gives, for programs and for type checkers alike, all described."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import seriesview

ROOT = Path(__file__).parent.parent


def names_for_type_checkers() -> dict[str, str]:
    """Public name -> the module that it is imported from."""
    tree = ast.parse(Path(seriesview.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {str(alias.asname): str(node.module) for node in imports for alias in node.names}


def test_type_checkers_and_programs_see_the_same() -> None:
    assert names_for_type_checkers() == seriesview._HOMES
    assert set(seriesview.__all__) == {*seriesview._HOMES, "__version__"}
    for name, home in seriesview._HOMES.items():
        assert getattr(seriesview, name) is getattr(sys.modules[home], name)


def test_every_public_name_is_described() -> None:
    page = (ROOT / "docs" / "python.md").read_text()
    assert [name for name in seriesview.__all__ if not re.search(rf"\b{name}\b", page)] == []


def test_the_front_loads_nothing_before_it_is_used() -> None:
    program = "import sys, seriesview; print([name for name in ('numpy', 'click', 'uvicorn') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
