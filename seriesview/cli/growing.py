"""What `view` and `build` share of following: options, and Ctrl-C, which first ends the following."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from seriesview.build.followed import Following

Command = TypeVar("Command", bound=Callable[..., Any])

_IDLE_SECONDS = 30.0
_KEYS = ("follow", "idle", "same_disk")


def growing_options(command: Command) -> Command:
    """The options of a command that follows recordings; it hands them to `following_of`."""
    options = (
        click.option(
            "--follow",
            is_flag=True,
            help="Go on with recordings (flat binary, SpikeGLX, Open Ephys) as they are written, until nothing came "
            "for --idle seconds, or Ctrl-C.",
        ),
        click.option(
            "--idle",
            type=click.FloatRange(min=0.1),
            metavar="SECONDS",
            help=f"With --follow: a recording has ended where nothing came for so long.  [default: {_IDLE_SECONDS:g}]",
        ),
        click.option(
            "--same-disk",
            is_flag=True,
            help="With --follow: write on the file system that is recorded to, too; else nothing is.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def following_of(options: dict[str, Any]) -> Following | None:
    """How recordings are followed; None where they are not. Takes its options out of all. Raises UsageError."""
    follow, idle, same_disk = (options.pop(key) for key in _KEYS)
    if not follow:
        if idle is not None or same_disk:
            raise click.UsageError("--idle and --same-disk say how --follow is done; give that too")
        return None
    from seriesview.build.followed import Following

    return Following(_IDLE_SECONDS if idle is None else idle, same_disk)


@contextlib.contextmanager
def ended_by_interrupt(following: Following, say: Callable[[str], None]) -> Iterator[None]:
    """Have the first SIGINT end the following; another one raises KeyboardInterrupt."""

    def end(*_: object) -> None:
        if following.has_ended:
            raise KeyboardInterrupt
        following.end()
        say("following ends: what is written by now is built; Ctrl-C again stops that")

    before = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
