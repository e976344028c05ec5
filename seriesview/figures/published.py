"""What was exported or published: found by its address, and shown by a browser from where it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from seriesview.errors import SeriesviewError

if TYPE_CHECKING:
    from urllib3 import PoolManager

_URI = re.compile(r"sha1://[0-9a-f]{40}/[\w.%~-]*", re.ASCII)
_ANSWER_SECONDS = 10.0
_MOST_EXPORT_BYTES = 2**20


@dataclass(frozen=True)
class PublishedPage:
    """The address of the page that shows an export, and the URI of its workspace where export.json says it."""

    link: str
    workspace: str | None

    def link_with(self, state: Mapping[str, Any]) -> str:
        """The address, and in it what is to be shown of it: a state of the viewer."""
        if not state:
            return self.link
        mark = "&" if urlsplit(self.link).query else "?"
        return f"{self.link}{mark}s={quote(json.dumps(state, separators=(',', ':')))}"


def published_page(address: str) -> PublishedPage:
    """The page of what was exported or published, at gs://, s3:// or the web address of it. Raises SeriesviewError."""
    if address.startswith(("gs://", "s3://")):
        nothing = f"{address}: nothing that everybody can read is published there"
        advice = "`seriesview bucket check` says whether a bucket of yours can be read"
        return _found(_page_in_bucket(address), nothing, advice)
    nothing = f"{address}: neither a link to a figure (it has no d=HASH) nor an exported folder"
    return _found(address, nothing, "copy the link whole")


def _page_in_bucket(address: str) -> str:
    """The web address of what was published at gs://BUCKET/PREFIX or s3://BUCKET/PREFIX. Raises SeriesviewError."""
    from seriesview.cloud.bucket_address import object_url, parse_address, public_base_url
    from seriesview.share.publishing import PAGE_FILE
    from seriesview.share.result_bucket import BACKENDS

    place = parse_address(address.removesuffix(PAGE_FILE))
    if place.prefix.endswith(".json") and f"/{BACKENDS}/" in f"/{place.prefix}":
        raise SeriesviewError(
            f"{address}: this names a backend, and no figure; paste it into the dialog behind the menu of a "
            "figure that is open, to have that backend answer it"
        )
    return object_url(public_base_url(place), place.name(PAGE_FILE))


def _found(address: str, nothing: str, advice: str) -> PublishedPage:
    """The page at an address, whose folder has an export.json. Raises SeriesviewError: `nothing` is there, `advice`."""
    import urllib3
    from urllib3.exceptions import HTTPError

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
                    workspace = str(document.get("workspace"))
                    return PublishedPage(urlunsplit(whole), workspace if _URI.fullmatch(workspace) else None)
            problems.append(f"{named} gives {answer.status}")
    raise SeriesviewError(f"{nothing} ({'; '.join(problems)}); {advice}")


def _is_page(pool: PoolManager, address: str) -> bool:
    from urllib3.exceptions import HTTPError

    try:
        answer = pool.request("HEAD", address)
    except HTTPError:
        return False
    return answer.status == 200 and answer.headers.get("Content-Type", "").startswith("text/html")
