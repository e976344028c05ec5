from collections.abc import Iterator
from pathlib import Path

import pytest
from node_peers import NODE_VARIABLES

from seriesview.node.config import NodeConfig
from seriesview.node.server import NodeThread


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No node of the machine, no proxy, no storage directory of the user."""
    for name in NODE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeThread]:
    """A node with the channel `demo`, in a thread of this process."""
    with NodeThread(NodeConfig(tmp_path / "storage", port=0, channels=("demo",))) as running:
        yield running
