"""`seriesview init`: a first config.yaml for some files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import follow_option, json_option

if TYPE_CHECKING:
    from seriesview.pipeline.session_patterns import SessionPattern

MISSING_STATUS = 1


@click.command(short_help="Write a commented config.yaml for some files.")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option(
    "--slurm",
    is_flag=True,
    help="Write profiles/slurm/config.yaml too, or alone: for `seriesview build --profile slurm`.",
)
@click.option("--account", help="With --slurm: the account that jobs are charged to.")
@click.option("--partition", help="With --slurm: the partition that jobs run in.")
@follow_option
@json_option
def command(
    files: tuple[str, ...],
    out: Path,
    force: bool,
    slurm: bool,
    account: str | None,
    partition: str | None,
    follow_external: bool,
    as_json: bool,
) -> int:
    """Write a config.yaml that names everything in each FILE, or folder, that can be shown.

    What a file does not say (the rate of a flat binary file, say) is left to be filled in, and the build names it
    until it is. Many FILEs of one kind (8 or more), or a folder in BIDS, are sessions: their pattern is written in
    place of an entry for each. Exit status: 0 done, 1 done but for a FILE that cannot be read, 2 nothing written.

    With --slurm, a profile of Snakemake for a Slurm cluster: what a cluster wants to be told beside account and
    partition stands in it as comments.

    \b
    Examples:
      seriesview init recording.nwb
      seriesview init --slurm --account LAB --partition short
    """
    if not files and not slurm:
        raise click.UsageError("name the files that config.yaml is to describe, or give --slurm")
    if not slurm and (account or partition):
        raise click.UsageError("--account and --partition are for a profile: give --slurm")
    if slurm:
        _write_profile(account, partition, force, as_json)
    return _write_config(files, out, force, follow_external, as_json) if files else 0


def _write_profile(account: str | None, partition: str | None, force: bool, as_json: bool) -> None:
    """Write the profile of a Slurm cluster. Raises BuildError."""
    from seriesview.build.results import write_whole
    from seriesview.pipeline.profile import PROFILES, check_free, has_accounting, slurm_profile

    path = PROFILES / "slurm" / "config.yaml"
    if not force:
        check_free(path)
    write_whole(path, slurm_profile(account, partition, has_accounting=has_accounting()).encode())
    click.echo(f"{path}: look through it, then `seriesview build --profile slurm`", err=as_json)


def _write_config(
    files: tuple[str, ...], out: Path, force: bool, follow_external: bool, as_json: bool
) -> int:
    """Write a configuration of files. Raises SeriesviewError."""
    from seriesview.build.findings import entries_of, name_of
    from seriesview.build.results import write_whole
    from seriesview.errors import BuildError, ReaderError
    from seriesview.layout.remote_path import located
    from seriesview.pipeline.config_file import config_document
    from seriesview.pipeline.session_patterns import session_pattern

    if out.exists() and not force:
        raise BuildError(f"{out}: is there already; choose another --out, or --force to write over it")
    if (found := session_pattern(files)) is not None:
        return _write_sessions(found, files[0], out, follow_external, as_json)
    entries, notes, unreadable, otherwise = entries_of(files, follow_external=follow_external)
    if not entries:
        reasons = "; ".join([*unreadable, *notes]) or "`seriesview inspect FILE` says what they hold"
        raise ReaderError(f"{', '.join(files)}: nothing in there can be shown; {reasons}")
    notes = [*unreadable, *notes]
    text = config_document(entries, notes, name_of(located(files[0])), out, otherwise)
    write_whole(out, text.encode())
    open_keys = [
        f"{entry.name}.{key}" for entry in entries for key, value in entry.keys.items() if value is None
    ]
    if as_json:
        names = [entry.name for entry in entries]
        said = {"out": str(out), "datasets": names, "to_fill_in": open_keys, "notes": [*notes, *otherwise]}
        click.echo(json.dumps(said))
        return MISSING_STATUS if unreadable else 0
    click.echo(f"{out}: {len(entries)} dataset{'s' if len(entries) != 1 else ''}")
    for entry in entries:
        for guess in entry.guesses:
            click.echo(f"{entry.name}: guessed: {guess}")
    for note in notes:
        click.echo(f"  left out: {note}")
    for note in otherwise:
        click.echo(f"  {note}")
    if open_keys:
        click.echo(f"fill in first: {', '.join(open_keys)}")
    click.echo(f"next:\n  seriesview build {out}")
    return MISSING_STATUS if unreadable else 0


def _write_sessions(
    found: SessionPattern, first: str, out: Path, follow_external: bool, as_json: bool
) -> int:
    """Write the configuration of many sessions, as the first of them says what is left open."""
    from seriesview.build.findings import entries_of, name_of
    from seriesview.build.results import write_whole
    from seriesview.layout.remote_path import located
    from seriesview.pipeline.config_file import sessions_document

    entries, notes, _, _ = entries_of([found.example], follow_external=follow_external)
    open_keys = list(
        dict.fromkeys(key for each in entries for key, value in each.keys.items() if value is None)
    )
    place = located(first).absolute()
    workspace = name_of(place if place.is_dir() and first != found.example else place.parent)
    text = sessions_document(found.pattern, found.num_sessions, workspace, out, open_keys)
    write_whole(out, text.encode())
    if as_json:
        said = {"pattern": found.pattern, "sessions": found.num_sessions}
        click.echo(json.dumps({"out": str(out), **said, "to_fill_in": open_keys, "notes": notes}))
        return 0
    click.echo(f"{out}: {found.num_sessions} sessions, by the pattern {found.pattern}")
    if open_keys:
        click.echo(f"fill in first: defaults.{', defaults.'.join(open_keys)}")
    click.echo(f"next:\n  seriesview build {out}")
    return 0
