"""`seriesview build-index`: the last step of a build of sessions, for rules, loops and other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import named_store, store_options

if TYPE_CHECKING:
    from seriesview.pipeline.configured import Configured
    from seriesview.pipeline.results import Results

FAILED_STATUS = 2


@click.command(short_help="Put sessions together: the last step of their build, for other programs.")
@click.argument("config", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@click.option(
    "--results",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder of results that `build-chunk` wrote into.",
)
@click.option(
    "--listed",
    type=click.Path(path_type=Path),
    help="A file that names the outcomes of `build-chunk`, a line each: what failed is told by them, and by what is "
    "missing in --results.",
)
@click.option(
    "--session", metavar="ID", help="Write the workspace of this session alone; status 2 unless it is whole."
)
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write nothing but this file, and that only where the index says that every session is whole; else status 2.",
)
@store_options
def command(
    config: Path | None,
    results: Path,
    listed: Path | None,
    session: str | None,
    check: Path | None,
    storage_dir: str | None,
    mode: str | None,
) -> int:
    """Write a workspace of each session of CONFIG out of what `build-chunk` made of its datasets, called SESSION/NAME,
    and the index of all. Without CONFIG: of the sessions that the workflow has noted in --results.

    Of what could not be built it is said why, in the index and in workspaces, and stops no other.

    \b
    Examples:
      seriesview build-index lab.yaml --results results
    """
    from seriesview.config import load_config
    from seriesview.pipeline.configured import Configured, building, store_of
    from seriesview.pipeline.gathering import forget_other_chunks, missing_of
    from seriesview.pipeline.results import Results
    from seriesview.pipeline.session_results import write_session, write_sessions

    folder = Results(results)
    outcomes = [] if listed is None else [Path(line) for line in listed.read_text().splitlines()]
    if check is not None:
        return _checked(folder, outcomes, check)
    configured = _noted(folder) if config is None else Configured.of(load_config(config))
    chosen = [each for each in configured.sessions if session in (None, each.id)]
    if not chosen:
        raise click.UsageError(f"--session: there is no session {session!r}")
    names = [name for each in chosen for name in each.datasets]
    reasons = missing_of(names, outcomes, folder) if listed is not None else {}
    with building(store_of(named_store(configured.store, storage_dir, mode))) as store:
        if session is None:
            write_sessions(configured, folder, store, reasons)
            if listed is not None:
                forget_other_chunks(outcomes, folder)
                folder.forget_old_entries()
            return 0
        (found,) = [write_session(each, folder, store, reasons) for each in chosen]
    return _told([found], outcomes)


def _noted(results: Results) -> Configured:
    from seriesview.pipeline.configured import Configured
    from seriesview.pipeline.noted_sessions import noted_sessions

    noted = noted_sessions(results.folder)
    if noted is None:
        raise click.UsageError(f"{results.folder} notes no sessions: name CONFIG")
    return Configured.of({"workspace": noted.label, "id": noted.id, "datasets": {}}, noted.sessions)


def _checked(results: Results, outcomes: Sequence[Path], out: Path) -> int:
    """Whether every session of the index is whole: status, and what is missing on standard error."""
    from seriesview.build.results import read_results, write_json

    (index,) = read_results([results.sessions])
    status = _told(index["sessions"], outcomes)
    if status == 0:
        write_json(out, {"sessions": [each["id"] for each in index["sessions"]]})
    return status


def _told(sessions: Sequence[dict[str, str]], outcomes: Sequence[Path]) -> int:
    """Say which sessions are not whole, and let their datasets be tried again; status."""
    from seriesview.pipeline.gathering import forget_failed

    lacking = [each for each in sessions if each["state"] != "built"]
    for each in lacking:
        click.echo(f"seriesview: error: session {each['id']}: {each['state']}: {each['cause']}", err=True)
    if lacking:
        forget_failed(outcomes)
    return FAILED_STATUS if lacking else 0
