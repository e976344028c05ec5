"""The viewer's sources are tested on the series that tests/series makes, served by tests/viewer/source_server.py."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "series"))


@pytest.fixture
def server(tmp_path):
    from source_server import NODE, Server

    from seriesview.store import open_store

    assert NODE, "node is missing: tests/install-programs installs it"
    running = Server(open_store(tmp_path / "store", "embedded"))
    yield running
    running.close()
