"""`seriesview task`: asks a backend for a task."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import click

from seriesview.backend.requesting import CHANNEL_VARIABLE, request_json
from seriesview.errors import ConfigError
from seriesview.terms import FunctionType

_TYPES = ("pure-calculation", "query", "action")


@click.command(short_help="Ask a backend for a task.")
@click.argument("function_id")
@click.option(
    "--kwargs", "kwargs_text", default="{}", help="The arguments, a JSON object; `-`: standard input."
)
@click.option("--channel", envvar=CHANNEL_VARIABLE, help=f"kachery channel.  [default: {CHANNEL_VARIABLE}]")
@click.option(
    "--backend-id", help="ID of the backend; other users may see it in `ps`, so rather use the next."
)
@click.option(
    "--backend-id-file",
    type=click.Path(path_type=Path),
    help="File that holds the ID.  [default: SERIESVIEW_BACKEND_ID, else none]",
)
@click.option(
    "--type",
    "function_type",
    type=click.Choice(_TYPES),
    help="Type of the function, where it is not seriesview's.",
)
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds to wait."
)
def command(
    function_id: str,
    kwargs_text: str,
    channel: str | None,
    backend_id: str | None,
    backend_id_file: Path | None,
    function_type: str | None,
    timeout: float,
) -> None:
    """Ask a backend on a kachery channel for the task FUNCTION_ID and print its result as JSON.

    `seriesview task seriesview.get_health.1` says how the backend is doing.
    """
    from seriesview.backend.backend_id import find_backend_id

    kwargs = _kwargs(sys.stdin.read() if kwargs_text == "-" else kwargs_text)
    identity = find_backend_id(
        backend_id, backend_id_file, lambda line: click.echo(f"seriesview: {line}", err=True)
    )
    result = request_json(
        function_id,
        kwargs,
        channel=channel,
        backend_id=None if identity is None else identity.reveal(),
        function_type=cast(FunctionType | None, function_type),
        timeout=timeout,
    )
    click.echo(result.decode("utf-8", "replace"))


def _kwargs(text: str) -> dict[str, Any]:
    try:
        kwargs = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"--kwargs: not JSON ({error})"]) from error
    if not isinstance(kwargs, dict):
        raise ConfigError(['--kwargs: a JSON object is expected, as in \'{"series_uri": "sha1://..."}\''])
    return kwargs
