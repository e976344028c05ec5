"""Calling another project's library: whatever it raises becomes a ReaderError, what it warns of a Decision."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from seriesview.errors import ReaderError, SeriesviewError
from seriesview.readers.adapters.listening import heard
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
    try:
        with heard(name) as said:
            yield
    except SeriesviewError:
        raise
    except Exception as error:  # a library may fail in any way on a file that it does not understand
        raise ReaderError(
            f"{name} cannot read it ({_one_line(f'{type(error).__name__}: {error}')})",
            advice=advice,
            file=path,
        ) from error
    if notes is not None:
        texts = list(dict.fromkeys(f"{name}: {_one_line(each)}" for each in said))
        notes += [Decision(text) for text in texts[:_MOST_WARNINGS]]
        if len(texts) > _MOST_WARNINGS:
            notes.append(Decision(f"{name}: {len(texts) - _MOST_WARNINGS} more warnings"))


def _one_line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= _MOST_CHARACTERS else f"{joined[: _MOST_CHARACTERS - 3]}..."
