"""Buckets of both services on loopback."""

from bucket_servers import google, google_port, s3, s3_port, service  # noqa: F401
