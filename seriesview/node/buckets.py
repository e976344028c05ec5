"""The buckets of the channels: folders of the storage directory, under the paths that kachery's hub uses."""

import hashlib
import hmac
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from seriesview.errors import NodeError
from seriesview.node.names import is_channel_name, is_sha1
from seriesview.node.private_files import check_own_folder
from seriesview.node.result_writer import ResultWriter
from seriesview.node.results_elsewhere import ResultsElsewhere
from seriesview.store.writer import AtomicWriter

BUCKETS_DIRECTORY = "buckets"
URL_PREFIX = "/bucket"

base_url: ContextVar[str | None] = ContextVar("base_url", default=None)
"""The address under which the current request reached the node (set for each request)."""

_USED_SECONDS = 3600.0

_HASHED = r"([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{2})/\2\3\4[0-9a-f]{34}"
_FEED = r"([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{2})/\2\3\4[0-9a-f]{58}"
_SUBFEED = r"([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{2})/\5\6\7[0-9a-f]{34}"
_FILE = re.compile(rf"([^/]+)/sha1/{_HASHED}", re.ASCII)
_RESULT = re.compile(rf"([^/]+)/task_results/{_HASHED}", re.ASCII)
_MESSAGE = re.compile(
    rf"([^/]+)/feeds/{_FEED}/subfeeds/{_SUBFEED}/(?:subfeed\.json|0|[1-9][0-9]{{0,15}})", re.ASCII
)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)

Kind = Literal["file", "result", "feed"]


@dataclass(frozen=True)
class BucketPath:
    """A legal path in a bucket."""

    path: str
    channel: str
    kind: Kind

    @property
    def sha1(self) -> str:
        """The hash that ends the path of a file or a result."""
        return self.path[-40:]


def parse_bucket_path(path: str) -> BucketPath | None:
    """Return what a path CHANNEL/... in a bucket names, None where no such path exists."""
    kinds: tuple[tuple[re.Pattern[str], Kind], ...] = (
        (_FILE, "file"),
        (_RESULT, "result"),
        (_MESSAGE, "feed"),
    )
    for pattern, kind in kinds:
        match = pattern.fullmatch(path)
        if match is not None and is_channel_name(match[1]):
            return BucketPath(path, match[1], kind)
    return None


class Buckets:
    """Paths, addresses and upload permits of the channels' buckets."""

    def __init__(
        self,
        storage_dir: Path,
        key: bytes,
        default_url: str,
        seconds: float,
        elsewhere: ResultsElsewhere | None = None,
    ) -> None:
        """Keep buckets below `storage_dir`; upload URLs are signed with `key` and good for `seconds`."""
        self.directory = storage_dir / BUCKETS_DIRECTORY
        self.default_url = default_url
        self._key = key
        self._seconds = seconds
        try:
            # Results for requests with a backend ID lie here: nobody but the node may list them.
            self.directory.mkdir(mode=0o700, exist_ok=True)
            check_own_folder(self.directory)
        except OSError as error:
            raise NodeError(f"cannot make {self.directory}: {error.strerror}") from error
        self.elsewhere = ResultsElsewhere() if elsewhere is None else elsewhere
        self.writer = AtomicWriter(self.directory)
        self.result_writer = ResultWriter(self.directory)

    def close(self) -> None:
        """Stop what runs in the background."""
        self.result_writer.close()

    def file_path(self, channel: str, sha1: str) -> str:
        """Return the path of an uploaded file."""
        return _hashed_path(channel, "sha1", sha1)

    def result_path(self, channel: str, sha1: str) -> str:
        """Return the path of a task's result."""
        return _hashed_path(channel, "task_results", sha1)

    def location(self, path: str) -> Path:
        """Return where the bytes of a bucket path lie; ValueError where the path is not legal."""
        if parse_bucket_path(path) is None:
            raise ValueError("not a path in a bucket")
        return self.directory / path

    def exists(self, path: str) -> bool:
        """Return whether something lies at a bucket path, or in the channel's public bucket."""
        if os.path.isfile(self.location(path)):  # noqa: PTH113  (faster, and asked for each task)
            return True
        return self.elsewhere.url(path) is not None

    def stored(self, path: str) -> float:
        """Return when a result was stored, here or elsewhere, in seconds since 1970; OSError where there is none."""
        return self.elsewhere.noted(path) or self.location(path).stat().st_mtime

    def note_used(self, path: str) -> None:
        """Have a result that is asked for again outlive those that are not; told to the disk once an hour."""
        location = self.location(path)
        with suppress(OSError):
            if time.time() - location.stat().st_mtime > _USED_SECONDS:
                os.utime(location)

    def bucket_url(self) -> str:
        """Return the address that bucket paths are appended to, after a slash."""
        return f"{base_url.get() or self.default_url}{URL_PREFIX}"

    def url(self, path: str) -> str:
        """Return the absolute address of a bucket path, as the client of the current request reaches it."""
        self.location(path)
        return f"{self.bucket_url()}/{path}"

    def signed_put_url(self, path: str, size: int | None) -> str:
        """Return an address to PUT `size` bytes (None: any number that the limits allow) to, for a while."""
        expires = str(int(time.time() + self._seconds))
        fields = {"expires": expires} if size is None else {"expires": expires, "size": str(size)}
        fields["signature"] = self._signature(path, fields)
        return f"{self.url(path)}?{urlencode(fields)}"

    def permits_put(self, path: str, query: Mapping[str, str]) -> bool:
        """Return whether a query string, as `signed_put_url` made it, is genuine and has not expired."""
        fields = {name: value for name, value in query.items() if name != "signature"}
        if not {"expires"} <= set(fields) <= {"expires", "size"}:
            return False
        if not all(_NUMBER.fullmatch(value) for value in fields.values()):
            return False
        expected = self._signature(path, fields)
        if not hmac.compare_digest(expected.encode(), query.get("signature", "").encode()):
            return False
        return time.time() <= int(fields["expires"])

    def _signature(self, path: str, fields: Mapping[str, str]) -> str:
        text = "\n".join(["PUT", path, *(f"{name}={fields[name]}" for name in sorted(fields))])
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _hashed_path(channel: str, folder: str, sha1: str) -> str:
    if not is_channel_name(channel) or not is_sha1(sha1):
        raise ValueError("a channel's name and 40 hexadecimal digits are expected")
    return f"{channel}/{folder}/{sha1[:2]}/{sha1[2:4]}/{sha1[4:6]}/{sha1}"
