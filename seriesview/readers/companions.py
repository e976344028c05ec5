"""Small files beside samples, as other programs write them: their texts and JSON, and values in these."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from seriesview.errors import ReaderError

_MOST_JSON_BYTES = 64 << 20
_MOST_CHARACTERS = 200


def read_small(path: Path, most_bytes: int, what: str) -> bytes:
    """All bytes of a file. Raises ReaderError where it cannot be read, or is larger than `what` can be."""
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    if len(content) > most_bytes:
        raise ReaderError(f"too large for {what}: more than {most_bytes >> 10} KiB", file=path)
    return content


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds. Raises ReaderError."""
    content = read_small(path, _MOST_JSON_BYTES, "a description")
    try:
        document = json.loads(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ReaderError(
            f"no JSON ({str(error)[:_MOST_CHARACTERS]}); copy it again, or write it anew", file=path
        ) from error
    if not isinstance(document, dict):
        raise ReaderError("no description: a JSON object is expected", file=path)
    return document


def text_of(value: Any) -> str:
    """A value as a label, in one line of at most 200 characters."""
    return " ".join(str(value)[:_MOST_CHARACTERS].encode("utf-8", "replace").decode().split())


def number_of(value: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
