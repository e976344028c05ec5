"""What each task may be asked, and checking it: requests come from whoever is on the channel."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo

from seriesview.documents.checking import checked
from seriesview.documents.expectations import (
    Document,
    Expected,
    Flag,
    Integer,
    Number,
    OneOf,
    Words,
    expected,
)
from seriesview.errors import SeriesviewError, TaskError
from seriesview.series.array_info import DTYPES
from seriesview.store.uris import parse_chunk_uri, parse_uri
from seriesview.tasks.limits import TaskLimits

MAX_INDEX = 2**53
"""Integers are exact up to here in JavaScript, whose numbers requests are written in."""

MAX_TIME = 10**15
"""Seconds; 30 million years either way."""

MAX_TEXT = 1000

Arguments = TypeVar("Arguments", bound=Document)


def _parsed(uri: str) -> str:
    try:
        if parse_chunk_uri(uri) is None:
            parse_uri(uri)
    except SeriesviewError as error:
        raise ValueError(str(error)) from None
    return uri


def at_most(limit: str) -> AfterValidator:
    """A number, or the length of a list, up to a limit of the context."""

    def check(value: Any, info: ValidationInfo) -> Any:
        most = getattr(info.context, limit)
        if (value if isinstance(value, int) else len(value)) > most:
            raise expected(f"{'an integer from 1' if isinstance(value, int) else 'a list of 1'} to {most}")
        return value

    return AfterValidator(check)


def _each_once(ids: list[str]) -> list[str]:
    if len(set(ids)) < len(ids):
        raise expected("ids of channels, each once")
    return ids


_ARTIFACT = r"sha1://[0-9a-f]{40}/[^/?#\\\x00-\x20\x7f]+"
Uri = Annotated[
    str,
    Words(most=MAX_TEXT, pattern=_ARTIFACT + r"(\?manifest=[0-9a-f]{40})?"),
    AfterValidator(_parsed),
    Expected("a URI sha1://HASH/NAME with 40 lower-case hexadecimal digits"),
]
UriOfBytes = Annotated[
    str,
    Words(
        most=MAX_TEXT, pattern=_ARTIFACT + r"(\?manifest=[0-9a-f]{40}|\?chunkOf=[0-9a-f]{40}~[0-9]+~[0-9]+)?"
    ),
    AfterValidator(_parsed),
    Expected(
        "a URI sha1://HASH/NAME with 40 lower-case hexadecimal digits, or sha1://HASH/NAME?chunkOf=HASH~START~END"
    ),
]
Index = Annotated[int, Integer(0, MAX_INDEX)]
Count = Annotated[int, Integer(1, MAX_INDEX)]
Time = Annotated[
    float, Number(least=-MAX_TIME, most=MAX_TIME), AfterValidator(float), Expected("a time in seconds")
]
Ids = Annotated[
    list[Annotated[str, Words(most=MAX_TEXT, said="the id of a channel, which is a text")]],
    Field(min_length=1),
    at_most("max_channels"),
    AfterValidator(_each_once),
]
Halves = Annotated[bool, Flag()]


def _from_first(last_sample: int, info: ValidationInfo) -> int:
    first_sample = info.data.get("first_sample", 0)
    if last_sample < first_sample:
        raise expected(f"an integer from {first_sample} to {MAX_INDEX}")
    return last_sample


class NoArguments(Document):
    """Nothing."""


class SeriesArguments(Document):
    """A series."""

    series_uri: Uri


class WorkspaceArguments(Document):
    """A workspace."""

    workspace_uri: Uri


class ArrayArguments(Document):
    """An artifact, and the dtype of the numbers in it."""

    dtype: Annotated[str, OneOf(*DTYPES)]
    uri: UriOfBytes


class WindowArguments(Document):
    """Columns of a segment, from a sample on."""

    series_uri: Uri
    segment: Index
    first_sample: Index
    samples_per_column: Count
    columns: Annotated[Count, at_most("max_columns")]
    channels: Ids | None = None
    halves: Halves = False


class PointsArguments(Document):
    """A stretch of time."""

    series_uri: Uri
    start_time: Time
    end_time: Time
    max_points: Annotated[Count, at_most("max_points")]
    halves: Halves = False


class StatisticsArguments(Document):
    """Samples of a segment, both ends included."""

    series_uri: Uri
    segment: Index
    first_sample: Index
    last_sample: Annotated[Index, AfterValidator(_from_first)]
    channels: Ids | None = None
    halves: Halves = False


def arguments_of(kind: type[Arguments], kwargs: object, limits: TaskLimits) -> Arguments:
    """The arguments of a task. Raises TaskError, which says everything that is wrong with them."""

    def wrong(sentence: str) -> TaskError:
        return TaskError(sentence, code="bad-request")

    return checked(kind, kwargs, whole="kwargs", context=limits, raises=wrong)
