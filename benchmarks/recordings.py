"""Recordings of other programs by their readers: plain ones against a flat pass, others against their library alone.

All in processor time of this process, in blocks as builds choose them, from a warm page cache; every library is
imported and has read the file once before. The flat pass is over the same file: how fast one is copied out of the page
cache differs by a factor of two from file to file, whatever is in it. Both sides open the file in the measure; what it
holds is listed before, as the library, too, is told what to read. Both leave values as they lie in the file, but a
library may leave them channel by channel, which the reader turns. `SERIESVIEW_BENCH_RECORDING_BYTES` sets the size of
the plain recordings (5e8), of which the others have a fifth, `SERIESVIEW_BENCH_DIR` where they lie.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import recording_files as files
from benchmarks.building import samples
from benchmarks.recording_files import CHANNELS, RATE, Samples
from seriesview.build.blocks import block_samples, preferred_rows
from seriesview.readers.protocol import ReadOptions
from seriesview.readers.registry import list_candidates, open_recording

ROUNDS = 9

Library = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A way to write a recording; `aim` is a share of a flat pass's speed, or with `library` of that one's."""

    write: Callable[[Path, Samples], Path]
    aim: float | None = None
    library: Library | None = None


CASES = (
    Case(files.flat),
    Case(files.spikeglx, 0.8),
    Case(files.open_ephys, 0.8),
    Case(files.brainvision, 0.8),
    Case(files.wav, 0.8),
    Case(files.edf, 0.25),
    Case(files.edf, 0.7, files.read_edf),
    Case(files.flac, 0.7, files.read_flac),
    Case(files.zarr, 0.7, files.read_zarr),
    Case(files.fif, 0.7, files.read_fif),
    Case(files.tdms, 0.7, files.read_tdms),
    Case(files.miniseed, 0.7, files.read_miniseed),
)


def chosen(path: Path) -> ReadOptions:
    """What a configuration would say of the recording."""
    if path.suffix == ".dat":
        return ReadOptions(dtype="int16", channels=CHANNELS, sampling_frequency=RATE)
    named = next(each.dataset for each in list_candidates(path) if each.type == "continuous")
    return ReadOptions(dataset=named, sampling_frequency=RATE if path.suffix == ".zarr" else None)


def own_seconds(path: Path, options: ReadOptions, reader: str | None = None) -> float:
    """Processor time of opening the recording and reading all its samples."""
    # What a reader keeps of a file that it has listed is not for a file that changed.
    os.utime(path)
    began = time.process_time()
    with open_recording(path, reader, options) as recording:
        rows = block_samples(recording.dtype, recording.num_channels, 1024, preferred_rows(recording))
        # As many buffers as a build has, so that none is in a cache.
        blocks = [np.ones((rows, recording.num_channels), recording.dtype) for _ in range(4)]
        for number, first in enumerate(range(0, recording.num_samples, rows)):
            recording.read_into(first, blocks[number % 4][: recording.num_samples - first])
    return time.process_time() - began


def flat_seconds(path: Path, num_samples: int) -> float:
    """Processor time of so many samples in a flat pass over the recording's largest file."""
    file = max(path.parent.rglob("*"), key=lambda each: each.stat().st_size)
    seconds = own_seconds(file, ReadOptions(dtype="int16", channels=1, sampling_frequency=RATE), "binary")
    return seconds * 2 * num_samples / file.stat().st_size


def library_seconds(library: Library, path: Path) -> float:
    """Processor time of a library's pass over the file."""
    began = time.process_time()
    library(path)
    return time.process_time() - began


def _other_seconds(case: Case, path: Path, num_samples: int) -> float:
    return flat_seconds(path, num_samples) if case.library is None else library_seconds(case.library, path)


def main() -> None:
    """Write the recordings, and compare in rounds that each take in all of them."""
    num_bytes = int(float(os.environ.get("SERIESVIEW_BENCH_RECORDING_BYTES", "5e8")))
    with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as directory:
        paths, counts, options = [], [], []
        for number, case in enumerate(CASES):
            folder = Path(directory) / str(number)
            folder.mkdir()
            size = num_bytes if case.library is None else num_bytes // 5
            noise = samples(size // 2 // CHANNELS // 16384 * 16384, CHANNELS, "int16", 1)
            paths.append(case.write(folder, noise))
            counts.append(noise.size)
            options.append(chosen(paths[-1]))
            own_seconds(paths[-1], options[-1])
            if case.library is not None:
                case.library(paths[-1])
        rounds: list[list[tuple[float, float]]] = []
        for turn in range(ROUNDS):
            gc.collect()
            found = []
            for case, path, each, count in zip(CASES, paths, options, counts, strict=True):
                before = _other_seconds(case, path, count) if turn % 2 else 0.0
                ours = own_seconds(path, each)
                # Whoever is second may find more in caches.
                found.append((ours, before or _other_seconds(case, path, count)))
            rounds.append(found)
        for number, case in enumerate(CASES):
            speed = counts[number] / statistics.median(each[number][0] for each in rounds) / 1e6
            ratio = statistics.median(theirs / ours for ours, theirs in (each[number] for each in rounds))
            of = "of flat"
            if case.library is not None:
                of = f"of {case.library.__doc__}".replace("By ", "").rstrip(".") + " alone"
            aim = f" (aim {case.aim})" if case.aim is not None else ""
            print(f"{case.write.__name__}: {speed:.0f} Msamples/s, {ratio:.2f} {of}{aim}", flush=True)


if __name__ == "__main__":
    main()
