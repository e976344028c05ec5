"""config.yaml: what it may say, its JSON schema, and reading it with every problem at once."""

from seriesview.config.loading import (
    check_config,
    load_config,
    parse_config,
    with_defaults,
    without_filled_in,
)
from seriesview.config.schema import config_schema
from seriesview.config.yaml_file import read_yaml

__all__ = [
    "check_config",
    "config_schema",
    "load_config",
    "parse_config",
    "read_yaml",
    "with_defaults",
    "without_filled_in",
]
