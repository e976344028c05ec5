"""`seriesview-start-backend`: the resident backend."""

import click

from seriesview.cli.main import ERROR_STATUS


@click.command()
@click.option("--channel", help="kachery channel to answer on.")
@click.option("--backend-id", help="Answer only requests that carry this ID.")
@click.pass_context
def main(context: click.Context, channel: str | None, backend_id: str | None) -> None:
    """Answer figurl tasks on a kachery channel (not part of this release)."""
    click.echo(
        "seriesview: error: the resident backend is not part of this release; "
        "`seriesview window` and `seriesview plot` read what was built",
        err=True,
    )
    context.exit(ERROR_STATUS)
