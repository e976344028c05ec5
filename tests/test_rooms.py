"""Who knows whom: the rooms' imports are those that docs/architecture.md allows, and modules stay small."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "seriesview"
MOST_LINES = 400

# Beside themselves and `errors`.
KNOWN = {
    "envelope": set(),
    "layout": set(),
    "readers": {"layout"},
    "store": set(),
    # The package: its figures, which show a series and a workspace in a notebook, come by its front door.
    "series": {"envelope", "layout", "store", "the package"},
    "workspace": {"series", "store", "the package"},
    "build": {"envelope", "layout", "readers", "series", "store", "workspace"},
    "pictures": {"envelope", "series", "store", "workspace"},
    "upkeep": {"series", "store", "workspace"},
    "viewer": set(),
    "share": {"series", "store", "upkeep", "viewer", "workspace"},
    "node": {"store"},
    "tasks": {"series", "store", "workspace", "the package"},
    "backend": {"node", "store", "tasks"},
    "figures": {"backend", "node", "store", "viewer", "workspace"},
    "demo": set(),
    "config": {"readers", "workspace"},
    "pipeline": {"build", "config", "pictures", "readers", "series", "store", "workspace"},
}
# The node knows of the store what every kachery user does: where files lie and how they get there whole.
NODE_KNOWS = {
    "buffers",
    "chunks",
    "direct",
    "faults",
    "folders",
    "links",
    "paths",
    "permissions",
    "reading",
    "uris",
    "writer",
}


def imports(module: Path) -> set[str]:
    """Dotted names of the package's modules that a module imports, those for types alone included."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seriesview"):
            found.add(str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("seriesview")}
    return found


@pytest.mark.parametrize("room", sorted(KNOWN))
def test_a_room_knows_only_whom_it_may(room: str) -> None:
    for module in (PACKAGE / room).rglob("*.py"):
        for name in imports(module):
            known = name.split(".")[1] if "." in name else "the package"
            assert known in KNOWN[room] | {room, "errors"}, f"{room}/{module.name} imports {name}"
            if room == "node" and known == "store":
                assert name.split(".")[-1] in NODE_KNOWS, f"{room}/{module.name} imports {name}"


def test_every_room_is_described() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms - {"cli"} == set(KNOWN)
    assert all(f"`seriesview/{room}/`" in page for room in rooms)


def test_a_module_fits_in_the_head() -> None:
    long = {path.name: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}
