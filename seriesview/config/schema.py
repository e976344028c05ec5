"""The JSON schema of config.yaml, generated from the dataclasses that describe it."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any

from seriesview.config.model import MORE, NAME_PATTERN, REQUIRED, Config

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


def config_schema() -> dict[str, Any]:
    """JSON schema (Draft 2020-12) of a whole config.yaml."""
    return {"$schema": DRAFT, "title": "seriesview configuration", **_block(Config)}


def schema_text() -> str:
    """The schema as the file in workflow/schemas/ holds it."""
    return json.dumps(config_schema(), indent=2) + "\n"


def _block(block: type) -> dict[str, Any]:
    hints = typing.get_type_hints(block)
    properties = {}
    for entry in dataclasses.fields(block):
        described = {"description": entry.metadata["description"], **_of_type(hints[entry.name])}
        described.update(entry.metadata["schema"])
        if entry.default not in (None, "", ()) and not dataclasses.is_dataclass(entry.default):
            described["default"] = entry.default
        properties[entry.name] = described
    properties |= MORE.get(block, {})
    return {
        "type": "object",
        "description": (block.__doc__ or "").strip(),
        "properties": properties,
        "required": list(REQUIRED[block]),
        "additionalProperties": False,
    }


def _of_type(hint: Any) -> dict[str, Any]:
    if hint is Any:
        # The field's own schema says it all.
        return {}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _of_type(inner)
    if origin is tuple:
        return {"type": "array", "items": _of_type(arguments[0])}
    if origin is dict:
        return {
            "type": "object",
            "propertyNames": {"pattern": NAME_PATTERN},
            "additionalProperties": _of_type(arguments[1]),
        }
    if dataclasses.is_dataclass(hint):
        return _block(typing.cast(type, hint))
    return {"type": _SIMPLE[hint]}


if __name__ == "__main__":
    print(schema_text(), end="")
