"""Reading JSON requests and writing JSON answers, within the node's limits."""

import asyncio
import json
import math
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from seriesview.errors import NodeError
from seriesview.node.callers import Caller


class InvalidRequest(NodeError):  # noqa: N818  (the protocol's own words)
    """A request with a field missing, unknown or of a wrong type: 500 with this text, as the daemon says it."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"Invalid request in _handler: {problem}")


class Refused(NodeError):  # noqa: N818
    """The caller may not do this: 403 with this text."""


def caller_of(request: Request) -> Caller:
    """Return who makes a request."""
    caller: Caller = request.state.caller
    return caller


def answer(value: dict[str, Any]) -> Response:
    """Return a JSON answer."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return Response(text, media_type="application/json")


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object in a request's body.

    Raises HTTPException: 400 malformed, 408 too slow, 413 too large; InvalidRequest where it is no object.
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
    value = parse_json(bytes(body))
    if not isinstance(value, dict):
        raise InvalidRequest("an object is expected")
    return value


def parse_json(text: bytes) -> Any:
    """Return what JSON in UTF-8 says; HTTPException 400 where it is malformed, NaN and infinity included."""
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the request's body is not JSON") from None


def check_fields(body: dict[str, Any], required: dict[str, type], optional: dict[str, type]) -> None:
    """Raise InvalidRequest unless `body` has all required fields, no unknown ones, and each of its type.

    `int` takes whole numbers, `float` any number, `bool` true and false alone, `object` anything but null.
    """
    for name in body:
        if name not in required and name not in optional:
            raise InvalidRequest(f"unknown field {name!r:.60}")
    for name, kind in {**required, **optional}.items():
        if name not in body:
            if name in required:
                raise InvalidRequest(f"field {name} is missing")
        elif not _fits(body[name], kind):
            raise InvalidRequest(f"field {name} has a wrong type or value")


def too_large(limit: int) -> HTTPException:
    """Return the error for a body that is larger than allowed."""
    return HTTPException(413, f"request entity too large: at most {limit} bytes are taken")


def _fits(value: Any, kind: type) -> bool:
    if kind is object:
        return value is not None
    if kind is int:
        return type(value) is int or (type(value) is float and value.is_integer())
    if kind is float:
        return type(value) in (int, float)
    return type(value) is kind


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("number too large")
    return value
