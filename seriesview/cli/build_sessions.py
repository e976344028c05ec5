"""`seriesview build` of a configuration of sessions."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import COMMAND

if TYPE_CHECKING:
    from seriesview.build.progress import BuildStep

MISSING_STATUS = 1
FAILED_STATUS = 2


def build_all(config: Path, cores: str, dry_run: bool, as_json: bool, directory: Path | None) -> int:
    """Build the sessions of a config.yaml, or say what would be done; exit status as of `seriesview build`."""
    from seriesview.pipeline.session_build import build_sessions, sessions_outlook

    if dry_run:
        click.echo(sessions_outlook(config).text(), err=as_json)
        return 0
    if cores != "all" and not (cores.isdecimal() and int(cores)):
        raise click.UsageError(f"--cores: {cores!r} is no number of cores, and not `all`")
    # On a terminal a line of progress is written over the one before.
    progress = _say_on_stderr if as_json else None
    built = build_sessions(config, cores=None if cores == "all" else int(cores), progress=progress)
    states = Counter(session["state"] for session in built.sessions)
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
    return 0 if states["built"] == len(built.sessions) else MISSING_STATUS


def _say_on_stderr(step: BuildStep) -> None:
    if step.done_bytes is None:
        click.echo(f"{step.dataset}: {step.text}" if step.dataset else step.text, err=True)
