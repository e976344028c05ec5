"""A band-passed, median-referenced recording, as a derived series; beside SpikeInterface writing the same samples.

32 channels of int16 at 30 kHz. `SERIESVIEW_BENCH_BYTES` sets the size of the recording (1e9), `SERIESVIEW_BENCH_DIR`
where it lies. SpikeInterface comes with the extra `spikeinterface`.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.building import write_flat
from benchmarks.measuring import Spent, print_table, run

ROUNDS = 3
RATE, CHANNELS = 30_000, 32
STEPS = [{"bandpass": [300, 6000]}, {"reference": "median"}]

_BUILD = """
import json, sys, time
from pathlib import Path
from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import dataset_from_config
from seriesview.store import open_store
entries, directory = json.loads(sys.argv[1]), Path(sys.argv[2])
store = open_store(directory / "kachery", "embedded")
began = time.perf_counter()
job = Job(store, directory / "ledger.jsonl", report=lambda step: None)
build_artifacts(dataset_from_config("band", entries["band"], entries), job)
store.close()
print(time.perf_counter() - began)
"""

_SPIKEINTERFACE = """
import sys, time
import spikeinterface.core as core, spikeinterface.preprocessing as preprocessing
path, folder, rate, channels, cores = sys.argv[1:]
began = time.perf_counter()
recording = core.read_binary(path, float(rate), "int16", int(channels))
recording = preprocessing.bandpass_filter(recording, freq_min=300, freq_max=6000, dtype="int16")
recording = preprocessing.common_reference(recording, reference="global", operator="median", dtype="int16")
recording.save(folder=folder, n_jobs=int(cores), chunk_duration="1s", progress_bar=False, verbose=False)
print(time.perf_counter() - began)
"""


def python(folder: Path, program: str, *words: str) -> tuple[float, Spent]:
    """Wall-clock seconds of what a program measures, and what it took."""
    path = folder / "program.py"
    path.write_text(program)
    spent = run(folder, str(path), *words, program="python")
    return float(spent.output.splitlines()[-1]), spent


def measured(recording: Path, full_resolution: str) -> tuple[float, Spent]:
    """A build of the derived series alone, into a store of its own."""
    work = Path(tempfile.mkdtemp(dir=recording.parent))
    raw = {
        "path": str(recording),
        "dtype": "int16",
        "channels": CHANNELS,
        "sampling_frequency": RATE,
        "channel_types": ["EEG"] * CHANNELS,
    }
    entries: dict[str, Any] = {
        "raw": raw,
        "band": {"from": "raw", "steps": STEPS, "full_resolution": full_resolution},
    }
    try:
        return python(work, _BUILD, json.dumps(entries), str(work))
    finally:
        shutil.rmtree(work)


def measured_spikeinterface(recording: Path) -> tuple[float, Spent]:
    """SpikeInterface writing the samples, in as many processes as there are cores."""
    work = Path(tempfile.mkdtemp(dir=recording.parent))
    cores = len(os.sched_getaffinity(0))
    words = (str(recording), str(work / "saved"), str(RATE), str(CHANNELS), str(cores))
    try:
        return python(work, _SPIKEINTERFACE, *words)
    finally:
        shutil.rmtree(work)


def main() -> None:
    """Print the table, each program in turn, as often as there are rounds."""
    size = int(float(os.environ.get("SERIESVIEW_BENCH_BYTES", "1e9")))
    with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as folder:
        recording = Path(folder) / "recording.dat"
        num_bytes = write_flat(recording, size, CHANNELS, "int16") * CHANNELS * 2
        programs: dict[str, Callable[[], tuple[float, Spent]]] = {
            "seriesview: levels": lambda: measured(recording, "compute"),
            "seriesview: levels, and samples stored": lambda: measured(recording, "store"),
            "SpikeInterface: samples": lambda: measured_spikeinterface(recording),
        }
        taken: dict[str, list[tuple[float, Spent]]] = {name: [] for name in programs}
        for _ in range(ROUNDS):
            for name, program in programs.items():
                os.sync()
                taken[name].append(program())
        seconds = {name: statistics.median([wall for wall, _ in found]) for name, found in taken.items()}
        slowest = seconds["SpikeInterface: samples"]
        rows = []
        for name, found in taken.items():
            spent = statistics.median([each.seconds for _, each in found])
            peak = statistics.median([each.peak_bytes for _, each in found]) / 1e6
            rate = num_bytes / seconds[name] / 1e6
            rows.append(
                [name, f"{rate:.0f}", f"{slowest / seconds[name]:.1f}", f"{spent:.1f} s", f"{peak:.0f} MB"]
            )
        print_table(
            ["what is made", "MB/s of int16", "times SpikeInterface", "processor", "largest process"], rows
        )


if __name__ == "__main__":
    main()
