"""A bucket by its address, of whichever service it is."""

from __future__ import annotations

from seriesview.cloud.bucket_address import BucketAddress
from seriesview.cloud.buckets import Bucket
from seriesview.cloud.google_bucket import GoogleBucket
from seriesview.cloud.s3_bucket import S3Bucket


def open_bucket(address: BucketAddress, is_admin: bool = False) -> Bucket:
    """Open a bucket with the credentials of the environment; nothing is sent yet. Raises SeriesviewError.

    `is_admin` asks for the right to change the bucket itself.
    """
    if address.scheme == "gs":
        return GoogleBucket(address, is_admin)
    return S3Bucket(address)
