"""What `seriesview build` says of the sessions that it built."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import COMMAND

if TYPE_CHECKING:
    from seriesview.pipeline.built import BuiltSessions

MISSING_STATUS = 1
FAILED_STATUS = 2


def say_what_became(built: BuiltSessions, as_json: bool, directory: Path | None) -> int:
    """Say what became of sessions, and what to do next; the exit status of `seriesview build`."""
    states = Counter(session["state"] for session in built.sessions)
    for name, reason in built.pictures.items():
        click.echo(f"seriesview: error: dataset {name}: {reason}", err=True)
    if as_json:
        keys = ("id", "state", "cause", "workspace")
        sessions = [{key: session[key] for key in keys} for session in built.sessions]
        click.echo(json.dumps({"index": str(built.index), "sessions": sessions}))
    else:
        for session in built.sessions:
            if session["cause"] is not None:
                click.echo(f"session {session['id']}: {session['state']}: {session['cause']}", err=True)
        told = ", ".join(f"{count} {state}" for state, count in states.items())
        click.echo(f"\n{len(built.sessions)} sessions: {told}")
        click.echo(f"  index     {built.index}")
        click.echo("next:" if directory is None else f"next, in {directory}:")
        click.echo(f"  {COMMAND} serve")
        if one := next((each["id"] for each in built.sessions if each["workspace"]), None):
            click.echo(f"  {COMMAND} serve {shlex.quote(str(built.results / one / 'workspace.json'))}")
    if states["failed"] == len(built.sessions):
        return FAILED_STATUS
    return MISSING_STATUS if built.pictures or states["built"] < len(built.sessions) else 0
