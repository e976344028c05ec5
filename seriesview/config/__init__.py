"""config.yaml: what it may say, its JSON schema, and reading it with every problem at once."""

from seriesview.config.loading import check_config, load_config, read_yaml
from seriesview.config.schema import config_schema

__all__ = ["check_config", "config_schema", "load_config", "read_yaml"]
