"""The ledger of finished parts: what a killed job, started again, need not do again.

One file of JSON lines for each job. The first line says what was being built; each further line names one
finished part. A part is in the store, synced, before its line is written, so a line that can be read is true.
A torn last line is ignored.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from seriesview.build.results import read_in, write_in
from seriesview.series.arrays import DIGEST_BYTES
from seriesview.store import Store
from seriesview.store.folders import Folder


class Ledger:
    """Finished parts of the arrays of one job, by array name and part index."""

    def __init__(self, path: Path, what: Mapping[str, Any]) -> None:
        self._path = path
        self._header = json.dumps({"what": what}, sort_keys=True)
        self._lock = threading.Lock()
        self._parts: dict[str, dict[int, bytes]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        with Folder.at(path.parent) as folder:
            if not self._load(folder):
                write_in(folder, path.name, self._header.encode() + b"\n")
                self._parts = {}
            self._file: BinaryIO = open(  # noqa: PTH123, SIM115
                folder.open_file(path.name, os.O_WRONLY | os.O_APPEND), "ab"
            )

    def _load(self, folder: Folder) -> bool:
        try:
            content = read_in(folder, self._path.name)
        except OSError:
            return False
        lines = content.split(b"\n")
        if lines[0] != self._header.encode():
            return False
        for array, index, digest in _parts(lines[1:]):
            self._parts.setdefault(array, {})[index] = digest
        if not content.endswith(b"\n"):
            with open(folder.open_file(self._path.name, os.O_WRONLY | os.O_APPEND), "ab") as file:  # noqa: PTH123
                file.write(b"\n")
        return True

    def finished(self, array: str, part_bytes: int, store: Store) -> list[bytes]:
        """Digests of the array's first parts that are recorded without a gap and still whole in the store."""
        digests: list[bytes] = []
        recorded = self._parts.get(array, {})
        while (digest := recorded.get(len(digests))) is not None:
            if not store.has_part(digest, part_bytes):
                break
            digests.append(digest)
        return digests

    def add(self, array: str, index: int, digest: bytes) -> None:
        """Record a part that is in the store."""
        line = json.dumps([array, index, digest.hex()]).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        """Stop recording."""
        self._file.close()


def noted_bytes(directory: Path, name: str, store: Store) -> int:
    """Bytes in the store of the parts that the ledgers of a dataset's jobs note, whatever they were made with."""
    digests: set[bytes] = set()
    for path in (directory / f"{name}.jsonl", *directory.glob(f"{name}-*-of-*.jsonl")):
        with suppress(OSError), Folder.at(path.parent) as folder:
            content = read_in(folder, path.name)
            digests.update(digest for _, _, digest in _parts(content.split(b"\n")[1:]))
    return sum(store.part_bytes(digest) for digest in digests)


def _parts(lines: Iterable[bytes]) -> Iterator[tuple[str, int, bytes]]:
    """Array, index and digest of each part; lines that cannot be read are left out."""
    for line in lines:
        try:
            array, index, digest = json.loads(line)
            part = str(array), int(index), bytes.fromhex(digest)
        except (ValueError, TypeError, OverflowError, RecursionError):
            continue
        if len(part[2]) == DIGEST_BYTES:
            yield part
