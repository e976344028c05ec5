"""The ledger of finished packs: what a killed job, started again, need not do again.

One file of JSON lines for each job. The first line says what was being built; each further line names one
finished pack and its parts. A pack is in the store, synced, before its line is written, so a line that can be read is
true. A torn last line is ignored. What was made of all packs is noted behind them: it holds where words alone changed.
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
from seriesview.build.room import Need
from seriesview.series.packing import DIGEST_BYTES, MAX_PACK_PARTS, pack_digest
from seriesview.store import Store
from seriesview.store.folders import Folder

_MADE = b'{"made"'


class Ledger:
    """Finished packs of the arrays of one job, by array name and index: their entries, as in pages."""

    def __init__(self, path: Path, what: Mapping[str, Any]) -> None:
        self._path = path
        self._header = json.dumps({"what": what}, sort_keys=True)
        self._lock = threading.Lock()
        self._packs: dict[str, dict[int, bytes]] = {}
        self.made: Any = None
        """What was noted as made of the same, None where nothing was."""
        self.before: tuple[Any, Any] | None = None
        """What was built here before, where that was something else, and what was noted as made of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with Folder.at(path.parent) as folder:
            if not self._load(folder):
                write_in(folder, path.name, self._header.encode() + b"\n")
                self._packs, self.made = {}, None
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
            with suppress(ValueError, RecursionError, KeyError, TypeError):
                self.before = json.loads(lines[0])["what"], _made(lines)
            return False
        for array, index, entry in _packs(lines[1:]):
            self._packs.setdefault(array, {})[index] = entry
        self.made = _made(lines)
        if not content.endswith(b"\n"):
            with open(folder.open_file(self._path.name, os.O_WRONLY | os.O_APPEND), "ab") as file:  # noqa: PTH123
                file.write(b"\n")
        return True

    def finished(self, array: str, pack_bytes: int, store: Store) -> list[bytes]:
        """Entries of the array's first packs that are recorded without a gap and still whole in the store."""
        entries: list[bytes] = []
        recorded = self._packs.get(array, {})
        while (entry := recorded.get(len(entries))) is not None:
            if not store.has_pack(pack_digest(entry), pack_bytes):
                break
            entries.append(entry)
        return entries

    def add(self, array: str, index: int, entry: bytes) -> None:
        """Record a pack that is in the store."""
        line = json.dumps([array, index, entry.hex()]).encode() + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def note(self, made: Mapping[str, Any]) -> None:
        """Record what was made of everything."""
        with self._lock:
            self._file.write(json.dumps({"made": made}).encode() + b"\n")
            self._file.flush()

    def close(self) -> None:
        """Stop recording."""
        self._file.close()


def noted(directory: Path, name: str, store: Store) -> Need:
    """What is in the store of the packs that the ledgers of a dataset's jobs note, whatever they were made with."""
    digests: set[bytes] = set()
    for path in (directory / f"{name}.jsonl", *directory.glob(f"{name}-*-of-*.jsonl")):
        with suppress(OSError), Folder.at(path.parent) as folder:
            content = read_in(folder, path.name)
            digests.update(pack_digest(entry) for _, _, entry in _packs(content.split(b"\n")[1:]))
    found = [store.stored_size(digest.hex()) for digest in digests]
    sizes = [size for size in found if size is not None]
    return Need(sum(sizes), len(sizes))


def _made(lines: Iterable[bytes]) -> Any:
    """What was noted last as made of everything."""
    made = None
    for line in lines:
        with suppress(ValueError, RecursionError):
            made = json.loads(line)["made"] if line.startswith(_MADE) else made
    return made


def _packs(lines: Iterable[bytes]) -> Iterator[tuple[str, int, bytes]]:
    """Array, index and entry of each pack; lines that cannot be read are left out."""
    for line in lines:
        try:
            array, index, entry = json.loads(line)
            pack = str(array), int(index), bytes.fromhex(entry)
        except (ValueError, TypeError, OverflowError, RecursionError):
            continue
        num_parts, rest = divmod(len(pack[2]) - DIGEST_BYTES, DIGEST_BYTES)
        if 1 <= num_parts <= MAX_PACK_PARTS and not rest:
            yield pack
