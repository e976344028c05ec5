"""Which local files may be linked, or stored by their path, on whose word."""

import os
from pathlib import Path

from seriesview.node.callers import Caller
from seriesview.node.node import Node
from seriesview.node.requests import Refused
from seriesview.store.permissions import readable_by
from seriesview.store.reading import opened_path


def check_linkable(node: Node, caller: Caller, path: Path, descriptor: int | None = None) -> None:
    """Raise Refused unless `caller` may have the file at `path` read, which was opened by then where it is given.

    Only kachery clients may: below the configured roots or, where there are none, on this machine, what they can
    read anyway.
    """
    if not caller.is_client:
        raise Refused("files are not linked or stored by path for holders of tokens")
    real = _real(path, descriptor)
    if real.is_relative_to(Path(os.path.realpath(node.directory))):
        raise Refused("files in the storage directory itself are not linked or stored by path")
    roots = node.config.link_roots
    if roots:
        if not any(real.is_relative_to(Path(os.path.realpath(root))) for root in roots):
            raise Refused(f"{path} is not below a folder whose files may be linked (--link-root)")
    elif not caller.local:
        raise Refused("start the node with --link-root DIR to link files for other machines")
    elif node.codes.group is not None and not readable_by(real, node.codes.group):
        raise Refused(
            f"the users of this node cannot all read {path}; start it with --link-root DIR to link it anyway"
        )


def check_sendable(node: Node, path: Path, descriptor: int | None = None) -> None:
    """Raise Refused unless the node may send a file of the storage directory, which may be a linked one.

    Where it is opened, the open file counts, and not what the path leads to by now.

    Whoever may write to a shared directory can make links there by hand, to what this node's user alone can read.
    """
    real = _real(path, descriptor)
    group = node.codes.group
    if group is None or real.is_relative_to(Path(os.path.realpath(node.directory))):
        return
    roots = node.config.link_roots
    if any(real.is_relative_to(Path(os.path.realpath(root))) for root in roots):
        return
    if not readable_by(real, group):
        raise Refused("this hash is linked to a file that the users of this node cannot all read")


def _real(path: Path, descriptor: int | None) -> Path:
    return Path(os.path.realpath(path)) if descriptor is None else opened_path(descriptor, path)
