"""Workspaces to share: linked and stored recordings, an irregular one, events, intervals, an original SVSeries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bucket_servers import google, google_port, s3, s3_port, service  # noqa: F401
from built_series import built
from shared_workspaces import RATE, Array, make_workspace, run  # noqa: F401

from seriesview.store import Store, open_store


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("share")


@pytest.fixture(scope="session")
def store(place: Path) -> Iterator[Store]:
    with open_store(place / "storage", "embedded") as opened:
        yield opened


@pytest.fixture(scope="session")
def probe_samples() -> Array:
    """Samples (400000, 6) of `probe`: seven parts of raw samples."""
    random = np.random.default_rng(5)
    return random.integers(-3000, 3000, (400_000, 6)).astype(np.int16)


@pytest.fixture(scope="session")
def uris(store: Store, place: Path, probe_samples: Array) -> dict[str, str]:
    """URIs of series by name."""
    random = np.random.default_rng(6)
    # With a header: else a pack of all samples is the file itself.
    (place / "probe.dat").write_bytes(b"made here\n" + probe_samples.tobytes())
    np.save(place / "short.npy", random.normal(size=(500, 2)))
    np.save(place / "wheel.npy", random.normal(size=(90_000, 1)).astype(np.float32))
    np.save(place / "clock.npy", np.cumsum(random.uniform(0.5, 1.5, 90_000)) / 200)
    times = np.sort(random.uniform(0, 390, 20_000))
    units = random.integers(0, 3, 20_000)
    rows = "".join(f"{time:.6f},u{unit}\n" for time, unit in zip(times, units, strict=True))
    (place / "spikes.csv").write_text("time,unit\n" + rows)
    (place / "stages.csv").write_text("start,end,label\n0,100,wake\n100,390,sleep\n")
    binary = {"reader": "binary", "dtype": "int16", "channels": 6, "sampling_frequency": RATE, "unit": "uV"}
    binary |= {"byte_offset": 10}

    def uri(name: str, file: str, **config: Any) -> str:
        return str(built(store, place / file, name, **config)["uri"])

    return {
        "probe": uri("probe", "probe.dat", **binary, full_resolution="link"),
        "stored": uri("stored", "probe.dat", **binary, full_resolution="store"),
        "short": uri("short", "short.npy", sampling_frequency=10.0),
        "wheel": uri("wheel", "wheel.npy", timestamps=str(place / "clock.npy"), type="discrete"),
        "spikes": uri("spikes", "spikes.csv", type="event"),
        "stages": uri("stages", "stages.csv", type="interval"),
    }


@pytest.fixture(scope="session")
def workspace(store: Store, uris: dict[str, str]) -> str:
    return make_workspace(store, uris, *uris)
