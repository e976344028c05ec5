"""`seriesview init`: a first config.yaml for some files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import follow_option, json_option

if TYPE_CHECKING:
    from seriesview.build.findings import Entry

_HEADER = """\
# What `seriesview build` makes of these recordings. Paths are relative to the working directory.
# `python -m seriesview.config.reference` explains every key, `seriesview inspect FILE` says more about a file.

# The workspace's name.
workspace: {workspace}

# Artifacts are stored here, by their content. auto: together with a running kachery daemon, if there is one.
store:
  storage_dir: kachery-storage
  mode: auto

# One entry a series; the name is what views call it by. Further keys: label, unit, scale, offset,
# channel_labels, timezone, start_time, session_start, full_resolution (auto | link | store | omit),
# max_gap_seconds, scatter (jobs that share a dataset).
datasets:
"""
_FOOTER = """
# What is shown together. Panel types: {panel_types};
# intervals are bands across all panels. Without views there is one of all series.
views:
  - label: {workspace}
    panels:
"""


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
    """Write a config.yaml that names everything in each FILE that can be shown.

    What a file does not say (the rate of a flat binary file, say) is left to be filled in, and the build names it
    until it is. Exit status: 0 done, 1 done but for a FILE that cannot be read, 2 nothing written.
    """
    from seriesview.build.findings import entries_of
    from seriesview.build.results import write_whole
    from seriesview.errors import BuildError, ReaderError

    if out.exists() and not force:
        raise BuildError(f"{out}: is there already; choose another --out, or --force to write over it")
    entries, notes, unreadable = entries_of(files, follow_external=follow_external)
    if not entries:
        reasons = "; ".join([*unreadable, *notes]) or "`seriesview inspect FILE` says what they hold"
        raise ReaderError(f"{', '.join(files)}: nothing in there can be shown; {reasons}")
    notes = [*unreadable, *notes]
    write_whole(out, config_document(entries, notes, Path(files[0]).stem).encode())
    open_keys = [
        f"{entry.name}.{key}" for entry in entries for key, value in entry.keys.items() if value is None
    ]
    if as_json:
        names = [entry.name for entry in entries]
        click.echo(json.dumps({"out": str(out), "datasets": names, "to_fill_in": open_keys, "notes": notes}))
        return MISSING_STATUS if unreadable else 0
    click.echo(f"{out}: {len(entries)} dataset{'s' if len(entries) != 1 else ''}")
    for entry in entries:
        for guess in entry.guesses:
            click.echo(f"{entry.name}: guessed: {guess}")
    for note in notes:
        click.echo(f"  left out: {note}")
    if open_keys:
        click.echo(f"fill in first: {', '.join(open_keys)}")
    click.echo(f"next:\n  seriesview build {out}")
    return MISSING_STATUS if unreadable else 0


def config_document(entries: Sequence[Entry], notes: Sequence[str], workspace: str) -> str:
    """A commented config.yaml of datasets, of a view of them, and of what was left out and why."""
    from seriesview.cli.dataset_entries import comment, entry_yaml, one_line_yaml
    from seriesview.workspace.panels import PANEL_TYPES

    title = one_line_yaml(workspace)
    blocks = [entry_yaml(entry.name, entry.keys) for entry in entries]
    left_out = [f"  # left out: {comment(note)}" for note in notes]
    text = _HEADER.format(workspace=title) + "\n".join([*blocks, *left_out]) + "\n"
    labels = [entry.panel[1] for entry in entries if entry.panel is not None]
    if not labels:
        return text
    panels = []
    for entry in entries:
        if entry.panel is not None:
            panel_type, label = entry.panel
            # The same name in several files says nothing.
            label = label if labels.count(label) == 1 else entry.name
            panels.append(_panel_line(panel_type, entry.name, label))
    return (
        text + _FOOTER.format(workspace=title, panel_types=", ".join(PANEL_TYPES)) + "\n".join(panels) + "\n"
    )


def _panel_line(panel_type: str, series: str, label: str) -> str:
    from seriesview.cli.dataset_entries import one_line_yaml

    return f"      - {one_line_yaml({'type': panel_type, 'series': series, 'label': label})}"
