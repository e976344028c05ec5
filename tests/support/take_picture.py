"""Takes the picture of the viewer that README.md shows: `python tests/support/take_picture.py` after `make demo`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from browsing import ARGUMENTS, PROGRAM
from playwright.sync_api import sync_playwright
from static_servers import StaticServer
from viewer_places import Places, show

ROOT = Path(__file__).parents[2]
SIZE = {"width": 1240, "height": 860}
STATE = {
    "view": 0,
    "samplesPerColumn": 448,
    "columnsPerSample": 1,
    "leftColumn": 1380,
    "columns": 1140,
    "panels": {},
}
HEIGHTS = (216, 90, 90, 70, 70)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "workspace.json")
    parser.add_argument("--storage-dir", type=Path, default=ROOT / "kachery-storage")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "viewer.png")
    options = parser.parse_args()
    workspace = json.loads(options.results.read_text())["uri"]
    server = StaticServer(options.storage_dir, {})
    places = Places(None, server, server, options.storage_dir)
    state = STATE | {"panels": {str(number): {"height": height} for number, height in enumerate(HEIGHTS)}}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        page = browser.new_context(viewport=SIZE, color_scheme="light").new_page()
        viewer = show(page, places.address("static", workspace, state))
        page.wait_for_load_state("networkidle")
        viewer.inside.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        page.screenshot(path=options.out)
        browser.close()
    server.close()
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
