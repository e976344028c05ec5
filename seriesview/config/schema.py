"""The JSON schema of config.yaml, generated from its models."""

from __future__ import annotations

import json
from typing import Any

from seriesview.config.model import Config
from seriesview.documents.checking import json_schema


def config_schema() -> dict[str, Any]:
    """JSON schema (Draft 2020-12) of a whole config.yaml."""
    return json_schema(Config, "seriesview configuration")


def dataset_keys() -> dict[str, Any]:
    """The JSON schema of each key of a dataset's entry, by the key."""
    schema = config_schema()
    block: dict[str, Any] = schema["properties"]["datasets"]["additionalProperties"]
    # A model's own schema may stand beside the whole.
    block = schema["$defs"][block["$ref"].rpartition("/")[2]] if "$ref" in block else block
    keys: dict[str, Any] = block["properties"]
    return keys


def schema_text() -> str:
    """The schema as the file in workflow/schemas/ holds it."""
    return json.dumps(config_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
