"""Samples in every layout that is linked against flat ones of as many channels, in the same run: reading, and building.

Reading is counted in processor time, in blocks as builds choose them, from a warm page cache; builds in wall time.
`SERIESVIEW_BENCH_LAYOUT_BYTES` sets the size of the recordings (4e8), `SERIESVIEW_BENCH_DIR` where they lie.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from benchmarks.building import samples
from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.blocks import block_samples, preferred_rows
from seriesview.build.dataset import Dataset, dataset_from_config
from seriesview.layout.layouts import ContiguousLayout, FilesLayout, Layout, RecordsLayout, files_of
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.protocol import Channel, Recording
from seriesview.store import open_store

ROUNDS = 5
RECORD = 256
FILES = 200

Block = np.ndarray
Write = Callable[[Path, Block, int], Layout]


def flat(folder: Path, block: Block, repeats: int) -> Layout:
    """Row after row."""
    return _rows(folder, block, repeats, block.shape[1])


def big_endian(folder: Path, block: Block, repeats: int) -> Layout:
    """Row after row, in the other byte order."""
    return _rows(folder, block.astype(">i2"), repeats, block.shape[1])


def channel_left_out(folder: Path, block: Block, repeats: int) -> Layout:
    """Row after row, with a channel more that is not read, as SpikeGLX's sync."""
    wide = np.concatenate([block, np.zeros((len(block), 1), block.dtype)], axis=1)
    return _rows(folder, wide, repeats, block.shape[1])


def _rows(folder: Path, block: Block, repeats: int, channels: int) -> ContiguousLayout:
    path = folder / "rows.dat"
    with path.open("wb") as file:
        for _ in range(repeats):
            file.write(block.tobytes())
    return ContiguousLayout(path, block.dtype, repeats * len(block), channels, 0, 2 * block.shape[1], 2)


def records(folder: Path, block: Block, repeats: int) -> Layout:
    """Records of 256 samples of each channel, as EDF has them."""
    path, channels = folder / "records.dat", block.shape[1]
    laid = np.ascontiguousarray(block.reshape(-1, RECORD, channels).transpose(0, 2, 1))
    with path.open("wb") as file:
        for _ in range(repeats):
            file.write(laid.tobytes())
    offsets = tuple(range(0, 2 * RECORD * channels, 2 * RECORD))
    return RecordsLayout(path, block.dtype, repeats * len(block), 0, 2 * RECORD * channels, RECORD, offsets)


def vectorized(folder: Path, block: Block, repeats: int) -> Layout:
    """Channel after channel, as BrainVision's vectorized files."""
    path = folder / "vectorized.dat"
    with path.open("wb") as file:
        for channel in block.T:
            for _ in range(repeats):
                file.write(channel.tobytes())
    count = repeats * len(block)
    return ContiguousLayout(path, block.dtype, count, block.shape[1], 0, 2, 2 * count)


def many_files(folder: Path, block: Block, repeats: int) -> Layout:
    """Row after row, in many files."""
    rows = repeats * len(block) // FILES
    whole = np.tile(block, (-(-rows // len(block)), 1))[:rows]
    pieces = []
    for number in range(FILES):
        path = folder / f"{number}.dat"
        path.write_bytes(whole.tobytes() + number.to_bytes(4, "little"))
        pieces.append(ContiguousLayout(path, block.dtype, rows, block.shape[1], 0, 2 * block.shape[1], 2))
    return FilesLayout(tuple(pieces))


@dataclass(frozen=True)
class Case:
    """A way to lay samples out, and the share of the flat one's speed that it is to reach."""

    write: Write
    aim: float | None = None

    @property
    def label(self) -> str:
        """What the layout is called."""
        return self.write.__name__.replace("_", " ")


CASES = (
    Case(flat),
    Case(channel_left_out, 0.8),
    Case(many_files),
    Case(records, 0.25),
    Case(vectorized),
    Case(big_endian),
)


class LaidOut(Recording):
    """Samples of a layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.type = "continuous"
        self.path = files_of(layout)[0]
        self.dtype = np.dtype(np.int16)
        self.num_samples = layout.num_samples
        self.channels = tuple(Channel(str(number), "") for number in range(layout.num_channels))
        self.sampling_frequency = 30_000.0
        self._samples = SampleFile(layout)

    def read_into(self, first_sample: int, out: Block) -> None:
        """Fill `out` with samples from `first_sample` on."""
        self._samples.read_into(first_sample, out)

    def close(self) -> None:
        """Let go of the files."""
        self._samples.close()


class LaidOutJob(Job):
    """A job whose dataset is a layout's."""

    layout: ClassVar[Layout]

    @contextmanager
    def opened(self, dataset: Dataset) -> Iterator[Recording]:
        """The layout's recording."""
        with LaidOut(self.layout) as recording:
            yield recording


def read(layout: Layout) -> float:
    """Million samples a second of this process's processor time."""
    with LaidOut(layout) as recording:
        rows = block_samples(recording.dtype, recording.num_channels, RECORD, preferred_rows(recording))
        # As many buffers as a build has, so that none is in a cache.
        blocks = [np.ones((rows, recording.num_channels), np.int16) for _ in range(4)]
        began = time.process_time()
        for number, first in enumerate(range(0, recording.num_samples, rows)):
            recording.read_into(first, blocks[number % 4][: recording.num_samples - first])
        seconds = time.process_time() - began
    return recording.num_samples * recording.num_channels / seconds / 1e6


def build(layout: Layout, folder: Path) -> float:
    """Million samples a second of a build that links the files."""
    work = Path(tempfile.mkdtemp(dir=folder))
    os.sync()
    LaidOutJob.layout = layout
    dataset = dataset_from_config("bench", {"path": str(files_of(layout)[0]), "full_resolution": "link"})
    began = time.perf_counter()
    with open_store(work / "kachery", "embedded") as store:
        build_artifacts(dataset, LaidOutJob(store, work / "ledger.jsonl", report=lambda _: None))
    seconds = time.perf_counter() - began
    shutil.rmtree(work)
    return layout.num_samples * layout.num_channels / seconds / 1e6


def main() -> None:
    """Write the recordings, and compare in rounds that each take in all of them."""
    num_bytes = int(float(os.environ.get("SERIESVIEW_BENCH_LAYOUT_BYTES", "4e8")))
    directory = Path(tempfile.mkdtemp(dir=os.environ.get("SERIESVIEW_BENCH_DIR")))
    try:
        for channels in (32, 384):
            block = samples(2_000_000 // channels // RECORD * RECORD, channels, "int16", 1)
            layouts = []
            for number, case in enumerate(CASES):
                folder = directory / f"{channels}-{number}"
                folder.mkdir()
                layouts.append(case.write(folder, block, max(1, num_bytes // block.nbytes)))
            for measure, what in ((read, "read"), (lambda each: build(each, directory), "built")):
                rounds = [[measure(layout) for layout in layouts] for _ in range(ROUNDS)]
                for number, case in enumerate(CASES):
                    speed = statistics.median(each[number] for each in rounds)
                    ratio = statistics.median(each[number] / each[0] for each in rounds)
                    aim = f" (aim {case.aim})" if case.aim is not None else ""
                    print(
                        f"{channels} channels, {case.label}, {what}: {speed:.0f} Msamples/s, "
                        f"{ratio:.2f} of the flat one{aim}",
                        flush=True,
                    )
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
