"""Ranges of files from web servers, S3 and Google Cloud Storage, by what each one's own library does."""

from __future__ import annotations

import base64
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

from seriesview.errors import ReaderError, one_line

_TRIES = 4
_SECONDS = 60.0
_NO_RANGES = "its server sends no ranges of it, but all at once; download it, and give the file"


@dataclass(frozen=True)
class RemoteStatus:
    """What a server says of a file: bytes, seconds since 1970 of its last change (0: not said), and its entity tag."""

    size: int
    modified: float
    tag: str


class RemoteServer(Protocol):
    """One file of a server."""

    def status(self) -> RemoteStatus:
        """What it is now. Raises FileNotFoundError, ReaderError."""
        ...

    def read(self, first: int, length: int) -> bytes:
        """Bytes [first, first + length). Raises FileNotFoundError, ReaderError."""
        ...


class Passing(Exception):  # noqa: N818
    """What may go well when it is tried again."""


class WebFile:
    """A file of a web server; what `~/.netrc` or the address itself say lets in where that is needed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._shown = shown(url)
        self._headers = {
            "Accept-Encoding": "identity",
            **_authorization(parts.hostname, parts.username, parts.password),
        }
        self._url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))

    def status(self) -> RemoteStatus:
        """By the first byte of the file: signed addresses often allow nothing but GET."""
        answer, _ = self._get(0, 1)
        total = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.get("Content-Range", ""))
        if total is None:
            raise ReaderError(_NO_RANGES, file=self._shown)
        return RemoteStatus(int(total[1]), _seconds(answer.get("Last-Modified")), answer.get("ETag", ""))

    def read(self, first: int, length: int) -> bytes:
        """Bytes [first, first + length)."""
        return self._get(first, length)[1]

    def _get(self, first: int, length: int) -> tuple[Any, bytes]:
        import urllib3

        try:
            answer = _web(*urlsplit(self._url)[:2]).request(
                "GET",
                self._url,
                headers={**self._headers, "Range": f"bytes={first}-{first + length - 1}"},
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Passing(_cause(error)) from error
        try:
            self._check(answer.status)
            return answer.headers, answer.read(length + 1)
        except urllib3.exceptions.HTTPError as error:
            raise Passing(_cause(error)) from error
        finally:
            # The rest of a longer answer is not waited for.
            answer.close()
            answer.release_conn()

    def _check(self, code: int) -> None:
        if code in (404, 410):
            raise FileNotFoundError(2, "its server does not have it", self._shown)
        if code in (401, 403):
            raise ReaderError(
                f"its server does not let it be read (HTTP {code}); put a login for it into ~/.netrc",
                file=self._shown,
            )
        if code >= 500 or code == 429:
            raise Passing(f"HTTP {code}")
        if code == 416:
            raise ReaderError("is empty, or became shorter", file=self._shown)
        if code == 200:
            raise ReaderError(_NO_RANGES, file=self._shown)
        if code != 206:
            raise ReaderError(f"its server answers HTTP {code}", file=self._shown)


class S3File:
    """An object of S3 or what speaks its protocol, with boto3's usual credentials, or without where it is public."""

    def __init__(self, url: str) -> None:
        self._shown = url
        self._bucket, _, self._key = url.split("://", 1)[1].partition("/")
        self._client = _s3(is_anonymous=False)

    def status(self) -> RemoteStatus:
        """What the service says of the object."""
        found = self._ask("head_object")
        tag = str(found.get("ETag", ""))
        return RemoteStatus(int(found["ContentLength"]), _seconds(found.get("LastModified")), tag)

    def read(self, first: int, length: int) -> bytes:
        """Bytes [first, first + length)."""
        found = self._ask("get_object", Range=f"bytes={first}-{first + length - 1}")
        return bytes(found["content"])

    def _ask(self, method: str, **more: str) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

        try:
            found = getattr(self._client, method)(Bucket=self._bucket, Key=self._key, **more)
            return {**found, "content": found["Body"].read()} if "Body" in found else found
        except NoCredentialsError:
            self._client = _s3(is_anonymous=True)
            return self._ask(method, **more)
        except ClientError as error:
            code = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if code == 404:
                raise FileNotFoundError(2, "there is no such object", self._shown) from error
            if code in (401, 403):
                hint = "aws configure, or AWS_PROFILE, says who you are"
                raise ReaderError(f"S3 does not let it be read; {hint}", file=self._shown) from error
            raise Passing(one_line(error)) from error
        except ParamValidationError as error:
            raise ReaderError(
                f"no address of an object of S3: {one_line(error)}", file=self._shown
            ) from error
        except BotoCoreError as error:
            # A connection that breaks, or is not made.
            raise Passing(one_line(error)) from error


class GoogleFile:
    """An object of Google Cloud Storage, with application default credentials, or without where it is public."""

    def __init__(self, url: str) -> None:
        self._shown = url
        bucket, _, name = url.split("://", 1)[1].partition("/")
        self._blob = _google().bucket(bucket).blob(name)

    def status(self) -> RemoteStatus:
        """What the service says of the object."""
        self._ask(self._blob.reload)
        return RemoteStatus(int(self._blob.size), _seconds(self._blob.updated), str(self._blob.etag or ""))

    def read(self, first: int, length: int) -> bytes:
        """Bytes [first, first + length)."""
        end = first + length - 1
        return bytes(self._ask(lambda: self._blob.download_as_bytes(start=first, end=end, raw_download=True)))

    def _ask(self, action: Any) -> Any:
        from google.api_core import exceptions

        try:
            return action()
        except exceptions.NotFound as error:
            raise FileNotFoundError(2, "there is no such object", self._shown) from error
        except (exceptions.Forbidden, exceptions.Unauthorized) as error:
            hint = "gcloud auth application-default login says who you are"
            raise ReaderError(f"Google does not let it be read; {hint}", file=self._shown) from error
        except exceptions.GoogleAPICallError as error:
            raise Passing(one_line(error)) from error


def server_of(url: str) -> RemoteServer:
    """What answers for an address. Raises ReaderError where the library for it is not installed."""
    scheme = url.split("://", 1)[0].lower()
    if scheme in ("http", "https"):
        return WebFile(url)
    extra = "s3" if scheme == "s3" else "gcs"
    try:
        return S3File(url) if extra == "s3" else GoogleFile(url)
    except ImportError as error:
        raise ReaderError(f"reading it needs pip install 'seriesview[{extra}]'", file=url) from error


def shown(url: str) -> str:
    """An address as people may see it: without a password, and without what follows `?`, which often is a secret."""
    if not url.lower().startswith("http"):
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def tried(action: Any, file: str) -> Any:
    """What an action gives, tried again where a connection broke or a server was busy. Raises ReaderError."""
    for again in range(_TRIES):
        try:
            return action()
        except (Passing, ConnectionError, TimeoutError) as error:
            if again == _TRIES - 1:
                raise ReaderError(f"cannot be fetched: {one_line(error)}", file=file) from error
            # A server that is busy is given time.
            time.sleep(0.25 * 2**again)
    raise AssertionError


def was_broken_off(error: Exception) -> bool:
    """Whether an action failed as often as it was tried: what else may be asked will fail as well."""
    return isinstance(error.__cause__, (Passing, ConnectionError, TimeoutError))


@cache
def _web(scheme: str, host: str) -> Any:
    """Connections to a host, through the proxy that the environment names for it."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    settings: dict[str, Any] = {
        "timeout": urllib3.Timeout(_SECONDS),
        "retries": urllib3.Retry(None, connect=0, read=0, other=0, status=0, redirect=10),
        "maxsize": 8,
    }
    proxy = None if proxy_bypass(host) else getproxies().get(scheme)
    return urllib3.ProxyManager(proxy, **settings) if proxy else urllib3.PoolManager(**settings)


@cache
def _s3(is_anonymous: bool) -> Any:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(
        retries={"max_attempts": _TRIES, "mode": "standard"},
        signature_version=UNSIGNED if is_anonymous else None,
    )
    return boto3.client("s3", config=config)


@cache
def _google() -> Any:
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import storage

    try:
        return storage.Client()
    except (DefaultCredentialsError, OSError):
        return storage.Client.create_anonymous_client()


def _cause(error: Exception) -> str:
    """What went wrong, without the address that urllib3 tells with it, secrets and all."""
    return one_line(getattr(error, "reason", None) or error).rpartition(">: ")[2]


def _authorization(host: str | None, user: str | None, password: str | None) -> dict[str, str]:
    import netrc

    if user is None:
        with suppress(OSError, netrc.NetrcParseError):
            if (found := netrc.netrc().authenticators(host or "")) is not None:
                user, _, password = found
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _seconds(moment: Any) -> float:
    """Seconds since 1970 of a time as servers give it; 0 where there is none."""
    from email.utils import parsedate_to_datetime

    if isinstance(moment, str):
        try:
            moment = parsedate_to_datetime(moment)
        except ValueError:
            return 0.0
    return float(int(moment.timestamp())) if isinstance(moment, datetime) else 0.0
