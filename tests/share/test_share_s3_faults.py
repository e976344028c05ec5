"""What an S3 service's refusals are told as: each with what helps against it."""

import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from seriesview.cloud.bucket_address import BucketAddress, parse_address
from seriesview.cloud.buckets import BucketError
from seriesview.cloud.s3_bucket import S3Bucket


def told(code: str, status: int, **headers: str) -> str:
    answer: Any = {
        "Error": {"Code": code, "Message": "text"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    address: BucketAddress = parse_address("s3://bucket/prefix")
    fault = S3Bucket(address)._told(ClientError(answer, "PutObject"))
    assert fault is not None
    return str(fault)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_a_wrong_clock_is_told_as_one() -> None:
    assert "clock" in told("RequestTimeTooSkewed", 403)
    # An answer to HEAD has no body that could say so.
    assert "clock" in told("403", 403, date=formatdate(time.time() - 3600, usegmt=True))
    said = told("403", 403, date=formatdate(time.time(), usegmt=True))
    assert "clock" not in said
    assert "grant it s3:ListBucket" in said


def test_a_full_bucket_is_told_as_one() -> None:
    for code, status in (("QuotaExceeded", 403), ("XMinioStorageFull", 507), ("507", 507)):
        assert "no room is left" in told(code, status)


def test_a_page_for_people_is_no_refusal_of_the_service() -> None:
    said = told("403", 403, **{"content-type": "text/html; charset=utf-8"})
    assert "web page answers" in said
    assert "grant" not in said


def test_a_refusal_is_answered_with_what_to_grant() -> None:
    assert "grant it s3:ListBucket" in told("AccessDenied", 403, **{"content-type": "application/xml"})


class _Expired(BaseHTTPRequestHandler):
    """Answers as S3 does where a session's credentials have expired: in words, but where HEAD is asked."""

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(
            b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
        )

    def _answer(self, words: bytes) -> None:
        self.send_response(400)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)

    def log_message(self, *_: object) -> None:
        pass


def test_credentials_that_expired_are_told_where_an_object_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Expired) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(BucketError, match="the credentials have expired"):
            S3Bucket(parse_address("s3://bucket/prefix")).find("prefix/sha1/00")
        server.shutdown()
