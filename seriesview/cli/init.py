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
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("config.yaml"),
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@follow_option
@json_option
def command(files: tuple[str, ...], out: Path, force: bool, follow_external: bool, as_json: bool) -> int:
    """Write a config.yaml that names everything in each FILE, or folder, that can be shown.

    What a file does not say (the rate of a flat binary file, say) is left to be filled in, and the build names it
    until it is. Many FILEs of one kind (8 or more), or a folder in BIDS, are sessions: their pattern is written in
    place of an entry for each. Exit status: 0 done, 1 done but for a FILE that cannot be read, 2 nothing written.
    """
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
