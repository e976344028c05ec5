"""`seriesview publish`: a workspace in a bucket, where any browser shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from seriesview.cli.arguments import json_option, open_reading_store, resolve_workspace, storage_option
from seriesview.cli.sharing_choice import SharingCommand, keep_shared, say_plan, wish_options_without_small

if TYPE_CHECKING:
    from pathlib import Path

    from seriesview.share.choice import Wish

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
@wish_options_without_small
@public_url_option
@storage_option
@json_option
def command(
    workspace: str,
    target: str | None,
    wish: Wish,
    public_url: str | None,
    storage_dir: Path | None,
    as_json: bool,
) -> None:
    """Upload what `seriesview export` would write into a bucket, and print the link to open.

    Only what is not there yet is uploaded. Running it again completes a publishing that was interrupted, and updates
    one whose workspace was built anew, under the same link. Nothing is linked before all of it is there, and nothing
    is removed.

    Without a bucket, or with gs:// alone, GOOGLE_BUCKET_NAME names it, and the prefix is the workspace's label.
    GOOGLE_APPLICATION_CREDENTIALS names the key of a service account. `seriesview bucket check` says whether bucket
    and account are set up.
    """
    from seriesview.build.progress import Progress, bytes_in_words
    from seriesview.share.bucket_address import checked_base_url, parse_address, prefix_of_label
    from seriesview.share.bucket_check import status_for_all
    from seriesview.share.export import plan_export
    from seriesview.share.open_bucket import open_bucket
    from seriesview.share.publishing import publish
    from seriesview.store import parse_uri

    base_url = None if not public_url else checked_base_url(public_url)
    parse_address(target)
    store = open_reading_store(storage_dir)
    uri = resolve_workspace(workspace, store)
    plan = plan_export(store, uri, wish)
    address = parse_address(target, prefix_of_label(plan.workspace.label, parse_uri(uri)[0]))
    bucket = open_bucket(address)
    say_plan(plan, str(address), as_json)
    progress = Progress("publishing", plan.num_bytes)
    try:
        done = publish(plan, store, bucket, base_url, progress.add, progress.skip)
    finally:
        bucket.close()
    progress.finish()
    keep_shared(store, uri, plan.workspace.label)
    if as_json:
        document = {
            "uri": done.uri,
            "bucket": str(address),
            "url": done.link,
            "files_uploaded": done.num_uploaded,
            "bytes_uploaded": done.bytes_uploaded,
            "files_present": done.num_present,
            "bytes_present": done.bytes_present,
            "left_out": [entry.to_json_dict() for entry in done.left_out],
            "days_moved": plan.days,
        }
        click.echo(json.dumps(document))
    else:
        click.echo(
            f"{address}: {done.num_uploaded} files uploaded, {bytes_in_words(done.bytes_uploaded)}; "
            f"{done.num_present} were there, {bytes_in_words(done.bytes_present)}"
        )
        click.echo(done.link)
    status = status_for_all(done.link)
    if status in (401, 403):
        click.echo(
            f"seriesview: warning: not everybody can read it (status {status}); `seriesview bucket check {address}` "
            "says what to do",
            err=True,
        )
