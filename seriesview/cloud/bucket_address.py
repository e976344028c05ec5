"""Addresses of buckets, gs://BUCKET/PREFIX and s3://BUCKET/PREFIX, and the web addresses of what lies in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

from seriesview.errors import SeriesviewError

BUCKET_VARIABLE = "GOOGLE_BUCKET_NAME"
URL_VARIABLE = "SERIESVIEW_BUCKET_URL"

Scheme = Literal["gs", "s3"]

_ADDRESS = re.compile(r"(gs|s3)://([^/]*)(?:/(.*))?")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PREFIX_CHARACTERS = re.compile(r"[\w.,=@+()~ -]+")
_MOST_PREFIX_CHARACTERS = 500
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_MOST_NAME_CHARACTERS = 60


@dataclass(frozen=True)
class BucketAddress:
    """A place in a bucket. `prefix` has no slash at either end; empty is the bucket's root."""

    scheme: Scheme
    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    def name(self, path: str) -> str:
        """The object's name of a path below the prefix."""
        return f"{self.prefix}/{path}" if self.prefix else path


def parse_address(text: str | None, default_prefix: str = "") -> BucketAddress:
    """Read gs://BUCKET/PREFIX or s3://BUCKET/PREFIX; raises SeriesviewError.

    Without a text, and for gs:// without a bucket, the bucket is that of GOOGLE_BUCKET_NAME. `default_prefix` is taken
    where neither the text nor the variable names a bucket with or without a prefix in so many words.
    """
    if text is None or text == "gs://":
        found = _default_address()
        return BucketAddress("gs", found.bucket, found.prefix or default_prefix)
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise SeriesviewError(f"{text!r:.200} is no bucket; write gs://BUCKET/PREFIX or s3://BUCKET/PREFIX")
    scheme: Scheme = "gs" if match[1] == "gs" else "s3"
    bucket = match[2]
    if not bucket:
        if scheme == "s3":
            raise SeriesviewError(f"{text!r:.200} names no bucket; write s3://BUCKET/PREFIX")
        bucket = _default_address().bucket
    return BucketAddress(scheme, _checked_bucket(bucket, text), _checked_prefix(match[3] or "", text))


def prefix_of_label(label: str, sha1: str) -> str:
    """Where a workspace goes that is published without a prefix: by its label, else by its hash."""
    name = _NOT_IN_A_NAME.sub("-", label.lower()).strip("-")[:_MOST_NAME_CHARACTERS].rstrip("-")
    return f"seriesview/{name or sha1[:12]}"


def checked_base_url(url: str) -> str:
    """An http(s) address without what follows its path, without a slash at its end; raises SeriesviewError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SeriesviewError(
            f"{url!r:.200} is no address of a bucket's objects; write https://HOST or https://HOST/PATH"
        )
    return url.rstrip("/")


def object_url(base_url: str, name: str) -> str:
    """The web address of an object, below the address of its bucket."""
    return f"{base_url}/{quote(name)}"


def public_base_url(address: BucketAddress) -> str:
    """The web address below which anybody reads a bucket's objects; the libraries' variables for servers count."""
    if address.scheme == "gs":
        server = os.environ.get("STORAGE_EMULATOR_HOST") or "https://storage.googleapis.com"
        return f"{server if '://' in server else f'http://{server}'}".rstrip("/") + f"/{address.bucket}"
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if not server and "." not in address.bucket:
        # Amazon sends on from here to the bucket's region.
        return f"https://{address.bucket}.s3.amazonaws.com"
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"{server.rstrip('/') or f'https://s3.{region}.amazonaws.com'}/{address.bucket}"


def _default_address() -> BucketAddress:
    text = os.environ.get(BUCKET_VARIABLE, "").strip()
    if not text:
        raise SeriesviewError(
            f"no bucket is named: give gs://BUCKET/PREFIX or s3://BUCKET/PREFIX, or set {BUCKET_VARIABLE}"
        )
    match = _ADDRESS.fullmatch(text if "://" in text else f"gs://{text}")
    where = f"{BUCKET_VARIABLE}={text}"
    if match is None or match[1] != "gs":
        raise SeriesviewError(f"{where:.200} names no Google bucket; set it to its name")
    return BucketAddress("gs", _checked_bucket(match[2], where), _checked_prefix(match[3] or "", where))


def _checked_bucket(bucket: str, where: str) -> str:
    if not _BUCKET.fullmatch(bucket):
        raise SeriesviewError(
            f"{where:.200}: {bucket!r:.80} is no name of a bucket: those have 3 or more lowercase letters, digits, "
            "dots, dashes and underscores"
        )
    return bucket


def _checked_prefix(prefix: str, where: str) -> str:
    stripped = prefix.strip("/")
    parts = stripped.split("/") if stripped else []
    if len(stripped) > _MOST_PREFIX_CHARACTERS or not all(
        _PREFIX_CHARACTERS.fullmatch(part) and part not in (".", "..") for part in parts
    ):
        raise SeriesviewError(
            f"{where:.200}: the prefix {stripped!r:.80} must be names with a slash between them, of letters, digits "
            "and . , = @ + ( ) ~ _ - and spaces"
        )
    return stripped
