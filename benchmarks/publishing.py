"""Publishing to an emulator of Google's storage: 1000 files of 100 KB, one file of 500 MB, and nothing new.

The limit is the same bytes sent by the library's own uploads, one after the other. The emulator takes one request at
a time, so that several at once gain nothing here. `SERIESVIEW_BENCH_DIR` says where the files lie.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.open_bucket import open_bucket
from seriesview.series.arrays import describe_array
from seriesview.share.choice import Wish
from seriesview.share.export import plan_export
from seriesview.share.publishing import Published, publish_plan
from seriesview.store import Store, open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from bucket_servers import HOST, Service, google_server

SMALL_FILES = 1000
SMALL_ROWS = 1000
SMALL_CHANNELS = 50
"""Of 2 bytes."""
LARGE_SAMPLES = 625_000
LARGE_CHANNELS = 100
"""Of 8 bytes."""
SECOND_LIMIT = 1.0
RUNS = 3


def small_files(store: Store, directory: Path) -> tuple[str, list[Path]]:
    """URI of a series of 1000 packs of 100 KB, a part each, and the packs as files."""
    random = np.random.default_rng(1)
    entries, paths = [], []
    for number in range(SMALL_FILES):
        part = random.integers(-3000, 3000, (SMALL_ROWS, SMALL_CHANNELS)).astype(np.int16).tobytes()
        entries.append(2 * store.put_part(part))
        paths.append(directory / f"small{number}")
        paths[-1].write_bytes(part)
    rows = SMALL_FILES * SMALL_ROWS
    values = describe_array(store, "int16", (rows, SMALL_CHANNELS), SMALL_ROWS, 1, entries)
    segment = {"start_time": 0.0, "end_time": rows / 1000, "num_samples": rows}
    return _series(store, "int16", SMALL_CHANNELS, segment, values.to_json_dict()), paths


def large_file(store: Store, directory: Path) -> tuple[str, list[Path]]:
    """URI of a series whose samples are one file of 500 MB, and the file."""
    path = directory / "large"
    np.random.default_rng(2).integers(0, 2**62, (LARGE_SAMPLES, LARGE_CHANNELS)).tofile(path)
    times = np.zeros(LARGE_SAMPLES, np.float32)
    segment = {
        "start_time": 0.0,
        "end_time": 0.0,
        "num_samples": LARGE_SAMPLES,
        "values_uri": store.put_file(path),
        "values_dtype": "int64",
        "timestamps_uri": store.put_bytes(times.tobytes(), name="timestamps.dat"),
        "timestamps_dtype": "float32",
    }
    return _series(store, "int64", LARGE_CHANNELS, segment, None), [path]


def _series(store: Store, dtype: str, channels: int, segment: dict[str, Any], values: Any) -> str:
    manifest = {
        "format": "seriesview-series/1",
        "type": "continuous",
        "label": "samples",
        "dtype": dtype,
        "sampling_frequency": None if values is None else 1000.0,
        "channels": [{"id": str(number)} for number in range(channels)],
        "segments": [segment],
        "values": values,
    }
    return store.put_json(manifest, name="series.json")


def publish_all(store: Store, uri: str, address: str) -> Published:
    """Publish a series with its samples."""
    bucket = open_bucket(parse_address(address))
    try:
        return publish_plan(plan_export(store, uri, Wish(raw=True)), store, bucket)
    finally:
        bucket.close()


def seconds(work: Callable[[], Any]) -> float:
    """How long something takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def compare(service: Service, store: Store, uri: str, paths: list[Path], name: str) -> None:
    """Print how long publishing takes, the library's own uploads, and publishing again."""
    bucket = service.google_client.bucket(service.bucket)

    def send_one_by_one() -> None:
        for path in paths:
            bucket.blob(f"limit/{path.name}").upload_from_filename(path)

    taken, limit, again = [], [], []
    for _ in range(RUNS):
        with urllib.request.urlopen(f"http://{HOST}:{service.port}/wipe?keep-buckets=true"):
            pass
        limit.append(seconds(send_one_by_one))
        with urllib.request.urlopen(f"http://{HOST}:{service.port}/wipe?keep-buckets=true"):
            pass
        taken.append(seconds(lambda: publish_all(store, uri, service.address("p"))))
        again.append(seconds(lambda: publish_all(store, uri, service.address("p"))))
    done = publish_all(store, uri, service.address("p"))
    best, mine = statistics.median(limit), statistics.median(taken)
    print(f"{name}: {mine:.2f} s, the library's own uploads {best:.2f} s, ratio {best / mine:.2f}")
    print(
        f"  again: {done.bytes_uploaded} bytes of {done.num_present} files in {statistics.median(again):.2f} s "
        f"(limit {SECOND_LIMIT} s)"
    )
    command = [sys.executable, "-m", "seriesview.cli.main", "publish", uri, service.address("p"), "--raw"]
    whole = seconds(
        lambda: subprocess.run(
            [*command, "--storage-dir", str(store.directory)], check=True, capture_output=True
        )
    )
    print(f"  again, as a command: {whole:.2f} s")


def main() -> None:
    """Run it."""
    with (
        google_server() as port,
        tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCH_DIR")) as name,
        open_store(Path(name) / "storage", "embedded") as store,
    ):
        service = Service("gs", port)
        for variable in ("GOOGLE_APPLICATION_CREDENTIALS", "SERIESVIEW_BUCKET_URL"):
            os.environ.pop(variable, None)
        os.environ.update(service.environment())
        service.create()
        compare(service, store, *small_files(store, Path(name)), name=f"{SMALL_FILES} files of 100 KB")
        compare(service, store, *large_file(store, Path(name)), name="1 file of 500 MB")


if __name__ == "__main__":
    main()
