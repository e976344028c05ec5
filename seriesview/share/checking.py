"""Re-hashing what is stored or was exported: all that a workspace or a series reaches, and every file of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.errors import FormatError, SeriesviewError
from seriesview.series.series import Series
from seriesview.share.folder import (
    DESCRIPTION_FILE,
    SUMS_FILE,
    is_export,
    is_unfinished,
    open_listed,
    read_description,
    read_sums,
)
from seriesview.store import Store
from seriesview.terms import is_workspace
from seriesview.upkeep.verification import Problem, Verifier
from seriesview.workspace.manifest import parse_workspace_manifest
from seriesview.workspace.workspace import Workspace, stored_uri

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Verified:
    """What was re-hashed: the URI that it shows, artifacts and bytes that were read, and what is wrong with them.

    `missing`: the series of the workspace that were not built, and why. `left_out`: what an exported folder leaves
    out, as export.json says. Neither is wrong.
    """

    uri: str
    num_artifacts: int
    num_bytes: int
    problems: tuple[Problem, ...]
    missing: tuple[str, ...] = ()
    left_out: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether everything is as it should be."""
        return not self.problems


def verify(
    what: Workspace | Series | str | Path,
    *,
    store: Store | str | Path | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> Verified:
    """Re-hash everything that a workspace or a series reaches, linked files too, or every file of an exported folder.

    `what` is an opened one, a URI, results/workspace.json, results/series/NAME.json, or the folder. `store` as in
    `open_workspace`; a folder has its own. `on_bytes` hears how many bytes were read. Raises SeriesviewError where it
    is nothing of that; what is damaged or missing is no error, but in `problems`.
    """
    if isinstance(what, str | Path) and not str(what).startswith("sha1://") and Path(what).is_dir():
        return verify_folder(Path(what), on_bytes)
    uri, opened = stored_uri(what, store)
    with opened.as_stored() as stored:
        verifier = Verifier(stored, on_bytes)
        return _verified(verifier, uri, _reached(verifier, uri))


def verify_folder(directory: Path, on_bytes: Callable[[int], None] | None = None) -> Verified:
    """Re-hash an exported folder; raises SeriesviewError where it is none."""
    description = read_description(directory)
    if description is None:
        if is_export(directory):
            raise SeriesviewError(f"{directory}: the export into this folder was not finished; run it again")
        raise SeriesviewError(
            f"{directory}: no exported folder, it has no {DESCRIPTION_FILE} of a known format"
        )
    verifier = Verifier(Store(directory, "embedded", f"exported folder {directory}"), on_bytes)
    uri = str(description.get("workspace"))
    if is_unfinished(directory):
        message = "another export was begun here that did not end; run it again"
        verifier.problem("invalid", uri, str(directory), message)
    missing = _workspace(verifier, uri)
    sums = read_sums(directory)
    if not sums:
        _file_problem(verifier, "missing", directory, SUMS_FILE, "which lists the folder's files")
    for name, sha1 in sums.items():
        if name.startswith("sha1/") and sha1 in verifier.found.seen:
            continue
        _file(verifier, directory, name, sha1)
    left_out = description.get("left_out")
    entries = (
        [entry for entry in left_out if isinstance(entry, Mapping)] if isinstance(left_out, list) else ()
    )
    return _verified(verifier, uri, missing, entries)


def _verified(
    verifier: Verifier, uri: str, missing: Iterable[str], left_out: Iterable[Mapping[str, Any]] = ()
) -> Verified:
    found = verifier.found
    return Verified(
        uri, found.num_artifacts, found.num_bytes, tuple(found.problems), tuple(missing), tuple(left_out)
    )


def _reached(verifier: Verifier, uri: str) -> list[str]:
    """Check a workspace or a series and all that it reaches; the series that are not in it, and why."""
    if not verifier.artifact(uri, "manifest"):
        return []
    if is_workspace(verifier.store.get_json(uri)):
        return _workspace(verifier, uri)
    verifier.series(uri, "series")
    return []


def _workspace(verifier: Verifier, uri: str) -> list[str]:
    """Check a workspace and all that it reaches; the series that are not in it, and why."""
    if not verifier.artifact(uri, "workspace manifest"):
        return []
    try:
        parsed = parse_workspace_manifest(verifier.store.get_json(uri))
    except FormatError as error:
        verifier.problem("invalid", uri, "workspace manifest", str(error))
        return []
    for entry in parsed.series:
        verifier.series(entry.uri, entry.name)
    return [f"{absent.name}: {absent.error}" for absent in parsed.missing]


def _file(verifier: Verifier, directory: Path, name: str, sha1: str) -> None:
    hasher = hashlib.sha1(usedforsecurity=False)
    verifier.found.num_artifacts += 1
    try:
        with open(open_listed(directory, name), "rb", buffering=0) as file:  # noqa: PTH123
            while block := file.read(_BLOCK_BYTES):
                hasher.update(block)
                verifier.found.num_bytes += len(block)
    except FileNotFoundError:
        _file_problem(verifier, "missing", directory, name, f"{SUMS_FILE} lists it")
    except OSError as error:
        _file_problem(verifier, "invalid", directory, name, f"it cannot be read ({error.strerror})")
    else:
        if hasher.hexdigest() != sha1:
            _file_problem(
                verifier, "altered", directory, name, f"its bytes have another SHA-1 than {SUMS_FILE} says"
            )


def _file_problem(verifier: Verifier, kind: str, directory: Path, name: str, message: str) -> None:
    verifier.problem(kind, name, str(directory), f"{message}; delete it and export again")
