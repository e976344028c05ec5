"""Checking JSON documents from outside against typed classes, and the JSON schemas of those classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from seriesview.documents.expectations import Document, JsonSchema
from seriesview.documents.problems import lines, problems
from seriesview.errors import FormatError

Checked = TypeVar("Checked")

_MOST_PROBLEMS = 10


def checked(
    kind: type[Checked],
    value: Any,
    where: str = "",
    *,
    whole: str = "",
    show: bool = True,
    context: object = None,
    raises: Callable[[str], Exception] = FormatError,
) -> Checked:
    """The value as what it should be, else an error that says everything that is wrong, as `lines` does.

    `context` is there for the validators of the kind.
    """
    try:
        return _validated(kind, value, context)
    except ValidationError as error:
        raise raises(_sentence(error, kind, where, whole, show)) from None


def _validated(kind: type[Checked], value: Any, context: object) -> Checked:
    """The value as what it should be. Keys that no UTF-8 holds are passed over where unknown ones are."""
    try:
        found: Checked = adapter(kind).validate_python(value, context=context)
    except ValidationError as error:
        is_odd = any(entry["type"] == "string_unicode" for entry in error.errors(include_input=False))
        if not is_odd or issubclass(kind, Document):
            raise
        found = adapter(kind).validate_python(_in_utf8(value), context=context)
    return found


def _in_utf8(value: Any, levels: int = 20) -> Any:
    """The value without keys that no UTF-8 holds, as deep as documents have keys that are known."""
    if levels and isinstance(value, list):
        return [_in_utf8(each, levels - 1) for each in value]
    if levels and isinstance(value, dict):
        return {
            key: _in_utf8(each, levels - 1)
            for key, each in value.items()
            if not (isinstance(key, str) and _is_odd(key))
        }
    return value


def _is_odd(key: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in key)


def adapter(kind: Any) -> TypeAdapter[Any]:
    """pydantic's checker of a type, made once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def json_schema(kind: Any, title: str, **more: str) -> JsonSchema:
    """The JSON schema (Draft 2020-12) of a kind of document; what is null where it is left out has no default."""
    found: JsonSchema = _plain(adapter(kind).json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **found, **more}


def schema_text(kind: Any, title: str, **more: str) -> str:
    """The same as a file holds it."""
    return json.dumps(json_schema(kind, title, **more), indent=2) + "\n"


def _plain(schema: Any) -> Any:
    """A schema without the titles that pydantic makes of names; names of keys are a rule for all keys."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if patterns := found.pop("patternProperties", None):
        ((pattern, values),) = patterns.items()
        found |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
    return found


def _sentence(error: ValidationError, kind: Any, where: str, whole: str, show: bool) -> str:
    told = lines(problems(error, kind), where, whole=whole, show=show)
    more = len(told) - _MOST_PROBLEMS
    return "; ".join([*told[:_MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])])
