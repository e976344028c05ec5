"""`seriesview build`: the whole pipeline, for people."""

from __future__ import annotations

import json
import os
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seriesview.cli.arguments import COMMAND, CONFIG_FILE, json_option
from seriesview.cli.built_sessions import say_what_became
from seriesview.cli.growing import ended_by_interrupt, following_of, growing_options

if TYPE_CHECKING:
    from seriesview.build.followed import Following
    from seriesview.pipeline.built import BuiltWorkspace
    from seriesview.pipeline.by_snakemake import Outcome
    from seriesview.pipeline.results import Results

MISSING_STATUS = 1
FAILED_STATUS = 2


@click.command(short_help="Build the workspace that a config.yaml describes.")
@click.argument("config", type=click.Path(path_type=Path), default=Path("config.yaml"))
@click.option("--cores", default="all", show_default=True, help="How many cores to use, or `all`.")
@click.option(
    "--keep-going", is_flag=True, help="Build what can be built; the workspace says what is missing and why."
)
@click.option(
    "--dry-run", "-n", is_flag=True, help="Say what would be done, read and written, and do nothing."
)
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), help="Work in this directory.")
@click.option(
    "--profile",
    help="A Snakemake profile, or the name of one in profiles/, such as slurm: `seriesview init --slurm`.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), help="Write Snakemake's report (a .zip or .html) too."
)
@growing_options
@json_option
@click.argument("snakemake_arguments", nargs=-1, type=click.UNPROCESSED)
def command(
    config: Path,
    cores: str,
    keep_going: bool,
    dry_run: bool,
    directory: Path | None,
    profile: str | None,
    report: Path | None,
    as_json: bool,
    snakemake_arguments: tuple[str, ...],
    **growing: Any,
) -> int:
    """Build the workspace, or the sessions, that CONFIG (config.yaml) describes.

    Runs the package's Snakemake workflow in this directory: results go to results/, artifacts to the kachery
    storage directory that CONFIG names. What is built already is not built again; a build that was killed goes
    on where it stopped. What follows `--` is handed to Snakemake as it is.

    With --follow recordings that are still written are followed, in this process and without Snakemake, and built when
    they have ended. Nothing is written on the file system that is recorded to, unless --same-disk is given.

    Exit status: 0 built, 1 built but for a picture, or, with --keep-going, for a dataset, 2 not built. Of sessions what
    cannot be built stops no other: 1 where something is missing in some.

    \b
    Examples:
      seriesview build
      seriesview build config.yaml --cores 2 --keep-going
      seriesview build --profile slurm -- --jobs 50
    """
    from seriesview.config import load_config
    from seriesview.pipeline.by_snakemake import SnakemakeBuild
    from seriesview.pipeline.profile import profile_called
    from seriesview.pipeline.sessions_by_snakemake import SnakemakeSessions

    if str(config).startswith("-"):
        # Nothing but arguments for Snakemake was given.
        snakemake_arguments = (str(config), *snakemake_arguments)
        config = Path("config.yaml")
    config = config.resolve()
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        os.chdir(directory)
    following = following_of(growing)
    if following is not None:
        if profile or report or snakemake_arguments or dry_run:
            raise click.UsageError("--follow works without Snakemake, and has none of its options")
        return _followed(config, directory, following, cores, keep_going, as_json)
    content = load_config(config)
    say = partial(click.echo, err=as_json)
    options = [
        "--cores",
        cores,
        *([] if profile is None else ["--profile", profile_called(profile)]),
        *snakemake_arguments,
    ]
    if content.get("sessions"):
        sessions = SnakemakeSessions(content, say)
        if dry_run:
            return sessions.dry_run(options, keep_going=True)
        status = say_what_became(sessions.run(options, bool(snakemake_arguments)), as_json, directory)
        if report is not None:
            sessions.report(report)
        return status
    build = SnakemakeBuild(content, say)
    if dry_run:
        return build.dry_run(options, keep_going)
    outcome = build.run(options, keep_going, always=bool(snakemake_arguments))
    _say_what_failed(outcome, keep_going)
    if outcome.built is None:
        return FAILED_STATUS
    if as_json:
        click.echo(json.dumps(_summary(outcome.built, build.results)))
    else:
        storage_dir = (content.get("store") or {}).get("storage_dir")
        is_named = storage_dir is not None and config != CONFIG_FILE.resolve()
        store = f" --storage-dir {shlex.quote(storage_dir)}" if is_named and storage_dir else ""
        _say_what_is_next(outcome.built, build.results, directory, store)
    if report is not None:
        build.report(report)
    return MISSING_STATUS if outcome.built.missing or outcome.pictures else 0


def _followed(
    config: Path,
    directory: Path | None,
    following: Following,
    cores: str,
    keep_going: bool,
    as_json: bool,
) -> int:
    from seriesview.pipeline.own_folder import OwnFolder
    from seriesview.pipeline.results import Results

    prepared = OwnFolder(config, Path.cwd()).prepared()
    say = partial(click.echo, err=True)
    with ended_by_interrupt(following, say):
        count = None if cores == "all" else int(cores)
        built = prepared.run(keep_going=keep_going, cores=count, following=following)
    results = prepared.results or Results(Path.cwd())
    if as_json:
        click.echo(json.dumps(_summary(built, results)))
    else:
        _say_what_is_next(built, results, directory, "")
    return MISSING_STATUS if built.missing else 0


def _say_what_failed(outcome: Outcome, keep_going: bool) -> None:
    for name, reason in [*outcome.missing.items(), *outcome.pictures.items()]:
        click.echo(f"seriesview: error: dataset {name}: {reason}", err=True)
    if outcome.num_left and not keep_going:
        click.echo(
            f"seriesview: {outcome.num_left} more of {outcome.num_datasets} datasets are not built yet; build again, "
            "or with --keep-going to go on past errors",
            err=True,
        )


def _summary(built: BuiltWorkspace, results: Results) -> dict[str, object]:
    return {
        "uri": built.uri,
        "workspace": str(results.workspace),
        "pictures": str(results.page),
        "series": list(built.series),
        "missing": [{"name": name, "error": reason} for name, reason in built.missing.items()],
    }


def _say_what_is_next(built: BuiltWorkspace, results: Results, directory: Path | None, store: str) -> None:
    """Say where everything is and what to do next; `store` is what other commands need to find it."""
    click.echo(f"\nworkspace {built.label!r}: {len(built.series)} series, {len(built.missing)} missing")
    click.echo(f"  URI       {built.uri}")
    click.echo(f"  pictures  {results.page}")
    click.echo("next:" if directory is None else f"next, in {directory}:")
    workspace = shlex.quote(str(results.workspace))
    click.echo(f"  {COMMAND} serve {workspace}{store}")
    click.echo(f"  {COMMAND} info {workspace}{store}")
    if name := next(iter(built.series), None):
        click.echo(f"  {COMMAND} plot {shlex.quote(str(results.series(name)))} --out plot.png{store}")
    click.echo(f"  {COMMAND} verify {workspace}{store}")
