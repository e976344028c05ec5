"""uvicorn's HTTP connection, with limits on what a client may send before its request is understood."""

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from seriesview.node.config import Limits
from seriesview.node.crowd import Crowd

_EMPTY_SECONDS = 0.1
"""How long chunks may take to follow a Content-Length of 0."""


def connection_class(limits: Limits, crowd: Crowd) -> type[HttpToolsProtocol]:
    """Return a protocol class for uvicorn that keeps to `limits`, and has its place in the `crowd`."""

    class NodeConnection(HttpToolsProtocol):
        """One client's connection."""

        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            # kachery-client announces an empty file both ways; where there are chunks, they count (RFC 9112, 6.3).
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True, lenient_chunked_length=True)
            self._empty_timer: asyncio.TimerHandle | None = None
            self._is_ended = False
            self._head_timer: asyncio.TimerHandle | None = None
            self._in_head = True
            self._stray_bytes = 0
            self._had_progress = False
            self._when_lost: Callable[[], None] | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._expect_head()
            self._member = crowd.join(transport.abort)

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel_head_timer()
            self._cancel_empty_timer()
            self._member.leave()
            super().connection_lost(exc)
            if self._when_lost is not None:
                self._when_lost()

        def data_received(self, data: bytes) -> None:
            if self._is_ended:
                return
            self._had_progress = False
            super().data_received(data)
            # Heads, trailers and chunk extensions are kept in memory until they end.
            self._stray_bytes = 0 if self._had_progress else self._stray_bytes + len(data)
            if self._stray_bytes > limits.head_bytes and not self.transport.is_closing():
                self._refuse_head()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._in_head = True
            if self._head_timer is None:
                self._expect_head()
            self.scope["state"]["transport"] = self.transport
            self.scope["state"]["call_when_lost"] = self._call_when_lost
            self.scope["state"]["identify"] = self._member.identify

        def on_header(self, name: bytes, value: bytes) -> None:
            if self._in_head:
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self._in_head = False
            self._had_progress = True
            self._cancel_head_timer()
            self._member.begin()
            super().on_headers_complete()
            headers = dict(self.headers)
            if b"transfer-encoding" in headers and b"content-length" in headers:
                self.cycle.keep_alive = False
                if headers[b"content-length"] == b"0":
                    self._empty_timer = self.loop.call_later(_EMPTY_SECONDS, self._end_empty_body)

        def on_body(self, body: bytes) -> None:
            self._had_progress = True
            self._cancel_empty_timer()
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._had_progress = True
            self._cancel_empty_timer()
            super().on_message_complete()

        def on_response_complete(self) -> None:
            if self.cycle.response_complete and self.cycle.more_body:
                self.transport.close()
            super().on_response_complete()
            if self.cycle.response_complete and not self.pipeline:
                self._member.end()

        def _call_when_lost(self, call: Callable[[], None]) -> None:
            self._when_lost = call

        def _expect_head(self) -> None:
            self._head_timer = self.loop.call_later(limits.head_seconds, self.transport.abort)

        def _cancel_head_timer(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _end_empty_body(self) -> None:
            """Take a body announced as empty for empty: kachery-client never sends the chunk that ends it."""
            self._is_ended = True
            self.cycle.more_body = False
            self.cycle.message_event.set()

        def _cancel_empty_timer(self) -> None:
            if self._empty_timer is not None:
                self._empty_timer.cancel()
                self._empty_timer = None

        def _refuse_head(self) -> None:
            text = b"the request's headers are too large"
            self.transport.write(
                b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\n"
                b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text)
            )
            self.transport.close()

    return NodeConnection
