"""What is shown by the test's own process has a place of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from closed_port import CLOSED_PORT


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, in an environment that names no store and no node."""
    for name in ("KACHERY_STORAGE_DIR", "KACHERY_DAEMON_HOST", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(tmp_path)
    return tmp_path
