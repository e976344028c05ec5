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
        def came() -> bool:
            assert self.process.popen.poll() is None, self.process.written
            return self.out.exists() and self.out.read_text().count("\n") >= number

        until(came)
        return self.out.read_text().splitlines()
