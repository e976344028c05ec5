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
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.store.faults import read_fault, write_fault
from seriesview.store.layout import record_directory
from seriesview.store.writer import AtomicWriter


@dataclass(frozen=True)
class RecordedArtifact:
    """An artifact that seriesview stored, linked or found already stored."""

    sha1: str
    size: int
    kind: str
    """part, file, json, manifest (of chunks) or link."""
    name: str = ""


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
        line = {"sha1": artifact.sha1, "size": artifact.size, "kind": artifact.kind}
        self._append(line | {"name": artifact.name} if artifact.name else line)

    def add_workspace(self, uri: str, label: str) -> None:
        """Append a workspace, with the time of now; raises StoreError."""
        self._append({"workspace": uri, "label": label, "time": round(time.time(), 3)})

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


def recorded_artifacts(directory: Path) -> Iterator[RecordedArtifact]:
    """Yield what all writers recorded in a storage directory, repeats included; raises StoreError."""
    for line in _lines(directory):
        with suppress(KeyError, TypeError, ValueError):
            yield RecordedArtifact(
                str(line["sha1"]), int(line["size"]), str(line["kind"]), str(line.get("name", ""))
            )


def recorded_workspaces(directory: Path) -> list[RecordedWorkspace]:
    """Return the workspaces of all writers, oldest first, each with its latest label and time; StoreError."""
    found: dict[str, RecordedWorkspace] = {}
    for line in _lines(directory):
        with suppress(KeyError, TypeError, ValueError):
            entry = RecordedWorkspace(str(line["workspace"]), str(line["label"]), float(line["time"]))
            known = found.get(entry.uri)
            if known is None or entry.time >= known.time:
                found[entry.uri] = entry
    return sorted(found.values(), key=lambda entry: (entry.time, entry.uri))


def _lines(directory: Path) -> Iterator[dict[str, Any]]:
    folder = record_directory(directory)
    try:
        paths = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
        for path in paths:
            with path.open("rb") as file:
                for raw in file:
                    # A crash can leave the last line torn, and a full disk one in the middle.
                    with suppress(ValueError):
                        line = json.loads(raw)
                        if isinstance(line, dict):
                            yield line
    except OSError as error:
        raise read_fault(folder, error) from error
