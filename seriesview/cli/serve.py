"""`seriesview serve`: a link to a workspace, and the node and backend that answer it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seriesview.cli.arguments import (
    configured_results,
    open_reading_store,
    resolve_workspace,
    storage_option,
)
from seriesview.cli.link_server import serve_options, serve_view


@click.command(short_help="Show a workspace in a browser: print a link, and answer it.")
@click.argument("workspace", required=False)
@storage_option
@serve_options
def command(workspace: str | None, storage_dir: Path | None, **options: Any) -> None:
    """Print a link to WORKSPACE, and answer it until SIGINT (Ctrl-C) or SIGTERM.

    Without WORKSPACE: what config.yaml here was built to, the index of its sessions or its workspace. Else WORKSPACE
    is a sha1:// URI, of a series too, a results/workspace.json or a results/series/NAME.json. A node and a backend run
    in this process; a node that serves the storage directory already is used instead. The link is a line of its own on
    standard output, and a browser opens on it where this is a terminal with a screen. Over SSH the line to type on your
    own computer is printed instead.

    Links show what WORKSPACE reaches, and nothing else of the storage directory, unless --all is given; a node that
    runs already may show more, and a line says so.

    A link works once, in one browser, within the hour; after that the browser is known. For a further link press
    Enter in the terminal, or send the process SIGUSR1.

    \b
    Examples:
      seriesview serve
      seriesview serve results/workspace.json
      seriesview serve results/workspace.json --host 0.0.0.0 --no-browser
    """
    from seriesview.figures.stored import sessions_of, stored

    store = open_reading_store(storage_dir)
    if workspace is None:
        results = configured_results()
        if (results / "sessions.json").is_file():
            serve_view(sessions_of(results, store), **options)
            return
        workspace = str(results / "workspace.json")
    serve_view(stored(resolve_workspace(workspace, store), store), **options)
