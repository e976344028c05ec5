"""phy's params.py, read as text: the values of plain assignments. Nothing of it is run."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.readers.companions import read_small

_MOST_BYTES = 1 << 16
_PATH = re.compile(r"^\s*dat_path\s*=\s*\[?\s*[rR]?(['\"])(.*?)\1", re.MULTILINE)
_MOST_FILES = 1000
_MOST_CHANNELS = 1 << 16


@dataclass(frozen=True)
class Params:
    """What a params.py says; None for what it does not say, or not plainly. `dat_paths` are texts, as they stand."""

    path: Path | None = None
    dat_paths: tuple[str, ...] = ()
    sample_rate: float | None = None
    num_channels: int | None = None
    dtype: str | None = None
    offset: int = 0


def read_params(folder: Path) -> Params:
    """The params.py of a folder; one that says nothing where there is none. Raises ReaderError where it is no text."""
    path = folder / "params.py"
    if not path.exists():
        return Params()
    text = read_small(path, _MOST_BYTES, "a params.py of phy").decode("utf-8", "replace")
    values = _assignments(text) or {
        name: value for line in text.splitlines() for name, value in _assignments(line).items()
    }
    paths = values.get("dat_path")
    if paths is None and (found := _PATH.search(text)) is not None:
        # A Windows path in a plain string is no Python: \U begins an escape.
        paths = found[2]
    listed = paths if isinstance(paths, list | tuple) else [paths]
    return Params(
        path,
        tuple(each for each in listed[:_MOST_FILES] if isinstance(each, str) and each not in ("", "None")),
        _positive(values.get("sample_rate")),
        _whole(values.get("n_channels_dat"), _MOST_CHANNELS) or None,
        dtype if isinstance(dtype := values.get("dtype"), str) else None,
        _whole(values.get("offset"), 1 << 60) or 0,
    )


def _assignments(text: str) -> Mapping[str, Any]:
    """Names and literal values; what is not literal is passed over."""
    found: dict[str, Any] = {}
    try:
        with warnings.catch_warnings():
            # Of escapes in Windows paths that mean nothing.
            warnings.simplefilter("ignore")
            statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name):
            try:
                found[target.id] = ast.literal_eval(statement.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                continue
    return found


def _positive(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 1e9 and math.isfinite(value) else None  # type: ignore[operator,arg-type]


def _whole(value: object, highest: int) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= highest else None  # type: ignore[operator,call-overload]
