"""Memory while reading: bounded by the chunk, not by the file or by a row of chunks."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

from seriesview.readers.hdf5.samples import Hdf5Samples

MIB = 1 << 20

_PASS = """
import json, sys
from pathlib import Path
import h5py, numpy as np
from seriesview.readers.hdf5.samples import Hdf5Samples

def kilobytes(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])

path, order = Path(sys.argv[1]), sys.argv[2]
with h5py.File(path) as file:
    samples = Hdf5Samples(file["data"], path, order)
    out = np.ones((30_000, samples.num_channels), samples.dtype)
    before, total = kilobytes("VmRSS"), 0
    for first in range(0, samples.num_samples, len(out)):
        block = out[: samples.num_samples - first]
        samples.read_into(first, block)
        total += int(block.sum())
    samples.close()
print(json.dumps([(kilobytes("VmHWM") - before) * 1024, total]))
"""


def peak(path: Path, order: str = "C") -> tuple[int, int]:
    """Bytes that a pass over all samples takes beside its block, and the sum of the samples."""
    done = subprocess.run(
        [sys.executable, "-c", _PASS, str(path), order], check=True, capture_output=True, text=True
    )
    memory, total = json.loads(done.stdout)
    return memory, total


def write(path: Path, values: npt.NDArray[Any], chunks: tuple[int, ...], **filters: Any) -> None:
    with h5py.File(path, "w", rdcc_nbytes=0) as file:
        dataset = file.create_dataset("data", values.shape, values.dtype, chunks=chunks, **filters)
        for part in dataset.iter_chunks():
            dataset[part] = values[part]


def rising(num_samples: int, num_channels: int) -> npt.NDArray[np.int16]:
    """Samples (n, C) that compress well and fast."""
    return (np.arange(num_samples, dtype=np.int32)[:, None] // 500 + np.arange(num_channels)).astype(np.int16)


@pytest.mark.parametrize(
    ("order", "filters"), [("C", {"compression": "gzip", "compression_opts": 1}), ("F", {"shuffle": True})]
)
def test_one_huge_chunk_is_held_once(tmp_path: Path, order: str, filters: dict[str, Any]) -> None:
    """A filtered chunk cannot be taken in part: it is held unpacked, and while it is unpacked also packed."""
    values = rising(MIB, 32) if order == "C" else rising(32 * MIB, 1).T
    write(tmp_path / "a.h5", values, values.shape, **filters)
    with h5py.File(tmp_path / "a.h5") as file:
        stored = file["data"].id.get_storage_size()
    memory, total = peak(tmp_path / "a.h5", order)
    assert total == int(values.sum(dtype=np.int64))
    assert memory < 64 * MIB + stored + 16 * MIB


def test_chunks_without_filters_are_read_in_part(tmp_path: Path) -> None:
    values = rising(MIB, 32)
    write(tmp_path / "a.h5", values, values.shape)
    memory, total = peak(tmp_path / "a.h5")
    assert total == int(values.sum(dtype=np.int64))
    assert memory < 16 * MIB


@pytest.mark.parametrize("compression", ["gzip", "lzf"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_huge_row_of_chunks_is_not_held(tmp_path: Path, compression: str, order: str) -> None:
    """96 MiB of chunks of one channel each, which a pass needs at the same time, lie in a scratch file."""
    values = rising(MIB + MIB // 2, 48)
    if order == "C":
        write(tmp_path / "a.h5", values, (MIB, 1), compression=compression)
    else:
        write(tmp_path / "a.h5", np.ascontiguousarray(values.T), (1, MIB), compression=compression)
    memory, total = peak(tmp_path / "a.h5", order)
    assert total == int(values.sum(dtype=np.int64))
    assert memory < 32 * MIB
    with h5py.File(tmp_path / "a.h5") as file:
        samples = Hdf5Samples(file["data"], tmp_path / "a.h5", "C" if order == "C" else "F")
        for first in (MIB - 700, 0, MIB - 1, len(values) - 1400):
            out = np.empty((1400, 48), np.int16)
            samples.read_into(first, out)
            np.testing.assert_array_equal(out, values[first : first + 1400])
        samples.close()
