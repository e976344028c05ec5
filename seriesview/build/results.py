"""The small files that jobs write for each other and for people; each appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seriesview.errors import BuildError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it. Raises BuildError where that is not possible."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BuildError(f"{path}: cannot be written ({error.strerror})") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a result as JSON. Raises BuildError."""
    write_whole(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())


def read_results(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What jobs wrote. Raises BuildError where one cannot be read."""
    results = []
    for path in paths:
        try:
            results.append(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            raise BuildError(f"{path}: not a result of the pipeline ({error}); build it again") from error
    return results
