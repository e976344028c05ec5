"""`seriesview picture-page`: the pipeline's job that writes the page of overview pictures."""

from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("workspace")
@click.option("--store-json", required=True, help="The configuration's `store`, as JSON.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The HTML file to write.")
def command(workspace: str, store_json: str, out: Path) -> None:
    """Write a page of the pictures beside it, NAME.png, of the series of WORKSPACE (a job of the pipeline)."""
    from seriesview.build.results import write_whole
    from seriesview.cli.arguments import resolve_workspace
    from seriesview.cli.jobs import job_store
    from seriesview.pictures.page import workspace_page
    from seriesview.workspace.manifest import parse_workspace_manifest

    with job_store(store_json) as store:
        uri = resolve_workspace(workspace, store)
        manifest = parse_workspace_manifest(store.get_json(uri))
        names = [f"{entry.name}.png" for entry in manifest.series]
        pictures = {name.removesuffix(".png"): name for name in names if (out.parent / name).is_file()}
        write_whole(out, workspace_page(manifest, uri, store, pictures).encode())
