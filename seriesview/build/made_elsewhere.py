"""What this user's builds made of recordings, by content: under another name, or into another folder of results."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.build.ledger import Made, made_of_line
from seriesview.build.results import read_in, write_in
from seriesview.errors import SeriesviewError
from seriesview.readers.protocol import Recording
from seriesview.store.folders import Folder

_LOOKED_AT = 1000
_MOST_LOOKED_AT_BYTES = 4 << 20
"""Of so many samples at the beginning, in the middle and at the end, which tell one recording from another that is as
long."""


class MadeElsewhere:
    """Notes in a folder of the user's own: one file a recording, in a folder for all of which as much was made in the
    same way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, what: dict[str, Any], recording: Recording) -> Made | None:
        """What was made of such samples; None where nothing is noted. Raises what reading them does."""
        folder = self._folder / _key(what)
        if not folder.is_dir():
            return None
        try:
            with Folder.at(folder) as opened:
                name = _name(recording)
                status = opened.find(name)
                return (
                    None
                    if status is None or status.st_uid != os.geteuid()
                    else made_of_line(read_in(opened, name))
                )
        except OSError:
            return None

    def keep(self, made: Made, recording: Recording) -> None:
        """Note what was made; where that is not possible it will be made again."""
        folder = self._folder / _key(made.what)
        with suppress(OSError, SeriesviewError):
            folder.mkdir(parents=True, exist_ok=True)
            with Folder.at(folder) as opened:
                write_in(opened, _name(recording), made.line(is_of_this=False))


def _key(what: dict[str, Any]) -> str:
    """What is made, wherever it is made of: where samples lie in files, and how many, says more than their sizes."""
    without_place = {key: value for key, value in what.items() if key != "source"}
    return hashlib.sha256(json.dumps(without_place, sort_keys=True).encode()).hexdigest()


def _name(recording: Recording) -> str:
    digest, total = hashlib.sha256(), recording.num_samples
    fitting = _MOST_LOOKED_AT_BYTES // (recording.num_channels * recording.dtype.itemsize)
    samples = np.empty((min(_LOOKED_AT, total, max(1, fitting)), recording.num_channels), recording.dtype)
    for first in (0, (total - len(samples)) // 2, total - len(samples)):
        recording.read_into(first, samples)
        digest.update(samples.tobytes())
    return f"{digest.hexdigest()}.json"
