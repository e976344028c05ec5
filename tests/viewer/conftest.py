"""The viewer's sources are tested on the series that tests/series makes, served by tests/support/source_server.py."""

import pytest


@pytest.fixture
def server(tmp_path):
    from source_server import NODE, Server

    from seriesview.store import open_store

    assert NODE, "node is missing: tests/install-programs installs it"
    running = Server(open_store(tmp_path / "store", "embedded"))
    yield running
    running.close()
