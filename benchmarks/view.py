"""`seriesview view` from Enter to the first exact panel, in a Chromium that is open; and again, when all is built.

The command runs on a terminal of its own; its link is opened as soon as it is printed. Files are warm, those of 30 GB
sparse. `SERIESVIEW_BENCH_VIEW_BYTES` sets the sizes (1e8,1e9,3e10), `SERIESVIEW_BENCH_DIR` where files lie.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.measuring import print_table
from benchmarks.viewer import COLUMNS, chromium

ROUNDS = 5
FIRST_LIMIT, AGAIN_LIMIT = 2.0, 1.2
_RATE = 30_000
_CHANNELS = (32, 384)
_SPARSE_BYTES = 4e9
_BUILT_BYTES = 2e9
"""Larger ones are not built to their end."""
_PATIENCE_SECONDS = 120.0

# Notes when a panel was painted first whose every column is exact, or cannot be had yet.
_WATCH = """(() => {
  globalThis.benchExact = null;
  const look = () => {
    const shown = globalThis.seriesview?.panels?.() ?? [];
    if (shown.some(({painted}) => painted?.isComplete)) globalThis.benchExact ??= Date.now() / 1000;
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();"""


class Terminal:
    """A command on a terminal; what it writes is taken all the time."""

    def __init__(self, *command: str) -> None:
        ours, theirs = pty.openpty()
        self.began = time.time()
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"DISPLAY": ""}
        )
        os.close(theirs)
        self._ours = ours
        self.written = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while text := os.read(self._ours, 65536):
                self.written += text.decode(errors="replace")
        except OSError:
            pass  # it has ended

    def wait_for(self, pattern: str) -> str:
        """What a pattern finds in what it writes."""
        self.wait_until(lambda: re.search(pattern, self.written))
        found = re.search(pattern, self.written)
        assert found is not None
        return found[0]

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Return when a condition holds; raises RuntimeError where the command has ended before."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(self.written)
            time.sleep(0.002)

    def end(self) -> None:
        """Ctrl-C, and its end."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_PATIENCE_SECONDS)
        self._thread.join()
        os.close(self._ours)


def write_flat(path: Path, num_bytes: int, channels: int) -> None:
    """Noise as rows of int16, or nothing where it is large."""
    with path.open("wb") as file:
        if num_bytes >= _SPARSE_BYTES:
            file.truncate(num_bytes // (2 * channels) * 2 * channels)
            return
        block = np.random.default_rng(0).normal(0, 300, (_RATE, channels)).astype("<i2").tobytes()
        for first in range(0, num_bytes, len(block)):
            file.write(block[: (num_bytes - first) // (2 * channels) * 2 * channels])


def write_hdf5(path: Path, num_bytes: int, channels: int) -> None:
    """The same as a contiguous dataset."""
    num_samples = num_bytes // (2 * channels)
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", (num_samples, channels), "<i2")
        data.attrs["sampling_frequency"] = float(_RATE)
        data[num_samples - 1] = 1
        if num_bytes < _SPARSE_BYTES:
            block = np.random.default_rng(0).normal(0, 300, (_RATE, channels)).astype("<i2")
            for first in range(0, num_samples, _RATE):
                data[first : first + _RATE] = block[: num_samples - first]


@contextmanager
def viewed(browser: Any, path: Path, keys: list[str]) -> Iterator[tuple[Terminal, float, float]]:
    """The command that shows a recording; seconds to its link, and to an exact panel."""
    terminal = Terminal(sys.executable, "-m", "seriesview.cli.main", "view", str(path), *keys)
    try:
        address = terminal.wait_for(r"http://\S+token=\S+(?=\s)")
        linked = time.time() - terminal.began
        context = browser.new_context(viewport={"width": COLUMNS + 100, "height": 900})
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.goto(address)
        frame = page.wait_for_selector("iframe", state="attached").content_frame()
        while (exact := frame.evaluate("globalThis.benchExact ?? null")) is None:
            page.wait_for_timeout(5)
        yield terminal, linked, exact - terminal.began
        context.close()
    finally:
        terminal.end()


def measured(browser: Any, directory: Path, form: str, num_bytes: int, channels: int) -> list[list[str]]:
    """Rows of the table for one recording."""
    path = directory / f"recording.{form}"
    keys = ["--no-browser", "--storage-dir", str(directory / "store")]
    if form == "dat":
        write_flat(path, num_bytes, channels)
        keys += ["--dtype", "int16", "--channels", str(channels), "--sampling-frequency", str(_RATE)]
    else:
        write_hdf5(path, num_bytes, channels)
    what = [{"dat": "flat", "h5": "HDF5"}[form], f"{num_bytes / 1e9:g} GB", str(channels)]
    os.sync()
    rows = []
    taken = []
    for turn in range(ROUNDS):
        forget(directory, path)
        with viewed(browser, path, keys) as (terminal, linked, exact):
            taken.append((linked, exact))
            if turn == ROUNDS - 1 and num_bytes <= _BUILT_BYTES:
                built = path.with_name(f"{path.name}.seriesview") / "results" / "report" / "series.html"
                terminal.wait_until(built.is_file)
    rows.append([*what, "first", *words(taken, FIRST_LIMIT)])
    if num_bytes <= _BUILT_BYTES:
        taken = []
        for _ in range(ROUNDS):
            with viewed(browser, path, keys[:3]) as (_, linked, exact):
                taken.append((linked, exact))
        rows.append([*what, "again", *words(taken, AGAIN_LIMIT)])
    forget(directory, path)
    path.unlink()
    return rows


def forget(directory: Path, path: Path) -> None:
    """Remove all that was made of a recording."""
    shutil.rmtree(directory / "store", ignore_errors=True)
    shutil.rmtree(path.with_name(f"{path.name}.seriesview"), ignore_errors=True)


def words(taken: list[tuple[float, float]], limit: float) -> list[str]:
    """Medians of seconds to the link and to the panel, the slowest, and the limit."""
    links, panels = zip(*taken, strict=True)
    return [
        f"{statistics.median(links):.2f}",
        f"{statistics.median(panels):.2f}",
        f"{max(panels):.2f}",
        f"{limit:g}",
    ]


def main() -> None:
    """Print the table."""
    sizes = [
        int(float(each)) for each in os.environ.get("SERIESVIEW_BENCH_VIEW_BYTES", "1e8,1e9,3e10").split(",")
    ]
    rows = []
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as name,
        chromium() as browser,
    ):
        for form in ("dat", "h5"):
            for num_bytes in sizes:
                for channels in _CHANNELS:
                    rows += measured(browser, Path(name), form, num_bytes, channels)
    head = ("file", "size", "channels", "view", "link, s", "exact panel, s", "slowest, s", "aim, s")
    print_table(head, rows)


if __name__ == "__main__":
    main()
