"""`seriesview publish`: a workspace in a bucket, where any browser shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Unpack

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option
from seriesview.cli.sharing_choice import SharingCommand, choice_options, say_plan

if TYPE_CHECKING:
    from pathlib import Path

    from seriesview.share.plan import Plan
    from seriesview.share.sharing import Choices

public_url_option = click.option(
    "--public-url",
    envvar="SERIESVIEW_BUCKET_URL",
    metavar="URL",
    help="Where browsers read the bucket's objects, if it has a host name of its own: https://data.lab.org.  "
    "[default: SERIESVIEW_BUCKET_URL, else the service's address]",
)


@click.command(cls=SharingCommand, short_help="Put a workspace into a bucket, and print the link to open.")
@click.argument("workspace")
@click.argument("target", required=False, metavar="[gs://BUCKET/PREFIX|s3://BUCKET/PREFIX]")
@choice_options
@public_url_option
@storage_option
@json_option
def command(
    workspace: str,
    target: str | None,
    public_url: str | None,
    storage_dir: Path | None,
    as_json: bool,
    **choices: Unpack[Choices],
) -> None:
    """Upload what `seriesview export` would write into a bucket, and print the link to open.

    Only what is not there yet is uploaded. Running it again completes a publishing that was interrupted, and updates
    one whose workspace was built anew, under the same link. Nothing is linked before all of it is there, and nothing
    is removed.

    Without a bucket, or with gs:// alone, GOOGLE_BUCKET_NAME names it, and the prefix is the workspace's label.
    GOOGLE_APPLICATION_CREDENTIALS names the key of a service account. `seriesview bucket check` says whether bucket
    and account are set up.
    """
    from seriesview.build.progress import Progress
    from seriesview.share.sharing import publish
    from seriesview.terms import bytes_in_words

    progress = Progress("publishing", 0)

    def planned(plan: Plan, address: str) -> None:
        say_plan(plan, address, as_json)
        progress.expect(plan.num_bytes)

    done = publish(
        resolve_workspace(workspace, store := open_reading_store(storage_dir)),
        target,
        public_url=public_url,
        store=store,
        on_plan=planned,
        on_bytes=progress.add,
        on_present=progress.skip,
        **choices,
    )
    progress.finish()
    if as_json:
        document = {
            "uri": done.uri,
            "bucket": done.bucket,
            "url": done.link,
            "files_uploaded": done.num_uploaded,
            "bytes_uploaded": done.bytes_uploaded,
            "files_present": done.num_present,
            "bytes_present": done.bytes_present,
            "left_out": [entry.to_json_dict() for entry in done.left_out],
            "days_moved": done.days,
        }
        click.echo(json.dumps(document))
    else:
        click.echo(
            f"{done.bucket}: {done.num_uploaded} files uploaded, {bytes_in_words(done.bytes_uploaded)}; "
            f"{done.num_present} were there, {bytes_in_words(done.bytes_present)}"
        )
        click.echo(done.link)
    if done.status in (401, 403):
        click.echo(
            f"seriesview: warning: not everybody can read it (status {done.status}); `seriesview bucket check "
            f"{done.bucket}` says what to do",
            err=True,
        )
