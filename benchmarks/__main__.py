"""Runs all benchmarks, or those named on the command line."""

import importlib
import os
import platform
import sys
from datetime import date
from pathlib import Path

BENCHMARKS = (
    "kernels",
    "hdf5_reading",
    "layout_reading",
    "recordings",
    "building",
    "filtered",
    "datasets",
    "windows",
    "direct_windows",
    "storing",
    "tasks",
    "viewer",
    "filtering",
    "view",
    "publishing",
    "scaling",
)


def processor() -> str:
    """Name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    """Run them, each under a heading."""
    names = sys.argv[1:] or BENCHMARKS
    cores = len(os.sched_getaffinity(0))
    print(f"{date.today()}, {processor()}, {cores} cores, Python {platform.python_version()}", flush=True)
    for name in names:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
