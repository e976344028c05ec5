"""The JSON schema of config.yaml, generated from its models."""

from __future__ import annotations

import json
from typing import Any

from seriesview.config.model import Config
from seriesview.documents.checking import json_schema


def config_schema() -> dict[str, Any]:
    """JSON schema (Draft 2020-12) of a whole config.yaml."""
    return json_schema(Config, "seriesview configuration")


def schema_text() -> str:
    """The schema as the file in workflow/schemas/ holds it."""
    return json.dumps(config_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
