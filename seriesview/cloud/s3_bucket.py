"""A bucket of Amazon S3, or of a service that speaks its protocol, by boto3; many bytes go in parts."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from seriesview.cloud.bucket_address import BucketAddress
from seriesview.cloud.buckets import (
    THREADS,
    BucketError,
    Serving,
    StoredObject,
    checked_blocks,
    missing_library,
    timeout,
)
from seriesview.cloud.retrying import Retrying
from seriesview.cloud.unfinished import unfinished_upload
from seriesview.errors import SeriesviewError, one_line

_PART_BYTES = 16 * 1024 * 1024
_MOST_PARTS = 9000
"""A service takes 10,000."""
_PASSING = {408, 429, 500, 502, 503, 504}
_PASSING_CODES = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "InternalError"}
_WRONG_CREDENTIALS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "AuthFailure"}
_EXPIRED_CREDENTIALS = {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"}
_WRONG_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
_MOST_SKEW_SECONDS = 300
_FULL = {"QuotaExceeded", "QuotaExceededException", "ServiceQuotaExceededException", "InsufficientStorage"}
_FULL |= {"StorageQuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
_WITHOUT_WORDS = {400, 401, 403}
_FULL_STATUS = 507
_MD5 = 32


class S3Bucket:
    """See `Bucket`."""

    def __init__(self, address: BucketAddress) -> None:
        self.address = address
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ModuleNotFoundError as error:
            raise missing_library("boto3", "s3", "s3") from error
        # Trying again is done here. Checksums of newer kinds are not known to all services: MD5 is.
        config = Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=THREADS,
            connect_timeout=timeout()[0],
            read_timeout=timeout()[1],
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._retrying = Retrying(_is_passing, self._told)
        try:
            session = boto3.Session()
            self._client = session.client("s3", config=config)
            credentials = session.get_credentials()
        except (BotoCoreError, ValueError) as error:
            raise BucketError(f"{address}: S3 cannot be used as it is set up: {_reason(error)}") from error
        if credentials is None:
            raise BucketError(
                "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`",
                "credentials",
            )
        self.account = f"the access key {credentials.access_key[:4]}..."

    @cached_property
    def base_url(self) -> str:
        """See `Bucket`."""
        endpoint = str(self._client.meta.endpoint_url).rstrip("/")
        bucket = self.address.bucket
        if ".amazonaws.com" not in endpoint:
            return f"{endpoint}/{bucket}"
        host = f"s3.{self._region()}.{'amazonaws.com.cn' if endpoint.endswith('.cn') else 'amazonaws.com'}"
        # A certificate for all buckets covers no name with dots.
        return f"https://{host}/{bucket}" if "." in bucket else f"https://{bucket}.{host}"

    def list(self, prefix: str, is_deep: bool = True) -> dict[str, StoredObject]:
        """See `Bucket`."""

        def list_all() -> dict[str, StoredObject]:
            more = {} if is_deep else {"Delimiter": "/"}
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.address.bucket, Prefix=prefix, **more
            )
            return {
                entry["Key"]: StoredObject(entry["Size"], _md5(entry.get("ETag")))
                for page in pages
                for entry in page.get("Contents", ())
            }

        return self._retrying.call(list_all)

    def put(self, name: str, content: bytes, serving: Serving, only_new: bool = False) -> bool:
        """See `Bucket`. Not all services can refuse what is there: the same bytes are then written again."""
        self._retrying.call(
            lambda: self._client.put_object(
                Bucket=self.address.bucket,
                Key=name,
                Body=content,
                ContentMD5=_content_md5(content),
                ContentType=serving.content_type,
                CacheControl=serving.cache_control,
            )
        )
        return True

    def put_large(
        self, name: str, blocks: Iterable[memoryview | bytes], size: int, sha1: str, serving: Serving
    ) -> bool:
        """See `Bucket`. A cut connection costs one part, also where another process goes on."""
        size_of_part = max(_PART_BYTES, -(-size // _MOST_PARTS))
        who = (self.base_url, self.account, name, sha1, serving.content_type, serving.cache_control)
        with unfinished_upload(size, *who, str(size_of_part)) as kept:
            place = {"Bucket": self.address.bucket, "Key": name}
            stored = self._stored_parts({**place, "UploadId": kept.session}) if kept.session else None
            is_kept = stored is not None
            if stored is None:
                upload = self._retrying.call(
                    lambda: self._client.create_multipart_upload(
                        **place, ContentType=serving.content_type, CacheControl=serving.cache_control
                    )
                )
                is_kept = kept.keep(upload["UploadId"])
            place["UploadId"] = str(kept.session)
            try:
                parts = []
                for number, part in enumerate(_parts(checked_blocks(blocks, sha1), size_of_part), 1):
                    tag = (stored or {}).get(number)
                    if _md5(tag) != hashlib.md5(part, usedforsecurity=False).hexdigest():
                        tag = self._put_part(place, number, part)
                    parts.append({"PartNumber": number, "ETag": tag})
                done = {"Parts": parts}
                self._retrying.call(
                    lambda: self._client.complete_multipart_upload(**place, MultipartUpload=done)
                )
            except BaseException as error:
                # Parts of what nobody goes on with would be kept, and charged.
                is_over = isinstance(error, SeriesviewError) and getattr(error, "kind", "") != "unreachable"
                if is_over or not is_kept:
                    kept.forget()
                    with suppress(Exception):
                        self._client.abort_multipart_upload(**place)
                raise
            kept.forget()
        return True

    def find(self, name: str) -> StoredObject | None:
        """See `Bucket`."""
        from botocore.exceptions import ClientError

        def ask() -> StoredObject | None:
            try:
                found = self._client.head_object(Bucket=self.address.bucket, Key=name)
            except ClientError as error:
                if _status(error) == 404:
                    return None
                if _status(error) not in _WITHOUT_WORDS:
                    raise
                # An answer to HEAD has no body that could say why; a listing has.
                listed = self._client.list_objects_v2(Bucket=self.address.bucket, Prefix=name, MaxKeys=1)
                for entry in listed.get("Contents", ()):
                    if entry["Key"] == name:
                        return StoredObject(entry["Size"], _md5(entry.get("ETag")))
                return None
            return StoredObject(found["ContentLength"], _md5(found.get("ETag")))

        return self._retrying.call(ask)

    def read(self, name: str, start: int, end: int) -> bytes:
        """See `Bucket`."""
        if start >= end:
            return b""
        place = {"Bucket": self.address.bucket, "Key": name, "Range": f"bytes={start}-{end - 1}"}
        return self._retrying.call(lambda: bytes(self._client.get_object(**place)["Body"].read()))

    def delete(self, name: str) -> None:
        """See `Bucket`."""
        self._retrying.call(lambda: self._client.delete_object(Bucket=self.address.bucket, Key=name))

    def cors(self) -> Sequence[Mapping[str, Any]]:
        """See `Bucket`."""
        from botocore.exceptions import ClientError

        def read() -> Sequence[Mapping[str, Any]]:
            try:
                rules = self._client.get_bucket_cors(Bucket=self.address.bucket)["CORSRules"]
            except ClientError as error:
                if _code(error) == "NoSuchCORSConfiguration":
                    return []
                raise
            return [dict(rule) for rule in rules]

        return self._retrying.call(read)

    def set_cors(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """See `Bucket`."""
        document = {"CORSRules": [dict(rule) for rule in rules]}
        self._retrying.call(
            lambda: self._client.put_bucket_cors(Bucket=self.address.bucket, CORSConfiguration=document)
        )

    def close(self) -> None:
        """See `Bucket`."""
        self._retrying.stop()
        self._client.close()

    def _put_part(self, place: Mapping[str, str], number: int, part: bytes) -> str:
        answer = self._retrying.call(
            lambda: self._client.upload_part(
                **place, PartNumber=number, Body=part, ContentMD5=_content_md5(part)
            )
        )
        return str(answer["ETag"])

    def _stored_parts(self, place: Mapping[str, str]) -> dict[int, str] | None:
        """ETags of the parts of an upload that an earlier process began; None where it cannot be gone on with."""
        try:
            return self._retrying.call(
                lambda: {
                    int(part["PartNumber"]): str(part["ETag"])
                    for page in self._client.get_paginator("list_parts").paginate(**place)
                    for part in page.get("Parts", ())
                }
            )
        except BucketError as error:
            if error.kind == "unreachable":
                raise
            return None

    def _region(self) -> str:
        answer = self._retrying.call(lambda: self._client.head_bucket(Bucket=self.address.bucket))
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return str(headers.get("x-amz-bucket-region") or self._client.meta.region_name)

    def _told(self, error: Exception) -> BucketError | None:
        """A fault in words; None for what is none of the bucket's."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            PartialCredentialsError,
        )

        if not isinstance(error, BotoCoreError | ClientError):
            return None
        where = f"s3://{self.address.bucket}"
        code = _code(error)
        status = _status(error)
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            return BucketError(
                f"{where}: no S3 credentials ({_reason(error)}); run `aws configure`", "credentials"
            )
        if code in _WRONG_CLOCK or (status == 403 and _skew(error) > _MOST_SKEW_SECONDS):
            return BucketError(
                f"{where}: this computer's clock differs from the service's; set it (timedatectl set-ntp true), then "
                "run this again",
                "other",
            )
        if code in _FULL or status == _FULL_STATUS:
            return BucketError(
                f"{where}: no room is left ({_reason(error)}); raise the bucket's quota or remove what is not needed, "
                "then run this again: it goes on where it stopped",
                "other",
            )
        if _is_page(error):
            return BucketError(
                f"{where}: a web page answers (status {status}), not an S3 service; check the endpoint "
                "(AWS_ENDPOINT_URL) and what stands between, such as a proxy (HTTPS_PROXY)",
                "unreachable",
            )
        if code in _WRONG_CREDENTIALS:
            return BucketError(
                f"{where}: {self.account} is refused ({code}); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "run `aws configure`",
                "credentials",
            )
        if code in _EXPIRED_CREDENTIALS:
            return BucketError(f"{where}: the credentials have expired ({code}); log in again", "credentials")
        if code in ("NoSuchBucket", "NoSuchKey") or status == 404:
            return BucketError(
                f"{where}: there is no such bucket, or no such object in it; check its name", "missing"
            )
        if status in (401, 403):
            return BucketError(
                f"{where}: {self.account} may not do this ({_reason(error)}); grant it s3:ListBucket on the bucket, "
                "and s3:PutObject, s3:GetObject and s3:DeleteObject on its objects",
                "forbidden",
            )
        if _is_passing(error):
            return BucketError(
                f"{where} cannot be reached ({_reason(error)}); check the network and the endpoint, then run this "
                "again: it goes on where it stopped",
                "unreachable",
            )
        return BucketError(f"{where}: {_reason(error)}; check bucket, region and endpoint")


def _parts(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The bytes in pieces of this size but for the last, which comes when all blocks were read."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) > size:
            yield bytes(held[:size])
            del held[:size]
    yield bytes(held)


def _is_passing(error: Exception) -> bool:
    """Whether another try may work."""
    from botocore.exceptions import ConnectionError as BotoConnectionError
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    if isinstance(error, HTTPClientError | BotoConnectionError | IncompleteReadError):
        return True
    return _code(error) in _PASSING_CODES or _status(error) in _PASSING


def _code(error: Exception) -> str | None:
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code")) if isinstance(response, dict) else None


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return int(status) if status is not None else None


def _headers(error: Exception) -> dict[str, str]:
    """The answer's headers, names in small letters."""
    response = getattr(error, "response", None)
    found = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}) if isinstance(response, dict) else {}
    return {str(name).lower(): str(value) for name, value in found.items()}


def _skew(error: Exception) -> float:
    """Seconds between the service's clock and this computer's, 0 where the service does not say."""
    try:
        said = parsedate_to_datetime(_headers(error)["date"])
    except (KeyError, ValueError, TypeError):
        return 0.0
    return abs(said.timestamp() - time.time())


def _is_page(error: Exception) -> bool:
    """Whether the answer is a page for people: S3 services answer with XML."""
    return _headers(error).get("content-type", "").startswith("text/html")


def _reason(error: Exception) -> str:
    """What the service said, in one short line."""
    return one_line(error, 200)


def _content_md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode("ascii")


def _md5(etag: str | None) -> str | None:
    """The MD5 that an ETag is, where the object was written in one go."""
    stripped = (etag or "").strip('"')
    return stripped if len(stripped) == _MD5 and "-" not in stripped else None
