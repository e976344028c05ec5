"""Whose name a Google bucket is used in: the file of GOOGLE_APPLICATION_CREDENTIALS, else what gcloud has set up."""

from __future__ import annotations

import json
import os
import stat
import warnings
from pathlib import Path
from shlex import quote
from typing import Any

from seriesview.cloud.buckets import BucketError, missing_library
from seriesview.errors import one_line

CREDENTIALS_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"
"""As Google's own libraries read it."""

WRITE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
ADMIN_SCOPE = "https://www.googleapis.com/auth/devstorage.full_control"

_MAKE_ANOTHER = "make another: gcloud iam service-accounts keys create KEY.json --iam-account ACCOUNT"


def load_credentials(is_admin: bool = False) -> tuple[Any, str]:
    """The library's credentials, and who that is, for people; nothing is sent. Raises BucketError."""
    file = os.environ.get(CREDENTIALS_VARIABLE)
    told = None if not file else check_credentials_file(Path(file).expanduser())
    try:
        import google.auth
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import DefaultCredentialsError
    except ModuleNotFoundError as error:
        raise missing_library("google-cloud-storage", "gcs", "gs") from error
    if told is None and os.environ.get(EMULATOR_VARIABLE):
        return AnonymousCredentials(), "nobody, at an emulator"
    try:
        with warnings.catch_warnings():
            # That a person's own credentials have no project to be charged is no matter here.
            warnings.filterwarnings("ignore", "Your application has authenticated using end user credentials")
            credentials, _ = google.auth.default(scopes=[ADMIN_SCOPE if is_admin else WRITE_SCOPE])
    except (DefaultCredentialsError, ValueError) as error:
        if told is None:
            raise BucketError(
                f"no Google credentials: set {CREDENTIALS_VARIABLE} to a service account's JSON key, or run "
                "`gcloud auth application-default login`",
                "credentials",
            ) from error
        raise BucketError(
            f"{file}: no key that can be used ({_short(error)}); {_MAKE_ANOTHER}", "credentials"
        ) from error
    found = told or str(getattr(credentials, "service_account_email", "") or "")
    return credentials, found or "the account that gcloud is logged in with"


def check_credentials_file(path: Path) -> str:
    """The account that a credentials file is of; raises BucketError where others can read it, or it is none."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise BucketError(
                    f"{path}: this key can be read or written by others (mode {mode:03o}); run: "
                    f"chmod 600 {quote(str(path))}",
                    "credentials",
                )
            content = json.load(file)
    except OSError as error:
        raise BucketError(
            f"{CREDENTIALS_VARIABLE}={path}: cannot be read ({error.strerror}); set it to a service account's JSON key",
            "credentials",
        ) from error
    except (ValueError, RecursionError) as error:
        raise BucketError(
            f"{path}: no JSON, so no service account's key; {_MAKE_ANOTHER}", "credentials"
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        raise BucketError(f"{path}: no service account's JSON key; {_MAKE_ANOTHER}", "credentials")
    return str(content.get("client_email") or f"the {content['type']} of {path.name}")


def _short(error: Exception) -> str:
    return one_line(error, 200)
