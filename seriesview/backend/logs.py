"""Log lines that people and programs can read: key=value, one line an event."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime

from seriesview.errors import SeriesviewError

LOGGER_NAME = "seriesview.backend"

_PLAIN = re.compile(r"[\w.:/+@-]+", re.ASCII)
_MAX_TRACEBACK = 8000


def fields(event: str, **values: object) -> str:
    """Return `event=EVENT key=value ...`; values that are not plain words are quoted as in JSON, None is left out."""
    pairs = [f"{key}={_quoted(value)}" for key, value in values.items() if value is not None]
    return " ".join([f"event={event}", *pairs])


def one_line_traceback(error: BaseException) -> str:
    """Return where an error comes from, to be quoted."""
    return "".join(traceback.format_exception(error))[-_MAX_TRACEBACK:]


def explained(error: BaseException) -> str:
    """What an error says, where it is one of this package's, else where it comes from."""
    return str(error) if isinstance(error, SeriesviewError) else one_line_traceback(error)


def log_cause(what: str, error: BaseException) -> None:
    """Log what went wrong here while something was answered, of which whoever asked is told less."""
    logging.getLogger(LOGGER_NAME).warning(fields("cause", task=what, error=explained(error)))


def write_to_stderr() -> None:
    """Write the lines of the backend, and warnings of the rest of seriesview, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logger = logging.getLogger("seriesview")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logging.getLogger(LOGGER_NAME).setLevel(logging.INFO)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")
        text = record.getMessage()
        if not text.startswith("event="):
            text = fields("message", source=record.name, text=text)
        if record.exc_info and record.exc_info[1] is not None:
            text += f" traceback={_quoted(one_line_traceback(record.exc_info[1]))}"
        return f"time={time} level={record.levelname.lower()} {text}"


def _quoted(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
