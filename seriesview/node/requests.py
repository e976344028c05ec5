"""Reading JSON requests and writing JSON answers, within the node's limits."""

import asyncio
import json
import math
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import ConfigDict, StrictFloat, StrictInt
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from seriesview.documents.checking import checked
from seriesview.documents.expectations import Document, Expected, Instance, Integer, Words
from seriesview.errors import Code, NodeError
from seriesview.node.callers import Caller


class InvalidRequest(NodeError):  # noqa: N818  (the protocol's own words)
    """A request with a field missing, unknown or of a wrong type: 500 with this text, as the daemon says it."""

    code: Code = "bad-request"

    def __init__(self, problem: str) -> None:
        super().__init__(f"Invalid request in _handler: {problem}")


class Refused(NodeError):  # noqa: N818
    """The caller may not do this: 403 with this text."""

    code: Code = "not-permitted"


def caller_of(request: Request) -> Caller:
    """Return who makes a request."""
    caller: Caller = request.state.caller
    return caller


def answer(value: dict[str, Any]) -> Response:
    """Return a JSON answer."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Response(text, media_type="application/json")


class Body(Document):
    """The JSON object that a request is, its keys in camel case."""

    model_config = ConfigDict(alias_generator=to_camel)


Checked = TypeVar("Checked", bound=Body)
Whole = Annotated[int, Integer(0, may_have_point=True)]
Milliseconds = Annotated[StrictInt | StrictFloat, Expected("a number")]
AnyText = Annotated[str, Words()]
AnyObject = Annotated[dict[str, Any], Instance(dict, "an object")]
AnyValue = Annotated[Any, Instance((str, int, float, list, dict), "anything but null")]


def checked_body(kind: type[Checked], value: Any) -> Checked:
    """Return what a request says; raises InvalidRequest, which does not repeat what may be a secret."""
    return checked(kind, value, show=False, raises=InvalidRequest)


async def body_of(request: Request, kind: type[Checked]) -> Checked:
    """Return what a request's body says.

    Raises HTTPException: 400 malformed, 408 too slow, 413 too large; InvalidRequest where it says something else.
    """
    limits = request.app.state.node.limits
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 19 and int(declared) > limits.json_bytes:
        raise too_large(limits.json_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.head_seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limits.json_bytes:
                    raise too_large(limits.json_bytes)
    except TimeoutError:
        raise HTTPException(408, "the request's body did not arrive in time") from None
    except ClientDisconnect:
        raise HTTPException(400, "the client went away") from None
    return checked_body(kind, _parse_json(bytes(body)))


def _parse_json(text: bytes) -> Any:
    """Return what JSON in UTF-8 says; HTTPException 400 where it is malformed, NaN and infinity included."""
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the request's body is not JSON") from None


def too_large(limit: int) -> HTTPException:
    """Return the error for a body that is larger than allowed."""
    return HTTPException(413, f"request entity too large: at most {limit} bytes are taken")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("number too large")
    return value
