from collections.abc import Iterator
from pathlib import Path

import pytest
from app_peers import App
from serving_processes import HIDDEN, Surroundings


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Surroundings]:
    """A port and a storage directory of this test's own; this process uses them too."""
    own = Surroundings(tmp_path)
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    for name in ("KACHERY_DAEMON_HOST", "KACHERY_DAEMON_PORT", "KACHERY_STORAGE_DIR", "HOME"):
        monkeypatch.setenv(name, own.environment()[name])
    yield own
    own.end()


@pytest.fixture
def served(surroundings: Surroundings) -> Surroundings:
    """The same, with a node and a backend without an ID."""
    surroundings.node()
    surroundings.backend()
    return surroundings


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """A node and a backend for all tests of a module that leave nothing behind."""
    own = Surroundings(tmp_path_factory.mktemp("lasting"))
    own.node()
    own.backend()
    yield own
    own.end()


@pytest.fixture
def served_once(lasting: Surroundings, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    """The node and backend of the module."""
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    for name in ("KACHERY_DAEMON_HOST", "KACHERY_DAEMON_PORT", "KACHERY_STORAGE_DIR", "HOME"):
        monkeypatch.setenv(name, lasting.environment()[name])
    return lasting


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    running = App(tmp_path)
    yield running
    running.end()
