"""Writing packs: parts at their places in one staged file, by a few threads, hashed as parts and in order as a pack."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from seriesview.store import staging
from seriesview.store.buffers import byte_view
from seriesview.store.chunks import sha1_digest

if TYPE_CHECKING:
    from seriesview.store import Store


class PartPool:
    """A few threads that hash and write parts; one pool can serve many `ArrayWriter`s."""

    def __init__(self, store: Store, workers: int = 2) -> None:
        self._store = store
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="seriesview-parts")
        self._open: list[OpenPack] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(target=self._touch, name="seriesview-touch", daemon=True).start()

    def open_pack(self) -> OpenPack:
        """Begin a pack; raises StoreError."""
        pack = OpenPack(self._store, self._executor.submit)
        with self._lock:
            self._open = [*(before for before in self._open if not before.is_closed), pack]
        return pack

    def close(self) -> None:
        """Wait for the parts under way and let the threads go; packs that are not finished are dropped."""
        self._closed.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
        for pack in self._open:
            pack.discard()
        self._open.clear()

    def _touch(self) -> None:
        """Touch the packs that are open, again and again: those of coarse levels get their parts days apart."""
        while not self._closed.wait(staging.TOUCH_SECONDS):
            with self._lock:
                packs = list(self._open)
            for pack in packs:
                pack.touch()

    def __enter__(self) -> PartPool:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class OpenPack:
    """A pack that gets its parts. Its threads take them in the order in which they were added."""

    def __init__(self, store: Store, submit: Callable[..., Future[bytes]]) -> None:
        self._submit = submit
        self._staged = store.stage_pack()
        self._hash = hashlib.sha1(usedforsecurity=False)
        self._parts: list[Future[bytes]] = []
        self._size = 0

    @property
    def num_parts(self) -> int:
        """Parts added so far."""
        return len(self._parts)

    @property
    def is_closed(self) -> bool:
        """Whether the pack is in the store, or was dropped."""
        return self._staged.is_closed

    def add(self, rows: npt.NDArray[Any]) -> Future[bytes]:
        """Write the next part from a contiguous array, unchanged until the future is done; gives its SHA-1."""
        view = byte_view(rows)
        previous = self._parts[-1] if self._parts else None
        self._parts.append(self._submit(self._write, view, self._size, previous))
        self._size += len(view)
        return self._parts[-1]

    def finish(self) -> Future[bytes]:
        """Put the pack into the store when its parts are written; gives its entry in a page."""
        return self._submit(self._keep, self._parts)

    def touch(self) -> None:
        """Show others that its writer is at work."""
        self._staged.touch()

    def discard(self) -> None:
        """Drop the pack unless it is in the store; no thread may be at work on it."""
        self._staged.discard()

    def _write(self, view: memoryview, offset: int, previous: Future[bytes] | None) -> bytes:
        self._staged.write(view, offset)
        digest = sha1_digest(view)
        if previous is not None:
            previous.result()  # it was submitted before, so a thread has it
        self._hash.update(view)
        return digest

    def _keep(self, parts: Sequence[Future[bytes]]) -> bytes:
        digests = b"".join(part.result() for part in parts)
        digest = self._hash.digest()
        self._staged.keep(digest.hex(), self._size)
        return digest + digests
