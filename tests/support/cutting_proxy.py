"""A TCP proxy that breaks connections at the worst moments."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class CuttingProxy:
    """Passes bytes between clients and a port of this machine, as long as it is told to."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._lost: bytes | None = None
        self.num_lost = self.num_turned_away = 0
        self.is_away = False
        self.bytes_per_second: float | None = None
        """What clients send is passed on no faster, in connections from then on."""
        self._silenced: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break all connections that are open."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def silence(self) -> None:
        """Pass nothing on any more in the connections that are open; they stay open."""
        with self._lock:
            self._silenced |= self._open

    def lose_answer_with(self, text: bytes) -> None:
        """Break the next connection whose answer has `text`, before its client gets any of it."""
        self._lost = text

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.bytes_per_second:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            if self.is_away:
                client.close()
                self.num_turned_away += 1
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open |= {client, server}
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if is_answer and self._lost is not None and self._lost in data:
                    self._lost = None
                    self.num_lost += 1
                    break
                if self.bytes_per_second and not is_answer:
                    # As slow as a connection of that rate.
                    time.sleep(len(data) / self.bytes_per_second)
                if source not in self._silenced:
                    target.sendall(data)
        if source in self._silenced:
            return
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
