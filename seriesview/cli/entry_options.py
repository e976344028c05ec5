"""Options that say of recordings on the command line what config.yaml says of a dataset, in the words of its models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from seriesview.cli.arguments import NUMBER
from seriesview.config.model import DatasetKeys
from seriesview.documents.expectations import LARGEST, Flag, Integer, Number, OneOf

Command = TypeVar("Command", bound=Callable[..., Any])

ENTRY_OPTIONS = (
    "dtype",
    "channels",
    "sampling_frequency",
    "byte_offset",
    "order",
    "allow_truncated",
    "timestamps",
    "timezone",
    "session_start",
    "start_time",
    "header_lines",
    "unit",
    "scale",
    "offset",
    "missing",
)
"""Keys of a dataset's entry that a file may leave open."""


def entry_options(command: Command) -> Command:
    """The options, on a command."""
    for key in reversed(ENTRY_OPTIONS):
        description = DatasetKeys.model_fields[key].description
        text = "A stored value that stands for no value, such as -9999." if key == "missing" else description
        command = click.option(option_name(key), key, type=_type_of(key), help=text)(command)
    return command


def option_name(key: str) -> str:
    """What the option of a key is called."""
    return f"--{key.replace('_', '-')}"


def _type_of(key: str) -> Any:
    """What an option takes: what the model says may stand at the key."""
    match DatasetKeys.model_fields[key].metadata[0]:
        case OneOf(choices=choices):
            return click.Choice(choices)
        case Integer(least=least, most=most):
            return click.IntRange(least, None if most == LARGEST else most)
        case Flag():
            return click.BOOL
        case Number():
            return float
        case _:
            return NUMBER if key == "missing" else str
