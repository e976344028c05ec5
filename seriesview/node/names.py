"""The names of the protocol: what a channel, a hash or a bucket path may look like."""

import re
from typing import Annotated

from seriesview.documents.expectations import Words

_CHANNEL_PATTERN = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_HASH_PATTERN = r"[0-9a-f]{40}"
_CHANNEL = re.compile(_CHANNEL_PATTERN, re.ASCII)
_HASH = re.compile(_HASH_PATTERN, re.ASCII)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_FOLDER = re.compile(r"(?:/[A-Za-z0-9._~@%+=-]+)*", re.ASCII)
_CALLER = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)

Sha1 = Annotated[str, Words(pattern=_HASH_PATTERN, said="40 lower-case hexadecimal digits")]
ChannelName = Annotated[str, Words(3, 40, _CHANNEL_PATTERN, said="the name of a channel")]


def is_channel_name(name: object) -> bool:
    """Return whether `name` can name a channel: 3 to 40 characters, dot-separated parts of A-Z a-z 0-9 _ -."""
    return isinstance(name, str) and 3 <= len(name) <= 40 and _CHANNEL.fullmatch(name) is not None


def is_sha1(text: object) -> bool:
    """Return whether `text` is 40 lower-case hexadecimal digits."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def is_origin(text: object) -> bool:
    """Return whether `text` is the origin of a web page, as browsers write it: scheme, host, port, lower case."""
    return isinstance(text, str) and _ORIGIN.fullmatch(text) is not None


def is_web_folder(text: object) -> bool:
    """Return whether `text` is an origin and a path without a slash at its end."""
    if not isinstance(text, str) or len(text) > 1000:
        return False
    scheme, slashes, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return is_origin(f"{scheme}{slashes}{host}") and _FOLDER.fullmatch(slash + path) is not None


def is_caller_name(name: object) -> bool:
    """Return whether `name` can name whoever holds a token."""
    return isinstance(name, str) and _CALLER.fullmatch(name) is not None
