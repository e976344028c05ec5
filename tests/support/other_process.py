"""Running a function in a forked process: as another user, under limits, or killed at a chosen moment."""

# Sockets and json import them late, when another user may not read them.
import encodings.idna
import encodings.utf_16
import encodings.utf_16_be
import encodings.utf_16_le
import encodings.utf_32
import encodings.utf_32_be
import encodings.utf_32_le  # noqa: F401
import os
import pickle
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

import requests  # noqa: F401  (kachery-client imports it late)

NOBODY = 65534


def in_child(
    function: Callable[[], Any], user: int | None = None, groups: tuple[int, ...] = (NOBODY,)
) -> Any:
    """Return what `function` returns in a forked process, which is `user` there (root only); its errors come back."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        try:
            try:
                if user is not None:
                    os.setgroups(list(groups))
                    os.setgid(groups[0])
                    os.setuid(user)
                answer = (True, function())
            except BaseException as error:
                traceback.print_exc()
                answer = (False, error)
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump(answer, pipe)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    os.waitpid(process, 0)
    assert text, "the process died"
    fine, value = pickle.loads(text)
    if not fine:
        raise value
    return value


def start_child(function: Callable[[], Any]) -> int:
    """Fork a process that runs `function`; its exit status is 0 when that returned."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            function()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return process


def killed_at(function: Callable[[], Any], event: int) -> bool:
    """Run `function` in a process killed at its `event`-th operation on the file system; returns whether it was."""

    def run() -> None:
        seen = 0

        def hook(name: str, _: object) -> None:
            nonlocal seen
            if name.startswith("os.") or name == "open":
                seen += 1
                if seen == event:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        function()

    _, status = os.waitpid(start_child(run), 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@contextmanager
def open_directory() -> Iterator[Path]:
    """Give a temporary directory that every user may enter (pytest's own is private)."""
    path = Path(tempfile.mkdtemp(prefix="seriesview-test-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        rmtree(path, ignore_errors=True)
