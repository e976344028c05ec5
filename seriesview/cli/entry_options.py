"""Options that say of recordings on the command line what config.yaml says of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from seriesview.cli.arguments import NUMBER

Command = TypeVar("Command", bound=Callable[..., Any])

# Keys of a dataset's entry that a file may leave open -> the option's type and help.
ENTRY_OPTIONS: dict[str, tuple[Any, str]] = {
    "dtype": (str, "Dtype of a flat binary file, such as int16."),
    "channels": (click.IntRange(1, 1_000_000), "Number of channels of a flat binary file."),
    "sampling_frequency": (float, "Samples a second (Hz), where the file does not say."),
    "byte_offset": (click.IntRange(min=0), "Bytes before the first sample of a flat binary file."),
    "order": (
        click.Choice(["C", "F"]),
        "F: one channel follows the other; C: a sample's channels are neighbours.",
    ),
    "allow_truncated": (click.BOOL, "true: use what is there of a file that is cut short."),
    "timestamps": (str, "Dataset or column that holds the time of each sample."),
    "timezone": (str, "Zone of wall-clock times that have none, such as Europe/Berlin."),
    "session_start": (str, "Date and time at which the recording's time is 0 (ISO 8601)."),
    "start_time": (float, "Time of the first sample in seconds, where the file does not say."),
    "header_lines": (click.IntRange(min=0), "Lines above the values of a table, where the guess fails."),
    "unit": (str, "Unit of the physical values, such as uV."),
    "scale": (float, "Physical value = stored value * scale + offset."),
    "offset": (float, "Physical value = stored value * scale + offset."),
    "missing": (NUMBER, "A stored value that stands for no value, such as -9999."),
}


def entry_options(command: Command) -> Command:
    """The options, on a command."""
    for key, (kind, text) in reversed(ENTRY_OPTIONS.items()):
        command = click.option(option_name(key), key, type=kind, help=text)(command)
    return command


def option_name(key: str) -> str:
    """What the option of a key is called."""
    return f"--{key.replace('_', '-')}"
