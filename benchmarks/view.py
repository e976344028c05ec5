"""`seriesview view` from Enter to the first exact panel, in a Chromium that is open; and again, when all is built.

A command's link is opened as soon as it is printed. Files are warm, those of 30 GB sparse; Python's bytecode is there,
as after an installation. `SERIESVIEW_BENCH_VIEW_BYTES` sets the sizes (1e8,1e9,3e10), `SERIESVIEW_BENCH_VIEW_CHANNELS`
(32,384) and `SERIESVIEW_BENCH_VIEW_FORMS` (dat,h5) the rest, `SERIESVIEW_BENCH_DIR` where files lie. What was measured
of a recording is printed at once, and all of it as tables at the end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import h5py
import numpy as np

from benchmarks.measuring import print_table
from benchmarks.viewer import COLUMNS, chromium

ROUNDS = 5
FIRST_LIMIT, AGAIN_LIMIT = 2.0, 1.2
_FORMS = {"dat": "flat", "h5": "HDF5"}
_RATE = 30_000
_SPARSE_BYTES = 4e9
_BUILT_BYTES = 2e9
"""Larger ones are not built to their end."""
_PATIENCE_SECONDS = 120.0

# Says when a panel was painted first whose every column is exact.
_WATCH = """(() => {
  const look = () => {
    const shown = globalThis.seriesview?.panels?.() ?? [];
    if (shown.some(({painted}) => painted?.isComplete && !painted.unbuilt.length)) console.log(`exact ${Date.now()}`);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();"""

# Builds a recording into a store; prints seconds, and seconds of the processor.
_ALONE = """
import json, sys, time
from pathlib import Path
from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.store import open_store
dataset = dataset_from_config("recording", json.loads(sys.argv[1]))
store = Path(sys.argv[2])
job = Job(open_store(store, "embedded"), store / "ledger.jsonl")
began = time.time(), time.process_time()
build_artifacts(dataset, job)
print(json.dumps([time.time() - began[0], time.process_time() - began[1]]))
"""


@dataclass(frozen=True)
class Opened:
    """Seconds from a command's start to its link and to an exact panel, and of the processor by then."""

    linked: float
    exact: float
    processor: float


@dataclass(frozen=True)
class Built:
    """Seconds of a build behind its page, those of the processor and the memory of its whole command."""

    seconds: float
    processor: float
    peak_bytes: int


class Command:
    """A command of seriesview that serves a link; what it writes for people goes into a file."""

    def __init__(self, log: Path, *words: str) -> None:
        self._log = log
        self.began = time.time()
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "seriesview.cli.main", *words, "--no-browser"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(log.parent),
            )

    def link(self) -> str:
        """Its next link. Raises RuntimeError where it has ended without one."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode().strip()
        if not line:
            raise RuntimeError(self.said)
        return line

    @property
    def said(self) -> str:
        """What it wrote for people."""
        return self._log.read_text()

    @property
    def processor(self) -> float:
        """Seconds of the processor that it took by now."""
        # Behind the name, which may hold spaces.
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def peak_bytes(self) -> int:
        """Memory that it took at most."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self._process.pid}/status").read_text())
        assert found is not None
        return int(found[1]) * 1024

    def end(self) -> None:
        """Ctrl-C, and its end."""
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=_PATIENCE_SECONDS)


def environment(directory: Path) -> dict[str, str]:
    """That of commands: with bytecode, and without a screen."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(directory / "bytecode"), "DISPLAY": ""}


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
def shown(browser: Any, directory: Path, *words: str) -> Iterator[tuple[Command, Opened]]:
    """A command that shows something, once a browser has its first exact panel."""
    context = browser.new_context(viewport={"width": COLUMNS + 100, "height": 900})
    context.add_init_script(_WATCH)
    page = context.new_page()
    command = Command(directory / "said.txt", *words, "--storage-dir", str(directory / "store"))
    try:
        link = command.link()
        linked = time.time()
        patience = 1000 * _PATIENCE_SECONDS
        with page.expect_console_message(lambda it: it.text.startswith("exact "), timeout=patience) as said:
            page.goto(link, wait_until="commit")
        exact = int(said.value.text.split()[1]) / 1000
        began = command.began
        yield command, Opened(linked - began, exact - began, command.processor)
    finally:
        context.close()
        command.end()


class Recording:
    """A file, and what is measured of it."""

    def __init__(self, browser: Any, directory: Path, form: str, num_bytes: int, channels: int) -> None:
        self._browser = browser
        self._directory = directory
        self._path = directory / f"recording.{form}"
        self._results = self._path.with_name(f"{self._path.name}.seriesview")
        self._keys: dict[str, Any] = {}
        if form == "dat":
            write_flat(self._path, num_bytes, channels)
            self._keys = {"dtype": "int16", "channels": channels, "sampling_frequency": _RATE}
        else:
            write_hdf5(self._path, num_bytes, channels)
        os.sync()
        self.is_built = num_bytes <= _BUILT_BYTES

    def first(self) -> tuple[Opened, Built | None]:
        """`view` of what nobody has built; smaller ones to the end of the build."""
        self.forget()
        keys = [
            word for key, value in self._keys.items() for word in (f"--{key.replace('_', '-')}", str(value))
        ]
        with shown(self._browser, self._directory, "view", str(self._path), *keys) as (command, opened):
            if not self.is_built:
                return opened, None
            if "is being built" in command.said:
                command.link()
            seconds = re.search(r" in ([0-9.]+) s \(", command.said)
            assert seconds is not None
            return opened, Built(float(seconds[1]), command.processor, command.peak_bytes)

    def again(self) -> Opened:
        """`view` of what is built."""
        with shown(self._browser, self._directory, "view", str(self._path)) as (_, opened):
            return opened

    def served(self) -> Opened:
        """`serve` of what is built."""
        result = self._results / "results" / "workspace.json"
        with shown(self._browser, self._directory, "serve", str(result)) as (_, opened):
            return opened

    def alone(self) -> tuple[float, float]:
        """Seconds of its artifacts' build without anything else, and those of the processor."""
        self.forget()
        store = self._directory / "store"
        store.mkdir()
        said = json.dumps({"path": str(self._path), **self._keys})
        done = subprocess.run(
            [sys.executable, "-c", _ALONE, said, str(store)],
            capture_output=True,
            text=True,
            env=environment(self._directory),
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        seconds, processor = json.loads(done.stdout)
        return seconds, processor

    def forget(self) -> None:
        """Remove all that was made of it."""
        shutil.rmtree(self._directory / "store", ignore_errors=True)
        shutil.rmtree(self._results, ignore_errors=True)

    def remove(self) -> None:
        """Remove it, too."""
        self.forget()
        self._path.unlink()


def row(taken: Sequence[Opened], limit: float) -> list[str]:
    """Medians of seconds to the link and to the panel, the slowest, the aim, and the median of the processor's."""
    return [
        f"{median(each.linked for each in taken):.2f}",
        f"{median(each.exact for each in taken):.2f}",
        f"{max(each.exact for each in taken):.2f}",
        f"{limit:g}",
        f"{median(each.processor for each in taken):.2f}",
    ]


def measured(recording: Recording, what: list[str]) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of both tables for one recording."""
    taken = [recording.first() for _ in range(ROUNDS)]
    opened = [[*what, "`view`", *row([each for each, _ in taken], FIRST_LIMIT)]]
    built: list[list[str]] = []
    if recording.is_built:
        again = [recording.again() for _ in range(ROUNDS)]
        opened.append([*what, "`view` again", *row(again, AGAIN_LIMIT)])
        served = [recording.served() for _ in range(ROUNDS)]
        opened.append([*what, "`serve`", *row(served, AGAIN_LIMIT)])
        behind = [each for _, each in taken if each is not None]
        alone = [recording.alone() for _ in range(ROUNDS)]
        own = median(each.processor for each in behind) - median(each.processor for each in again)
        built.append(
            [
                *what,
                f"{median(each.seconds for each in behind):.2f}",
                f"{median(seconds for seconds, _ in alone):.2f}",
                f"{own:.2f}",
                f"{median(processor for _, processor in alone):.2f}",
                f"{max(each.peak_bytes for each in behind) / 1e6:.0f}",
            ]
        )
    return opened, built


def chosen(name: str, default: str) -> list[str]:
    """What an environment variable lists."""
    return os.environ.get(f"SERIESVIEW_BENCH_VIEW_{name}", default).split(",")


def main() -> None:
    """Print what is measured, and then the tables."""
    sizes = [int(float(each)) for each in chosen("BYTES", "1e8,1e9,3e10")]
    opened: list[list[str]] = []
    built: list[list[str]] = []
    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as name,
        chromium() as browser,
    ):
        for form in chosen("FORMS", "dat,h5"):
            for num_bytes in sizes:
                for channels in map(int, chosen("CHANNELS", "32,384")):
                    recording = Recording(browser, Path(name), form, num_bytes, channels)
                    if not opened:
                        # What no command has loaded before has no bytecode yet.
                        recording.first()
                    what = [_FORMS[form], f"{num_bytes / 1e9:g} GB", str(channels)]
                    found = measured(recording, what)
                    for each in (*found[0], *found[1]):
                        print(*each, sep="  ", flush=True)
                    opened += found[0]
                    built += found[1]
                    recording.remove()
    which = ("file", "size", "channels")
    opening = ("command", "link, s", "exact panel, s", "slowest, s", "aim, s", "processor, s")
    print_table((*which, *opening), opened)
    building = ("build behind its page, s", "alone, s", "processor, s", "alone, s", "memory of `view`, MB")
    print_table((*which, *building), built)


if __name__ == "__main__":
    main()
