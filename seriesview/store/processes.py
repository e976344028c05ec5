"""Files that are named after the process that writes them, and whether that process still runs."""

import os
import secrets
import socket


def own_name(suffix: str) -> str:
    """Return a new name for a file of this process: HOST-PID-TOKEN and the suffix."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}{suffix}"


def writer_of(name: str) -> int | None:
    """Return the process of this host that such a name tells, None where it tells none."""
    host, _, process = name.rpartition("-")[0].rpartition("-")
    return int(process) if host == socket.gethostname() and process.isdecimal() else None


def is_running(name: str) -> bool | None:
    """Return whether the writer of a file with such a name is at work; None where that cannot be seen from here."""
    process = writer_of(name)
    if process is None:
        return None
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
