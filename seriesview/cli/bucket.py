"""`seriesview bucket`: whether a bucket is set up for publishing, and its CORS rules."""

from __future__ import annotations

import json

import click

from seriesview.cli.arguments import json_option
from seriesview.cli.publish import public_url_option

_target = click.argument("target", required=False, metavar="[gs://BUCKET|s3://BUCKET]")


@click.group("bucket")
def command() -> None:
    """Check whether a bucket is set up for publishing, and set its CORS rules.

    Without an address the bucket is that of GOOGLE_BUCKET_NAME. docs/buckets.md walks through setting one up.
    """


@command.command("check")
@_target
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Origin of web pages elsewhere that are to read the bucket, such as https://figurl.org. Can be repeated. "
    "Pages that are in the bucket need none.",
)
@public_url_option
@json_option
def check(target: str | None, origins: tuple[str, ...], public_url: str | None, as_json: bool) -> None:
    """Say item by item whether a bucket can be published into and read by all, and what to do where not.

    A small object is written below the prefix and removed again. The exit status is 1 where something is not ok.
    """
    from seriesview.cloud.bucket_address import checked_base_url, parse_address
    from seriesview.cloud.open_bucket import open_bucket
    from seriesview.share.bucket_check import check_bucket
    from seriesview.share.bucket_cors import check_origins

    base_url = None if not public_url else checked_base_url(public_url)
    wanted = check_origins(origins)
    bucket = open_bucket(parse_address(target))
    items = []
    if not as_json:
        click.echo(str(bucket.address))
    try:
        for item in check_bucket(bucket, wanted, base_url):
            items.append(item)
            if not as_json:
                click.echo(f"{item.state:11}  {item.what}" + (f": {item.told}" if item.told else ""))
    finally:
        bucket.close()
    is_ok = all(item.state == "ok" for item in items)
    if as_json:
        found = [{"what": item.what, "state": item.state, "told": item.told} for item in items]
        click.echo(json.dumps({"bucket": str(bucket.address), "ok": is_ok, "items": found}))
    click.get_current_context().exit(0 if is_ok else 1)


@command.command("cors")
@_target
@click.option(
    "--origin",
    "origins",
    multiple=True,
    required=True,
    metavar="URL",
    help="Origin of web pages that may read the bucket, such as https://figurl.org. Can be repeated.",
)
@click.option("--apply", "is_applied", is_flag=True, help="Add the rule to the bucket's, which are kept.")
def cors(target: str | None, origins: tuple[str, ...], is_applied: bool) -> None:
    """Print the CORS rule that lets pages of other origins read a bucket by range, or add it with --apply.

    Changing a bucket's rules takes the role Storage Admin; s3:PutBucketCORS for s3://.
    """
    from seriesview.cloud.bucket_address import parse_address
    from seriesview.cloud.open_bucket import open_bucket
    from seriesview.share.bucket_cors import check_origins, cors_document, cors_rule, with_rule

    address = parse_address(target)
    rule = cors_rule(address.scheme, check_origins(origins))
    if not is_applied:
        click.echo(json.dumps(cors_document(address.scheme, [rule]), indent=2))
        return
    bucket = open_bucket(address, is_admin=True)
    try:
        before = bucket.cors()
        rules = with_rule(before, rule)
        if len(rules) > len(before):
            bucket.set_cors(rules)
    finally:
        bucket.close()
    click.echo(json.dumps(cors_document(address.scheme, rules), indent=2))
    click.echo(f"{address.scheme}://{address.bucket}: {_told(len(rules) - len(before))}", err=True)


def _told(added: int) -> str:
    return (
        "the rule was added; browsers may remember the old ones for an hour" if added else "it has this rule"
    )
