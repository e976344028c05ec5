"""Options that open a view with its traces filtered, referenced, or looked at by a preset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from seriesview.viewer.presets import presets

Command = TypeVar("Command", bound=Callable[..., Any])
Filter = dict[str, Any]

_FREQUENCY = click.FloatRange(min=0, min_open=True)
_KEYS = ("bandpass", "highpass", "lowpass", "notch", "reference")
"""In the order in which they are done."""


def filter_options(command: Command) -> Command:
    """The options on a command; `wanted_filter` takes them out of its keyword arguments."""
    table = presets()
    about = "; ".join(f"{name}: {preset['about']}" for name, preset in table.items())
    options = (
        click.option(
            "--preset",
            type=click.Choice(list(table)),
            help=f"Open panels that it fits with these filters. {about}.",
        ),
        click.option(
            "--highpass", type=_FREQUENCY, metavar="HZ", help="Open traces with what is slower taken out."
        ),
        click.option(
            "--lowpass", type=_FREQUENCY, metavar="HZ", help="Open traces with what is faster taken out."
        ),
        click.option(
            "--bandpass", type=(_FREQUENCY, _FREQUENCY), metavar="LOW HIGH", help="Both at once, in Hz."
        ),
        click.option(
            "--notch", type=_FREQUENCY, metavar="HZ", help="Open traces without the hum at this frequency."
        ),
        click.option(
            "--reference",
            metavar="mean|median|LABEL,...",
            help="Open traces against the mean or median of all electrodes, or the mean of some channels.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def wanted_filter(options: dict[str, Any]) -> Filter | None:
    """What of filters was asked for, as links have it ({preset} or {steps}); taken out of the options.

    Raises SeriesviewError for steps that cannot be, UsageError where a preset and others were asked for.
    """
    preset = options.pop("preset", None)
    given = {key: value for key in _KEYS if (value := options.pop(key, None)) is not None}
    if preset and given:
        raise click.UsageError(f"--preset says what is filtered: leave --{next(iter(given))} out")
    if preset:
        return {"preset": preset}
    if {"bandpass"} < given.keys() & {"highpass", "lowpass", "bandpass"}:
        raise click.UsageError("--bandpass is --highpass and --lowpass at once: give it alone, or them")
    if {"highpass", "lowpass"} <= given.keys():
        given["bandpass"] = (given.pop("highpass"), given.pop("lowpass"))
    steps = [{key: _as_json(key, given[key])} for key in _KEYS if key in given]
    if not steps:
        return None
    from seriesview.steps.documents import parse_steps

    parse_steps(steps, "filters")
    return {"steps": steps}


def _as_json(key: str, value: Any) -> Any:
    if key == "bandpass":
        return [_whole(edge) for edge in value]
    if key == "reference":
        return value if value in ("mean", "median") else [label.strip() for label in value.split(",")]
    return _whole(value)


def _whole(number: float) -> float:
    return int(number) if number.is_integer() else number
