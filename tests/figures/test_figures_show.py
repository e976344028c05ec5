"""`seriesview.show` in a script, in an interactive session and in a notebook."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from closed_port import CLOSED_PORT
from link_client import Browser

SCRIPT = """
import numpy as np, seriesview
figure = seriesview.show(np.arange(3000.0), 100, name="ramp", store="storage"{more})
print("after", figure.label, flush=True)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """One without a screen, a node or a store."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "KACHERY_STORAGE_DIR", "KACHERY_DAEMON_HOST")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    own = {"HOME": str(tmp_path / "home"), "KACHERY_DAEMON_PORT": str(CLOSED_PORT), "NO_PROXY": "*"}
    return kept | own


def test_a_script_shows_until_it_is_interrupted(tmp_path: Path, environment: dict[str, str]) -> None:
    program = [sys.executable, "-c", SCRIPT.format(more="")]
    with subprocess.Popen(
        program, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        assert "#token=" in link
        Browser().open(link)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().split() == ["after", "ramp"]
    assert process.returncode == 0


def test_it_need_not_wait(tmp_path: Path, environment: dict[str, str]) -> None:
    program = [sys.executable, "-c", SCRIPT.format(more=", wait=False")]
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "after ramp"


def test_a_notebook_gets_a_figure_that_shows_itself(tmp_path: Path, environment: dict[str, str]) -> None:
    script = """
import sys, types
import numpy as np, seriesview
shell = types.SimpleNamespace(kernel=object())
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
figure = seriesview.show(np.arange(3000.0), 100, store="storage")
print(figure._repr_html_()[:8])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "<iframe"
