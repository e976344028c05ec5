"""Commands that print links, each in a process of its own."""

from __future__ import annotations

import shlex
import time

from serving_processes import Process, Surroundings
from waiting import until


class Served:
    """A process that prints links on its standard output."""

    def __init__(self, surroundings: Surroundings, *command: str, **environment: str) -> None:
        self.out = surroundings.directory / f"out-{time.monotonic_ns()}"
        shell = f"exec {shlex.join(command)} > {shlex.quote(str(self.out))}"
        self.process: Process = surroundings.start("bash", "-c", shell, **environment)

    def links(self, number: int = 1) -> list[str]:
        """All links to what is built, when there are so many; those to what is being built are `early_links`."""

        def came() -> bool:
            assert self.process.popen.poll() is None, self.process.written
            return len(self._printed(is_early=False)) >= number

        until(came)
        return self._printed(is_early=False)

    def early_links(self) -> list[str]:
        """Links to what was being built when they were printed."""
        return self._printed(is_early=True)

    def _printed(self, is_early: bool) -> list[str]:
        lines = self.out.read_text().splitlines(keepends=True) if self.out.exists() else []
        return [line[:-1] for line in lines if line.endswith("\n") and ("live=" in line) is is_early]
