"""Answers are sent whole, in order, and short calls to a disk are made where that is quickest."""

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from waiting import MOST_SECONDS

from seriesview.node.one_thread import OneThread, ShortCalls
from seriesview.node.server import NodeThread


def exchange(port: int, *requests: str) -> bytes:
    """Send requests at once on one connection; returns all that comes until it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=MOST_SECONDS) as connection:
        heads = [f"{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n" for line in requests]
        connection.sendall("\r\n".join([*heads[:-1], f"{heads[-1]}Connection: close\r\n\r\n"]).encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def test_pipelined_answers_come_in_order(node: NodeThread) -> None:
    received = exchange(node.port, "GET /probe", "HEAD /bucket/demo/none", "GET /nothing", "GET /probe")
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"403", b"200"]
    assert received.count(b'"nodeId"') == 2
    assert received.endswith(b"}")


def test_an_answer_without_a_body_is_sent(node: NodeThread) -> None:
    assert exchange(node.port, "HEAD /bucket/demo/none").startswith(b"HTTP/1.1 404")
    assert exchange(node.port, "OPTIONS /probe").startswith(b"HTTP/1.1 204")


def test_short_calls_are_made_here_until_they_take_long() -> None:
    def here(seconds: float) -> int:
        # A call that takes long.
        time.sleep(seconds)
        return threading.get_ident()

    def broken() -> None:
        raise OSError("gone")

    async def story() -> None:
        with ThreadPoolExecutor(1) as pool:
            short = ShortCalls(pool)
            thread = OneThread(short)
            thread.start(here, 0.0)
            assert await thread.result() == threading.get_ident()
            assert not thread.is_busy
            thread.start(broken)
            with pytest.raises(OSError, match="gone"):
                await thread.result()
            assert await thread.rest() is None
            for _ in range(4):
                OneThread(short).start(here, 0.05)
            slow = OneThread(short)
            slow.start(here, 0.0)
            assert await slow.result() != threading.get_ident()

    asyncio.run(story())
