"""Finding the reader of a file: by entry point, by name or by asking each one."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.layout.remote_path import as_text as as_text
from seriesview.layout.remote_path import is_remote as is_remote
from seriesview.layout.remote_path import located as located
from seriesview.readers.folders import Inside, files_behind, recordings_in
from seriesview.readers.known_files import HEAD_BYTES, what_is_known
from seriesview.readers.protocol import Candidate, Reader, ReadOptions, Recording
from seriesview.readers.signatures import is_arrow, is_hdf5
from seriesview.readers.tables.text_lines import is_text_table

GROUP = "seriesview.readers"
# Files and folders of a folder that are looked at where a reader has taken it already.
_FEW = 300

# The order in which readers are asked: the more particular before the more general.
_BUILT_IN = {
    "nwb": "seriesview.readers.nwb.reader:NwbReader",
    "maxwell": "seriesview.readers.maxwell:MaxWellReader",
    "neo_hdf5": "seriesview.readers.adapters.neo:NeoHdf5Reader",
    "hdf5": "seriesview.readers.hdf5.reader:Hdf5Reader",
    "phy": "seriesview.readers.phy.reader:PhyReader",
    "npy": "seriesview.readers.npy:NpyReader",
    "arrow": "seriesview.readers.tables.readers:ArrowReader",
    "edf": "seriesview.readers.edf.reader:EdfReader",
    "spikeglx": "seriesview.readers.spikeglx.reader:SpikeGlxReader",
    "open_ephys": "seriesview.readers.open_ephys:OpenEphysReader",
    "brainvision": "seriesview.readers.brainvision.reader:BrainVisionReader",
    "bci2000": "seriesview.readers.bci2000.reader:Bci2000Reader",
    "spikeinterface": "seriesview.readers.spikeinterface:SpikeInterfaceReader",
    "wav": "seriesview.readers.wav.reader:WavReader",
    "matlab": "seriesview.readers.matlab.reader:MatlabReader",
    "wfdb": "seriesview.readers.wfdb.reader:WfdbReader",
    "miniseed": "seriesview.readers.seismic.miniseed:MiniSeedReader",
    "sac": "seriesview.readers.seismic.sac:SacReader",
    "gse2": "seriesview.readers.seismic.gse2:Gse2Reader",
    "zarr": "seriesview.readers.zarr:ZarrReader",
    "csv": "seriesview.readers.tables.readers:TextTableReader",
    "audio": "seriesview.readers.adapters.audio:AudioReader",
    "tdms": "seriesview.readers.adapters.tdms:TdmsReader",
    "xdf": "seriesview.readers.adapters.xdf:XdfReader",
    "neo": "seriesview.readers.adapters.neo:NeoReader",
    "mne": "seriesview.readers.adapters.mne:MneReader",
    "binary": "seriesview.readers.binary:BinaryReader",
}

# Readers that load large libraries: only files that look like theirs are for them.
_BEGINNINGS: dict[str, Callable[[Path], bool]] = {
    **dict.fromkeys(("nwb", "maxwell", "neo_hdf5", "hdf5"), is_hdf5),
    "arrow": is_arrow,
    "csv": is_text_table,
}

# Readers of files each of which is a recording by itself, and suffixes of files that no other built-in one takes.
_BY_THEMSELVES = frozenset(
    {
        "edf",
        "bci2000",
        "nwb",
        "maxwell",
        "hdf5",
        "npy",
        "arrow",
        "wav",
        "audio",
        "matlab",
        "xdf",
        "csv",
        "binary",
    }
)
# Readers of files that lie in the folders of recordings as well.
_GENERAL = frozenset({"nwb", "hdf5", "npy", "arrow", "matlab", "wav", "audio", "csv", "binary"})
_ALONE = frozenset(
    {".edf", ".bdf", ".wav", ".nwb", ".h5", ".hdf5", ".npz", ".parquet", ".feather", ".arrow", ".csv", ".tsv"}
)


@cache
def _entry_points() -> dict[str, EntryPoint]:
    """Others' readers first, then the built-in ones, known even where the package is not installed."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    others = {name: installed[name] for name in sorted(installed.keys() - _BUILT_IN.keys())}
    built_in = {name: EntryPoint(name, target, GROUP) for name, target in _BUILT_IN.items()}
    return others | built_in


@cache
def _load(name: str) -> Reader:
    point = _entry_points()[name]
    try:
        reader: Reader = point.load()()
    except Exception as error:  # another package's code may fail in any way
        raise ReaderError(f"reader {name}: {point.value} cannot be loaded: {error}") from error
    return reader


def reader_names() -> list[str]:
    """Names of all readers, in the order in which they are asked."""
    return list(_entry_points())


def find_readers() -> dict[str, Reader]:
    """All readers by name, in the order of asking. Raises ReaderError where one cannot be loaded."""
    return {name: _load(name) for name in reader_names()}


def reader_by_name(name: str) -> Reader:
    """The reader of that name. Raises ReaderError that lists the names there are."""
    if name not in _entry_points():
        raise ReaderError(f"reader: there is none called {name!r}; there are {', '.join(reader_names())}")
    return _load(name)


def guess_reader(path: Path) -> Reader:
    """The first reader that takes the file or folder for its own. Raises ReaderError that lists the readers."""
    _check_file(path)
    broken: list[str] = []
    reader = _reader_of(path, broken)
    if reader is None:
        raise ReaderError("; ".join([f"{path}: {_what_to_do(path)}", *broken]))
    return reader


def _reader_of(path: Path, broken: list[str] | None = None) -> Reader | None:
    """The first reader that takes a path for its own; `broken` gets why others cannot be asked."""
    is_folder = path.is_dir()
    begins_like = cache(lambda test: not is_folder and test(path))
    for name in reader_names():
        if name in _BEGINNINGS and not begins_like(_BEGINNINGS[name]):
            continue
        try:
            reader = _load(name)
        except ReaderError as error:
            if broken is not None:
                broken.append(str(error))
            continue
        if (is_folder and not reads_folders(reader)) or (is_remote(path) and not reads_remote(reader)):
            continue
        if reader.can_read(path):
            return reader
    return None


def is_alone(path: Path, name: str | None = None) -> bool:
    """Whether a file is a recording by itself, so that no other one decides what it holds; no reader is loaded."""
    if name is not None or path.is_dir():
        return name == "edf" or name in _BY_THEMSELVES
    return path.suffix.lower() in _ALONE and _entry_points().keys() == _BUILT_IN.keys()


def reads_folders(reader: Reader) -> bool:
    """Whether a reader knows recordings that are folders."""
    return bool(getattr(reader, "reads_folders", False))


def follows(reader: Reader) -> bool:
    """Whether a reader opens recordings that are still written."""
    return bool(getattr(reader, "follows", False))


def owns_folders(reader: Reader) -> bool:
    """Whether nothing in a folder of a reader's is another's."""
    return bool(getattr(reader, "owns_folders", False))


def reads_remote(reader: Reader) -> bool:
    """Whether a reader reads files on other machines by range."""
    return bool(getattr(reader, "reads_remote", False))


def the_recording(path: Path, name: str | None = None) -> Path:
    """What is meant by a path: itself, or the only recording in a folder that is none itself.

    `name`: of the reader, where one is chosen. Raises ReaderError that lists the recordings of a folder of several.
    """
    if not path.is_dir():
        return path
    check_name(path)
    inside = inside_folder(path, name)
    if inside is None:
        return path
    if len(inside.recordings) == 1 and inside.is_whole:
        return inside.recordings[0][0]
    raise ReaderError(_what_to_do(path, inside), file=path)


def inside_folder(folder: Path, name: str | None = None) -> Inside | None:
    """The recordings in a folder, None where it is one itself. Raises ReaderError where it cannot be listed.

    A folder that one reader takes for what lies deeper, and in which others find recordings, too, is none itself.
    """
    if name is None:
        reader_of: Callable[[Path], Reader | None] = _reader_of
    else:
        chosen = reader_by_name(name)

        def reader_of(path: Path) -> Reader | None:
            is_its = (not path.is_dir() or reads_folders(chosen)) and chosen.can_read(path)
            return chosen if is_its else None

    try:
        taker = reader_of(folder)
        if taker is None:
            return recordings_in(folder, reader_of, is_alone)
        return _beside_others(folder, taker) if name is None and not owns_folders(taker) else None
    except OSError as error:
        raise ReaderError(f"a folder that cannot be listed: {error.strerror}", file=folder) from error


def _beside_others(folder: Path, taker: Reader) -> Inside | None:
    """What is in a folder that a reader takes for what lies deeper in it, where there are recordings of others, too."""
    inside = recordings_in(folder, _reader_of, is_alone, most=_FEW)
    if any(
        path.parent == folder and not path.is_dir() for path, reader in inside.recordings if reader is taker
    ):
        return None
    takers = {name for name in reader_names() if _takes_folder(name, folder)}
    others = [path for path, reader in inside.recordings if reader.name not in takers | _GENERAL]
    # What the taker reads of others' folders, as sorted units beside what they were sorted from, it shows itself.
    own = files_behind(folder, taker) if others else set()
    return inside if any(not any(file.is_relative_to(path) for file in own) for path in others) else None


def _takes_folder(name: str, folder: Path) -> bool:
    if name in _BEGINNINGS:
        return False
    try:
        reader = _load(name)
    except ReaderError:
        return False
    return reads_folders(reader) and reader.can_read(folder)


def _what_to_do(path: Path, inside: Inside | None = None) -> str:
    """What helps with a file or folder that no reader knows."""
    if path.is_dir():
        inside = inside or inside_folder(path)
        if inside is not None and inside.recordings:
            return inside.in_words()
        return "a folder that no reader knows, without a recording in it"
    if is_remote(path):
        names = ", ".join(name for name, reader in find_readers().items() if reads_remote(reader))
        return (
            f"on another machine files are read by the readers {names}, and it is none of theirs; download it"
        )
    with path.open("rb") as file:
        known = what_is_known(path, file.read(HEAD_BYTES), reader_names())
    if known is not None:
        return known
    return (
        f"no reader knows this file; set `reader:` to one of {', '.join(reader_names())}, "
        "or write its samples to HDF5, .npy or CSV"
    )


def choose_reader(path: Path, name: str | None = None) -> Reader:
    """The reader called `name`, or the guessed one, for a file that can be read. Raises ReaderError."""
    _check_file(path)
    if name is None:
        return guess_reader(path)
    reader = reader_by_name(name)
    if is_remote(path) and not reads_remote(reader):
        raise ReaderError(
            f"on another machine, and reader {name} reads files of this one: download it", file=path
        )
    if path.is_dir() and not reads_folders(reader):
        raise ReaderError(f"a folder, and reader {name} reads files", file=path)
    return reader


def open_recording(
    path: Path | str, reader: str | None = None, options: ReadOptions | None = None
) -> Recording:
    """Open one dataset of a file or folder; `reader` is guessed where it is None. Raises ReaderError."""
    path = the_recording(located(path), reader)
    return choose_reader(path, reader).open(path, options or ReadOptions())


def list_candidates(path: Path | str, reader: str | None = None) -> list[Candidate]:
    """What the file or folder holds, and what of it cannot be shown, with the reason. Raises ReaderError."""
    path = the_recording(located(path), reader)
    return choose_reader(path, reader).candidates(path)


def why_not_there(path: Path) -> str:
    """What is wrong with a path that leads to no file."""
    if is_remote(path):
        return "its server has no such file"
    if path.is_symlink():
        return f"a symbolic link to {path.readlink()}, which is not there"
    suffix = _suffix_beside(path)
    beside = f"; there is {path.name}{suffix}" if suffix else ""
    return f"no such file{beside} (relative paths start at {Path.cwd()})"


def _suffix_beside(path: Path) -> str:
    """The suffix with which a name that leads to nothing is that of a recording, as WFDB calls its records."""
    with suppress(OSError, ValueError):
        return next((suffix for suffix in (".hea", ".vhdr") if Path(f"{path}{suffix}").is_file()), "")
    return ""


def check_name(path: Path) -> None:
    """Raise ReaderError where a file's name is no text, and so cannot stand in a configuration or a manifest."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise ReaderError(
            f"{shown}: its name is not UTF-8; rename it, or name a symbolic link to it (ln -s)"
        ) from None


def _check_file(path: Path) -> None:
    check_name(path)
    if not path.exists():
        raise ReaderError(why_not_there(path), file=path)
    if path.is_dir():
        return
    if not path.is_file():
        raise ReaderError("not a file", file=path)
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ReaderError(f"cannot be opened: {error.strerror}", file=path) from error
