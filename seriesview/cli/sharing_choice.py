"""Options that say what of a workspace goes along when it is shared."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from seriesview.cli.sizes import Size, TimeRange

if TYPE_CHECKING:
    from seriesview.share.plan import Plan
    from seriesview.store import Store

_OPTIONS = (
    click.option("--raw", is_flag=True, help="Let all raw samples go along (never the recordings' files)."),
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
)


def wish_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options, as one keyword argument `wish`."""

    @functools.wraps(command)
    def with_wish(
        *arguments: Any,
        raw: bool,
        raw_ranges: tuple[tuple[float, float], ...],
        raw_series: tuple[str, ...],
        without: tuple[str, ...],
        max_bytes: int | None,
        **options: Any,
    ) -> Any:
        from seriesview.share.choice import Wish

        if raw and raw_ranges:
            raise click.UsageError("give --raw or --raw-range, not both")
        return command(*arguments, wish=Wish(raw, raw_series, raw_ranges, without, max_bytes), **options)

    for option in reversed(_OPTIONS):
        with_wish = option(with_wish)
    return with_wish


def say_plan(plan: Plan, target: str, is_aside: bool) -> None:
    """Print what will be shared and what is left out; on stderr where stdout is for programs."""
    from seriesview.build.progress import bytes_in_words
    from seriesview.share.words import left_out_line, zoom_end

    click.echo(f"{plan.workspace.label}: {bytes_in_words(plan.num_bytes)} into {target}", err=is_aside)
    for choice in plan.choices:
        click.echo(f"  {choice.name}: {zoom_end(choice)}", err=is_aside)
    for entry in plan.left_out:
        click.echo(f"  left out: {left_out_line(entry.to_json_dict())}", err=is_aside)


def keep_shared(store: Store, uri: str, label: str) -> None:
    """Note that a workspace which was shared is to be kept, where the store can be written."""
    from seriesview.errors import StoreError

    if str(store.get_json(uri).get("format")).startswith("seriesview-workspace/"):
        with suppress(StoreError):
            store.record_workspace(uri, label)
