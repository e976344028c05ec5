"""What several documents say alike: URIs, dtypes, numbers; and the files that name a result."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Annotated

from seriesview.documents.checking import checked
from seriesview.documents.expectations import Integer, Number, Words
from seriesview.documents.problems import shown
from seriesview.errors import FormatError

SHA1_URI_PATTERN = r"sha1://[0-9a-f]{40}/[^/?#]+(\?manifest=[0-9a-f]{40})?"
_SHA1_URI = re.compile(SHA1_URI_PATTERN)
_EXPECTED_URI = "sha1://HASH/name with 40 hexadecimal digits"
_MOST_RESULT_BYTES = 64 << 20

Uri = Annotated[str, Words(pattern=SHA1_URI_PATTERN, said=_EXPECTED_URI)]
Text = Annotated[str, Words()]
FiniteNumber = Annotated[float, Number()]
Positive = Annotated[float, Number(above=0)]
Count = Annotated[int, Integer(0)]
AtLeastOne = Annotated[int, Integer(1)]
AtLeastTwo = Annotated[int, Integer(2)]


def json_number(value: float) -> float | str:
    """A number as JSON can hold it: NaN and infinities as the strings "NaN", "Infinity", "-Infinity"."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def checked_uri(uri: str, where: str) -> str:
    """The URI, if it is a well-formed sha1:// URI; raises FormatError."""
    if _SHA1_URI.fullmatch(uri) is None:
        raise FormatError(f"{where}: expected {_EXPECTED_URI}, found {shown(uri)}")
    return uri


@dataclass(frozen=True)
class _Result:
    uri: Uri


def result_uri(place: str | Path, kind: str) -> str:
    """The URI itself, or the one that a result file such as `kind` names. Raises FormatError."""
    if isinstance(place, str) and place.startswith("sha1://"):
        return place
    if not isinstance(place, str | PathLike):
        raise FormatError(f"a sha1:// URI or {kind} is expected, found a {type(place).__name__}")
    path = Path(place)

    def wrong(sentence: str) -> FormatError:
        return FormatError(f"{sentence}; give a sha1:// URI or {kind}")

    try:
        result = json.loads(_result_text(path))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise wrong(f"{path}: cannot be read as JSON ({reason})") from error
    return checked(_Result, result, str(path), whole=str(path), raises=wrong).uri


def _result_text(path: Path) -> str:
    """The text of a regular file of a result's size; of a pipe nothing is waited for. Raises OSError, ValueError."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no regular file")
        content = file.read(_MOST_RESULT_BYTES + 1)
    if len(content) > _MOST_RESULT_BYTES:
        raise ValueError("too large for a result")
    return content.decode("utf-8")
