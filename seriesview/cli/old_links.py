"""Links of any age: what they name, and whether it can be shown from here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import click

from seriesview.cli.link_server import ServeOptions, say, serve_figure

if TYPE_CHECKING:
    from urllib3 import PoolManager

    from seriesview.store import Store

_HASH = re.compile(r"(?:sha1://)?([0-9a-f]{40})(?:[/?].*)?", re.DOTALL)
_URI = re.compile(r"sha1://[0-9a-f]{40}/[\w.%~-]*", re.ASCII)
_ANSWER_SECONDS = 10.0
_MOST_EXPORT_BYTES = 2**20


@dataclass(frozen=True)
class FigureLink:
    """A link to a node's page: which figure data it names, and what it says beside that."""

    uri: str
    label: str
    state: Mapping[str, Any] | None
    host: str


def is_address(text: str) -> bool:
    """Whether this is a link, or a place in a bucket, and no file or sha1:// URI."""
    return re.match(r"\s*<?(https?|gs|s3)://", text, re.IGNORECASE) is not None


def parse_link(text: str) -> FigureLink | None:
    """The figure that a link names, on whatever host; None where it names none. Raises FormatError."""
    from seriesview.errors import FormatError

    address = cleaned(text)
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
    except ValueError as error:
        raise FormatError(f"{address}: not a link ({error}); copy it whole") from error
    fields = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if "d" not in fields:
        return None
    found = _HASH.fullmatch(fields["d"])
    if found is None:
        raise FormatError(
            f"{address}: d={fields['d']:.80} is no SHA-1 of 40 hexadecimal digits; copy the link whole, or take "
            "the sha1:// URI of the workspace"
        )
    state = None
    if "s" in fields:
        with suppress(ValueError, RecursionError):
            value = json.loads(fields["s"], parse_constant=_no_number)
            state = value if isinstance(value, dict) else None
        if state is None:
            say("what the link says of the view (s=...) cannot be read, so the beginning is shown")
    return FigureLink(f"sha1://{found[1]}/figure.json", fields.get("label", ""), state, host)


def cleaned(text: str) -> str:
    """The address without what printing and copying put around and into it, and without its token."""
    address = "".join(text.split()).removeprefix("<").removesuffix(">")
    return address.partition("#token=")[0]


def view_link(text: str, storage_dir: Path | None, options: ServeOptions) -> None:
    """Show what a link names: from the storage directory, or where it was exported to. Raises SeriesviewError."""
    from seriesview.cli.arguments import open_reading_store
    from seriesview.cli.serve import figure_label
    from seriesview.errors import MissingArtifactError

    address = cleaned(text)
    if address.startswith(("gs://", "s3://")):
        _open_exported(
            _page_in_bucket(address),
            options,
            f"{address}: nothing that everybody can read is published there",
            "`seriesview bucket check` says whether a bucket of yours can be read",
        )
        return
    link = parse_link(text)
    if link is None:
        nothing = f"{address}: neither a link to a figure (it has no d=HASH) nor an exported folder"
        _open_exported(address, options, nothing, "copy the link whole")
        return
    store = open_reading_store(storage_dir)
    if not store.exists(link.uri):
        raise MissingArtifactError(
            f"SHA-1 {link.uri[7:47]}, which this link shows, is not in the kachery storage {store.directory}; if it "
            "is in another one, name that with --storage-dir; else open the link itself while a node answers at "
            f"{link.host}, ask there for an export (`seriesview export`), or build it again"
        )
    say_what_is_missing(link.uri, store)
    label = figure_label(link.uri, store)
    serve_figure(link.uri, link.label or label, store.directory, options, link.state)


def say_what_is_missing(uri: str, store: Store) -> None:
    """Name the series of a workspace that are not in the store; the others are shown."""
    document = store.get_json(uri)
    series = document.get("series") if isinstance(document, dict) else None
    for entry in series if isinstance(series, list) else []:
        named = entry.get("uri") if isinstance(entry, dict) else None
        if isinstance(named, str) and named.startswith("sha1://") and not store.exists(named):
            say(
                f"series {entry.get('name')!r:.200} is not in {store.directory}: {named}; copy it there, or build it "
                "again"
            )


def _page_in_bucket(address: str) -> str:
    """The web address of what was published at gs://BUCKET/PREFIX or s3://BUCKET/PREFIX. Raises SeriesviewError."""
    from seriesview.errors import SeriesviewError
    from seriesview.share.bucket_address import object_url, parse_address, public_base_url
    from seriesview.share.publishing import PAGE_FILE
    from seriesview.share.result_bucket import BACKENDS

    place = parse_address(address.removesuffix(PAGE_FILE))
    if place.prefix.endswith(".json") and f"/{BACKENDS}/" in f"/{place.prefix}":
        raise SeriesviewError(
            f"{address}: this names a backend, and no figure; paste it into the dialog behind the menu of a "
            "figure that is open, to have that backend answer it"
        )
    return object_url(public_base_url(place), place.name(PAGE_FILE))


def _open_exported(address: str, options: ServeOptions, nothing: str, advice: str) -> None:
    """Open an exported or published folder where it is. Raises SeriesviewError: `nothing` is there, `advice`."""
    import urllib3
    from urllib3.exceptions import HTTPError

    from seriesview.errors import SeriesviewError
    from seriesview.figures.browser import has_browser, open_address
    from seriesview.share.folder import EXPORT_FORMAT

    parts = urlsplit(address)
    folder = parts.path[: parts.path.rfind("/") + 1] or "/"
    # A folder may be named without its last slash.
    folders = (
        [folder] if parts.path in ("", folder) or parts.path.endswith(".html") else [f"{parts.path}/", folder]
    )
    problems = []
    with urllib3.PoolManager(
        timeout=_ANSWER_SECONDS, retries=urllib3.Retry(connect=0, read=0, redirect=5)
    ) as pool:
        for path in folders:
            named = urlunsplit((parts.scheme, parts.netloc, f"{path}export.json", "", ""))
            try:
                answer = pool.request("GET", named, preload_content=False)
                content = answer.read(_MOST_EXPORT_BYTES)
                answer.release_conn()
            except (HTTPError, ValueError) as error:
                raise SeriesviewError(
                    f"{address}: {parts.netloc} does not answer ({type(error).__name__}); look at the address and the "
                    "network, or give the sha1:// URI of what it shows, if it is in a storage directory here"
                ) from error
            with suppress(ValueError, RecursionError):
                document = json.loads(content)
                if isinstance(document, dict) and document.get("format") == EXPORT_FORMAT:
                    whole = parts._replace(path=path) if path != folder else parts
                    if not whole.path.endswith(".html") and not _is_page(pool, urlunsplit(whole)):
                        # A bucket has no page for a folder.
                        whole = whole._replace(path=f"{path}index.html")
                    link = urlunsplit(whole)
                    workspace = str(document.get("workspace"))
                    named = f" of {workspace}" if _URI.fullmatch(workspace) else ""
                    say(f"this is an export{named}, shown from where it is")
                    click.echo(json.dumps({"url": link}) if options.as_json else link)
                    if not options.no_browser and sys.stdout.isatty() and has_browser():
                        open_address(link)
                    return
            problems.append(f"{named} gives {answer.status}")
    raise SeriesviewError(f"{nothing} ({'; '.join(problems)}); {advice}")


def _is_page(pool: PoolManager, address: str) -> bool:
    from urllib3.exceptions import HTTPError

    try:
        answer = pool.request("HEAD", address)
    except HTTPError:
        return False
    return answer.status == 200 and answer.headers.get("Content-Type", "").startswith("text/html")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
