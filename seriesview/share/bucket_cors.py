"""CORS rules of buckets: which web pages elsewhere may read them by range."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seriesview.cloud.bucket_address import Scheme
from seriesview.errors import SeriesviewError

REQUEST_HEADERS = ("Range",)

_SECONDS = 3600
_METHODS = ("GET", "HEAD")
_RESPONSE_HEADERS = ("Content-Type", "Content-Length", "Content-Range", "Accept-Ranges", "ETag")
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")


def check_origins(origins: Sequence[str]) -> list[str]:
    """The origins, each once; raises SeriesviewError for what is none."""
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise SeriesviewError(
                f"{origin!r:.80} is no origin of web pages; write https://HOST or https://HOST:PORT, without a path"
            )
    return list(dict.fromkeys(origins))


def cors_rule(scheme: Scheme, origins: Sequence[str]) -> dict[str, Any]:
    """The rule that lets pages of these origins read by range, as the service writes it."""
    if scheme == "gs":
        return {
            "origin": list(origins),
            "method": list(_METHODS),
            "responseHeader": [*REQUEST_HEADERS, *_RESPONSE_HEADERS],
            "maxAgeSeconds": _SECONDS,
        }
    return {
        "AllowedOrigins": list(origins),
        "AllowedMethods": list(_METHODS),
        "AllowedHeaders": list(REQUEST_HEADERS),
        "ExposeHeaders": list(_RESPONSE_HEADERS),
        "MaxAgeSeconds": _SECONDS,
    }


def cors_document(scheme: Scheme, rules: Sequence[Mapping[str, Any]]) -> Any:
    """Rules as `gcloud storage buckets update --cors-file` or `aws s3api put-bucket-cors` takes them."""
    return list(rules) if scheme == "gs" else {"CORSRules": list(rules)}


def with_rule(rules: Sequence[Mapping[str, Any]], rule: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A bucket's rules and this one, unless it is among them."""
    return [*rules] if any(dict(known) == dict(rule) for known in rules) else [*rules, rule]
