"""Links of any age: what they name, whatever host they were made for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seriesview.errors import FormatError

_HASH = re.compile(r"(?:sha1://)?([0-9a-f]{40})(?:[/?].*)?", re.DOTALL)


@dataclass(frozen=True)
class FigureLink:
    """A link to a node's page: which figure data it names, and what it says beside that.

    `has_bad_state`: what it says of the view cannot be read, so that `state` is None.
    """

    uri: str
    label: str
    state: Mapping[str, Any] | None
    host: str
    has_bad_state: bool = False

    @property
    def sha1(self) -> str:
        """SHA-1 of the figure's data."""
        return self.uri[7:47]


def is_address(text: str) -> bool:
    """Whether this is a link, or a place in a bucket, and no file or sha1:// URI."""
    return re.match(r"\s*<?(https?|gs|s3)://", text, re.IGNORECASE) is not None


def parse_link(text: str) -> FigureLink | None:
    """The figure that a link names, on whatever host; None where it names none. Raises FormatError."""
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
    uri = f"sha1://{found[1]}/figure.json"
    return FigureLink(uri, fields.get("label", ""), state, host, "s" in fields and state is None)


def cleaned(text: str) -> str:
    """The address without what printing and copying put around and into it, and without its token."""
    address = "".join(text.split()).removeprefix("<").removesuffix(">")
    return address.partition("#token=")[0]


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
