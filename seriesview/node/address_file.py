"""Where the node of a storage directory listens, noted in the directory for whoever works on the same one."""

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

from seriesview.node.private_files import write_atomically
from seriesview.store.folders import Folder
from seriesview.store.paths import NODE_ADDRESS_FILE


class AddressFile:
    """The note of one node: there while it runs. Whoever reads it probes the address before using it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NODE_ADDRESS_FILE
        self._text = b""

    def write(self, host: str, port: int) -> None:
        """Note where this node is reached from its own machine; where that cannot be written nothing is noted."""
        note = {"machine": socket.gethostname(), "host": host, "port": port, "process": os.getpid()}
        self._text = json.dumps(note, sort_keys=True).encode()
        with suppress(OSError):
            write_atomically(self._path, self._text, 0o644)

    def remove(self) -> None:
        """Remove the note, unless it is another node's by now."""
        with suppress(OSError), Folder.at(self._path.parent) as folder:
            if folder.read(self._path.name, len(self._text) + 1) == self._text:
                folder.unlink(self._path.name)
