"""What `serve` and `view` share: the links of one view, and the signals that it listens to."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, Unpack

import click

from seriesview.errors import BackendError, SeriesviewError

if TYPE_CHECKING:
    from seriesview.figures.finding import ToBuild
    from seriesview.figures.published import PublishedPage
    from seriesview.figures.server import ServerOptions
    from seriesview.figures.stored import ToShow
    from seriesview.figures.view import View

Command = TypeVar("Command", bound=Callable[..., Any])
Wish = Literal["link", "stop", "built"]

_INTERRUPTED = 130
_FAILED = 2


def serve_options(command: Command) -> Command:
    """The options of a command that serves links; it gets them as keyword arguments of `serve_view`."""
    options = (
        click.option(
            "--port",
            type=click.IntRange(1, 65535),
            help="Port to listen on.  [default: KACHERY_DAEMON_PORT, else 20431; where it is taken, any free one]",
        ),
        click.option(
            "--host",
            default="localhost",
            show_default=True,
            help="Address to listen on: localhost is this machine alone, 0.0.0.0 every network.",
        ),
        click.option(
            "--allow-host",
            "allow_hosts",
            multiple=True,
            metavar="NAME",
            help="A further name that browsers use for this machine; links have the first. Can be repeated.",
        ),
        click.option(
            "--channel",
            metavar="NAME",
            help="kachery channel that the link uses; made where it is missing.  [default: FIGURL_CHANNEL, else "
            "seriesview]",
        ),
        click.option("--json", "as_json", is_flag=True, help='Print links as {"url": ...}, for programs.'),
        click.option("--no-browser", is_flag=True, help="Open no browser, on a terminal neither."),
        click.option(
            "--all",
            "shows_all",
            is_flag=True,
            help="Let whoever has a link read everything in the storage directory whose hash they know, not only what "
            "is shown.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def serve_view(
    meant: ToShow | ToBuild | PublishedPage,
    state: Mapping[str, Any] | None = None,
    *,
    as_json: bool,
    no_browser: bool,
    **where: Unpack[ServerOptions],
) -> bool:
    """Answer links to what is meant until SIGTERM, SIGINT or SIGHUP; an export has a link already.

    `state`: what links say of the viewer's state beside it.
    What is to be built is built meanwhile, and shown as far as it is; programs get a second link, to what was built.
    Returns whether everything that was meant is shown. Raises SeriesviewError, what the build raised too, and
    KeyboardInterrupt where it was stopped.
    """
    from seriesview.backend.serving import SWITCH_SECONDS
    from seriesview.build.progress import StepLines
    from seriesview.figures.published import PublishedPage
    from seriesview.figures.view import View

    sys.setswitchinterval(SWITCH_SECONDS)
    logging.getLogger("seriesview").setLevel(logging.WARNING)
    wishes: queue.SimpleQueue[Wish] = queue.SimpleQueue()
    served: list[View] = []
    with _signals(wishes, lambda: bool(served) and served[0].end_following()):
        view = View(meant, say, StepLines(), lambda: wishes.put("built"), state or {}, **where)
        served.append(view)
        try:
            is_whole = _serve(view, wishes, as_json, not no_browser and sys.stdout.isatty())
            if isinstance(meant, PublishedPage):
                say(
                    f"this is an export{f' of {meant.workspace}' if meant.workspace else ''}, shown from where it is"
                )
        finally:
            has_ended = view.close()
    if not has_ended:
        _leave(0)
    return is_whole


def _leave(status: int) -> NoReturn:
    """End the process, which a task, or a read, that does not end would keep."""
    sys.stdout.flush()
    os._exit(status)


def _serve(view: View, wishes: queue.SimpleQueue[Wish], as_json: bool, opens: bool) -> bool:
    """Print a link, as soon as there is something to see, and answer it; whether all that was meant is shown."""
    if view.is_published:
        _print_link(view.url, as_json)
        if opens:
            view.open_browser()
        return True
    if not view.is_followed and wishes.get() == "stop":
        if not view.close():
            _leave(_INTERRUPTED)
        raise KeyboardInterrupt
    if not view.is_followed or view.is_in_vain:
        # Where it has failed this raises why.
        view.wait()
    is_early = not view.is_built
    if is_early:
        say("it is being built: its page shows what there is by now")
    _print_link(view.url, as_json)
    _tell_how(view)
    if opens:
        view.open_browser()
    _follow(wishes, view, as_json, is_early)
    if view.is_built:
        return view.is_whole
    if not view.close():
        _leave(_INTERRUPTED)
    try:
        view.wait()
    except SeriesviewError:
        # It was told when it came.
        raise SystemExit(_FAILED) from None
    return view.is_whole


def _tell_how(view: View) -> None:
    say(f"{view.label!r} is served until Ctrl-C; a link works once: for another one {_how_to_get_another()}")
    if view.ssh_line is not None:
        say("this is a session over SSH: type this on your own computer, then open the link there")
        click.echo(view.ssh_line, err=True)


def _follow(wishes: queue.SimpleQueue[Wish], view: View, as_json: bool, is_early: bool) -> None:
    _on_enter(lambda: wishes.put("link"))
    while (wish := wishes.get()) != "stop":
        if wish == "built":
            if is_early:
                _tell_end(view, as_json)
            continue
        try:
            _print_link(view.link(), as_json)
        except BackendError as error:
            # A node of another process may have ended, and may come back.
            say(f"no further link: {error}")


def _tell_end(view: View, as_json: bool) -> None:
    if view.is_built:
        say(f"{view.label!r} is built, and its page shows it")
        if not sys.stdout.isatty():
            # For programs, which cannot press Enter.
            _print_link(view.link(), as_json)
        return
    try:
        view.wait()
    except SeriesviewError as error:
        if view.is_in_vain:
            raise
        say(f"error: {error}")
        say("its page says so too, and shows what was built before; Ctrl-C ends it")


def say(line: str) -> None:
    """A line for people, on standard error: standard output holds links alone."""
    click.echo(f"seriesview: {line}", err=True)


def _print_link(link: str, as_json: bool) -> None:
    click.echo(json.dumps({"url": link}) if as_json else link)
    sys.stdout.flush()


def _how_to_get_another() -> str:
    how = "press Enter, or " if sys.stdin is not None and sys.stdin.isatty() else ""
    return f"{how}kill -USR1 {os.getpid()}"


@contextlib.contextmanager
def _signals(wishes: queue.SimpleQueue[Wish], end_following: Callable[[], bool]) -> Iterator[None]:
    """Make wishes of signals; a second one to stop ends the process at once.

    SIGINT ends nothing but the following of recordings, where `end_following` finds some.
    """
    stopping = False

    def stop(number: int, _: object) -> None:
        nonlocal stopping
        if number == signal.SIGINT and not stopping and end_following():
            say("following ends: what is written by now is built, and shown; Ctrl-C again ends the command")
            return
        if stopping and number == signal.SIGINT:
            os._exit(_INTERRUPTED)
        stopping = True
        wishes.put("stop")

    handlers: dict[signal.Signals, Any] = {
        signal.SIGTERM: stop,
        signal.SIGINT: stop,
        signal.SIGUSR1: lambda *_: wishes.put("link"),
        # Reading the terminal from the background must not stop the process.
        signal.SIGTTIN: signal.SIG_IGN,
    }
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        handlers[signal.SIGHUP] = stop
    before: dict[signal.Signals, Any] = {
        number: signal.signal(number, handlers[number]) for number in handlers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_enter(action: Callable[[], None]) -> None:
    """Call `action` for each line that is typed, where there is a terminal to type on."""
    if sys.stdin is None or not sys.stdin.isatty():
        return
    descriptor = sys.stdin.fileno()

    def read() -> None:
        # Not by way of sys.stdin, whose lock would keep the process at its end.
        with contextlib.suppress(OSError):
            while os.read(descriptor, 4096):
                action()

    threading.Thread(target=read, name="enter", daemon=True).start()
