"""The ledger of finished packs: what a killed job, started again, need not do again.

One file of JSON lines for each job. The first line says what was being built; each further line names one
finished pack and its parts. A pack is in the store, synced, before its line is written, so a line that can be read is
true. A torn last line is ignored. What was made of all packs is noted behind them: it holds where words alone changed.
Where something else is built by now, what was made before is noted in front of them: it may be the same samples
elsewhere, or the first of them.

Of a file that grows the first line says what stays as it is meanwhile, and lines between the packs how many of its
first bytes those before were made of, and the SHA-1 of these: where they are the same still, the packs before the last
such line are known, to whoever goes on following and to whoever builds the whole.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from seriesview.build.results import read_in, write_in
from seriesview.build.room import Need
from seriesview.series.packing import DIGEST_BYTES, MAX_PACK_PARTS, pack_digest
from seriesview.store import Store
from seriesview.store.folders import Folder

_MADE = b'{"made"'
_COVERED = b'{"covered"'


@dataclass(frozen=True)
class Made:
    """What was made: the manifest of a series, as JSON has it, `what` it was made of, and the SHA-1s of the files that
    its samples lay in, None where they were not taken."""

    manifest: Any
    what: Any
    sha1s: tuple[str, ...] | None = None

    def line(self, is_of_this: bool) -> bytes:
        """As a ledger notes it; `is_of_this`: of what the ledger is about."""
        told = {"made": self.manifest, "sha1s": self.sha1s, **({} if is_of_this else {"what": self.what})}
        return json.dumps(told, sort_keys=True).encode() + b"\n"


class Ledger:
    """Finished packs of the arrays of one job, by array name and index: their entries, as in pages."""

    def __init__(
        self,
        path: Path,
        what: Mapping[str, Any],
        takes_up: Mapping[str, Any] | None = None,
        begins_with: Callable[[int, str], bool] = lambda *_: False,
    ) -> None:
        """`what` is made, as JSON has it.

        `takes_up`: what packs are of that were made while a file grew, which may be `what` itself. They count if the
        file `begins_with` so many bytes of such a SHA-1, which is asked where there are such packs.
        """
        self._path = path
        self._what = what
        self._takes_up = takes_up
        self.begins_with = begins_with
        self._lock = threading.Lock()
        self._packs: dict[str, dict[int, bytes]] = {}
        self._has_new = False
        self.made: Made | None = None
        """What was noted last as made, of the same or of something else; None where nothing was."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with Folder.at(path.parent) as folder:
            self._load(folder)
            self._file: BinaryIO = open(  # noqa: PTH123, SIM115
                folder.open_file(path.name, os.O_WRONLY | os.O_APPEND), "ab"
            )

    def _load(self, folder: Folder) -> None:
        content = b""
        with suppress(OSError):
            content = read_in(folder, self._path.name)
        header = _header(self._what)
        lines = content.split(b"\n")
        self.made = _made(lines)
        is_taken_up = self._takes_up is not None and lines[0] == _header(self._takes_up)
        if is_taken_up or lines[0] != header:
            taken_up = self._covered(lines[1:]) if is_taken_up else []
            self._take(taken_up)
            before = b"" if self.made is None else self.made.line(is_of_this=False)
            packs = b"".join(line + b"\n" for line in taken_up if not line.startswith(_MADE))
            write_in(folder, self._path.name, header + b"\n" + before + packs)
            return
        self._take(lines[1:])
        if not content.endswith(b"\n"):
            with open(folder.open_file(self._path.name, os.O_WRONLY | os.O_APPEND), "ab") as file:  # noqa: PTH123
                file.write(b"\n")

    def _take(self, lines: Iterable[bytes]) -> None:
        for array, index, entry in _packs(lines):
            self._packs.setdefault(array, {})[index] = entry

    def _covered(self, lines: list[bytes]) -> list[bytes]:
        """The lines up to the last one that says of which bytes packs are made, if the file begins with them still."""
        for number in range(len(lines) - 1, -1, -1):
            with suppress(ValueError, RecursionError, KeyError, TypeError):
                if lines[number].startswith(_COVERED):
                    num_bytes, sha1 = json.loads(lines[number])["covered"]
                    return lines[: number + 1] if self.begins_with(int(num_bytes), str(sha1)) else []
        return []

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
        self._append(json.dumps([array, index, entry.hex()]).encode() + b"\n")
        self._has_new = True

    def covered(self, num_bytes: int, sha1: Callable[[], str], is_last: bool = False) -> None:
        """Record what the packs that were added until now are made of, if any new ones were, or nothing comes behind:
        the first bytes of a growing file, and their SHA-1."""
        if self._has_new or is_last:
            self._has_new = False
            self._append(json.dumps({"covered": [num_bytes, sha1()]}).encode() + b"\n")

    def note(self, made: Made) -> None:
        """Record what was made of everything."""
        if made != self.made:
            self._append(made.line(is_of_this=True))

    def close(self) -> None:
        """Stop recording."""
        self._file.close()

    def _append(self, line: bytes) -> None:
        with self._lock:
            self._file.write(line)
            self._file.flush()


def made_before(path: Path) -> Made | None:
    """What a ledger that nobody may be writing notes last as made."""
    try:
        with Folder.at(path.parent) as folder:
            return _made(read_in(folder, path.name).split(b"\n"))
    except OSError:
        return None


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


def _made(lines: Sequence[bytes]) -> Made | None:
    """What was noted last as made of everything."""
    found = (made_of_line(line, lines[0]) for line in reversed(lines) if line.startswith(_MADE))
    return next((made for made in found if made is not None), None)


def made_of_line(line: bytes, header: bytes = b"{}") -> Made | None:
    """What a line notes, of that which a ledger's header names if it is not in it; None where it cannot be read."""
    with suppress(ValueError, RecursionError, KeyError, TypeError):
        told = json.loads(line)
        what = told["what"] if "what" in told else json.loads(header)["what"]
        sha1s = told["sha1s"]
        return Made(told["made"], what, None if sha1s is None else tuple(sha1s))
    return None


def _header(what: Mapping[str, Any]) -> bytes:
    return json.dumps({"what": what}, sort_keys=True).encode()


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
