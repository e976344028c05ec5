"""Finding a kachery daemon or node, and finding out whether its storage can be used from here."""

import http.client
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from seriesview.store.folders import Folder
from seriesview.store.paths import NODE_ADDRESS_FILE

PROBE_SECONDS = 2.0
_MOST_BYTES = 65_536


@dataclass(frozen=True)
class Daemon:
    """What a daemon or node says of itself."""

    address: str
    node_id: str
    directory: Path | None
    """Its storage directory as the daemon's own machine names it."""
    version: str = ""
    """As it says; that of a seriesview node begins with `seriesview`."""
    is_for_figures: bool = False
    """Whether it belongs to a command that shows figures of one directory, and ends with it."""


def probe_daemon(at: tuple[str, int] | None = None) -> Daemon | None:
    """Return the daemon that answers at a host and port, None where none does.

    Without them it is asked for at KACHERY_DAEMON_HOST and KACHERY_DAEMON_PORT.
    """
    host = os.environ.get("KACHERY_DAEMON_HOST", "localhost") if at is None else at[0]
    port = os.environ.get("KACHERY_DAEMON_PORT", "20431") if at is None else at[1]
    try:
        connection = http.client.HTTPConnection(host, int(port), timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/probe")
            response = connection.getresponse()
            if response.status != 200:
                return None
            answer = json.loads(response.read(100_000))
        finally:
            connection.close()
        node_id, directory = answer["nodeId"], answer["kacheryStorageDir"]
        if not isinstance(node_id, str) or not isinstance(directory, str | None):
            return None
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return None
    version = str(answer.get("daemonVersion", ""))
    is_for_figures = answer.get("isForFigures") is True
    return Daemon(
        f"http://{host}:{port}", node_id, Path(directory) if directory else None, version, is_for_figures
    )


def find_node(directory: Path) -> tuple[Daemon, tuple[str, int]] | None:
    """Return the daemon or node that serves a storage directory, and its host and port; None where none does.

    It is asked for where kachery clients look for one, then where a node of this machine noted that it listens.
    """
    for at in (_configured_address(), _noted_address(directory)):
        daemon = probe_daemon(at) if at is not None else None
        if at is not None and daemon is not None and serves(daemon, directory):
            return daemon, at
    return None


def _configured_address() -> tuple[str, int] | None:
    port = os.environ.get("KACHERY_DAEMON_PORT", "20431")
    return (os.environ.get("KACHERY_DAEMON_HOST", "localhost"), int(port)) if port.isdecimal() else None


def _noted_address(directory: Path) -> tuple[str, int] | None:
    try:
        note = json.loads(read_small(directory, NODE_ADDRESS_FILE))
        host, port = note["host"], note["port"]
        if note["machine"] != socket.gethostname() or type(port) is not int or not _is_here(host.strip("[]")):
            return None
        return str(host), port
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _is_here(host: str) -> bool:
    """Return whether an address is one of this machine: a note that others can write leads to no other one."""
    if not host:
        return False
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
    return True


def serves(daemon: Daemon, directory: Path) -> bool:
    """Return whether `directory`, as seen from here, is the daemon's storage directory.

    The node ID in it decides, as for kachery-client; equal paths alone may lie on different machines. A copy
    of a storage directory has the same ID: where the daemon's own path is visible too, both must be one.
    """
    if _node_id(directory) != daemon.node_id:
        return False
    if daemon.directory is None or _node_id(daemon.directory) != daemon.node_id:
        return True
    try:
        return daemon.directory.samefile(directory)
    except OSError:
        return True


def may_use(directory: Path) -> bool:
    """Return whether this user may talk to the daemon of a storage directory: client-auth is readable."""
    for pause in (0.2, 0.2, 0.2, 0.0):
        # The first code is written a moment after the port opens, and a new one replaces it every 3 minutes.
        try:
            if read_small(directory, "client-auth"):
                return True
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            return False
        time.sleep(pause)
    return False


def read_small(directory: Path, name: str) -> bytes:
    """Return the bytes of a node's small file in its storage directory; raises OSError."""
    with Folder.at(directory) as folder:
        return folder.read(name, _MOST_BYTES)


def _node_id(directory: Path) -> str | None:
    try:
        return read_small(directory, "kachery-node-id").decode()
    except (OSError, ValueError):
        return None
