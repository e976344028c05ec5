import socket
from collections.abc import Iterator
from pathlib import Path

import kachery_client
import pytest
from kachery_peer import KacheryPeer, forget_client_state


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No daemon of the machine, no storage directory of the user."""
    for name in ("KACHERY_STORAGE_DIR", "KACHERY_OFFLINE_STORAGE_DIR", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("KACHERY_DAEMON_HOST", "127.0.0.1")
        monkeypatch.setenv("KACHERY_DAEMON_PORT", str(free.getsockname()[1]))
    monkeypatch.setenv("KACHERY_TEMP_DIR", str(tmp_path / "kachery-tmp"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    forget_client_state()
    yield
    kachery_client.enable_ephemeral(False)
    forget_client_state()


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KacheryPeer]:
    """A daemon of the protocol, at the address where clients look."""
    server = KacheryPeer(tmp_path / "daemon storage")
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(server.port))
    forget_client_state()
    yield server
    server.stop()
