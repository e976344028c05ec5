"""Options that say of recordings on the command line what config.yaml says of a dataset: one a key of its model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from seriesview.cli.arguments import NUMBER
from seriesview.config.model import DatasetKeys
from seriesview.documents.expectations import LARGEST, Flag, Integer, Number, OneOf

Command = TypeVar("Command", bound=Callable[..., Any])

# The recording is an argument, a job is one job, and what is said of single units is no option.
_NO_OPTIONS = ("path", "scatter", "best_channels")
_LISTS = ("channel_labels", "channel_types", "bad_channels", "files")


class _Words(click.ParamType[list[str]]):
    """Texts, separated by commas."""

    name = "text,text,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """The texts, without blanks around them."""
        return value if isinstance(value, list) else [word.strip() for word in value.split(",")]


ENTRY_KEYS = tuple(key for key in DatasetKeys.model_fields if key not in _NO_OPTIONS)
"""Keys of a dataset's entry that are options."""


def entry_options(*keys: str) -> Callable[[Command], Command]:
    """The options of these keys on a command."""

    def with_options(command: Command) -> Command:
        for key in reversed(keys):
            description = DatasetKeys.model_fields[key].description
            text = (
                "A stored value that stands for no value, such as -9999." if key == "missing" else description
            )
            command = click.option(option_name(key), key, type=_type_of(key), help=text)(command)
        return command

    return with_options


def given_keys(options: dict[str, Any]) -> dict[str, Any]:
    """The keys that were given, taken out of a command's options."""
    return {key: value for key in ENTRY_KEYS if (value := options.pop(key, None)) is not None}


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
            return {"missing": NUMBER, **dict.fromkeys(_LISTS, _Words())}.get(key, str)
