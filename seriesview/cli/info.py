"""`seriesview info`: what a series or a workspace holds, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option
from seriesview.terms import is_workspace

if TYPE_CHECKING:
    from seriesview.store import Store


@click.command(short_help="What a series or a workspace holds.")
@click.argument("series")
@storage_option
@json_option
def command(series: str, storage_dir: Path | None, as_json: bool) -> None:
    """Say what SERIES holds, and how many bytes each of its levels takes.

    SERIES is a sha1:// URI, a results/series/NAME.json or a results/workspace.json.
    """
    from seriesview.series.manifest import parse_series_manifest
    from seriesview.series.words import array_sizes, series_lines
    from seriesview.workspace.manifest import parse_workspace_manifest

    store = open_reading_store(storage_dir)
    uri = resolve_workspace(series, store)
    document = store.get_json(uri)
    if not is_workspace(document):
        manifest = parse_series_manifest(document)
        if as_json:
            click.echo(json.dumps({"uri": uri, "manifest": document, "bytes": array_sizes(manifest)}))
        else:
            click.echo("\n".join([uri, *series_lines(manifest)]))
        return
    workspace = parse_workspace_manifest(document)
    if as_json:
        click.echo(json.dumps({"uri": uri, "manifest": document}))
        return
    click.echo(f"{uri}\nworkspace {workspace.label!r}: {len(workspace.series)} series")
    for entry in workspace.series:
        click.echo(f"\n{entry.name}  {entry.uri}")
        click.echo("\n".join(_indented(store, entry.uri)))
    for absent in workspace.missing:
        click.echo(f"\n{absent.name}: not built: {absent.error}")
    for view in workspace.views:
        click.echo(f"\nview {view.label!r}: " + ", ".join(f"{p.type} {p.label!r}" for p in view.panels))


def _indented(store: Store, uri: str) -> Iterator[str]:
    from seriesview.errors import SeriesviewError
    from seriesview.series.manifest import parse_series_manifest
    from seriesview.series.words import series_lines

    try:
        lines = list(series_lines(parse_series_manifest(store.get_json(uri))))
    except SeriesviewError as error:
        lines = [f"cannot be read: {error}"]
    for line in lines:
        yield f"  {line}"
