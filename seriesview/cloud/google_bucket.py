"""A bucket of Google Cloud Storage, by its own library; many bytes go by a resumable upload."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from seriesview.cloud.bucket_address import BucketAddress
from seriesview.cloud.buckets import BucketError, Serving, StoredObject, missing_library, timeout
from seriesview.cloud.google_credentials import load_credentials
from seriesview.cloud.google_upload import (
    DONE,
    EXISTS,
    INCOMPLETE,
    NO_SESSION,
    OTHER_BYTES,
    SessionUpload,
)
from seriesview.cloud.retrying import Retrying
from seriesview.cloud.unfinished import UnfinishedUpload, unfinished_upload
from seriesview.errors import SeriesviewError, one_line

_QUESTION = re.compile(r"\?[^\s'\")]*")
_PASSING = {408, 429, 500, 502, 503, 504}
# What a refusal (403) says of itself in its `errors`: other things than that somebody may not do this.
_TOO_FAST = {"rateLimitExceeded", "userRateLimitExceeded"}
_FULL = {"quotaExceeded", "storageQuotaExceeded", "dailyLimitExceeded"}
_UNPAID = {"accountDisabled", "billingNotEnabled", "userProjectAccountProblem", "projectAccountClosed"}


class GoogleBucket:
    """See `Bucket`."""

    def __init__(self, address: BucketAddress, is_admin: bool = False) -> None:
        self.address = address
        credentials, self.account = load_credentials(is_admin)
        try:
            import requests
            from google.cloud import storage

            from seriesview.cloud.pieces import PiecesAdapter
        except ModuleNotFoundError as error:
            raise missing_library("google-cloud-storage", "gcs", "gs") from error
        try:
            self._client = storage.Client(project=None, credentials=credentials)
        except ValueError as error:
            raise BucketError(
                f"{address}: these credentials cannot be used: {error}", "credentials"
            ) from error
        self._bucket = self._client.bucket(address.bucket)
        self._sessions = requests.Session()
        for http in (self._client._http, self._sessions):
            http.mount("https://", PiecesAdapter())
            http.mount("http://", PiecesAdapter())
        self._retrying = Retrying(_is_passing, self._told)

    @property
    def base_url(self) -> str:
        """See `Bucket`."""
        return f"{str(self._client.api_endpoint).rstrip('/')}/{self.address.bucket}"

    def list(self, prefix: str, is_deep: bool = True) -> dict[str, StoredObject]:
        """See `Bucket`."""

        def list_all() -> dict[str, StoredObject]:
            found = self._client.list_blobs(
                self._bucket,
                prefix=prefix,
                delimiter=None if is_deep else "/",
                fields="items(name,size,md5Hash),prefixes,nextPageToken",
                timeout=timeout(),
                retry=None,
            )
            return {str(blob.name): StoredObject(int(blob.size or 0), _md5(blob.md5_hash)) for blob in found}

        return self._retrying.call(list_all)

    def put(self, name: str, content: bytes, serving: Serving, only_new: bool = False) -> bool:
        """See `Bucket`."""
        from google.api_core.exceptions import PreconditionFailed

        def upload() -> bool:
            blob = self._bucket.blob(name)
            blob.cache_control = serving.cache_control
            try:
                blob.upload_from_string(
                    content,
                    content_type=serving.content_type,
                    if_generation_match=0 if only_new else None,
                    timeout=timeout(),
                    retry=None,
                )
            except PreconditionFailed:
                return False
            return True

        return self._retrying.call(upload)

    def put_large(
        self, name: str, blocks: Iterable[memoryview | bytes], size: int, sha1: str, serving: Serving
    ) -> bool:
        """See `Bucket`. What was stored is not sent again, after a cut connection or by another process."""
        upload = SessionUpload(self._sessions, blocks, size, sha1)
        who = (self.base_url, self.account, name, sha1, serving.content_type, serving.cache_control)
        with unfinished_upload(size, *who) as kept:
            is_known = kept.session is not None and self._is_open(upload, kept.session)
            if not is_known and not self._begin(upload, kept, name, size, serving):
                return False
            failed = stored = 0
            while True:
                try:
                    status = upload.ask() if failed or is_known else INCOMPLETE
                    if status == INCOMPLETE:
                        status = upload.send()
                    if status in (DONE, EXISTS):
                        kept.forget()
                        return status == DONE
                    if status == OTHER_BYTES:
                        kept.forget()
                        self.delete(name)
                        raise BucketError(
                            f"the bucket stored other bytes than those sent for SHA-1 {sha1}; it was removed, run "
                            "this again"
                        )
                    if status == NO_SESSION and not self._begin(upload, kept, name, size, serving):
                        return False
                    raise ConnectionError("the upload ended before everything was stored")
                except SeriesviewError:
                    # Also wrong bytes, some of which were sent: nobody must go on from there.
                    kept.forget()
                    raise
                except Exception as error:
                    if upload.offset > stored:
                        stored, failed = upload.offset, 0
                    failed += 1
                    self._retrying.pause(error, failed)

    def find(self, name: str) -> StoredObject | None:
        """See `Bucket`."""

        def ask() -> StoredObject | None:
            blob = self._bucket.get_blob(name, timeout=timeout(), retry=None)
            return None if blob is None else StoredObject(int(blob.size or 0), _md5(blob.md5_hash))

        return self._retrying.call(ask)

    def read(self, name: str, start: int, end: int) -> bytes:
        """See `Bucket`."""
        if start >= end:
            return b""
        blob = self._bucket.blob(name)
        # What is read is checked by its hash: a checksum of the service is one of the whole object alone.
        how = {"start": start, "end": end - 1, "raw_download": True, "checksum": None}
        return self._retrying.call(
            lambda: bytes(blob.download_as_bytes(**how, timeout=timeout(), retry=None))
        )

    def delete(self, name: str) -> None:
        """See `Bucket`."""
        self._retrying.call(lambda: self._bucket.blob(name).delete(timeout=timeout(), retry=None))

    def cors(self) -> Sequence[Mapping[str, Any]]:
        """See `Bucket`."""

        def read() -> Sequence[Mapping[str, Any]]:
            self._bucket.reload(timeout=timeout(), retry=None)
            return [dict(rule) for rule in self._bucket.cors]

        return self._retrying.call(read)

    def set_cors(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """See `Bucket`."""

        def write() -> None:
            self._bucket.cors = [dict(rule) for rule in rules]
            self._bucket.patch(timeout=timeout(), retry=None)

        self._retrying.call(write)

    def close(self) -> None:
        """See `Bucket`."""
        self._retrying.stop()
        self._sessions.close()
        self._client.close()

    def _is_open(self, upload: SessionUpload, session: str) -> bool:
        """Whether a session that an earlier process began takes bytes, or has them all."""
        upload.begin(session)
        try:
            return self._retrying.call(upload.ask) in (INCOMPLETE, DONE, EXISTS)
        except BucketError as error:
            if error.kind == "unreachable":
                raise
            return False

    def _begin(
        self, upload: SessionUpload, kept: UnfinishedUpload, name: str, size: int, serving: Serving
    ) -> bool:
        """Begin a session for a new object; False where the object is there."""
        session = self._open_session(name, size, serving)
        if session is None:
            kept.forget()
            return False
        kept.keep(session)
        upload.begin(session)
        return True

    def _open_session(self, name: str, size: int, serving: Serving) -> str | None:
        """The address that takes a new object's bytes; None where the object is there."""
        from google.api_core.exceptions import PreconditionFailed

        def begin() -> str | None:
            blob = self._bucket.blob(name)
            blob.cache_control = serving.cache_control
            try:
                session = blob.create_resumable_upload_session(
                    content_type=serving.content_type,
                    size=size,
                    if_generation_match=0,
                    timeout=timeout(),
                    checksum=None,
                    retry=None,
                )
            except PreconditionFailed:
                return None
            return str(session)

        return self._retrying.call(begin)

    def _told(self, error: Exception) -> BucketError | None:
        """A fault in words; None for what is none of the bucket's."""
        import requests
        from google.api_core.exceptions import GoogleAPICallError
        from google.auth.exceptions import GoogleAuthError, RefreshError

        where = f"gs://{self.address.bucket}"
        if isinstance(error, GoogleAuthError | requests.RequestException | OSError) and (
            _status(error) is None and _is_passing(error)
        ):
            return BucketError(
                f"{where} cannot be reached ({_reason(error)}); check the network, then run this again: it goes on "
                "where it stopped",
                "unreachable",
            )
        if isinstance(error, RefreshError):
            return BucketError(
                f"{where}: Google refuses the credentials of {self.account} ({_reason(error)}): the key was deleted "
                "or has expired, or this computer's clock is wrong; make another key, or log in again",
                "credentials",
            )
        if isinstance(error, GoogleAuthError):
            return BucketError(f"{where}: the credentials cannot be used ({_reason(error)})", "credentials")
        status = _status(error)
        if status is None and not isinstance(error, GoogleAPICallError):
            return None
        if _headers(error).get("content-type", "").startswith("text/html"):
            return BucketError(
                f"{where}: a web page answers (status {status}), not Google's storage; check what stands between, "
                "such as a proxy (HTTPS_PROXY)",
                "unreachable",
            )
        reasons = _reasons(error)
        if reasons & _FULL:
            return BucketError(
                f"{where}: a quota is used up ({_reason(error)}); raise it in Google's console or remove what is not "
                "needed, then run this again: it goes on where it stopped",
                "other",
            )
        if reasons & _UNPAID:
            return BucketError(
                f"{where}: Google does not serve this bucket's project ({_reason(error)}); see to its billing account",
                "other",
            )
        if status == 401:
            return BucketError(
                f"{where}: the credentials of {self.account} are wrong or have expired; make another key, or log in "
                "again",
                "credentials",
            )
        if status == 403 and not _is_passing(error):
            return BucketError(
                f"{where}: {self.account} may not do this ({_reason(error)}); grant it the role Storage Object Admin "
                "on the bucket",
                "forbidden",
            )
        if status == 404:
            return BucketError(
                f"{where}: there is no such bucket, or no such object in it; check its name", "missing"
            )
        if _is_passing(error):
            return BucketError(
                f"{where}: the service is busy or broken (status {status}); run this again later: it goes on where "
                "it stopped",
                "unreachable",
            )
        return BucketError(f"{where}: {_reason(error)} (status {status}); check bucket and name")


def _is_passing(error: Exception) -> bool:
    """Whether another try may work."""
    import requests
    from google.auth.exceptions import GoogleAuthError, TransportError

    if isinstance(error, GoogleAuthError):
        return isinstance(error, TransportError) or error.retryable is True
    if isinstance(
        error,
        requests.ConnectionError
        | requests.Timeout
        | requests.exceptions.ChunkedEncodingError
        | ConnectionError,
    ):
        return True
    return _status(error) in _PASSING or bool(_reasons(error) & _TOO_FAST)


def _status(error: Exception) -> int | None:
    """The HTTP status of a refusal."""
    import requests
    from google.api_core.exceptions import GoogleAPICallError

    if isinstance(error, GoogleAPICallError):
        return int(error.code) if error.code is not None else None
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return int(error.response.status_code)
    return None


def _headers(error: Exception) -> dict[str, str]:
    """The headers of the answer, names in lower case."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _reasons(error: Exception) -> set[str]:
    """The words by which a refusal names its causes to programs."""
    response: Any = getattr(error, "response", None)
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        return {str(each["reason"]) for each in response.json()["error"]["errors"]}
    return set()


def _reason(error: Exception) -> str:
    """What the service said, in one short line."""
    response: Any = getattr(error, "response", None)
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        return " ".join(str(response.json()["error"]["message"]).split())[:200]
    message = getattr(error, "message", None) or (error.args[0] if error.args else error)
    # An address may hold an upload's session, which gives the right to write its object.
    return one_line(_QUESTION.sub("", str(message)), 200)


def _md5(encoded: str | None) -> str | None:
    return None if encoded is None else base64.b64decode(encoded).hex()
