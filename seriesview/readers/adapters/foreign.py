"""Calling another project's library: whatever it raises becomes a ReaderError, what it warns of a Decision."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

from seriesview.errors import ReaderError, SeriesviewError
from seriesview.readers.protocol import Decision

_MOST_WARNINGS = 5
_MOST_CHARACTERS = 300


@contextlib.contextmanager
def library(
    name: str, path: Path, notes: list[Decision] | None = None, advice: str | None = None
) -> Iterator[None]:
    """Run a library's code on a file: raises ReaderError in place of its errors, and adds its warnings to `notes`.

    Nothing of it is printed. `advice`: what helps where it refuses the file.
    """
    said: list[str] = []
    handler = _Listener(said)
    # Some libraries give each of their modules a handler of its own.
    named = [each for each in logging.root.manager.loggerDict if each == name or each.startswith(f"{name}.")]
    loggers = [logging.getLogger(each) for each in dict.fromkeys([name, *named])]
    before = [(each, each.propagate, each.handlers[:]) for each in loggers]
    for each in loggers:
        each.handlers, each.propagate = [handler], False
    try:
        with (
            warnings.catch_warnings(record=True) as caught,
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("always")
            yield
        said += [
            str(each.message)
            for each in caught
            if not issubclass(each.category, DeprecationWarning | PendingDeprecationWarning | FutureWarning)
        ]
    except SeriesviewError:
        raise
    except Exception as error:  # a library may fail in any way on a file that it does not understand
        raise ReaderError(
            f"{name} cannot read it ({_one_line(f'{type(error).__name__}: {error}')})",
            advice=advice,
            file=path,
        ) from error
    finally:
        for logger, propagate, handlers in before:
            logger.propagate, logger.handlers = propagate, handlers
    if notes is not None:
        texts = list(dict.fromkeys(f"{name}: {_one_line(each)}" for each in said))
        notes += [Decision(text) for text in texts[:_MOST_WARNINGS]]
        if len(texts) > _MOST_WARNINGS:
            notes.append(Decision(f"{name}: {len(texts) - _MOST_WARNINGS} more warnings"))


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.said = said

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def _one_line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= _MOST_CHARACTERS else f"{joined[: _MOST_CHARACTERS - 3]}..."
