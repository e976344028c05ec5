"""Objects of a bucket are found and read alike, whichever service has them."""

import hashlib

from bucket_servers import Service

from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.buckets import Serving, StoredObject
from seriesview.cloud.open_bucket import open_bucket


def test_an_object_is_found_and_read_by_range(service: Service) -> None:
    bucket = open_bucket(parse_address(service.address("here")))
    content = bytes(range(200))
    assert bucket.find("here/nothing") is None
    bucket.put("here/some thing", content, Serving("application/octet-stream", "no-cache"))
    assert bucket.find("here/some thing") == StoredObject(200, hashlib.md5(content).hexdigest())
    assert bucket.read("here/some thing", 0, 200) == content
    assert bucket.read("here/some thing", 3, 7) == content[3:7]
    assert bucket.read("here/some thing", 5, 5) == b""
