"""Mutables: values by key, both JSON, as kachery clients set and get them."""

import hashlib
import json
from typing import Annotated, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from seriesview.documents.expectations import Flag
from seriesview.node.canonical import canonical_json
from seriesview.node.database import Database
from seriesview.node.requests import AnyValue, Body, InvalidRequest, answer, body_of


class Mutables:
    """Values kept by key in the node's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create("CREATE TABLE IF NOT EXISTS mutables (sha1 TEXT PRIMARY KEY, key TEXT, value TEXT)")

    async def set(self, key: Any, value: Any, update: bool = True) -> bool:
        """Keep `value` under `key`; without `update` an older value stays, and the answer is False."""
        sha1, key_text = _hashed(key)
        conflict = "DO UPDATE SET value = excluded.value" if update else "DO NOTHING"
        changed = await self._database.execute(
            f"INSERT INTO mutables VALUES (?, ?, ?) ON CONFLICT (sha1) {conflict}",
            (sha1, key_text, json.dumps(value, separators=(",", ":"), allow_nan=False)),
        )
        return changed > 0

    async def get(self, key: Any) -> tuple[bool, Any]:
        """Return (whether there is a value, the value)."""
        rows = await self._database.query("SELECT value FROM mutables WHERE sha1 = ?", _hashed(key)[:1])
        return (True, json.loads(rows[0][0])) if rows else (False, "")

    async def delete(self, key: Any) -> bool:
        """Forget a value; returns whether there was one."""
        return await self._database.execute("DELETE FROM mutables WHERE sha1 = ?", _hashed(key)[:1]) > 0


def mutable_routes() -> list[Route]:
    """Return the routes of /mutable."""
    return [
        Route("/mutable/set", _set, methods=["POST"]),
        Route("/mutable/get", _get, methods=["POST"]),
        Route("/mutable/delete", _delete, methods=["POST"]),
    ]


class _Key(Body):
    key: AnyValue


class _Value(_Key):
    value: AnyValue
    update: Annotated[bool, Flag()] = True


async def _set(request: Request) -> Response:
    asked = await body_of(request, _Value)
    done = await _mutables(request).set(asked.key, asked.value, asked.update)
    return answer({"success": done})


async def _get(request: Request) -> Response:
    found, value = await _mutables(request).get((await body_of(request, _Key)).key)
    return answer({"success": True, "found": found, "value": value})


async def _delete(request: Request) -> Response:
    return answer({"success": await _mutables(request).delete((await body_of(request, _Key)).key)})


def _mutables(request: Request) -> Mutables:
    mutables: Mutables = request.app.state.node.mutables
    return mutables


def _hashed(key: Any) -> tuple[str, str]:
    try:
        text = canonical_json(key)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    return hashlib.sha1(text, usedforsecurity=False).hexdigest(), text.decode("utf-8")
