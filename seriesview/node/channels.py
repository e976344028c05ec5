"""The node's channels: who may do what on each, read from one file that can change at any time."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seriesview.errors import NodeError
from seriesview.node.callers import CLIENTS, LINKS, Caller
from seriesview.node.names import is_caller_name, is_channel_name, is_origin, is_web_folder
from seriesview.node.private_files import open_lock, read_own, write_atomically

CHANNELS_FILE = "seriesview-channels.json"
FORMAT = "seriesview-channels/1"
PERMISSIONS = ("requestFiles", "requestFeeds", "requestTasks", "provideFiles", "provideFeeds", "provideTasks")

_log = logging.getLogger("seriesview.node")


@dataclass(frozen=True)
class Channel:
    """One kachery channel of this node."""

    name: str
    permissions: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: {CLIENTS: frozenset(PERMISSIONS)},
    )
    """What each caller may do: CLIENTS or the name of a token -> some of PERMISSIONS."""
    origins: frozenset[str] = frozenset()
    """Origins of web pages that may use this channel, its bucket included."""
    bucket_url: str | None = None
    """The web address of a public bucket where backends put results; None: none but the node's own folder."""

    def allows(self, who: Caller, permission: str) -> bool:
        """Return whether `who` may do what `permission` (one of PERMISSIONS) says."""
        if permission not in PERMISSIONS:
            raise ValueError(f"{permission} is no permission")
        if who.origin is not None and who.origin not in self.origins:
            return False
        return permission in self.permissions.get(who.name, frozenset())


class Channels:
    """The channels of a storage directory; a change of the file takes effect with the next request."""

    def __init__(self, path: Path) -> None:
        """Read the file where there is one; raises NodeError."""
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._channels: dict[str, Channel] = {}
        self._origins: frozenset[str] = frozenset()
        self._read(_stamp(path))

    def get(self, name: str) -> Channel | None:
        """Return the channel called `name`, None where there is none."""
        self._refresh()
        return self._channels.get(name)

    def all(self) -> list[Channel]:
        """Return all channels, by name."""
        self._refresh()
        return [self._channels[name] for name in sorted(self._channels)]

    def is_origin_allowed(self, origin: str) -> bool:
        """Return whether some channel may be used by web pages of this origin."""
        self._refresh()
        return origin in self._origins

    def create(self, channel: Channel) -> None:
        """Add a channel; raises NodeError where its name is taken."""
        with self._edit() as channels:
            if channel.name in channels:
                raise NodeError(f"channel {channel.name} exists; `seriesview channel set` changes it")
            channels[channel.name] = channel

    def ensure(self, name: str) -> None:
        """Create a channel with the usual permissions where there is none of this name; raises NodeError."""
        if not is_channel_name(name):
            raise NodeError(_bad_name(name))
        if self.get(name) is None:
            with self._edit() as channels:
                channels.setdefault(name, Channel(name))

    def change(
        self,
        name: str,
        permissions: Mapping[str, frozenset[str]] | None = None,
        origins: frozenset[str] | None = None,
        bucket_url: str | None = None,
    ) -> Channel:
        """Replace the permissions of some callers, the origins and the bucket of a channel; raises NodeError.

        A caller without permissions is left out, but for links: that they get none must not be forgotten. An empty
        `bucket_url` takes the bucket away.
        """
        with self._edit() as channels:
            channel = channels.get(name)
            if channel is None:
                raise NodeError(f"there is no channel {name!r:.80}; `seriesview channel create` makes one")
            merged = {**channel.permissions, **(permissions or {})}
            changed = replace(
                channel,
                permissions=kept_permissions(merged),
                origins=channel.origins if origins is None else origins,
                bucket_url=channel.bucket_url if bucket_url is None else bucket_url or None,
            )
            channels[name] = changed
        return changed

    def remove(self, name: str) -> None:
        """Remove a channel; its bucket stays where it is. Raises NodeError."""
        with self._edit() as channels:
            if channels.pop(name, None) is None:
                raise NodeError(f"there is no channel {name!r:.80}; `seriesview channel list` shows them")

    def _refresh(self) -> None:
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return
        try:
            self._read(stamp)
        except NodeError as error:
            self._stamp = stamp
            _log.warning("channels stay as they were: %s", error)

    def _read(self, stamp: tuple[int, int, int] | None) -> None:
        channels = read_channels(self.path) if stamp else {}
        self._channels = channels
        self._origins = frozenset[str]().union(*(channel.origins for channel in channels.values()))
        self._stamp = stamp

    @contextmanager
    def _edit(self) -> Iterator[dict[str, Channel]]:
        """Change the channels while no other process does; written when the block ends without an error."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = open_lock(self.path)
        except OSError as error:
            raise NodeError(f"cannot change {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            channels = read_channels(self.path) if self.path.exists() else {}
            yield channels
            text = json.dumps(_to_json(channels), indent=2) + "\n"
            write_atomically(self.path, text.encode(), 0o600)
        except OSError as error:
            raise NodeError(f"cannot write {self.path}: {error.strerror}") from error
        finally:
            os.close(lock)
        self._read(_stamp(self.path))


def read_channels(path: Path) -> dict[str, Channel]:
    """Return the channels that a file describes; raises NodeError."""
    try:
        document = json.loads(read_own(path))
    except OSError as error:
        raise NodeError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise NodeError(f"{path} is not JSON ({error}); mend it or delete it") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NodeError(f'{path} does not say "format": "{FORMAT}"; mend it or delete it')
    entries = document.get("channels")
    if not isinstance(entries, dict) or set(document) != {"format", "channels"}:
        raise NodeError(f'{path}: "format" and "channels" (an object) are expected')
    return {name: _channel(path, name, entry) for name, entry in entries.items()}


def kept_permissions(permissions: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    """Return permissions without callers who have none; links stay, which commands would permit else."""
    return {who: granted for who, granted in permissions.items() if granted or who == LINKS}


def check_permissions(permissions: object) -> Mapping[str, frozenset[str]]:
    """Return permissions, caller -> some of PERMISSIONS, when they are legal; raises NodeError."""
    if not isinstance(permissions, dict):
        raise NodeError('"permissions" is not an object: caller -> list of permissions')
    checked = {}
    for who, granted in permissions.items():
        if not is_caller_name(who):
            raise NodeError(
                f"{who!r:.80} cannot be the name of a caller: letters, digits, _ . - are expected"
            )
        if not isinstance(granted, list) or any(one not in PERMISSIONS for one in granted):
            raise NodeError(f"permissions of {who} must be among {', '.join(PERMISSIONS)}")
        checked[who] = frozenset(granted)
    return checked


def check_origins(origins: object) -> frozenset[str]:
    """Return origins when they are legal; raises NodeError."""
    if not isinstance(origins, list):
        raise NodeError('"origins" is not a list')
    for origin in origins:
        if not is_origin(origin):
            raise NodeError(
                f"{origin!r:.80} is not an origin: https://HOST or https://HOST:PORT, lower case, is expected"
            )
    return frozenset(origins)


def check_bucket_url(url: object) -> str | None:
    """Return the web address of a bucket, or None, when it is legal; raises NodeError."""
    if url is None or (isinstance(url, str) and is_web_folder(url)):
        return url
    raise NodeError(
        f"{url!r:.200} is not the web address of a bucket: https://HOST/PATH, without a slash at its end, is expected"
    )


def check_channel_name(name: str) -> str:
    """Return `name` when it can name a channel; raises NodeError."""
    if not is_channel_name(name):
        raise NodeError(_bad_name(name))
    return name


def channel_to_json(channel: Channel) -> dict[str, Any]:
    """Return a channel as it stands in the file."""
    return {
        "permissions": {
            who: [one for one in PERMISSIONS if one in granted]
            for who, granted in sorted(channel.permissions.items())
        },
        "origins": sorted(channel.origins),
        **({"bucketUrl": channel.bucket_url} if channel.bucket_url else {}),
    }


def _to_json(channels: Mapping[str, Channel]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "channels": {name: channel_to_json(channel) for name, channel in sorted(channels.items())},
    }


def _channel(path: Path, name: str, entry: object) -> Channel:
    if not is_channel_name(name):
        raise NodeError(f"{path}: {_bad_name(name)}")
    if not isinstance(entry, dict) or not set(entry) <= {"permissions", "origins", "bucketUrl"}:
        raise NodeError(f'{path}: channel {name}: an object of "permissions" and "origins" is expected')
    try:
        usual = {CLIENTS: list(PERMISSIONS)}
        permissions = check_permissions(entry.get("permissions", usual))
        origins = check_origins(entry.get("origins", []))
        bucket_url = check_bucket_url(entry.get("bucketUrl"))
    except NodeError as error:
        raise NodeError(f"{path}: channel {name}: {error}") from error
    return Channel(name, permissions, origins, bucket_url)


def _bad_name(name: object) -> str:
    return (
        f"{name!r:.80} cannot name a channel: 3 to 40 letters, digits, _ and -, in parts separated by dots, "
        "are expected"
    )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with each new version of a file, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
