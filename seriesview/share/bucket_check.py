"""Whether a bucket is set up for publishing, item by item, and what to do about what is not."""

from __future__ import annotations

import secrets
import shlex
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import Literal

from seriesview.cloud.bucket_address import object_url
from seriesview.cloud.buckets import Bucket, BucketError, Serving
from seriesview.share.bucket_cors import REQUEST_HEADERS

State = Literal["ok", "not ok", "not checked"]

_CONTENT = b"seriesview bucket check"
_RANGE = (2, 6)
_SERVING = Serving("text/plain; charset=utf-8", "no-store")
_SECONDS = 30.0
_SOON_SECONDS = 5.0


@dataclass(frozen=True)
class Item:
    """One thing that was looked at: what, how it is, and what was found or is to be done."""

    what: str
    state: State
    told: str = ""


def check_bucket(bucket: Bucket, origins: Sequence[str], base_url: str | None = None) -> Iterator[Item]:
    """Look at a bucket with a small object that is written below its prefix, and removed again."""
    there = _there(bucket)
    yield there
    names = ("the account may write and delete", "objects are publicly readable", *map(_cors_name, origins))
    if there.state != "ok":
        yield from (Item(name, "not checked") for name in names)
        return
    name = bucket.address.name(f"seriesview-check-{secrets.token_hex(8)}.txt")
    try:
        bucket.put(name, _CONTENT, _SERVING)
    except BucketError as error:
        yield Item(names[0], "not ok", str(error))
        yield from (Item(name, "not checked", "no object could be written to read it") for name in names[1:])
        return
    with _removed(bucket, name) as removing:
        url = object_url(base_url or bucket.base_url, name)
        read = _readable(bucket, url)
        cors = [
            _cors(bucket, url, origin) if read.state == "ok" else Item(_cors_name(origin), "not checked")
            for origin in origins
        ]
    fault = removing.fault
    told = f"{bucket.account}" if fault is None else f"it wrote {name}, but cannot remove it: {fault}"
    yield Item(names[0], "ok" if fault is None else "not ok", told)
    yield read
    yield from cors


def status_for_all(url: str) -> int | None:
    """The status that anybody gets for an object; None where nobody answers soon."""
    return _request("GET", url, {"Range": "bytes=0-0"}, _SOON_SECONDS)[0]


@dataclass
class _Removing:
    fault: str | None = None


@contextmanager
def _removed(bucket: Bucket, name: str) -> Iterator[_Removing]:
    removing = _Removing()
    try:
        yield removing
    finally:
        try:
            bucket.delete(name)
        except BucketError as error:
            removing.fault = str(error)


def _there(bucket: Bucket) -> Item:
    what = "the bucket is there"
    try:
        bucket.list(bucket.address.name(f"seriesview-check-{secrets.token_hex(8)}"))
    except BucketError as error:
        return Item(what, "not ok", str(error))
    return Item(what, "ok")


def _readable(bucket: Bucket, url: str) -> Item:
    what = "objects are publicly readable"
    status, _, content = _request("GET", url, {"Range": f"bytes={_RANGE[0]}-{_RANGE[1] - 1}"})
    if status == 206 and content == _CONTENT[slice(*_RANGE)]:
        return Item(what, "ok", object_url(url.rpartition("/")[0], ""))
    if status == 200 and content == _CONTENT:
        return Item(what, "ok", "but not by range: what serves them sends whole objects")
    if status is None:
        return Item(what, "not ok", f"{url} cannot be reached ({content.decode()})")
    if bucket.address.scheme == "gs":
        advice = (
            f"gcloud storage buckets add-iam-policy-binding gs://{bucket.address.bucket} --member=allUsers "
            "--role=roles/storage.objectViewer"
        )
    else:
        policy = (
            '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", '
            f'"Resource": "arn:aws:s3:::{bucket.address.bucket}/*"}}]}}'
        )
        advice = (
            "the bucket needs a policy that allows s3:GetObject to everybody: aws s3api put-bucket-policy --bucket "
            f"{bucket.address.bucket} --policy '{policy}'"
        )
    return Item(what, "not ok", f"a request without credentials gets status {status}; {advice}")


def _cors_name(origin: str) -> str:
    return f"pages of {origin} can read (CORS)"


def _cors(bucket: Bucket, url: str, origin: str) -> Item:
    """Browsers read whole objects without asking first; before they send Range, some ask whether they may."""
    what = _cors_name(origin)
    # Where all origins are asked for, any will do.
    page = "https://seriesview.invalid" if origin == "*" else origin
    advice = f"seriesview bucket cors {bucket.address} --origin {shlex.quote(origin)} --apply"
    _, headers, _ = _request("GET", url, {"Origin": page})
    if not _is_allowed(headers, page):
        return Item(what, "not ok", f"answers do not name the origin; {advice}")
    asked = {
        "Origin": page,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": ",".join(REQUEST_HEADERS).lower(),
    }
    _, headers, _ = _request("OPTIONS", url, asked)
    allowed = {name.strip().lower() for name in headers.get("Access-Control-Allow-Headers", "").split(",")}
    if _is_allowed(headers, page) and allowed & {"range", "*"}:
        return Item(what, "ok", "by range too")
    return Item(
        what,
        "ok",
        "whole objects, which is all that results of tasks need; the rule does not name the header Range, without "
        f"which some browsers read no parts of larger objects. To add it: {advice}",
    )


def _is_allowed(headers: Message, origin: str) -> bool:
    return headers.get("Access-Control-Allow-Origin") in (origin, "*")


def _request(
    method: str, url: str, headers: Mapping[str, str], seconds: float = _SECONDS
) -> tuple[int | None, Message, bytes]:
    """(status, headers, content) as anybody gets them; without a status, content is the reason."""
    request = urllib.request.Request(url, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, answer.headers, answer.read(len(_CONTENT) + 1)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, b""
    except (OSError, HTTPException) as error:
        return None, Message(), str(getattr(error, "reason", error)).encode()
