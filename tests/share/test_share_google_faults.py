"""What Google's refusals are told as: each with what helps against it."""

import json

import pytest
import requests
from google.api_core.exceptions import from_http_response

from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.google_bucket import GoogleBucket


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> GoogleBucket:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    return GoogleBucket(parse_address("gs://bucket/prefix"))


def told(
    bucket: GoogleBucket, status: int, reason: str = "forbidden", content_type: str = "application/json"
) -> str:
    answer = requests.Response()
    answer.status_code = status
    answer.headers["Content-Type"] = content_type
    answer.request = requests.Request("POST", "http://127.0.0.1:1/upload").prepare()
    body = {"error": {"code": status, "message": "text", "errors": [{"reason": reason, "message": "text"}]}}
    answer._content = json.dumps(body).encode() if "json" in content_type else b"<html>Log in</html>"
    fault = bucket._told(from_http_response(answer))
    assert fault is not None
    return str(fault)


def test_a_refusal_is_answered_with_what_to_grant(bucket: GoogleBucket) -> None:
    assert "grant it the role Storage Object Admin" in told(bucket, 403)


def test_a_quota_that_is_used_up_is_told_as_one(bucket: GoogleBucket) -> None:
    for status, reason in (
        (403, "quotaExceeded"),
        (403, "storageQuotaExceeded"),
        (429, "dailyLimitExceeded"),
    ):
        said = told(bucket, status, reason)
        assert "a quota is used up" in said
        assert "grant" not in said


def test_too_many_requests_are_tried_again_and_told_as_such(bucket: GoogleBucket) -> None:
    said = told(bucket, 403, "userRateLimitExceeded")
    assert "busy" in said
    assert "grant" not in said


def test_an_account_that_is_not_paid_is_told_as_one(bucket: GoogleBucket) -> None:
    assert "billing account" in told(bucket, 403, "accountDisabled")


def test_a_page_for_people_is_no_refusal_of_the_service(bucket: GoogleBucket) -> None:
    said = told(bucket, 403, content_type="text/html; charset=utf-8")
    assert "a web page answers (status 403)" in said
    assert "grant" not in said


def test_the_address_of_an_upload_is_shown_to_nobody(bucket: GoogleBucket) -> None:
    said = bucket._told(
        requests.ConnectionError("Max retries exceeded with url: /upload/o?upload_id=SECRET (refused)")
    )
    assert said is not None
    assert "SECRET" not in str(said)
    assert "/upload/o (refused)" in str(said)
