"""Does what a page of the documentation tells its reader to do, in a directory of its own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from closed_port import CLOSED_PORT
from docs_pages import Block, blocks

from seriesview.series.default_store import _open

_HIDDEN = ("KACHERY_STORAGE_DIR", "KACHERY_DAEMON_HOST", "SNAKEMAKE_PROFILE")


class Session:
    """One page's reader: a directory, a home, and a Python that keeps its names from block to block."""

    def __init__(self, directory: Path, home: Path) -> None:
        self.directory = directory
        self._home = home
        self._site = home / "site-packages"
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._variables: dict[str, str] = {}

    def environment(self) -> dict[str, str]:
        """As of a new user, who runs no daemon."""
        kept = {key: value for key, value in os.environ.items() if key not in _HIDDEN}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        return kept | {
            "PYTHONPATH": str(self._site),
            "PATH": path,
            "HOME": str(self._home),
            "KACHERY_DAEMON_PORT": str(CLOSED_PORT),
            "COLUMNS": "100",
        }

    def follow(self, page: Path) -> None:
        """Run every block of a page, in order."""
        for block in blocks(page):
            if block.file is not None:
                path = self.directory / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            elif block.language == "console":
                self._console(block)
            elif block.language == "python":
                self._python(block)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of shell in the session's directory; what it prints is in `stdout`."""
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _console(self, block: Block) -> None:
        status = 0
        steps = _commands(block)
        for number, (command, expected) in enumerate(steps):
            if command.startswith("pip install ./"):
                self._install(self.directory / command.removeprefix("pip install "))
                continue
            done = self.run(f"(exit {status}); {command}")
            status = done.returncode
            following = steps[number + 1][0] if number + 1 < len(steps) else ""
            assert status == 0 or following == "echo $?", f"{block.where}: $ {command}\n{done.stdout}"
            if expected:
                _compare(f"{block.where}: $ {command}", expected, done.stdout)

    def _install(self, package: Path) -> None:
        """What pip does with a package of modules, without a network."""
        project = tomllib.loads((package / "pyproject.toml").read_text())
        about = project["project"]
        self._site.mkdir(exist_ok=True)
        for module in project["tool"]["setuptools"]["py-modules"]:
            shutil.copy(package / f"{module}.py", self._site)
        information = self._site / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
        )
        points = [
            f"[{group}]\n" + "\n".join(f"{name} = {target}" for name, target in entries.items())
            for group, entries in about["entry-points"].items()
        ]
        (information / "entry_points.txt").write_text("\n".join(points) + "\n")

    def _python(self, block: Block) -> None:
        printed = io.StringIO()
        with self._as_its_reader(), contextlib.redirect_stdout(printed):
            exec(compile(block.text, block.where, "exec"), self._names)
        if block.output is not None:
            _compare(block.where, block.output, printed.getvalue())

    @contextlib.contextmanager
    def _as_its_reader(self) -> Iterator[None]:
        """In the session's directory and environment, which Python may change, with no store open yet."""
        before, place = dict(os.environ), Path.cwd()
        if not self._variables:
            self._variables = self.environment()
        os.chdir(self.directory)
        os.environ.clear()
        os.environ.update(self._variables)
        _open.cache_clear()
        try:
            yield
        finally:
            self._variables = dict(os.environ)
            os.chdir(place)
            os.environ.clear()
            os.environ.update(before)
            _open.cache_clear()


def _commands(block: Block) -> list[tuple[str, str]]:
    """Commands, continued over lines that end in a backslash, each with its expected output."""
    steps: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        elif steps and steps[-1][0].endswith("\\") and not steps[-1][1]:
            steps[-1] = (f"{steps[-1][0]}\n{line}", "")
        else:
            assert steps, f"{block.where}: output before any command"
            steps[-1] = (steps[-1][0], f"{steps[-1][1]}{line}\n")
    return steps


def _compare(where: str, expected: str, printed: str) -> None:
    pieces = [re.escape(piece) for piece in _trimmed(expected).split("...")]
    pattern = ".*".join(pieces)
    assert re.fullmatch(pattern, _trimmed(printed), re.DOTALL), (
        f"{where}\n--- the page says\n{expected}\n--- it printed\n{printed}"
    )


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
