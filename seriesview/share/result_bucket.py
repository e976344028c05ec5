"""A bucket that takes the results of tasks, for browsers elsewhere to read."""

from __future__ import annotations

from seriesview.cloud.bucket_address import object_url, parse_address
from seriesview.cloud.buckets import Bucket, Serving
from seriesview.cloud.open_bucket import open_bucket
from seriesview.errors import SeriesviewError

BACKENDS = "seriesview-backends"
_SERVING = Serving("application/json", "no-cache")
"""A query's result is replaced by the next one's."""


class ResultBucket:
    """Results below CHANNEL/task_results/, as on kachery's hub, and descriptions of backends."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @property
    def base_url(self) -> str:
        """The web address below which browsers read."""
        prefix = self._bucket.address.prefix
        return object_url(self._bucket.base_url, prefix) if prefix else self._bucket.base_url

    def put(self, channel: str, task_hash: str, result: bytes) -> None:
        """Store a result; raises SeriesviewError."""
        folders = f"{task_hash[:2]}/{task_hash[2:4]}/{task_hash[4:6]}"
        name = self._bucket.address.name(f"{channel}/task_results/{folders}/{task_hash}")
        self._bucket.put(name, result, _SERVING)

    def put_description(self, label: str, description: bytes) -> str:
        """Store what users of a backend are given, and return its URI; raises SeriesviewError."""
        address = self._bucket.address
        name = address.name(f"{BACKENDS}/{label}.json")
        self._bucket.put(name, description, _SERVING)
        return f"{address.scheme}://{address.bucket}/{name}"

    def close(self) -> None:
        """End waiting for another try, and close the connections."""
        self._bucket.close()


def open_result_bucket(text: str) -> ResultBucket:
    """Open a bucket by gs://BUCKET, gs://BUCKET/PREFIX or its name alone; raises SeriesviewError."""
    address = parse_address(text if "://" in text else f"gs://{text}")
    if address.scheme != "gs":
        raise SeriesviewError(f"{text:.200}: results go into Google buckets; write gs://BUCKET")
    return ResultBucket(open_bucket(address))
