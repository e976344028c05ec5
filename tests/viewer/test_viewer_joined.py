"""The viewer as a node sends it: whole, and in a few files."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

from seriesview.viewer.files import viewer_files
from seriesview.viewer.joined import joined_viewer, without_comments

MOST_BYTES = 200_000


def test_all_that_the_page_names_is_there() -> None:
    files = joined_viewer()
    page = files["index.html"].decode()
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert "viewer.js" in named
    assert set(named) <= set(files)
    assert len([path for path in files if path.endswith(".js")]) == 3


def test_the_scripts_are_scripts_and_start_the_worker(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "node is missing: tests/install-programs installs it"
    files = joined_viewer()
    for name in ("viewer.js", "worker.js"):
        script = tmp_path / name
        script.write_bytes(files[name])
        subprocess.run([node, "--check", script], check=True)
    page = files["viewer.js"].decode()
    # Started before anything else, and again where that one failed.
    assert page.index("new Worker(") < page.index("startApp")
    assert page.count("new Worker(new URL('worker.js', seriesviewScript))") == 2
    assert b"import.meta" not in files["viewer.js"] + files["worker.js"]


def test_a_browser_takes_little() -> None:
    sizes = {
        path: len(gzip.compress(content)) for path, content in joined_viewer().items() if path.endswith(".js")
    }
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_only_comments_and_indentation_are_taken_away(tmp_path: Path) -> None:
    """Written anew by the TypeScript compiler without comments, long and short modules are the same."""
    compiler = Path(__file__).parents[2] / "node_modules" / ".bin" / "tsc"
    assert compiler.exists(), f"{compiler} is missing: make test installs it"
    options = ["--allowJs", "--noCheck", "--removeComments", "--target", "esnext", "--module", "esnext"]
    options += ["--newLine", "lf", "--ignoreConfig"]
    written: list[dict[str, str]] = []
    for kind, shorten in (("long", str), ("short", without_comments)):
        for path, content in viewer_files().items():
            if path.endswith(".js"):
                script = tmp_path / kind / path
                script.parent.mkdir(parents=True, exist_ok=True)
                script.write_text(shorten(content.decode()))
        out = tmp_path / f"{kind}-written"
        scripts = sorted((tmp_path / kind).rglob("*.js"))
        subprocess.run([compiler, *options, "--outDir", out, *scripts], check=True)
        written.append({str(path.relative_to(out)): path.read_text() for path in out.rglob("*.js")})
    assert len(written[0]) > 50
    assert written[0] == written[1]
