"""What every room says alike: amounts of bytes, from when on times are dates, the kinds of documents and of tasks."""

from __future__ import annotations

from typing import Any, Literal, get_args

EPOCH_SECONDS = 1e8
"""Times from here on are taken for seconds since 1970, by the viewer too."""
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""No recording begins before or after."""
END_OF_CLOCKS = 7_258_118_400
"""The beginning of LAST_YEAR, in seconds since 1970."""

SeriesType = Literal["continuous", "discrete", "event", "interval"]
SERIES_TYPES: tuple[SeriesType, ...] = get_args(SeriesType)

CHANNEL_TYPES_IN_ORDER = ("EEG", "EOG", "EMG", "ECG", "RESP")
"""From the top, as polysomnography is read; others follow. The viewer has the same."""

TIME_MODES = ("seconds", "clock", "wall")
"""How times are written: seconds, h:m:s, or date and time of day. The viewer has the same."""

WORKSPACE_FORMAT = "seriesview-workspace/1"

FunctionType = Literal["pure-calculation", "query", "action"]
"""What kachery calls a task function: its result is kept, is asked for anew each time, or there is none."""


def bytes_in_words(count: float) -> str:
    """A number of bytes as people write it, three digits of it, in powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.4g} TB"


def is_workspace(document: Any) -> bool:
    """Whether a JSON document says that it is a workspace manifest, of whichever version."""
    return isinstance(document, dict) and str(document.get("format")).startswith("seriesview-workspace/")
