"""HDF5 files: opening them without locks, finding objects through links, attributes as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from seriesview.errors import IntegrityError, ReaderError, one_line
from seriesview.layout.remote_path import RemotePath, located
from seriesview.readers.hdf5.extent import Refused
from seriesview.readers.hdf5.reach import FAILURES, Node, link_target, open_member, parent_of

_LISTED = 20
# Beyond these it is no file of recordings: to look at each object would take minutes.
_MOST_OBJECTS = 100_000
_MOST_LEVELS = 1000


@dataclass(frozen=True)
class Found:
    """An object of a file under the path that leads to it; None where a link leads nowhere, or must not be followed.

    `problem` says why it must not.
    """

    path: str
    node: Node | None
    problem: str | None = None


def open_hdf5(path: Path) -> h5py.File:
    """The file, opened for reading without a lock, so that others may hold one. Raises ReaderError."""
    if isinstance(path, RemotePath):
        try:
            return h5py.File(path.raw(), "r")
        except OSError as error:
            raise ReaderError(f"cannot be opened as HDF5: {one_line(error)}", file=path) from error
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        problem = error
    if "locking flag values" in str(problem):
        # This process has it open with a lock, as pynwb does: then it can be opened in that way only.
        return h5py.File(path, "r")
    if "h5clear" not in str(problem):
        raise ReaderError(f"cannot be opened as HDF5: {one_line(problem)}", file=path) from problem
    try:
        # A file that a writer left open for readers beside it opens in that mode only. It is not for other
        # files: in it HDF5 waits for damaged metadata to become whole, for hours.
        return h5py.File(path, "r", locking=False, swmr=True)
    except OSError:
        raise ReaderError(
            "is open for writing in another program, or was not closed by the one that wrote it; close it "
            "there, or, once nothing writes to it any more, clear its mark: h5clear -s FILE",
            file=path,
        ) from problem


@contextmanager
def readable(path: Path, what: str = "") -> Iterator[None]:
    """Turn what h5py raises for damaged files, and Refused, into a ReaderError about the file and `what` in it."""
    try:
        yield
    except Refused as error:
        raise ReaderError(str(error), file=path) from error
    except FAILURES as error:
        where = (str(path), what) if what else (str(path),)
        reason = one_line(error).strip("'\"") or type(error).__name__
        raise ReaderError(f"damaged, or of a kind that cannot be read: {reason}", file=where) from error


@contextmanager
def naming(path: Path, dataset: str) -> Iterator[None]:
    """Put the dataset's path behind the file's in every ReaderError and IntegrityError raised inside."""
    try:
        yield
    except (ReaderError, IntegrityError) as error:
        file, *inner = error.where or ("",)
        if file != str(path) or inner[:1] == [dataset]:
            raise
        raise error.at(file, dataset, *inner) from error


def child(group: h5py.Group, name: str) -> Node | None:
    """The member of a group, links followed; None where there is none or its link leads nowhere. Raises OutOfReach."""
    node = open_member(group, name)
    return node if isinstance(node, h5py.Group | h5py.Dataset) else None


def child_dataset(group: h5py.Group, name: str) -> h5py.Dataset | None:
    """The dataset of that name in a group, or None."""
    node = child(group, name)
    return node if isinstance(node, h5py.Dataset) else None


def outward(group: h5py.Group) -> Iterator[h5py.Group]:
    """The group and those around it, up to the root."""
    while True:
        yield group
        if group.name in ("/", None):
            return
        group = parent_of(group)


def names(group: h5py.Group) -> list[str]:
    """Names of a group's members, in order."""
    return sorted(name for name in group if isinstance(name, str))


def other_names(group: h5py.Group) -> list[str]:
    """Names that are not UTF-8, as far as they can be read: h5py gives bytes for them."""
    return sorted(name.decode("utf-8", "replace") for name in group if isinstance(name, bytes))


def walk(file: h5py.File, skip: Sequence[str] = ()) -> Iterator[Found]:
    """Every object below the root once, parents first, groups in order of names; links followed.

    `skip`: paths of groups that are left out. Raises Refused where there are too many to look at.
    """
    seen, num_broken = {identity_of(file)}, 0
    waiting = [Found("", file)]
    while waiting:
        if len(seen) + num_broken > _MOST_OBJECTS:
            raise Refused(
                f"holds more than {_MOST_OBJECTS} objects, too many to list; name the one that is meant with `dataset`"
            )
        found = waiting.pop()
        if found.path:
            yield found
        if not isinstance(found.node, h5py.Group):
            continue
        if found.path.count("/") == _MOST_LEVELS:
            yield Found(
                found.path, None, f"groups in it that are more than {_MOST_LEVELS} deep are not looked at"
            )
            continue
        children = [Found(f"{found.path}/{name}", None) for name in other_names(found.node)]
        for name in names(found.node):
            path = f"{found.path}/{name}"
            if path in skip:
                continue
            try:
                node = open_member(found.node, name)
            except Refused as error:
                children.append(Found(path, None, str(error)))
                continue
            if not isinstance(node, h5py.Group | h5py.Dataset):
                if node is None:
                    children.append(Found(path, None))
                continue
            identity = identity_of(node)
            if identity not in seen:
                seen.add(identity)
                children.append(Found(path, node))
        num_broken += sum(each.node is None for each in children)
        waiting.extend(reversed(children))


def find_node(
    file: h5py.File, path: Path, dataset: str, known: Callable[[], Sequence[str]], key: str = "dataset"
) -> Node:
    """The object at a path inside the file. Raises ReaderError that lists the `known` ones and names the `key`."""
    node = child(file, dataset)
    if node is not None:
        return node
    link = _broken_link(file, dataset)
    if link is not None:
        raise ReaderError(f"{key}: {dataset} is a link to {link}, which is not there", file=path)
    raise ReaderError(f"{key}: {dataset} is not in this file; there are {listing(known())}", file=path)


def listing(names: Sequence[str]) -> str:
    """The first names, and how many more."""
    if not names:
        return "none"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def inner_path(dataset: str) -> str:
    """A path inside the file with its leading slash and without a trailing one."""
    return "/" + dataset.strip("/")


def file_of(node: Node) -> Path:
    """The file that really holds the object."""
    return located(str(node.file.filename))


def attribute(node: Node, name: str) -> Any:
    """An attribute as a number, str or list of them; None where there is none or it is something else."""
    return plain(raw_attribute(node, name))


def raw_attribute(node: Node, name: str) -> Any:
    """An attribute as h5py gives it; None where there is none, or one that cannot be read."""
    try:
        return node.attrs.get(name)
    except FAILURES:
        return None


def dtype_of(dataset: h5py.Dataset) -> np.dtype[Any] | None:
    """The numpy dtype of a dataset; None where numpy has none for it."""
    try:
        dtype: np.dtype[Any] = dataset.dtype
    except FAILURES:
        return None
    return dtype


def plain(value: Any) -> Any:
    """bytes and numpy values as str, int, float, bool or lists of them; an array of one as its element."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        items = [plain(item) for item in value.ravel().tolist()]
        return items[0] if value.size == 1 else items
    if isinstance(value, np.longdouble):
        return float(value)
    if isinstance(value, np.generic):
        return plain(value.item())
    return value if isinstance(value, str | int | float | bool) else None


def number(value: Any) -> float | None:
    """The value as a float, if it is a number or the text of one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def decimal(value: Any) -> float | None:
    """What a number stored with few bits means: the decimal that it was written from; None for all others."""
    return float(str(value)) if isinstance(value, np.float32 | np.float16) else None


def text(value: Any) -> str | None:
    """The value, if it is a text with something in it."""
    return value.strip() or None if isinstance(value, str) else None


def identity_of(node: Node) -> tuple[int, int]:
    """What tells an object from all others, whatever path leads to it."""
    info = h5py.h5o.get_info(node.id)
    return info.fileno, info.addr


def _broken_link(file: h5py.File, dataset: str) -> str | None:
    """What the first link on the way that leads nowhere points at."""
    parts = dataset.strip("/").split("/")
    group: Node | None = file
    for part in parts:
        if not isinstance(group, h5py.Group):
            return None
        found = child(group, part)
        if found is None:
            return link_target(group, part)
        group = found
    return None
