"""A port of this machine at which nothing answers for as long as the tests run."""

import socket

# Held without listening: whoever asks is refused, and no server of another test can take it.
_HELD = socket.socket()
_HELD.bind(("127.0.0.1", 0))
CLOSED_PORT = int(_HELD.getsockname()[1])
