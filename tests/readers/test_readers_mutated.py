"""Small files with bytes changed, cut and repeated: an error of one line or data, soon and in little memory."""

import resource
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from nwb_files import series, table, write_nwb

SAMPLES = np.arange(400, dtype=np.int16).reshape(-1, 2)
MUTATIONS = 60
SECONDS = 300
# Reads everything of mutations of a file in a process of its own, and says which one it is at: the HDF5 library is
# known to fall over damaged metadata, which no Python program can catch.
READ = """
import random, sys, numpy as np
from pathlib import Path
from seriesview.build.findings import entries_of
from seriesview.errors import SeriesviewError
from seriesview.readers import open_recording
from seriesview.build.dataset import dataset_from_config

source, place, first, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
whole = source.read_bytes()
for seed in range(first, last):
    print(seed, flush=True)
    chosen = random.Random(seed)
    data = bytearray(whole)
    for _ in range(chosen.choice((1, 2, 8))):
        at = chosen.randrange(len(data))
        kind = chosen.randrange(4)
        if kind == 0:
            data[at] = chosen.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << chosen.randrange(8)
        elif kind == 2:
            data[at : at + 8] = chosen.choice((b"\\xff" * 8, b"\\0" * 8, b"\\x7f" + b"\\xff" * 7))
        else:
            del data[at : at + chosen.choice((1, 16, len(data)))]
            data = data or bytearray(b"?")
    place.write_bytes(data)
    try:
        for name, keys, *_ in entries_of([str(place)]).entries:
            keys = {key: 1.0 if value is None else value for key, value in keys.items() if key != "allow_truncated"}
            dataset = dataset_from_config(name, keys)
            with open_recording(place, None, dataset.options) as recording:
                if recording.type == "event":
                    recording.events()
                elif recording.type == "interval":
                    recording.intervals()
                else:
                    count = min(recording.num_samples, 1000)
                    if recording.num_channels < 1000:
                        recording.read_into(0, np.empty((count, recording.num_channels), recording.dtype))
    except (SeriesviewError, OSError) as error:
        assert len(str(error)) < 5000, str(error)[:1000]
print("done")
"""


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


def write_npy(path: Path) -> None:
    np.save(path, SAMPLES)


def write_npz(path: Path) -> None:
    np.savez_compressed(path, a=SAMPLES, b=np.asfortranarray(SAMPLES))


def write_csv(path: Path) -> None:
    path.write_text("time,a,b\n" + "".join(f"{n / 10},{n},{n * n}\n" for n in range(200)))


def write_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = SAMPLES
        file["x"].attrs["sampling_frequency"] = 10.0
        file.create_dataset("g/y", data=SAMPLES, chunks=(50, 2), compression="gzip", shuffle=True)
        file["g/time"] = np.arange(200.0)


def write_nwb_file(path: Path) -> None:
    def fill(file: h5py.File) -> None:
        series(file, "acquisition/s", SAMPLES, rate=10.0)
        table(file, "units", "Units", [1, 2], {"spike_times": [[1.0], [2.0, 3.0]]})
        table(file, "trials", "TimeIntervals", [1], {"start_time": [1.0], "stop_time": [2.0]})

    write_nwb(path, fill)


WRITERS = {
    "a.npy": write_npy,
    "a.npz": write_npz,
    "a.csv": write_csv,
    "a.h5": write_hdf5,
    "a.nwb": write_nwb_file,
}


@pytest.mark.parametrize("name", WRITERS)
def test_mutated_files_are_errors_or_data(tmp_path: Path, name: str) -> None:
    source, place = tmp_path / name, tmp_path / f"mutated{Path(name).suffix}"
    WRITERS[name](source)
    first, crashes = 0, 0
    while first < MUTATIONS:
        arguments = [sys.executable, "-c", READ, str(source), str(place), str(first), str(MUTATIONS)]
        done = subprocess.run(
            arguments, preexec_fn=limited, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.stdout.endswith("done\n"):
            break
        reached = int(done.stdout.split()[-1])
        # Killed by a signal: the library, which only files of HDF5 go through.
        assert done.returncode < 0, f"mutation {reached}: {done.stderr[-2000:]}"
        assert name in ("a.h5", "a.nwb"), f"mutation {reached} ended it by signal {-done.returncode}"
        first, crashes = reached + 1, crashes + 1
    assert crashes <= MUTATIONS // 10
