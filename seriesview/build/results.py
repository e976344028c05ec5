"""The small files that jobs write for each other and for people; each appears whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from seriesview.errors import BuildError, StoreError
from seriesview.store.folders import Folder
from seriesview.store.reading import open_regular

_MOST_BYTES = 1 << 30


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a name of its own and rename it. Raises BuildError where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with Folder.at(path.parent) as folder:
            write_in(folder, path.name, content)
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise BuildError(
            f"cannot be written ({error.strerror})",
            file=path,
            code="no-space" if is_full else "results-unusable",
        ) from error


def write_in(folder: Folder, name: str, content: bytes) -> None:
    """Write a file of a folder under a name that nobody can have foreseen, and rename it. Raises OSError."""
    temporary = f".{name}.{secrets.token_hex(8)}.tmp"
    descriptor = folder.create_file(temporary, os.O_WRONLY, 0o666)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(content)
        folder.rename(temporary, folder, name)
    except BaseException:
        with suppress(OSError):
            folder.unlink(temporary)
        raise


def read_in(folder: Folder, name: str) -> bytes:
    """The bytes of a regular file of a folder that jobs write to, and perhaps others. Raises OSError."""
    return folder.read(name, _MOST_BYTES)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a result as JSON. Raises BuildError."""
    write_whole(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())


def read_results(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What jobs wrote. Raises BuildError where one cannot be read."""
    results = []
    for path in paths:
        try:
            with open(open_regular(path), "rb") as file:  # noqa: PTH123
                results.append(json.loads(file.read(_MOST_BYTES)))
        except (OSError, ValueError, RecursionError, StoreError) as error:
            raise BuildError(f"not a result of the pipeline ({error}); build it again", file=path) from error
    return results


def write_note(path: Path, content: Any) -> None:
    """Note something for later builds, so that `read_note` can tell whether it is what was noted. Raises BuildError."""
    text = json.dumps(content)
    write_whole(path, f"{hashlib.sha1(text.encode()).hexdigest()}\n{text}\n".encode())


def read_note(path: Path) -> Any:
    """What `write_note` noted; None where nothing is, or something else."""
    with suppress(OSError, ValueError, RecursionError, StoreError), open(open_regular(path), "rb") as file:  # noqa: PTH123
        told, _, text = file.read(_MOST_BYTES).partition(b"\n")
        if told == hashlib.sha1(text.rstrip(b"\n")).hexdigest().encode():
            return json.loads(text)
    return None


def uris(value: object) -> list[str]:
    """Every kachery URI in a JSON value, in no certain order."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, str):
            if entry.startswith("sha1://"):
                found.append(entry)
        elif isinstance(entry, dict):
            waiting.extend(entry.values())
        elif isinstance(entry, list):
            waiting.extend(entry)
    return found
