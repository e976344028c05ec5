"""Buckets of Google Cloud Storage and of services that speak S3: their objects, and what goes wrong with them."""
