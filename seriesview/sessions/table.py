"""The index as a table of text: a line each, tab-separated, for spreadsheets and scripts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

_FORMULAS = ("=", "+", "-", "@")
_PLAIN = ("label", "state", "cause")
_NUMBERS = ("seconds", "mismatch", "gaps", "gap_seconds", "channels", "clipped")
_LAST = ("clipped_channel", "units", "raw", "raw_bytes", "raw_files", "view_bytes", "view_files")


def sessions_table(sessions: Sequence[Mapping[str, Any]]) -> str:
    """The table; what is not known is `n/a`, as in BIDS. Columns that wildcards name come behind the id."""
    own = list(dict.fromkeys(name for each in sessions for name in each["values"]))
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    lists = ("streams", "expected", "bad")
    names = [name for name in own if name not in ("owner", *_PLAIN, *_NUMBERS, *_LAST, *lists)]
    writer.writerow(["id", *names, *_PLAIN, *lists, *_NUMBERS, *_LAST, "owner", "workspace"])
    for each in sessions:
        values = each["values"]
        cells = [each["id"], *(values.get(name) for name in names), *(each[name] for name in _PLAIN)]
        cells += [", ".join(each[name]) or None for name in lists]
        cells += [each[name] for name in (*_NUMBERS, *_LAST)]
        cells += [values.get("owner") or each["owner"], each["workspace"]]
        writer.writerow([_cell(cell) for cell in cells])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return repr(round(value, 6))
    text = " ".join(str(value).split())
    # Spreadsheets compute what begins so, unless it is said to be text (OWASP, CSV injection).
    return f"'{text}" if text.startswith(_FORMULAS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        return math.isfinite(float(text))
    return False
