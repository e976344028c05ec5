"""A node notes where it listens, for whoever works on the same storage directory."""

import json
from pathlib import Path

import pytest
from closed_port import CLOSED_PORT

from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread
from seriesview.store.daemon import find_node
from seriesview.store.paths import NODE_ADDRESS_FILE


@pytest.fixture(autouse=True)
def _no_configured_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KACHERY_DAEMON_HOST", "127.0.0.1")
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))


def test_a_node_is_found_by_its_directory_at_any_port(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    assert find_node(storage) is None
    with NodeThread(NodeConfig(storage, port=0)) as node:
        found = find_node(storage)
        assert found is not None
        daemon, at = found
        assert at == ("127.0.0.1", node.port)
        assert daemon.directory == storage
        assert find_node(tmp_path) is None
    assert find_node(storage) is None
    assert not (storage / NODE_ADDRESS_FILE).exists()


@pytest.mark.parametrize("change", [{"machine": "another"}, {"port": "x"}, {"port": CLOSED_PORT}])
def test_notes_that_lead_nowhere_are_passed_over(tmp_path: Path, change: dict[str, object]) -> None:
    storage = tmp_path / "storage"
    with NodeThread(NodeConfig(storage, port=0)):
        note = json.loads((storage / NODE_ADDRESS_FILE).read_text())
        (storage / NODE_ADDRESS_FILE).write_text(json.dumps(note | change))
        assert find_node(storage) is None
        (storage / NODE_ADDRESS_FILE).write_text("{")
        assert find_node(storage) is None
    # What another node has written since stays.
    assert (storage / NODE_ADDRESS_FILE).exists()
