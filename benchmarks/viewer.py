"""The viewer in headless Chromium: its first picture, frames a second while it moves, memory, size of its code.

The first picture is of the demo workspace, from a node and a backend of this machine, in a browser that has
loaded nothing before; seconds count from the beginning of the navigation. A frame is one that shows another picture.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import unwatched_chromium
from benchmarks.direct_windows import served
from benchmarks.tasks import CHANNEL, serving
from benchmarks.windows import recording
from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.build.series import build_series
from seriesview.figures.node_access import connect, new_token, permit_links
from seriesview.node.pages import figure_path
from seriesview.store import Store, open_store, parse_uri
from seriesview.viewer.joined import joined_viewer
from seriesview.workspace.manifest import build_workspace

ROOT = Path(__file__).parent.parent
VIEWER = ROOT / "seriesview" / "viewer"
CODE_LIMIT = 200_000
FIRST_LIMIT = 1.0
LONG_TASK_LIMIT = 50
FRAMES_LIMIT = {32: 30, 384: 10}
COLUMNS = 1500
OPENINGS = 5
FAR_MILLISECONDS = 100
MOVING_SECONDS = 4
MOVES = 1000
FILLING_MOVES = 400
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
ARGUMENTS += ["--disable-component-update", "--disable-sync", "--enable-precise-memory-info"]

# Notes, in every frame of a page, when panels were painted first and when all were painted for good.
_WATCH = """(() => {
  const since = performance.timeOrigin;
  globalThis.benchFirst = globalThis.benchAll = null;
  const look = () => {
    const shown = globalThis.seriesview?.panels?.() ?? [];
    const painted = shown.filter(panel => panel.painted);
    const now = performance.timeOrigin + performance.now();
    if (painted.length && globalThis.benchFirst === null) globalThis.benchFirst = now;
    if (shown.length && painted.length === shown.length) globalThis.benchAll ??= now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();"""

# Moves once an animation frame, and counts those in which the first panel shows another picture.
_MOVE = """async ([kind, seconds]) => {
  await seriesview.settled();
  const longest = {task: 0, gap: 0};
  const observer = new PerformanceObserver(list => {
    for (const entry of list.getEntries()) longest.task = Math.max(longest.task, entry.duration);
  });
  observer.observe({type: 'longtask'});
  const ladder = seriesview.timeline().ladder;
  const begin = seriesview.frame();
  const middle = (begin.leftColumn + begin.columns / 2) * begin.samplesPerColumn / begin.columnsPerSample;
  let shown = 0, number = -1, turn = 0, last = performance.now();
  const end = last + 1000 * seconds;
  while (performance.now() < end) {
    const now = await new Promise(resolve => requestAnimationFrame(() => resolve(performance.now())));
    longest.gap = Math.max(longest.gap, now - last);
    last = now;
    const painted = seriesview.panels()[0].painted;
    if (painted && painted.number !== number) { shown += 1; number = painted.number; }
    turn += 1;
    if (kind === 'pan') {
      const back = Math.floor(turn / 120) % 2;
      seriesview.setState({leftColumn: seriesview.frame().leftColumn + (back ? -11 : 11)}, 'replace');
    } else {
      const steps = Math.max(ladder.length - 4, 1), place = turn % (2 * steps);
      const samplesPerColumn = ladder[place < steps ? place : 2 * steps - place];
      const leftColumn = Math.round(middle / samplesPerColumn - begin.columns / 2);
      seriesview.setState({samplesPerColumn, columnsPerSample: 1, leftColumn}, 'replace');
    }
  }
  observer.disconnect();
  return {frames: shown / seconds, ...longest};
}"""

_RANDOM_MOVES = """async number => {
  const ladder = seriesview.timeline().ladder, {columns} = seriesview.frame();
  const {startTime, endTime, ticksPerSecond} = seriesview.timeline();
  for (let turn = 0; turn < number; turn += 1) {
    const samplesPerColumn = ladder[Math.floor(Math.random() * ladder.length)];
    const last = (endTime - startTime) * ticksPerSecond / samplesPerColumn;
    const leftColumn = Math.floor(Math.random() * last - columns / 2);
    seriesview.setState({samplesPerColumn, columnsPerSample: 1, leftColumn}, 'replace');
    await seriesview.settled();
  }
}"""


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, from playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield browser
        browser.close()


def built_demo(directory: Path) -> str:
    """URI of the demo's workspace, built into the store `directory`/storage."""
    command = [
        sys.executable,
        "-m",
        "seriesview.cli.main",
        "build",
        str(ROOT / "config.yaml"),
        "--cores",
        "all",
    ]
    environment = os.environ | {"KACHERY_STORAGE_DIR": str(directory / "storage")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    (directory / "demo").mkdir()
    done = subprocess.run(
        command, cwd=directory / "demo", env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return str(json.loads((directory / "demo" / "results" / "workspace.json").read_text())["uri"])


def built_noise(store: Store, directory: Path, channels: int) -> str:
    """URI of a workspace with one panel of so many channels."""
    path = directory / f"{channels}.npy"
    np.save(path, recording(64_000_000 // channels, channels))
    dataset = dataset_from_config("raw", {"path": str(path), "sampling_frequency": 30_000})
    series = build_series(
        dataset, build_artifacts(dataset, Job(store, directory / f"{channels}.jsonl")), store
    )
    document = build_workspace("noise", [("raw", str(series["uri"]))], types={"raw": "continuous"})
    return store.put_json(document, name="workspace.json")


def link(uri: str) -> str:
    """Where the node shows a workspace, to a browser that was never there."""
    port = int(os.environ["KACHERY_DAEMON_PORT"])
    token = new_token(connect(Path(os.environ["KACHERY_STORAGE_DIR"]), ("127.0.0.1", port)), uri)
    path = figure_path("/view/seriesview", parse_uri(uri)[0], CHANNEL, "bench")
    return f"http://127.0.0.1:{port}{path}#token={token}"


def opened(browser: Any, address: str, height: int = 900) -> tuple[Any, Any]:
    """(page, the viewer's frame) of a browser that knows nothing; the canvases have COLUMNS columns."""
    context = browser.new_context(viewport={"width": COLUMNS + 100, "height": height})
    context.add_init_script(_WATCH)
    page = context.new_page()
    page.goto(address)
    frame = page.wait_for_selector("iframe", state="attached").content_frame()
    while not frame.evaluate("Boolean(globalThis.seriesview)"):
        page.wait_for_timeout(5)
    frame.evaluate("seriesview.settled()")
    return page, frame


def code_size() -> None:
    """Print how much JavaScript there is."""
    sources = [path.read_bytes() for path in VIEWER.rglob("*.js")]
    sent = [content for path, content in joined_viewer().items() if path.endswith(".js")]
    packed = sum(len(gzip.compress(script)) for script in sent)
    print(
        f"JavaScript: {packed / 1000:.0f} kB as a node sends it, {sum(map(len, sent)) / 1000:.0f} kB unpacked, "
        f"{sum(map(len, sources)) / 1000:.0f} kB in {len(sources)} files of source; limit {CODE_LIMIT / 1000:.0f} kB"
    )


def first_pictures(browser: Any, uri: str) -> None:
    """Print how long it is until the demo is seen."""
    taken = []
    for _ in range(OPENINGS):
        page, frame = opened(browser, link(uri))
        begin = page.evaluate("performance.timeOrigin")
        done = frame.evaluate("performance.timeOrigin + performance.now()")
        first, every = frame.evaluate("[benchFirst, benchAll]")
        taken.append([(moment - begin) / 1000 for moment in (first, every, done)])
        page.context.close()
    first, every, exact = np.median(taken, axis=0)
    print(
        f"demo, cold: first panel {first:.2f} s, all panels {every:.2f} s, all exact {exact:.2f} s after navigation "
        f"(median of {OPENINGS}, slowest {np.max(taken, axis=0)[1]:.2f} s); limit {FIRST_LIMIT:g} s",
        flush=True,
    )


def from_far_away(browser: Any, uri: str, directory: Path) -> None:
    """Print how long it is until an exported folder is seen that lies on a host far away."""
    folder = directory / "export"
    environment = os.environ | {"KACHERY_STORAGE_DIR": str(directory / "storage")}
    command = [sys.executable, "-m", "seriesview.cli.main", "export", uri, str(folder)]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    command = [sys.executable, str(folder / "serve.py"), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        taken = []
        for _ in range(OPENINGS):
            context = browser.new_context(viewport={"width": COLUMNS + 100, "height": 900})
            context.add_init_script(_WATCH)
            page = context.new_page()
            network = {"latency": FAR_MILLISECONDS, "downloadThroughput": -1, "uploadThroughput": -1}
            session = context.new_cdp_session(page)
            session.send("Network.enable")
            session.send("Network.emulateNetworkConditions", {"offline": False, **network})
            page.goto(address)
            while page.evaluate("globalThis.benchAll ?? null") is None:
                page.wait_for_timeout(5)
            first, every = page.evaluate("[benchFirst, benchAll].map(time => time - performance.timeOrigin)")
            taken.append([first / 1000, every / 1000])
            context.close()
        server.terminate()
    first, every = np.median(taken, axis=0)
    print(
        f"demo, exported, each answer {FAR_MILLISECONDS} ms later: first panel {first:.2f} s, all panels {every:.2f} s "
        f"after navigation (median of {OPENINGS})",
        flush=True,
    )


def moving(browser: Any, address: str, channels: int, how: str) -> None:
    """Print frames a second and the longest task; `how` windows come."""
    page, frame = opened(browser, address)
    wide = frame.evaluate("seriesview.frame()")["columns"]
    page.set_viewport_size({"width": COLUMNS + 100 + COLUMNS - wide, "height": 900})
    frame.evaluate("seriesview.settled()")
    columns = frame.evaluate("seriesview.frame()")["columns"]
    for kind in ("pan", "zoom"):
        for turn in ("first time", "again"):
            found = frame.evaluate(_MOVE, [kind, MOVING_SECONDS])
            print(
                f"{channels} channels x {columns} columns, {how}, {kind}, {turn}: "
                f"{found['frames']:.0f} pictures a second (limit {FRAMES_LIMIT[channels]}), "
                f"longest task {found['task']:.0f} ms (limit {LONG_TASK_LIMIT}; 0: under 50), "
                f"longest wait between animation frames {found['gap']:.0f} ms",
                flush=True,
            )
    page.context.close()


def memory(uri: str) -> None:
    """Print what random moves leave behind: caches fill in the first ones."""
    with unwatched_chromium.browser(ARGUMENTS) as browser:
        page = unwatched_chromium.ViewerPage(browser, link(uri), COLUMNS + 100, 900)
        page.evaluate("seriesview.settled()")
        sizes = [page.megabytes()]
        for _ in range((FILLING_MOVES + MOVES) // 200):
            page.evaluate(f"({_RANDOM_MOVES})(200)")
            sizes.append(page.megabytes())
    words = ", ".join(f"{heap:.1f} and {whole:.0f}" for heap, whole in sizes)
    full = [whole for _, whole in sizes[FILLING_MOVES // 200 :]]
    print(
        f"memory after 0, 200, ..., {FILLING_MOVES + MOVES} random moves, MB of the page's heap and of all renderers: "
        f"{words}; over the last {MOVES}, when caches are full: from {full[0]:.0f} to {full[-1]:.0f}",
        flush=True,
    )


def main() -> None:
    """Print them all."""
    code_size()
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as name:
        directory = Path(name)
        demo = built_demo(directory)
        with open_store(directory / "storage", "embedded") as store:
            noise = {channels: built_noise(store, directory, channels) for channels in FRAMES_LIMIT}
        permit_links(directory / "storage", CHANNEL, lambda _: None)
        try:
            with serving(False, directory / "storage"):
                with chromium() as browser:
                    first_pictures(browser, demo)
                    from_far_away(browser, demo, directory)
                    for channels, uri in noise.items():
                        moving(browser, link(uri), channels, "by task")
                memory(demo)
            with chromium() as browser:
                for channels, uri in noise.items():
                    with served(directory / "storage", uri) as address:
                        moving(browser, address, channels, "directly")
        finally:
            os.environ.clear()
            os.environ.update(before)


if __name__ == "__main__":
    main()
