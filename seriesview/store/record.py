"""The record of what seriesview wrote into a storage directory.

One append-only file a writer process, one JSON object a line: nothing is ever locked or rewritten, so
writers on several machines do not meet even on network file systems. A line goes to the operating system
before the artifact that it names gets its final name: a killed process leaves no artifact that the record
misses.
"""

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.store.faults import read_fault, write_fault
from seriesview.store.layout import record_directory
from seriesview.store.writer import AtomicWriter

_ARTIFACT_LINE = b'{"sha1":'

RUNNING_SECONDS = 24 * 3600.0
"""A writer on another machine that recorded something so long ago is taken to be still at work."""


@dataclass(frozen=True)
class RecordedArtifact:
    """An artifact that seriesview stored, linked or found already stored."""

    sha1: str
    size: int
    kind: str
    """part, file, json, manifest (of chunks) or link."""
    name: str = ""
    found: bool = False
    """Whether it was there already, so that somebody else may have put it."""


@dataclass(frozen=True)
class RecordedWorkspace:
    """A workspace manifest that seriesview stored; `time` is in seconds since 1970."""

    uri: str
    label: str
    time: float


class Record:
    """Appends to this process's file of the record; safe in threads and after a fork."""

    def __init__(self, writer: AtomicWriter) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._process = 0
        self._torn = False

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
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}.jsonl"
        self._descriptor = self._writer.open_appending(record_directory(self._writer.directory) / name)
        self._process = os.getpid()
        self._torn = False
        return self._descriptor


@dataclass(frozen=True)
class RecordFile:
    """What one writer process recorded."""

    path: Path
    is_running: bool
    """Whether the writer may still be at work."""
    modified: float
    """Seconds since 1970."""
    num_bytes: int
    artifacts: list[RecordedArtifact]


def record_files(directory: Path) -> Iterator[RecordFile]:
    """Yield what each writer recorded, whole; raises StoreError."""
    for path in _record_paths(directory):
        try:
            status = path.stat()
            # Looked at first: what a writer records after it ended is nothing.
            is_running = _is_running(path, status.st_mtime)
            lines = path.read_bytes()
        except OSError as error:
            raise read_fault(path, error) from error
        artifacts = [found for line in _parsed(lines.split(b"\n")) if (found := _artifact(line)) is not None]
        yield RecordFile(path, is_running, status.st_mtime, len(lines), artifacts)


def recorded_since(directory: Path, known: dict[Path, int]) -> set[str]:
    """Return SHA-1s that were recorded behind the first `known` bytes of each file; raises StoreError."""
    found = set()
    for path in _record_paths(directory):
        try:
            with path.open("rb") as file:
                file.seek(known.get(path, 0))
                lines = file.read()
        except OSError as error:
            raise read_fault(path, error) from error
        found |= {
            entry.sha1 for line in _parsed(lines.split(b"\n")) if (entry := _artifact(line)) is not None
        }
    return found


def recorded_artifacts(directory: Path) -> Iterator[RecordedArtifact]:
    """Yield what all writers recorded in a storage directory, repeats included; raises StoreError."""
    for line in _lines(directory):
        artifact = _artifact(line)
        if artifact is not None:
            yield artifact


def recorded_workspaces(directory: Path, forgotten: bool = False) -> list[RecordedWorkspace]:
    """Return the workspaces of all writers, oldest first, each with its latest label and time; StoreError.

    Those that were forgotten since are left out, or, with `forgotten`, are the ones that are returned.
    """
    found: dict[str, RecordedWorkspace] = {}
    ended: dict[str, float] = {}
    for line in _lines(directory, but=_ARTIFACT_LINE):
        with suppress(KeyError, TypeError, ValueError):
            if "forgotten" in line:
                uri = str(line["forgotten"])
                ended[uri] = max(float(line["time"]), ended.get(uri, 0.0))
                continue
            entry = RecordedWorkspace(str(line["workspace"]), str(line["label"]), float(line["time"]))
            known = found.get(entry.uri)
            if known is None or entry.time >= known.time:
                found[entry.uri] = entry
    chosen = [entry for entry in found.values() if (ended.get(entry.uri, -1.0) > entry.time) == forgotten]
    return sorted(chosen, key=lambda entry: (entry.time, entry.uri))


def _artifact(line: dict[str, Any]) -> RecordedArtifact | None:
    with suppress(KeyError, TypeError, ValueError):
        name, found = str(line.get("name", "")), line.get("found") is True
        return RecordedArtifact(str(line["sha1"]), int(line["size"]), str(line["kind"]), name, found)
    return None


def _is_running(path: Path, modified: float) -> bool:
    """Whether the writer of a record file may be at work; one of another machine for a day after its last line."""
    host, _, rest = path.stem.rpartition("-")[0].rpartition("-")
    if host != socket.gethostname():
        return time.time() - modified < RUNNING_SECONDS
    try:
        process = int(rest)
        if process == os.getpid():
            return False
        os.kill(process, 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _record_paths(directory: Path) -> list[Path]:
    folder = record_directory(directory)
    try:
        return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    except OSError as error:
        raise read_fault(folder, error) from error


def _lines(directory: Path, but: bytes | None = None) -> Iterator[dict[str, Any]]:
    """Lines of all writers, without those that begin with `but`."""
    for path in _record_paths(directory):
        try:
            with path.open("rb") as file:
                yield from _parsed(raw for raw in file if but is None or not raw.startswith(but))
        except OSError as error:
            raise read_fault(path, error) from error


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for raw in lines:
        # A crash can leave the last line torn, and a full disk one in the middle.
        with suppress(ValueError):
            line = json.loads(raw)
            if isinstance(line, dict):
                yield line
