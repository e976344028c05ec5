"""The record of what seriesview wrote into a storage directory.

One append-only file a writer process, one JSON object a line: nothing is ever locked or rewritten, so
writers on several machines do not meet even on network file systems. A line goes to the operating system
before the artifact that it names gets its final name: a killed process leaves no artifact that the record
misses.

Whoever may write to a shared storage directory can write to its record: a line is believed where what it says can be
meant, and an artifact is somebody's to remove only by the record of the user whose file it is.
"""

import json
import os
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from seriesview.errors import FormatError
from seriesview.store.faults import read_fault, write_fault
from seriesview.store.folders import Folder, OddFileError
from seriesview.store.paths import record_directory
from seriesview.store.processes import is_running, own_name, writer_of
from seriesview.store.uris import check_hash, parse_uri
from seriesview.store.writer import AtomicWriter

_SUFFIX = ".jsonl"
_KINDS = ("pack", "part", "file", "json", "manifest", "link")
_ARTIFACT_LINE = b'{"sha1":'
_MOST_LINE_BYTES = 1 << 20
"""Behind a longer line, which seriesview does not write, a file is not read on."""
_LATEST = 1e11
"""Seconds since 1970 that a line can mean: some 3000 years."""

RUNNING_SECONDS = 24 * 3600.0
"""A writer on another machine that recorded something so long ago is taken to be still at work."""


@dataclass(frozen=True)
class RecordedArtifact:
    """An artifact that seriesview stored, linked or found already stored."""

    sha1: str
    size: int
    kind: str
    """pack, part (a page too), file, json, manifest (of chunks) or link."""
    name: str = ""
    found: bool = False
    """Whether it was there already, so that somebody else may have put it."""


@dataclass(frozen=True)
class RecordedWorkspace:
    """A workspace manifest that seriesview stored; `time` is in seconds since 1970."""

    uri: str
    label: str
    time: float
    owner: int | None = None
    """The user who recorded it; None where others could have."""


class Record:
    """Appends to this process's file of the record; safe in threads and after a fork."""

    def __init__(self, writer: AtomicWriter) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._process = 0
        self._torn = False
        self.name: str | None = None
        """What the file is called that was last appended to, None before."""

    def add_artifact(self, artifact: RecordedArtifact) -> None:
        """Append an artifact; raises StoreError."""
        line: dict[str, Any] = {"sha1": artifact.sha1, "size": artifact.size, "kind": artifact.kind}
        if artifact.name:
            line["name"] = artifact.name
        if artifact.found:
            line["found"] = True
        self._append(line)

    def add_workspace(self, uri: str, label: str) -> None:
        """Append a workspace, with the time of now; raises StoreError."""
        self._append({"workspace": uri, "label": label, "time": round(time.time(), 6)})

    def forget_workspace(self, uri: str) -> None:
        """Append that a workspace need not be kept any more; raises StoreError."""
        self._append({"forgotten": uri, "time": round(time.time(), 6)})

    def flush(self) -> None:
        """Sync what was appended to disk; raises StoreError."""
        with self._lock:
            if self._descriptor is not None and self._process == os.getpid():
                try:
                    os.fsync(self._descriptor)
                except OSError as error:
                    raise write_fault(self._writer.directory, error) from error

    def close(self) -> None:
        """Close the file; a later append opens a new one."""
        with self._lock:
            if self._descriptor is not None:
                with suppress(OSError):
                    os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.close()

    def _append(self, line: dict[str, Any]) -> None:
        data = json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
        with self._lock:
            try:
                descriptor = self._open()
                if self._torn:
                    data = b"\n" + data
                self._torn = True
                while data:
                    data = data[os.write(descriptor, data) :]
                self._torn = False
            except OSError as error:
                raise write_fault(self._writer.directory, error) from error

    def _open(self) -> int:
        if self._descriptor is not None and self._process == os.getpid():
            return self._descriptor
        place = record_directory(self._writer.directory) / own_name(_SUFFIX)
        self._descriptor = self._writer.open_appending(place)
        self.name = place.name
        self._process = os.getpid()
        self._torn = False
        return self._descriptor


@dataclass(frozen=True)
class RecordFile:
    """What one writer process recorded."""

    name: str
    owner: int | None
    """The user who wrote it; None where others could have."""
    is_running: bool
    """Whether the writer may still be at work."""
    modified: float
    """Seconds since 1970."""
    num_bytes: int
    artifacts: list[RecordedArtifact]


def record_files(directory: Path) -> Iterator[RecordFile]:
    """Yield what each writer recorded, whole; raises StoreError."""
    for name, file in _open_files(directory):
        status = os.fstat(file.fileno())
        # Looked at first: what a writer records after it ended is nothing.
        is_running = _is_running(name, status.st_mtime)
        artifacts = [found for line in _parsed(_lines_of(file)) if (found := _artifact(line)) is not None]
        num_bytes = file.tell()
        yield RecordFile(name, _owner(status), is_running, status.st_mtime, num_bytes, artifacts)


def recorded_since(directory: Path, known: dict[str, int]) -> set[str]:
    """Return SHA-1s that were recorded behind the first `known` bytes of each file, by name; raises StoreError."""
    found = set()
    for name, file in _open_files(directory):
        file.seek(known.get(name, 0))
        found |= {entry.sha1 for line in _parsed(_lines_of(file)) if (entry := _artifact(line)) is not None}
    return found


def recorded_artifacts(directory: Path) -> Iterator[RecordedArtifact]:
    """Yield what all writers recorded in a storage directory, repeats included; raises StoreError."""
    for _, line in _lines(directory):
        artifact = _artifact(line)
        if artifact is not None:
            yield artifact


def recorded_workspaces(directory: Path, forgotten: bool = False) -> list[RecordedWorkspace]:
    """Return the workspaces of all writers, oldest first, each with its latest label and time; StoreError.

    Those that were forgotten since are left out, or, with `forgotten`, are the ones that are returned, once for each
    user who recorded and forgot them, whoever else keeps them. A workspace is forgotten by those who recorded it, by
    root, and by whose the directory is.
    """
    found: dict[tuple[str, int | None], RecordedWorkspace] = {}
    ended: dict[str, dict[int | None, float]] = {}
    for owner, line in _lines(directory, but=_ARTIFACT_LINE):
        with suppress(KeyError, FormatError):
            moment = line["time"]
            if not (type(moment) in (int, float) and 0 <= moment < _LATEST):
                continue
            uri = line["forgotten"] if "forgotten" in line else line["workspace"]
            parse_uri(uri)
            if "forgotten" in line:
                times = ended.setdefault(uri, {})
                times[owner] = max(float(moment), times.get(owner, 0.0))
                continue
            entry = RecordedWorkspace(uri, _text(line["label"]), float(moment), owner)
            known = found.get((uri, owner))
            if known is None or entry.time >= known.time:
                found[uri, owner] = entry
    in_time = sorted(found.values(), key=lambda entry: (entry.time, entry.uri))
    trusted = {0, directory.stat().st_uid} if in_time else set()
    is_ended = {id(entry): _is_ended(entry, ended.get(entry.uri, {}), trusted) for entry in in_time}
    if forgotten:
        return [entry for entry in in_time if is_ended[id(entry)]]
    kept = {entry.uri: entry for entry in in_time if not is_ended[id(entry)]}
    return sorted(kept.values(), key=lambda entry: (entry.time, entry.uri))


def _is_ended(entry: RecordedWorkspace, ended: dict[int | None, float], trusted: set[int]) -> bool:
    """Whether somebody who may say so has said since that a workspace need not be kept."""
    return any(
        moment > entry.time and (entry.owner in (None, owner) or owner in trusted)
        for owner, moment in ended.items()
    )


def _owner(status: os.stat_result) -> int | None:
    return None if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else status.st_uid


def _artifact(line: dict[str, Any]) -> RecordedArtifact | None:
    """The artifact that a line names; None where it names none, or what cannot be one."""
    with suppress(KeyError, FormatError):
        sha1, size, kind = check_hash(line["sha1"]), line["size"], line["kind"]
        if type(size) is int and 0 <= size < 2**63 and kind in _KINDS:
            return RecordedArtifact(sha1, size, kind, _text(line.get("name", "")), line.get("found") is True)
    return None


def _text(value: Any) -> str:
    """A text that can be printed, whatever somebody put into the record."""
    text = value if isinstance(value, str) else ""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _is_running(name: str, modified: float) -> bool:
    """Whether the writer of a record file may be at work; one of another machine for a day after its last line."""
    running = is_running(name)
    if running is None:
        return time.time() - modified < RUNNING_SECONDS
    return running and writer_of(name) != os.getpid()


def _open_files(directory: Path, pass_over: bool = False) -> Iterator[tuple[str, BinaryIO]]:
    """Open each writer's file, one after the other, by name; what is no regular file is nobody's record.

    A file that may not be read is a StoreError, or passed over.
    """
    place = record_directory(directory)
    try:
        with Folder.at(directory) as root, root.enter(*place.relative_to(directory).parts) as folder:
            for name in folder.names():
                if not name.endswith(_SUFFIX):
                    continue
                try:
                    descriptor = folder.open_file(name)
                except (OddFileError, FileNotFoundError):
                    continue
                except PermissionError as error:
                    if pass_over:
                        continue
                    raise read_fault(place / name, error) from error
                with open(descriptor, "rb") as file:  # noqa: PTH123
                    yield name, file
    except FileNotFoundError:
        return
    except OSError as error:
        raise read_fault(place, error) from error


def _lines_of(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_MOST_LINE_BYTES):
        if len(line) == _MOST_LINE_BYTES:
            return
        yield line


def _lines(directory: Path, but: bytes | None = None) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Users and lines of all writers whose files may be read, without the lines that begin with `but`."""
    for _, file in _open_files(directory, pass_over=True):
        owner = _owner(os.fstat(file.fileno()))
        for line in _parsed(raw for raw in _lines_of(file) if but is None or not raw.startswith(but)):
            yield owner, line


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for raw in lines:
        # A crash can leave the last line torn, and a full disk one in the middle.
        with suppress(ValueError, RecursionError):
            line = json.loads(raw)
            if isinstance(line, dict):
                yield line
