"""Who knows whom: the rooms' imports are those that docs/architecture.md allows, and modules stay small."""

import ast
from pathlib import Path

import pytest

from seriesview.workspace.panels import PANEL_TYPES

PACKAGE = Path(__file__).parent.parent / "seriesview"
MOST_LINES = 400

# Beside themselves, and what everybody knows.
EVERYBODYS = {"errors", "documents", "terms"}
KNOWN = {
    "documents": set(),
    "envelope": set(),
    "layout": set(),
    "readers": {"layout"},
    "store": set(),
    "series": {"envelope", "layout", "store"},
    "workspace": {"series", "store"},
    "build": {"envelope", "layout", "readers", "series", "store", "workspace"},
    "pictures": {"envelope", "series", "store", "workspace"},
    "upkeep": {"series", "store", "workspace"},
    "viewer": set(),
    "share": {"series", "store", "upkeep", "viewer", "workspace"},
    "node": {"store"},
    "tasks": {"series", "store", "workspace"},
    "backend": {"node", "share", "store", "tasks"},
    "figures": {"backend", "node", "series", "share", "store", "viewer", "workspace"},
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


MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imports(module: Path) -> set[str]:
    """Dotted names of the package's modules that a module imports, those for types alone included."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seriesview"):
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else str(node.module) for name in whole}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("seriesview")}
    return found


@pytest.mark.parametrize("room", sorted(KNOWN))
def test_a_room_knows_only_whom_it_may(room: str) -> None:
    for module in (PACKAGE / room).rglob("*.py"):
        for name in imports(module):
            known = name.split(".")[1] if "." in name else "the package"
            assert known in KNOWN[room] | {room} | EVERYBODYS, f"{room}/{module.name} imports {name}"
            if room == "node" and known == "store":
                assert name.split(".")[-1] in NODE_KNOWS, f"{room}/{module.name} imports {name}"


def test_no_module_imports_itself_by_way_of_others() -> None:
    left = {name: imports(path) - {name} for name, path in MODULES.items()}
    while ends := {name for name, known in left.items() if not known & set(left)}:
        left = {name: known for name, known in left.items() if name not in ends}
    # What is left lies on a circle, or knows one: those that nobody left knows are not on it.
    while starts := set(left) - {name for known in left.values() for name in known}:
        left = {name: known for name, known in left.items() if name not in starts}
    assert not left, {name: sorted(known & set(left)) for name, known in left.items()}


def test_nobody_within_imports_the_front() -> None:
    assert [name for name, path in MODULES.items() if "seriesview" in imports(path)] == []


def test_every_room_is_described() -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms - {"cli"} == set(KNOWN)
    assert all(f"`seriesview/{room}/`" in page for room in rooms)


def test_a_module_fits_in_the_head() -> None:
    long = {path.relative_to(PACKAGE): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}


def test_there_is_one_list_of_panel_types() -> None:
    """Whoever needs a type asks `workspace/panels.py`: elsewhere neither its name stands nor a list of names."""
    # A position is also one of NWB's.
    names = set(PANEL_TYPES) - {"Position"}
    for module in PACKAGE.rglob("*.py"):
        if module == PACKAGE / "workspace" / "panels.py":
            continue
        for node in ast.walk(ast.parse(module.read_text())):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            assert text not in names, f"{module}:{node.lineno}: {text}"
            # A page may show two in an example.
            assert sum(name in text for name in PANEL_TYPES) < 3, f"{module}: {text}"
