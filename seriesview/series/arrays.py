"""Long arrays cut into content-addressed parts: how they are written and read.

An array is rows of one dtype and one row shape, little-endian, C order. Every part but the last holds
`part_rows` rows, every pack but the last `pack_parts` parts. A page lists the SHA-1s of packs and of their parts; the
manifest lists the pages.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import IntegrityError, MissingArtifactError, RequestError
from seriesview.series.array_info import ArrayInfo
from seriesview.series.packing import (
    DIGEST_BYTES,
    PAGE_PACKS,
    pack_digest,
    pack_parts,
    pages_of,
    part_digests,
    part_rows,
)
from seriesview.series.packs import OpenPack, PartPool
from seriesview.store.direct import ALIGNMENT
from seriesview.store.uris import parse_uri, sha1_uri

if TYPE_CHECKING:
    from seriesview.store import Store

_FINISHING_THREADS = 4
DEFAULT_CACHE_BYTES = 256 * 2**20


class ArrayWriter:
    """Writes the rows of one array, in order, as packs of parts; memory is at most `max_in_flight` + 1 part buffers.

    `known_packs` are the entries of the array's first packs, all of them full, from an earlier run: their rows
    are neither hashed nor written again. `append` drops rows below `first_row`; `seek` says that they will
    not even come. `on_pack(index, entry)` is called in the appending thread, in order, once for each full
    pack that this writer wrote. What fails in a writing thread is raised by the next `append` or `finish`.
    """

    def __init__(
        self,
        store: Store,
        dtype: npt.DTypeLike,
        row_shape: Sequence[int],
        *,
        pool: PartPool | None = None,
        known_packs: Sequence[bytes] = (),
        on_pack: Callable[[int, bytes], None] | None = None,
        max_in_flight: int = 2,
    ) -> None:
        self.part_rows = part_rows(dtype, row_shape)
        self.pack_parts = pack_parts(dtype, row_shape)
        self._store = store
        self._dtype = np.dtype(dtype).newbyteorder("<")
        self._row_shape = tuple(row_shape)
        self._owns_pool = pool is None
        self._pool = PartPool(store, workers=1) if pool is None else pool
        self._entries = list(known_packs)
        self._first_row = len(self._entries) * self.part_rows * self.pack_parts
        self._on_pack = on_pack
        self._max_in_flight = max_in_flight
        self._pack: OpenPack | None = None
        self._under_way: deque[tuple[Future[bytes], npt.NDArray[Any]]] = deque()
        self._finishing: deque[tuple[Future[bytes], bool]] = deque()
        self._free: list[npt.NDArray[Any]] = []
        self._buffer: npt.NDArray[Any] | None = None
        self._filled = 0
        self._row = 0
        self.on_rows: Callable[[int, npt.NDArray[Any]], None] | None = None
        """Gets whatever is appended, and the row where it begins, before it is written."""

    @property
    def first_row(self) -> int:
        """The first row that is still to be written when the writer starts: those before it are known."""
        return self._first_row

    @property
    def num_rows(self) -> int:
        """Rows that the writer has seen or was told to be known: where the next appended row goes."""
        return self._row

    @property
    def entries(self) -> tuple[bytes, ...]:
        """Entries of the packs known or written, in order; all of them after `flush`."""
        return tuple(self._entries)

    @property
    def num_packs(self) -> int:
        """How many `entries` there are."""
        return len(self._entries)

    def entry(self, pack: int) -> bytes:
        """One of the `entries`."""
        return self._entries[pack]

    def seek(self, row: int) -> None:
        """Say, before anything is appended, that the first appended row is `row` (at most `first_row`)."""
        if self._row or not 0 <= row <= self._first_row:
            raise ValueError(f"cannot start at row {row}: rows from {self._first_row} on are not known")
        self._row = row

    def append(self, rows: npt.NDArray[Any]) -> None:
        """Take rows (n, *row_shape); they are copied, so the caller may reuse its buffer."""
        if rows.shape[1:] != self._row_shape:
            raise ValueError(f"rows of shape {rows.shape[1:]} for an array of rows {self._row_shape}")
        if self.on_rows is not None:
            self.on_rows(self._row, rows)
        taken = min(max(self._first_row - self._row, 0), len(rows))
        self._row += taken
        while taken < len(rows):
            if self._buffer is None:
                self._buffer = self._next_buffer()
            count = min(self.part_rows - self._filled, len(rows) - taken)
            self._buffer[self._filled : self._filled + count] = rows[taken : taken + count]
            self._filled += count
            self._row += count
            taken += count
            if self._filled == self.part_rows:
                self._submit()
        self._collect(self._max_in_flight)

    def flush(self) -> None:
        """Write what is left as the last part and wait for all packs; nothing can be appended afterwards.

        Packs are on disk when the store was flushed.
        """
        if self._row < self._first_row:
            raise ValueError(f"{self._first_row} rows are known but only {self._row} came")
        if self._filled:
            self._submit()
        if self._pack is not None:
            self._finish_pack()
        self._collect(0)
        self.close()

    def finish(self) -> ArrayInfo:
        """Write the last pack and the pages, and describe the array; nothing can be appended afterwards."""
        self.flush()
        shape = (self._row, *self._row_shape)
        return describe_array(self._store, self._dtype, shape, self.part_rows, self.pack_parts, self._entries)

    def close(self) -> None:
        """Let the buffers, and threads of its own, go; called by `finish`, needed after an error."""
        if self._owns_pool:
            self._pool.close()
        self._under_way.clear()
        self._free.clear()
        self._buffer = None

    def _next_buffer(self) -> npt.NDArray[Any]:
        self._collect(self._max_in_flight)
        return self._free.pop() if self._free else _aligned((self.part_rows, *self._row_shape), self._dtype)

    def _submit(self) -> None:
        assert self._buffer is not None
        if self._pack is None:
            self._pack = self._pool.open_pack()
        self._under_way.append((self._pack.add(self._buffer[: self._filled]), self._buffer))
        self._buffer = None
        self._filled = 0
        if self._pack.num_parts == self.pack_parts:
            self._finish_pack()

    def _finish_pack(self) -> None:
        assert self._pack is not None
        is_full = self._pack.num_parts == self.pack_parts and self._row % self.part_rows == 0
        self._finishing.append((self._pack.finish(), is_full))
        self._pack = None

    def _collect(self, allowed: int) -> None:
        """Take back the buffers of finished parts and the entries of finished packs, in order.

        Waits until at most `allowed` parts and `allowed` packs are under way.
        """
        while self._under_way and (len(self._under_way) > allowed or self._under_way[0][0].done()):
            future, buffer = self._under_way.popleft()
            future.result()
            self._free.append(buffer)
        while self._finishing and (len(self._finishing) > allowed or self._finishing[0][0].done()):
            entry, is_full = self._finishing.popleft()
            self._entries.append(entry.result())
            if self._on_pack is not None and is_full:
                self._on_pack(len(self._entries) - 1, self._entries[-1])

    def __enter__(self) -> ArrayWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def finish_arrays(writers: Sequence[ArrayWriter]) -> list[ArrayInfo]:
    """Finish several arrays at once: each waits for the disk a few times, which they can do together."""
    with ThreadPoolExecutor(_FINISHING_THREADS, thread_name_prefix="seriesview-finish") as executor:
        return list(executor.map(ArrayWriter.finish, writers))


def describe_array(
    store: Store,
    dtype: npt.DTypeLike,
    shape: Sequence[int],
    rows_per_part: int,
    parts_per_pack: int,
    entries: Sequence[bytes],
) -> ArrayInfo:
    """Put the pages of an array whose packs, with these entries in order, are stored, and describe it.

    Like packs, pages are on disk when the store was flushed.
    """
    return ArrayInfo(
        dtype=np.dtype(dtype).name,
        shape=tuple(shape),
        part_rows=rows_per_part,
        pack_parts=parts_per_pack,
        pages=tuple(sha1_uri(store.put_part(page).hex(), "page.dat") for page in pages_of(entries)),
    )


def _aligned(shape: Sequence[int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """An empty array so aligned that the store can write it without a copy."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    skipped = -memory.ctypes.data % ALIGNMENT
    return memory[skipped : skipped + size].view(dtype).reshape(tuple(shape))


class PartCache:
    """The parts read last (pages too), at most `max_bytes` of them (or one); safe to share between threads.

    `on_reading(num_bytes, reads, at_once)` hears what is about to be read by those who share the cache, before it
    is, and may refuse it by an error; `at_once`: into one array in memory.
    """

    def __init__(
        self,
        max_bytes: int = DEFAULT_CACHE_BYTES,
        on_reading: Callable[[int, int, bool], None] | None = None,
    ) -> None:
        self.max_bytes = max_bytes
        self._on_reading = on_reading
        self._bytes = 0
        self._parts: OrderedDict[bytes, npt.NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return PartCache, (self.max_bytes,)

    def will_read(self, num_bytes: int, reads: int = 1, at_once: bool = False) -> None:
        """Say what is about to be read; raises what `on_reading` raises."""
        if self._on_reading is not None:
            self._on_reading(num_bytes, reads, at_once)

    def get(self, digest: bytes) -> npt.NDArray[np.uint8] | None:
        """The part's bytes, or None when they are not here."""
        with self._lock:
            part = self._parts.get(digest)
            if part is not None:
                self._parts.move_to_end(digest)
            return part

    def put(self, digest: bytes, part: npt.NDArray[np.uint8]) -> None:
        """Keep a part, letting the least recently used ones go."""
        with self._lock:
            if digest not in self._parts:
                self._bytes += part.nbytes
            self._parts[digest] = part
            self._parts.move_to_end(digest)
            while self._bytes > self.max_bytes and len(self._parts) > 1:
                _, dropped = self._parts.popitem(last=False)
                self._bytes -= dropped.nbytes

    def clear(self) -> None:
        """Let go of all parts."""
        with self._lock:
            self._parts.clear()
            self._bytes = 0


class ArrayReader:
    """Reads rows of one array; each part is loaded whole and its SHA-1 checked when it enters the cache."""

    def __init__(self, store: Store, info: ArrayInfo, cache: PartCache | None = None) -> None:
        self.info = info
        self.dtype = np.dtype(info.dtype).newbyteorder("<")
        self.row_shape = info.shape[1:]
        self._store = store
        self._cache = cache if cache is not None else PartCache()
        self._row_bytes = self.dtype.itemsize * math.prod(self.row_shape)

    def __len__(self) -> int:
        return self.info.shape[0]

    @property
    def num_parts(self) -> int:
        """How many parts the array has."""
        return self.info.num_parts

    def entry(self, pack: int) -> bytes:
        """What a page says of a pack: its SHA-1, then those of its parts, 20 bytes each; loads and checks the page."""
        number, index = divmod(pack, PAGE_PACKS)
        first = number * PAGE_PACKS
        packs = min(self.info.num_packs - first, PAGE_PACKS)
        parts = min(self.num_parts - first * self.info.pack_parts, packs * self.info.pack_parts)
        digest = bytes.fromhex(parse_uri(self.info.pages[number])[0])
        page = self._load(digest, digest, 0, (packs + parts) * DIGEST_BYTES)
        stride = (1 + self.info.pack_parts) * DIGEST_BYTES
        return page[index * stride : (index + 1) * stride].tobytes()

    def pack_digest(self, pack: int) -> bytes:
        """SHA-1 (20 bytes) of a pack."""
        return pack_digest(self.entry(pack))

    def digest(self, part: int) -> bytes:
        """SHA-1 (20 bytes) of a part."""
        pack, index = divmod(part, self.info.pack_parts)
        return part_digests(self.entry(pack))[index]

    def place(self, part: int) -> tuple[bytes, int, int]:
        """Where a part lies: SHA-1 of its pack, and its bytes [start, end) there."""
        start = self.info.part_offset(part)
        return self.pack_digest(part // self.info.pack_parts), start, start + self.info.part_size(part)

    def part_shape(self, part: int) -> tuple[int, ...]:
        """Shape of one part: (rows, *row_shape)."""
        first = part * self.info.part_rows
        return (min(self.info.part_rows, self.info.shape[0] - first), *self.row_shape)

    def part(self, part: int) -> npt.NDArray[Any]:
        """One part as a read-only array (rows, *row_shape) of the array's dtype.

        Raises IntegrityError, and MissingArtifactError for what was left out.
        """
        shape = self.part_shape(part)
        if not self.info.has_part(part):
            first = part * self.info.part_rows
            raise MissingArtifactError(
                f"rows {first} to {first + shape[0]} were left out when this copy was made; look at whole bins of "
                "a level, or ask who made it for them",
                code="artifact-left-out",
            )
        pack, start, end = self.place(part)
        data = self._load(self.digest(part), pack, start, end)
        return data.view(self.dtype).reshape(shape)

    def spans(self, first_row: int, last_row: int) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """(row, rows from it on) for each part that [first_row, last_row) touches, half-open; no copies."""
        if not 0 <= first_row <= last_row <= len(self):
            raise RequestError(f"rows {first_row} to {last_row} are not within the array's {len(self)} rows")
        row = first_row
        self._cache.will_read((last_row - first_row) * self._row_bytes)
        while row < last_row:
            number, start = divmod(row, self.info.part_rows)
            stop = min(self.info.part_rows, last_row - number * self.info.part_rows)
            yield row, self.part(number)[start:stop]
            row += stop - start

    def read(self, first_row: int, last_row: int) -> npt.NDArray[Any]:
        """Rows (last_row - first_row, *row_shape), half-open; a view within one part, else a copy."""
        if last_row - first_row > self.info.part_rows:
            self._cache.will_read((last_row - first_row) * self._row_bytes, at_once=True)
        pieces = [rows for _, rows in self.spans(first_row, last_row)]
        if len(pieces) == 1:
            return pieces[0]
        if not pieces:
            return np.empty((0, *self.row_shape), self.dtype)
        return np.concatenate(pieces)

    def _load(self, digest: bytes, artifact: bytes, start: int, end: int) -> npt.NDArray[np.uint8]:
        """Bytes [start, end) of an artifact, from the cache or, checked by their SHA-1, from the store."""
        data = self._cache.get(digest)
        if data is None:
            self._cache.will_read(end - start)
            data = np.frombuffer(self._store.get_chunk(digest, artifact, start, end), np.uint8)
            self._cache.put(digest, data)
        elif data.nbytes != end - start:
            raise IntegrityError(
                f"SHA-1 {digest.hex()} has {data.nbytes} bytes, {end - start} are expected; build again",
                sha1=digest.hex(),
            )
        return data
