"""Who knows whom: the rooms' imports are those that docs/architecture.md allows, and modules stay small."""

import ast
import re
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
    "cloud": set(),
    "steps": {"envelope"},
    "store": {"cloud"},
    "series": {"envelope", "layout", "steps", "store"},
    "workspace": {"series", "store"},
    "build": {"envelope", "layout", "readers", "series", "steps", "store", "workspace"},
    "pictures": {"envelope", "series", "store", "workspace"},
    "upkeep": {"series", "store", "workspace"},
    "viewer": set(),
    "share": {"cloud", "series", "store", "upkeep", "viewer", "workspace"},
    "node": {"store"},
    "tasks": {"series", "store", "workspace"},
    "backend": {"cloud", "node", "share", "store", "tasks"},
    "live": {"build", "envelope", "layout", "pipeline", "readers", "series", "store"},
    "figures": {
        "backend",
        "build",
        "cloud",
        "live",
        "node",
        "objects",
        "pipeline",
        "readers",
        "series",
        "sessions",
        "share",
        "store",
        "viewer",
        "workspace",
    },
    "demo": set(),
    "objects": {"readers"},
    "config": {"readers", "steps", "workspace"},
    "sessions": {"series"},
    "pipeline": {
        "build",
        "config",
        "pictures",
        "readers",
        "series",
        "sessions",
        "store",
        "workspace",
    },
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
    "staging",
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


def test_nothing_is_told_to_another_room_behind_its_back() -> None:
    """Settings are arguments: none is put into the environment, and `series` keeps none beside its calls."""
    for name, path in MODULES.items():
        written = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Subscript | ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node).startswith("os.environ")
        ]
        # Jobs of the pipeline find the package's own commands.
        assert not written or name == "seriesview.config.environment", name
        assert "ContextVar(" not in path.read_text() or not name.startswith("seriesview.series."), name


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


# Nobody parses another's sentence. These read what a foreign program says in words alone, each in one place.
ADAPTERS = {
    "backend/client.py": "a kachery daemon answers 403 for more than one reason",
    "backend/requesting.py": "a kachery daemon has no codes",
    "readers/hdf5/file.py": "HDF5 has one OSError for a file that is locked, left open by a writer, or damaged",
    "readers/tables/text_table.py": "Arrow has one error for a cell that is no number and for a row of another width",
}
TAKING_APART = {
    "count",
    "endswith",
    "find",
    "index",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
} | {
    *("rfind", "rindex", "rpartition", "rsplit", "split", "splitlines", "startswith", "strip"),
    # Of regular expressions.
    *("findall", "finditer", "fullmatch", "match", "search", "sub"),
}
SENTENCE_FIELDS = ("advice", "args", "error_message", "message", "reason", "sentence", "strerror")


class SentenceReaders(ast.NodeVisitor):
    """Finds lines that look into the words of an error: one that was caught, or that came as an argument."""

    def __init__(self) -> None:
        self.errors: set[str] = set()
        self.texts: set[str] = set()
        self.lines: set[int] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer = self.errors, self.texts
        self.errors, self.texts = set(self.errors), set(self.texts)
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            annotation = "" if argument.annotation is None else ast.unparse(argument.annotation)
            if annotation.endswith(("Error", "Exception")):
                self.errors.add(argument.arg)
            if argument.arg in ("message", "error_message"):
                self.texts.add(argument.arg)
        self.generic_visit(node)
        self.errors, self.texts = outer

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.errors.add(node.name)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if self.is_sentence(node.value):
            self.texts |= names
        if isinstance(node.value, ast.Name) and node.value.id in self.errors:
            self.errors |= names
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for operator, other in zip(node.ops, node.comparators, strict=True):
            is_within = isinstance(operator, ast.In | ast.NotIn) and self.is_sentence(other)
            is_same = isinstance(operator, ast.Eq | ast.NotEq) and self.is_sentence(node.left)
            if is_within or (is_same and not self.is_sentence(other)):
                self.lines.add(node.lineno)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        is_reading = isinstance(node.func, ast.Attribute) and node.func.attr in TAKING_APART
        if is_reading and any(map(self.is_sentence, [node.func.value, *node.args])):
            self.lines.add(node.lineno)
        self.generic_visit(node)

    def is_sentence(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.texts
        if isinstance(node, ast.Attribute):
            is_error = isinstance(node.value, ast.Name) and node.value.id in self.errors
            return node.attr == "error_message" or (is_error and node.attr in SENTENCE_FIELDS)
        if isinstance(node, ast.Subscript):
            return self.is_sentence(node.value) or ast.unparse(node.slice) == "'errorMessage'"
        if isinstance(node, ast.BoolOp):
            return any(map(self.is_sentence, node.values))
        if isinstance(node, ast.JoinedStr):
            shown = [each.value for each in node.values if isinstance(each, ast.FormattedValue)]
            return any(isinstance(each, ast.Name) and each.id in self.errors for each in shown)
        if isinstance(node, ast.Call):
            if ast.unparse(node).endswith(".get('errorMessage')"):
                return True
            is_made = isinstance(node.func, ast.Name) and node.func.id in ("str", "repr", "one_line")
            is_error = any(isinstance(each, ast.Name) and each.id in self.errors for each in node.args)
            return is_made and (is_error or any(map(self.is_sentence, node.args)))
        return False


def lines_that_read_sentences(source: str) -> set[int]:
    visitor = SentenceReaders()
    visitor.visit(ast.parse(source))
    return visitor.lines


def test_no_module_parses_anothers_sentence() -> None:
    read = {
        str(path.relative_to(PACKAGE)): lines_that_read_sentences(path.read_text())
        for path in PACKAGE.rglob("*.py")
    }
    assert {name for name, lines in read.items() if lines} == set(ADAPTERS), read


@pytest.mark.parametrize(
    "line",
    [
        "if 'gone' in str(error): pass",
        "if str(error).startswith('linked'): pass",
        "text = str(error)\n    if re.search('gone', text): pass",
        "text = one_line(error)\n    rest = text.partition(';')",
        "if error.sentence == 'gone': pass",
        "if f'{error}'.endswith('gone'): pass",
        "if 'gone' in error.args[0]: pass",
        "if answer.get('errorMessage') == 'gone': pass",
        "pattern.sub('', str(error))",
    ],
)
def test_reading_a_sentence_is_seen(line: str) -> None:
    assert lines_that_read_sentences(f"try:\n    pass\nexcept Exception as error:\n    {line}\n")
    assert not lines_that_read_sentences(
        "try:\n    pass\nexcept Exception as error:\n    print(str(error), error.code)\n"
    )


WORDS = r"(?:message|errorMessage|sentence)"
METHODS = r"(?:endsWith|includes|indexOf|lastIndexOf|match|matchAll|replace|replaceAll|search|slice|split|startsWith)"
READING_IN_JAVASCRIPT = re.compile(
    rf"\b{WORDS}\)*\??\.{METHODS}\(|\.(?:test|exec)\([^;{{}}]*\b{WORDS}\b|\b{WORDS}\)* *[!=]==? *['\"`A-Z]"
    rf"|['\"`] *[!=]==? *(?:\w+\.)?{WORDS}\b"
)


def test_no_module_of_the_pages_parses_anothers_sentence() -> None:
    for path in (path for room in ("viewer", "node/page") for path in (PACKAGE / room).rglob("*.js")):
        found = READING_IN_JAVASCRIPT.search(path.read_text())
        assert found is None, f"{path.name}: {found[0]}"
    for line in (
        "/gone/.test(message)",
        "cause.message.includes('x')",
        "errorMessage === NOT_FOUND",
        "'a' === x.message",
    ):
        assert READING_IN_JAVASCRIPT.search(line), line
