"""Bytes go to a connection in small pieces, so that a slow network is not taken for a silent one.

`requests` lets each piece that it sends take no longer than connecting may; by itself it sends content as one piece.
"""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from seriesview.cloud.google_upload import PIECE_BYTES, Body


class PiecesAdapter(HTTPAdapter):
    """Sends content in pieces."""

    def send(self, request: PreparedRequest, *arguments: Any, **more: Any) -> Response:
        """See `HTTPAdapter`."""
        content = request.body
        if isinstance(content, bytes) and len(content) > PIECE_BYTES:
            request.body = Body([content], len(content))
        return super().send(request, *arguments, **more)
