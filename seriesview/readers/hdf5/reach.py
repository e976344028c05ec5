"""Which files an HDF5 file may lead to: its links, virtual datasets and external samples name others, anywhere.

Whoever writes an HDF5 file can name any file of whoever reads it. So only those in the recording's own folder are
opened, unless the reader of the recording says that the others are meant.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import h5py

from seriesview.layout.remote_path import is_remote
from seriesview.readers.hdf5.extent import Refused, extent_problem

Node: TypeAlias = h5py.Group | h5py.Dataset

# What h5py raises for objects that are not there, are damaged or of a kind that it does not know.
FAILURES = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)

# As many links after another as HDF5 itself follows, and as many virtual datasets in each other as are met.
_MOST_LINKS = 16
_MOST_LEVELS = 8
_MOST_BLOCKS = 100_000

Identity: TypeAlias = tuple[int, int]


class OutOfReach(Refused):
    """An object is in a file that must not be opened for the recording."""


@dataclass(frozen=True)
class Elsewhere:
    """Another file that a dataset's samples are in, as it was when it was looked at."""

    path: Path
    identity: Identity
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class _Reach:
    folders: tuple[Path, ...] = ()
    follow_external: bool = False
    is_remote: bool = False
    looked_at: dict[tuple[int, int], tuple[Elsewhere, ...]] = field(default_factory=dict)


# Without a recording, nothing but the file itself.
_reach: ContextVar[_Reach | None] = ContextVar("reach", default=None)
_follow: ContextVar[bool] = ContextVar("follow", default=False)


@contextmanager
def following_external() -> Iterator[None]:
    """Let every recording opened inside lead to files outside its folder, whatever its options say."""
    token = _follow.set(True)
    try:
        yield
    finally:
        _follow.reset(token)


@contextmanager
def reach_of(path: Path, follow_external: bool = False) -> Iterator[None]:
    """Let objects opened inside be in files in the folder of the recording at `path`, or below it; or anywhere."""
    if is_remote(path):
        reach = _Reach(is_remote=True)
    else:
        folders = {path.absolute().parent.resolve(), path.resolve().parent}
        reach = _Reach(tuple(sorted(folders)), follow_external or _follow.get())
    token = _reach.set(reach)
    try:
        yield
    finally:
        _reach.reset(token)


def open_member(group: h5py.Group, name: str) -> Any:
    """What `group[name]` is; None where there is nothing. Raises OutOfReach.

    HDF5 looks for what links name without asking: so each link on the way is looked at before it is followed, and
    the file that was opened is compared with the one that was looked at.
    """
    try:
        if "/" not in name and _link_type(group, name) == h5py.h5l.TYPE_HARD:
            return _checked(group[name])
    except FAILURES:
        return None
    with ExitStack() as opened:
        end = _end_of_way(group, name, opened, 0)
        if end is None:
            return None
        expected = _identity(end)
    try:
        node = group[name]
    except FAILURES:
        return None
    if _identity(node) != expected:
        raise OutOfReach(f"{_place(group, name)}: the file that it leads to was replaced while it was opened")
    return _checked(node)


def parent_of(node: Node) -> h5py.Group:
    """The group around an object, as its name says; the root where that leads nowhere. Raises OutOfReach."""
    place = str(node.name or "/").strip("/").rpartition("/")[0]
    parent = open_member(node.file, place) if place else None
    return parent if isinstance(parent, h5py.Group) else node.file["/"]


def has_member(group: h5py.Group, name: str) -> bool:
    """Whether a group has a member of that name, even a link that leads nowhere."""
    try:
        return bool(group.id.links.exists(name.encode()))
    except FAILURES:
        return False


def link_target(group: h5py.Group, name: str) -> str | None:
    """What the link of that name points at, in words; None where it is none."""
    try:
        kind = _link_type(group, name)
        if kind == h5py.h5l.TYPE_SOFT:
            return _text(group.id.links.get_val(name.encode()))
        if kind == h5py.h5l.TYPE_EXTERNAL:
            file, inner = group.id.links.get_val(name.encode())
            return f"{_text(inner)} in {_text(file)}"
    except FAILURES:
        pass
    return None


def elsewhere(dataset: h5py.Dataset) -> tuple[Elsewhere, ...]:
    """The other files that a dataset's values are in, those of the datasets that it is made of too.

    Files that are not there are left out. Raises OutOfReach.
    """
    return _elsewhere(dataset, ())


def check_unchanged(files: Sequence[Elsewhere]) -> None:
    """Raise OSError where one of the files is no longer what it was."""
    for file in files:
        if _looked_at(file.path) != file:
            raise OSError(f"{file.path}, which holds a part of it, changed while it was read")


def missing_part(dataset: h5py.Dataset) -> str | None:
    """The name of a file that a part of the dataset is in and that is not there: HDF5 reads other values for it."""
    for name in _virtual_names(dataset):
        if "%" not in name.replace("%%", "") and _first_place(name, dataset, "HDF5_VDS_PREFIX") is None:
            return name
    return None


def checked_dataset(dataset: h5py.Dataset) -> h5py.Dataset:
    """The dataset, which came by a reference, if its values may be read. Raises OutOfReach, TypeError for others."""
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError("a reference to something that is no dataset")
    elsewhere(dataset)
    return dataset


def _checked(node: Any) -> Any:
    if isinstance(node, h5py.Dataset):
        elsewhere(node)
    return node


def _end_of_way(group: h5py.Group, path: str, opened: ExitStack, links: int) -> Any:
    """The object that a path leads to, found link by link in files kept open by `opened`; None: nowhere."""
    node: Any = group
    for name in path.split("/"):
        if name in ("", "."):
            continue
        try:
            kind = _link_type(node, name)
            if kind == h5py.h5l.TYPE_HARD:
                node = node[name]
                continue
            value = node.id.links.get_val(name.encode("utf-8", "surrogateescape"))
        except (*FAILURES, AttributeError):
            return None
        if links == _MOST_LINKS:
            return None
        if kind == h5py.h5l.TYPE_SOFT:
            target = _text(value)
            start = node.file["/"] if target.startswith("/") else node
            node = _end_of_way(start, target, opened, links + 1)
        elif kind == h5py.h5l.TYPE_EXTERNAL:
            file = _opened(_text(value[0]), node, "HDF5_EXT_PREFIX", _place(node, name), opened)
            node = None if file is None else _end_of_way(file, _text(value[1]), opened, links + 1)
        else:
            return None
        if node is None:
            return None
    return node


def _opened(name: str, holder: Node, prefix: str, what: str, opened: ExitStack) -> h5py.File | None:
    """The file that an object in `holder`'s file names, if it may be opened; None where it is not there."""
    place = _first_place(name, holder, prefix)
    if place is None:
        return None
    _check_reach(place, what)
    try:
        return opened.enter_context(h5py.File(place, "r", locking=False))
    except FAILURES:
        return None


def _first_place(name: str, holder: Node, prefix: str) -> Path | None:
    """Where HDF5 finds a file that is named in another one: the first place of its search where there is one."""
    file = Path(os.fsdecode(str(holder.file.filename))).absolute()
    places, rest = [], name
    if name.startswith("/"):
        places, rest = [Path(name)], name.rpartition("/")[2]
    prefixes = os.environ.get(prefix, "").replace("${ORIGIN}", str(file.parent)).split(":")
    places += [Path(each) / rest for each in prefixes if each]
    places += [file.parent / rest, Path(rest), file.resolve().parent / rest]
    return next((place for place in places if _exists(place)), None)


def _exists(place: Path) -> bool:
    try:
        place.stat()
    except (OSError, ValueError):
        return False
    return True


def _check_reach(place: Path, what: str) -> None:
    """Raise OutOfReach where a file must not be opened for the recording."""
    reach = _reach.get() or _Reach()
    if reach.is_remote:
        raise OutOfReach(
            f"{what} is in another file, {place.name}, which a file on another machine may not lead to"
        )
    real = place.resolve()
    if not stat.S_ISREG(real.stat().st_mode):
        raise OutOfReach(f"{what} is in {real}, which is no regular file")
    if reach.follow_external or any(_is_below(real, folder) for folder in reach.folders):
        return
    raise OutOfReach(
        f"{what} is in {real}, outside the recording's own folder; "
        "set `follow_external: true` (or --follow-external) if it belongs to the recording"
    )


def _is_below(real: Path, folder: Path) -> bool:
    """Whether a file lies in a folder or below it, and not in a hidden one: keys and passwords are kept there."""
    return real.is_relative_to(folder) and not any(
        part.startswith(".") for part in real.relative_to(folder).parts
    )


def _elsewhere(dataset: h5py.Dataset, around: tuple[tuple[int, int], ...]) -> tuple[Elsewhere, ...]:
    properties = dataset.id.get_create_plist()
    kind = properties.get_layout()
    if kind not in (h5py.h5d.CONTIGUOUS, h5py.h5d.VIRTUAL):
        return ()
    num_external = properties.get_external_count() if kind == h5py.h5d.CONTIGUOUS else 0
    if kind == h5py.h5d.CONTIGUOUS and not num_external:
        return ()
    identity = _object(dataset)
    reach = _reach.get() or _Reach()
    if identity in reach.looked_at:
        return reach.looked_at[identity]
    what = _place(dataset)
    if identity in around or len(around) == _MOST_LEVELS:
        raise OutOfReach(f"{what} is a virtual dataset that is made of itself, or of too many in each other")
    found: dict[Path, Elsewhere] = {}
    if num_external:
        for index in range(num_external):
            name = _text(properties.get_external(index)[0])
            place = _external_place(name, dataset)
            if _exists(place):
                _check_reach(place, what)
                found[place] = _looked_at(place)
    else:
        for each in _virtual_parts(dataset, (*around, identity)):
            found.setdefault(each.path, each)
    reach.looked_at[identity] = tuple(found.values())
    return reach.looked_at[identity]


def _external_place(name: str, dataset: h5py.Dataset) -> Path:
    """Where HDF5 reads external samples: at a relative name from the working directory on, unless told otherwise."""
    folder = Path(str(dataset.file.filename)).absolute().parent
    prefix = os.environ.get("HDF5_EXTFILE_PREFIX", "").replace("${ORIGIN}", str(folder))
    return (Path(prefix) / name if prefix else Path(name)).absolute()


def _virtual_parts(dataset: h5py.Dataset, around: tuple[tuple[int, int], ...]) -> Iterator[Elsewhere]:
    what = _place(dataset)
    for name, inner in _virtual_sources(dataset):
        with ExitStack() as opened:
            if name == ".":
                file: h5py.File | None = dataset.file
            else:
                file = _opened(name, dataset, "HDF5_VDS_PREFIX", what, opened)
            source = None if file is None else _end_of_way(file, inner, opened, 0)
            if isinstance(source, h5py.Dataset):
                problem = extent_problem(source)
                if problem is not None:
                    raise OutOfReach(
                        f"{what}: {_place(source)} in {source.file.filename}, a part of it: {problem}"
                    )
                if _identity(source) != _identity(dataset):
                    yield _looked_at(Path(str(source.file.filename)).absolute())
                yield from _elsewhere(source, around)


def _virtual_sources(dataset: h5py.Dataset) -> Iterator[tuple[str, str]]:
    """File and path of each dataset that a virtual one is made of, once; with the numbers that names leave open."""
    pairs = dict.fromkeys((source.file_name, source.dset_name) for source in dataset.virtual_sources())
    for file, inner in pairs:
        if "%b" not in (file + inner).replace("%%", ""):
            yield file.replace("%%", "%"), inner.replace("%%", "%")
            continue
        # HDF5 goes on to the first number that is not there.
        for block in count():
            numbered = [_with_block(text, block) for text in (file, inner)]
            missing = numbered[0] != "." and _first_place(numbered[0], dataset, "HDF5_VDS_PREFIX") is None
            if missing or block == _MOST_BLOCKS or ("%b" not in file and block):
                break
            yield numbered[0], numbered[1]


def _with_block(text: str, block: int) -> str:
    return "%".join(part.replace("%b", str(block)) for part in text.split("%%"))


def _virtual_names(dataset: h5py.Dataset) -> list[str]:
    """The names of files that a virtual dataset is made of, without its own; none of another dataset."""
    if not dataset.is_virtual:
        return []
    return sorted({source.file_name for source in dataset.virtual_sources()} - {"."})


def _looked_at(place: Path) -> Elsewhere:
    try:
        status = place.stat()
    except OSError:
        return Elsewhere(place, (0, 0), 0, 0)
    return Elsewhere(place, (status.st_dev, status.st_ino), status.st_size, status.st_mtime_ns)


def _identity(node: Any) -> Identity:
    """Device and inode of the file that the library really opened; of a remote one the library's own number."""
    if node.file.driver == "fileobj":
        return -1, h5py.h5o.get_info(node.id).fileno
    status = os.fstat(node.file.id.get_vfd_handle())
    return status.st_dev, status.st_ino


def _object(node: Node) -> tuple[int, int]:
    info = h5py.h5o.get_info(node.id)
    return info.fileno, info.addr


def _link_type(group: h5py.Group, name: str) -> int:
    return int(group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type)


def _place(node: Node, name: str = "") -> str:
    place = str(node.name or "").rstrip("/")
    return f"{place}/{name}" if name else place or "/"


def _text(value: bytes | str) -> str:
    return os.fsdecode(value)
