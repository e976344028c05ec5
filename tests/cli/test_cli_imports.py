"""Commands import what they need: large libraries, and whole rooms, take longer to load than a command may take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from closed_port import CLOSED_PORT

LARGE = frozenset(
    {
        *("PIL", "h5py", "pyarrow", "scipy", "pandas", "matplotlib", "snakemake", "tensorstore", "zarr"),
        *("mne", "neo", "nptdms", "soundfile", "spikeinterface", "xarray", "botocore", "google.cloud"),
    }
)
SERVING = frozenset({"uvicorn", "starlette", "urllib3", "asyncio", "sqlite3"})
FLAT = ("--dtype", "int16", "--channels", "4", "--sampling-frequency", "1000")
COMMAND = """
import json, sys
from seriesview.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    print()
print(json.dumps(sorted(sys.modules)))
"""
VIEW = """
import json, sys, seriesview
given = dict(dtype="int16", channels=4, sampling_frequency=1000) if sys.argv[2:] else {}
with seriesview.view(sys.argv[1], port=0, **given) as shown:
    shown.link()
print(json.dumps(sorted(sys.modules)))
"""
SERVE = """
import json, sys
from seriesview.figures.stored import stored
from seriesview.figures.view import View
from seriesview.series.fields import result_uri
from seriesview.store import open_store
uri = result_uri(sys.argv[1], "results/workspace.json")
with View(stored(uri, open_store(sys.argv[2], "embedded")), port=0) as shown:
    shown.link()
print(json.dumps(sorted(sys.modules)))
"""
FIND = """
import json, sys
from pathlib import Path
from seriesview.readers.registry import guess_reader
assert guess_reader(Path(sys.argv[1])).name == "binary"
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "rat.dat"
    np.random.default_rng(0).normal(0, 100, (5_000, 4)).astype(np.int16).tofile(path)
    return path


def loaded(recording: Path, program: str, *arguments: str) -> set[str]:
    """The modules that a program has loaded at its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KACHERY_")}
    environment |= {"HOME": str(recording.parent), "KACHERY_DAEMON_PORT": str(CLOSED_PORT), "NO_PROXY": "*"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=recording.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], {"numpy", "pydantic", "yaml"}),
        (["--version"], {"numpy", "pydantic", "yaml"}),
        (["view", "--help"], {"numpy"}),
        (["serve", "--help"], {"numpy", "yaml"}),
        (["inspect", "rat.dat"], set()),
    ],
    ids=lambda words: " ".join(sorted(words)) if isinstance(words, set) else " ".join(words),
)
def test_a_command_loads_what_it_needs(recording: Path, arguments: list[str], unneeded: set[str]) -> None:
    found = loaded(recording, COMMAND, *arguments)
    assert found & (LARGE | SERVING | unneeded) == set()


def test_what_was_built_is_viewed_without_what_builds_pictures_or_reads_other_files(recording: Path) -> None:
    assert loaded(recording, FIND, str(recording)) & LARGE == set()
    first = loaded(recording, VIEW, recording.name, "first")
    assert first & LARGE <= {"PIL"}
    assert loaded(recording, VIEW, recording.name) & LARGE == set()
    result = recording.parent / "rat.dat.seriesview" / "results" / "workspace.json"
    assert not loaded(recording, COMMAND, "info", str(result)) & (
        LARGE | SERVING | {"yaml", "seriesview.build"}
    )
