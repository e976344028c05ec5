"""Options that say what of a workspace goes along when it is shared."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from seriesview.cli.sizes import DAYS, Days, Size, TimeRange

if TYPE_CHECKING:
    from seriesview.share.plan import Plan

_BY_ITSELF = "by itself"
_SHIFT_DATES = "--shift-dates"


class SharingCommand(click.Command):
    """A command whose --shift-dates may stand before arguments: only a number belongs to it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Tie a number to the option, and say where there is none."""
        tied: list[str] = []
        for word in args:
            if tied and tied[-1] == _SHIFT_DATES and _is_number(word):
                # A number below zero would be taken for another option.
                tied[-1] = f"{_SHIFT_DATES}={DAYS}{word}"
                continue
            if tied and tied[-1] == _SHIFT_DATES:
                tied[-1] = f"{_SHIFT_DATES}={_BY_ITSELF}"
            name, equals, value = word.partition("=")
            tied.append(f"{name}={DAYS}{value}" if name == _SHIFT_DATES and equals else word)
        return super().parse_args(ctx, tied)


def _is_number(word: str) -> bool:
    return word.removeprefix("-").removeprefix("+").isdecimal()


_OPTIONS = (
    click.option(
        "--raw/--no-raw",
        default=None,
        help="Let all raw samples go along (never the recordings' files); or none at all, but of series that have "
        "nothing else.",
    ),
    click.option(
        "--raw-range",
        "raw_ranges",
        multiple=True,
        type=TimeRange(),
        metavar="START:END",
        help="Let the raw samples of a stretch go along, in seconds of view time, widened to whole parts. Repeatable.",
    ),
    click.option(
        "--raw-series",
        multiple=True,
        metavar="NAME",
        help="Let all raw samples of one series go along. Repeatable.",
    ),
    click.option("--without", multiple=True, metavar="NAME", help="Leave a series out. Repeatable."),
    click.option(
        "--max-size",
        "max_bytes",
        type=Size(),
        metavar="SIZE",
        help="Leave out finest levels, the largest first, until all fits: 500MB, 2GB.",
    ),
    click.option(
        _SHIFT_DATES,
        is_flag=False,
        flag_value=_BY_ITSELF,
        type=Days(),
        metavar="[DAYS]",
        help="Move all dates by so many days, such as -4000; without a number, so that the earliest is in the year "
        "2000. Times of the day and all intervals stay exactly as they are.",
    ),
)


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options, as keyword arguments that are those of `seriesview.export`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def say_plan(plan: Plan, target: str, is_aside: bool) -> None:
    """Print what will be shared and what is left out; on stderr where stdout is for programs."""
    from seriesview.share.words import dates_lines, left_out_line, zoom_end
    from seriesview.terms import bytes_in_words

    click.echo(f"{plan.workspace.label}: {bytes_in_words(plan.num_bytes)} into {target}", err=is_aside)
    for choice in plan.choices:
        click.echo(f"  {choice.name}: {zoom_end(choice)}", err=is_aside)
    for entry in plan.left_out:
        click.echo(f"  left out: {left_out_line(entry.to_json_dict())}", err=is_aside)
    if plan.small:
        size = sum(choice.num_sample_bytes for choice in plan.choices if choice.name in plan.small)
        what = f"raw samples of small series go along: {', '.join(plan.small)} ({bytes_in_words(size)})"
        click.echo(f"  {what}; --no-raw leaves them out", err=is_aside)
    for line in dates_lines(plan):
        click.echo(f"  {line}", err=is_aside)
