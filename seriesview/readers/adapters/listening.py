"""What another project's library prints, logs and warns of while it runs, heard for each thread by itself.

Streams, loggers and warnings are those of the whole process, in which several recordings may be read at once.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, TextIO

_LEFT_OUT = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


class _Ears:
    """Listens while any thread is within `heard`; what other threads print and warn of goes where it went."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[int, list[list[str]]] = {}
        self._before = ExitStack()
        self._loggers: set[str] = set()

    def begin(self, thread: int, name: str, said: list[str]) -> None:
        """Take what a thread says from now on, in loggers of this name too."""
        with self._lock:
            if not self._said:
                self._take_streams()
                self._take_warnings()
            self._take_loggers(name)
            self._said.setdefault(thread, []).append(said)

    def end(self, thread: int) -> None:
        """Let everything be as it was, where this is the last one."""
        with self._lock:
            self._said[thread].pop()
            if not self._said[thread]:
                del self._said[thread]
            if not self._said:
                self._loggers.clear()
                self._before.close()

    def here(self) -> list[str] | None:
        """What this thread's library has said; None where it runs none."""
        found = self._said.get(threading.get_ident())
        return found[-1] if found else None

    def _take_streams(self) -> None:
        self._before.enter_context(contextlib.redirect_stdout(_Stream(sys.stdout)))
        self._before.enter_context(contextlib.redirect_stderr(_Stream(sys.stderr)))

    def _take_warnings(self) -> None:
        self._before.enter_context(warnings.catch_warnings())
        before = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *more: Any, **named: Any) -> None:
            said = self.here()
            if said is None:
                before(message, category, *more, **named)
            elif not issubclass(category, _LEFT_OUT):
                said.append(str(message))

        warnings.showwarning = show
        warnings.simplefilter("always")

    def _take_loggers(self, name: str) -> None:
        # Some libraries give each of their modules a handler of its own.
        known = list(logging.root.manager.loggerDict)
        for each in {name, *(each for each in known if each.startswith(f"{name}."))} - self._loggers:
            self._loggers.add(each)
            logger = logging.getLogger(each)
            self._before.callback(_restore, logger, logger.handlers[:], logger.propagate)
            logger.handlers, logger.propagate = [_Listener()], False


class _Stream:
    """A standard stream to which nothing comes of threads that are listened to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Characters written, or left out."""
        return self._stream.write(text) if _ears.here() is None else len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        said = _ears.here()
        if said is not None:
            said.append(record.getMessage())


def _restore(logger: logging.Logger, handlers: list[logging.Handler], propagate: bool) -> None:
    logger.handlers, logger.propagate = handlers, propagate


_ears = _Ears()


@contextlib.contextmanager
def heard(name: str) -> Iterator[list[str]]:
    """Run a library's code, loggers of `name` its own: its warnings come into the list, and nothing is printed."""
    said: list[str] = []
    thread = threading.get_ident()
    _ears.begin(thread, name, said)
    try:
        yield said
    finally:
        _ears.end(thread)
