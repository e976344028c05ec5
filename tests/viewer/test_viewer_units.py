"""Runs the tests of the viewer's modules (*.test.js, by node), and looks at what the viewer is made of."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
VIEWER = HERE.parents[1] / "seriesview" / "viewer"
MOST_BYTES = 290 * 1000
MOST_LINES = 400
# import x from '...'; export x from '...'; import '...'; import('...'); new URL('...', import.meta.url)
IMPORTED = re.compile(
    r"""^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]"""
    r"""|^\s*import\s*['"]([^'"]+)['"]"""
    r"""|(?<!\{)\bimport\(\s*['"`]([^'"`]+)['"`]"""
    r"""|\bnew URL\(\s*['"`]([^'"`]+)['"`],\s*import\.meta\.url""",
    re.MULTILINE,
)
COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"`])//[^\n]*", re.DOTALL)


def modules() -> list[Path]:
    return sorted(VIEWER.rglob("*.js"))


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test.js")), ids=lambda path: path.name)
def test_unit(path: Path) -> None:
    node = shutil.which("node")
    assert node, "node is missing: tests/install-programs installs it"
    ended = subprocess.run(
        [node, "--test", path], capture_output=True, text=True, timeout=300, check=False, cwd=HERE.parents[1]
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_there_is_no_other_kind_of_code() -> None:
    kinds = {path.suffix for path in VIEWER.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert kinds <= {".js", ".css", ".html", ".svg", ".png", ".ico", ".json", ".py"}


def test_the_viewers_code_is_small() -> None:
    """What a browser takes from the node: each module packed with gzip, as the node sends it."""
    sizes = {str(path.relative_to(VIEWER)): len(gzip.compress(path.read_bytes())) for path in modules()}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_a_module_fits_in_the_head() -> None:
    long = {path.name: len(path.read_text().splitlines()) for path in modules()}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES and name != "types.js"} == {}


def test_modules_import_only_one_another() -> None:
    for module in modules():
        for groups in IMPORTED.findall(COMMENT.sub("", module.read_text())):
            target = next(group for group in groups if group)
            assert re.match(r"\.\.?/", target), f"{module.name} imports {target}"
            found = (module.parent / target).resolve()
            assert found.is_file(), f"{module.name} imports {target}, which is not there"
            assert found.is_relative_to(VIEWER), (
                f"{module.name} imports {target}, which is not shipped with it"
            )


def test_a_module_with_another_hosts_address_is_found_out() -> None:
    """The search above sees every way of importing."""
    forms = (
        "import a from 'http://x/a.js';",
        "import {\n  a,\n  b\n} from 'http://x/a.js';",
        "export * from 'http://x/a.js';",
        "import 'http://x/a.js';",
        "const a = await import('http://x/a.js');",
        "new Worker(new URL('http://x/a.js', import.meta.url), {type: 'module'});",
    )
    for form in forms:
        assert [group for groups in IMPORTED.findall(form) for group in groups if group] == ["http://x/a.js"]


def test_pages_and_styles_load_nothing_from_elsewhere() -> None:
    pages = [*VIEWER.rglob("*.html"), *VIEWER.rglob("*.css")]
    for page in pages:
        text = page.read_text()
        addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)|url\(\s*["']?([^"')]+)""", text)
        for address in (one or other for one, other in addresses):
            assert not re.match(r"(?:[a-z]+:)?//", address), f"{page.name} loads {address}"
        if page.suffix == ".html":
            assert not re.search(r"<style\b|\sstyle\s*=|\son[a-z]+\s*=", text), page.name
            assert not re.search(r"<script\b(?![^>]*\bsrc=)", text), page.name
