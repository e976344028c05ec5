"""What several documents say alike: URIs, dtypes, numbers; and the files that name a result."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Annotated, Any

from pydantic_core import CoreSchema, core_schema

from seriesview.documents.checking import checked
from seriesview.documents.expectations import Expected, Integer, Number, Words
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


class Ascending(Expected):
    """Of some numbers, whose count is said in words."""

    def __init__(self, count: str) -> None:
        super().__init__(f"{count} numbers, ascending")

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """None of them less than the one before."""

        def ascending(numbers: tuple[float, ...]) -> tuple[float, ...]:
            if list(numbers) != sorted(numbers):
                raise ValueError
            return numbers

        return core_schema.no_info_after_validator_function(ascending, plain())


class RangeEnd(Number):
    """Lowest or highest value of a segment: a number or null; NaN, which the original package wrote, is null."""

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """A number, null, or what is null where it is not finite."""
        not_finite = core_schema.no_info_after_validator_function(
            lambda _: None, core_schema.float_schema(strict=True)
        )
        return core_schema.union_schema(
            [super().right(plain), core_schema.none_schema(), not_finite], mode="left_to_right"
        )

    def json_schema(self, plain: dict[str, Any]) -> dict[str, Any]:
        """A number or null."""
        return {"anyOf": [{"type": "number"}, {"type": "null"}]}


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
