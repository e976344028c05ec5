"""Publishing: what an exported folder holds, put into a bucket; nothing is linked before all of it is there."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from seriesview.cloud.bucket_address import object_url
from seriesview.cloud.buckets import FOREVER, THREADS, Bucket, Serving, StoredObject, put_artifact
from seriesview.errors import SeriesviewError
from seriesview.share.choice import LeftOut
from seriesview.share.copying import write_artifacts
from seriesview.share.export import description, other_files
from seriesview.share.folder import DESCRIPTION_FILE, SUMS_FILE
from seriesview.share.plan import Plan
from seriesview.store import Store
from seriesview.store.paths import artifact_path
from seriesview.viewer.joined import joined_viewer

PAGE_FILE = "index.html"
VIEWER_DIRECTORY = "viewer"

_ASK_EACH_TIME = "no-cache"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".py": "text/x-python; charset=utf-8",
}
_PLAIN_TEXT = "text/plain; charset=utf-8"
_REFERENCE = re.compile(r'\b(src|href)="(?!https?:|data:|/|#)([^"]+)"')


@dataclass(frozen=True)
class Published:
    """What publishing did: the URI of what is shown, the page's address, what was sent and what was there.

    `bucket`: its address and the prefix. `days`: by how many dates were moved, None: not. `status`: of the answer
    that anybody gets who asks for the page's first byte; 200 or 206 where it can be read, None where there was none.
    """

    uri: str
    bucket: str
    link: str
    num_uploaded: int
    bytes_uploaded: int
    num_present: int
    bytes_present: int
    left_out: tuple[LeftOut, ...]
    days: int | None = None
    status: int | None = None


def publish_plan(
    plan: Plan,
    store: Store,
    bucket: Bucket,
    base_url: str | None = None,
    on_uploaded: Callable[[int], None] = lambda _: None,
    on_present: Callable[[int], None] = lambda _: None,
) -> Published:
    """Upload what of a plan is not in the bucket; raises SeriesviewError.

    `base_url` is where the bucket's objects are read. `on_uploaded` and `on_present` hear of every object's bytes.
    First the artifacts, manifests behind what they reach; then the viewer; export.json and the page last.
    """
    target = BucketTarget(bucket, on_uploaded, on_present)
    files = other_files(plan)
    version, page, viewer = _viewer_in_version({name: files.pop(name) for name in joined_viewer()})
    target.list_present(version)
    target.check_is_ours()
    uri = write_artifacts(plan, store, target, lambda _: None, THREADS, bucket.close)
    _put_files(target, bucket, [(viewer, FOREVER), (files, _ASK_EACH_TIME)])
    text = (json.dumps(description(uri, plan.left_out), sort_keys=True, indent=1) + "\n").encode("ascii")
    for name, content in (
        (SUMS_FILE, target.sums({DESCRIPTION_FILE: text, PAGE_FILE: page})),
        (DESCRIPTION_FILE, text),
        (PAGE_FILE, page),
    ):
        target.put_file(name, content, _ASK_EACH_TIME)
    link = object_url(base_url or bucket.base_url, bucket.address.name(PAGE_FILE))
    return Published(
        uri,
        str(bucket.address),
        link,
        target.num_uploaded,
        target.bytes_uploaded,
        target.num_present,
        target.bytes_present,
        tuple(plan.left_out),
        plan.days,
    )


def _put_files(target: BucketTarget, bucket: Bucket, groups: Iterable[tuple[dict[str, bytes], str]]) -> None:
    """Put files, each group with its Cache-Control, in any order."""
    with ThreadPoolExecutor(THREADS) as pool:
        puts = [
            pool.submit(target.put_file, name, content, cache_control)
            for files, cache_control in groups
            for name, content in files.items()
        ]
        try:
            for put in puts:
                put.result()
        except BaseException:
            bucket.close()
            pool.shutdown(cancel_futures=True)
            raise


class BucketTarget:
    """Puts artifacts and files into a bucket unless its listing has them. Safe in threads."""

    def __init__(
        self,
        bucket: Bucket,
        on_uploaded: Callable[[int], None] = lambda _: None,
        on_present: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._bucket = bucket
        self._on_uploaded = on_uploaded
        self._on_present = on_present
        self._present: dict[str, StoredObject] = {}
        self._sizes: dict[str, int] = {}
        self._sums: dict[str, str] = {}
        self._lock = threading.Lock()
        self.num_uploaded = self.bytes_uploaded = 0
        self.num_present = self.bytes_present = 0

    def list_present(self, viewer_directory: str) -> None:
        """Ask the bucket what it has where publishing writes, and nowhere else: there may be much beside it."""
        prefix = self._bucket.address.name("")
        for place, is_deep in (
            (prefix, False),
            (f"{prefix}sha1/", True),
            (f"{prefix}{viewer_directory}/", True),
        ):
            for name, found in self._bucket.list(place, is_deep).items():
                self._present[name[len(prefix) :]] = found

    def check_is_ours(self) -> None:
        """Raise SeriesviewError where another page is in the way."""
        if PAGE_FILE in self._present and DESCRIPTION_FILE not in self._present:
            raise SeriesviewError(
                f"{self._bucket.address} has an {PAGE_FILE} that seriesview did not write; choose another prefix"
            )

    def has_artifact(self, sha1: str, size: int) -> bool:
        """See `copying.Target`."""
        name = _artifact_name(sha1)
        self._sums[name] = sha1
        found = self._present.get(name)
        if found is not None and found.size == size:
            self._count(size, is_new=False)
            return True
        self._sizes[sha1] = size
        return False

    def put_artifact(self, sha1: str, blocks: Iterable[memoryview | bytes]) -> None:
        """See `copying.Target`."""
        name = _artifact_name(sha1)
        size = self._sizes[sha1]
        full_name = self._bucket.address.name(name)
        if name in self._present:
            # Of another size, so none of ours: an object that is there is not written over otherwise.
            self._bucket.delete(full_name)
        self._count(size, put_artifact(self._bucket, full_name, blocks, size, sha1))

    def put_file(self, name: str, content: bytes, cache_control: str) -> None:
        """Write a file of this path below the prefix, unless it is there with these bytes."""
        found = self._present.get(name)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        is_new = found is None or (found.size, found.md5) != (len(content), md5)
        if is_new:
            serving = Serving(_CONTENT_TYPES.get(Path(name).suffix, _PLAIN_TEXT), cache_control)
            self._bucket.put(self._bucket.address.name(name), content, serving)
        with self._lock:
            self._sums[name] = _sha1(content)
        self._count(len(content), is_new)

    def sums(self, more: dict[str, bytes]) -> bytes:
        """What SHA1SUMS says, of what was put so far and of these files."""
        found = {**self._sums, **{name: _sha1(content) for name, content in more.items()}}
        return "".join(f"{sha1}  {name}\n" for name, sha1 in sorted(found.items())).encode()

    def _count(self, size: int, is_new: bool) -> None:
        with self._lock:
            if is_new:
                self.num_uploaded += 1
                self.bytes_uploaded += size
                self._on_uploaded(size)
            else:
                self.num_present += 1
                self.bytes_present += size
                self._on_present(size)


def _viewer_in_version(files: dict[str, bytes]) -> tuple[str, bytes, dict[str, bytes]]:
    """(folder, page, files): the viewer's files are in a folder named by what they hold, which the page names.

    So a browser never gets some files of one version and some of another, and may keep them.
    """
    page = files.pop(PAGE_FILE)
    hasher = hashlib.sha1(usedforsecurity=False)
    for name, content in files.items():
        hasher.update(f"{name}\n{_sha1(content)}\n".encode())
    directory = f"{VIEWER_DIRECTORY}/{hasher.hexdigest()[:12]}"
    text = _REFERENCE.sub(rf'\1="{directory}/\2"', page.decode("utf-8"))
    return directory, text.encode(), {f"{directory}/{name}": content for name, content in files.items()}


def _artifact_name(sha1: str) -> str:
    return artifact_path(Path(), sha1).as_posix()


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
