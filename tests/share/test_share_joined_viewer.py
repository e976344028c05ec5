"""The viewer as a node sends it: whole, and in a few files."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

from seriesview.share.joined_viewer import joined_viewer

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
