"""Reading a recording that does not fit into little memory, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

READ = """
import json, sys
import numpy as np
from seriesview.readers import ReadOptions, open_recording
with open_recording(sys.argv[1], None, ReadOptions(**json.loads(sys.argv[2]))) as recording:
    rows = max(1, (4 << 20) // (recording.num_channels * recording.dtype.itemsize))
    block = np.empty((rows, recording.num_channels), recording.dtype)
    first = 0
    while first < recording.num_samples:
        block = block[: recording.num_samples - first]
        recording.read_into(first, block)
        first += len(block)
print(first, peak_bytes())
"""

# ru_maxrss would count what the process had that started this one.
PEAK = """
def peak_bytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
"""


def read_through(path: Path, **options: Any) -> tuple[int, int]:
    """Samples that were read, and the most bytes of memory that the process had."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK + READ, path, json.dumps(options)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    samples, peak = done.stdout.split()
    return int(samples), int(peak)
