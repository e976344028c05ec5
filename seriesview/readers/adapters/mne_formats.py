"""Which files and folders are read through MNE: by suffix and by what they begin with."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from seriesview.errors import ReaderError
from seriesview.readers.tables.text_lines import BOXY, EYELINK

_HEAD_BYTES = 4096
_MOST_ENTRIES = 4096
_DIRECTORY_POINTER = 101
_MATLAB = (b"MATLAB 5.0", b"MATLAB 7.3", b"\x89HDF\r\n\x1a\n")
_EPOCHS = "of EEGLAB continuous datasets can be shown, epochs cannot: name the one that they were cut from"
_NIHON_KOHDEN = (b"EEG-1100", b"EEG-1200A", b"EEG-2100 ", b"QI-403A ", b"DAE-2100D")


@dataclass(frozen=True)
class MneFormat:
    """One format: how it is known, and which function of `mne.io` reads it."""

    name: str
    function: str
    suffixes: tuple[str, ...]
    """Of its files, or of the folder that a recording is."""
    begins: Callable[[bytes], bool] = lambda head: True
    """Whether a file begins like one of the format."""
    holds: Callable[[Path], bool] = lambda path: True
    """Whether what is beside a file, or in a folder, is as it must be."""
    target: Callable[[Path], Path] = lambda path: path
    """What the function is given."""
    arguments: Callable[[Path], dict[str, Any]] = lambda path: {}
    is_folder: bool = False
    knows_zone: bool = False
    """Whether its date is a moment in UTC; else it is the local time of the recording, which MNE calls UTC."""
    is_lazy: bool = True
    """Whether its function can be told to leave samples where they are."""
    needs: str | None = None
    """The package that MNE reads it with, beside what MNE itself needs."""
    advice: str | None = None
    """What helps where MNE refuses a file."""


def _is_simple_egi(head: bytes) -> bool:
    """Version 2 to 7, then year, month, day, hour, minute and second (big-endian)."""
    if len(head) < 16:
        return False
    version, year = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:6], "big")
    month, day, hour = (int.from_bytes(head[at : at + 2], "big") for at in (6, 8, 10))
    return 2 <= version <= 7 and 1980 < year < 2100 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24


def _is_kit(head: bytes) -> bool:
    """The directory's first offset leads behind the directory."""
    return len(head) > 32 and 100 < int.from_bytes(head[16:20], "little") < 1 << 20


def _is_ant(head: bytes) -> bool:
    """RIFF, or RF64 with a size of 64 bits, as ANT writes it."""
    return head[:4] + head[8:12] == b"RIFFCNT " or head[:4] + head[12:16] == b"RF64CNT "


def _cnt_arguments(path: Path) -> dict[str, Any]:
    """Which integers a Neuroscan file holds, where its count of samples does not tell it, and what marks bad channels.

    Channels stand at byte 370, samples at 864, the place of events at 886, the end of the file that a program wrote at
    12; whether samples have 32 bits stands 52 bytes behind that (as EEGLAB's loadcnt has it).
    """
    with path.open("rb") as file:
        head = file.read(900)
        if len(head) < 900:
            return {"header": "new"}
        channels = int.from_bytes(head[370:372], "little")
        samples, events = (int.from_bytes(head[at : at + 4], "little") for at in (864, 886))
        size = events - 900 - 75 * channels
        if channels and samples and size in (2 * channels * samples, 4 * channels * samples):
            return {"header": "new"}
        file.seek(int.from_bytes(head[12:16], "little") + 52)
        flag = file.read(1)
    formats = {b"\0": "int16", b"\x01": "int32"}
    return {"header": "new"} | ({"data_format": formats[flag]} if flag in formats else {})


def _with(suffix: str, begins: bytes = b"") -> Callable[[Path], bool]:
    return lambda path: path.with_suffix(suffix).is_file() and begins in _head(path.with_suffix(suffix))


def _bti_data(folder: Path) -> Path | None:
    return next((each for each in _entries(folder) if each.name.startswith(("c,rf", "e,rf"))), None)


def _bti_arguments(path: Path) -> dict[str, Any]:
    folder = path if path.is_dir() else path.parent
    shape = folder / "hs_file"
    config = {"config_fname": str(folder / "config"), "rename_channels": False}
    return {**config, "head_shape_fname": str(shape) if shape.is_file() else None}


FORMATS = (
    MneFormat("FIF", "fif", (".fif",), lambda head: head[:8] == b"\0\0\0\x64\0\0\0\x1f", knows_zone=True,
              arguments=lambda path: {"allow_maxshield": "yes", "on_split_missing": "warn"},
              advice="name the raw recording (_raw.fif): averages, epochs and sources cannot be shown"),
    MneFormat("EEGLAB", "eeglab", (".set",), lambda head: head.startswith(_MATLAB), advice=_EPOCHS),
    MneFormat("EEGLAB", "eeglab", (".fdt",), holds=_with(".set", b"MATLAB"), advice=_EPOCHS,
              target=lambda path: path.with_suffix(".set")),
    MneFormat("CTF", "ctf", (".ds",), is_folder=True,
              holds=lambda path: any(each.suffix == ".meg4" for each in _entries(path)),
              arguments=lambda path: {"system_clock": "ignore"}),
    MneFormat("CTF", "ctf", (".meg4", ".res4"), lambda head: head.startswith(b"MEG4"),
              holds=lambda path: path.parent.suffix == ".ds", target=lambda path: path.parent,
              arguments=lambda path: {"system_clock": "ignore"}),
    MneFormat("EGI", "egi", (".mff",), is_folder=True, knows_zone=True, needs="mffpy",
              holds=lambda path: (path / "info.xml").is_file()),
    MneFormat("EGI", "egi", (".raw",), _is_simple_egi),
    MneFormat("Neuroscan", "cnt", (".cnt",), lambda head: head.startswith(b"Version 3"), arguments=_cnt_arguments),
    MneFormat("ANT", "ant", (".cnt",), _is_ant, needs="antio"),
    MneFormat("KIT", "kit", (".con", ".sqd"), _is_kit, knows_zone=True),
    MneFormat("Nihon Kohden", "nihon", (".eeg",), lambda head: head.startswith(_NIHON_KOHDEN)),
    MneFormat("Persyst", "persyst", (".lay",), lambda head: head.lstrip().lower().startswith(b"[fileinfo]")),
    MneFormat("Persyst", "persyst", (".dat",), holds=_with(".lay", b"["),
              target=lambda path: path.with_suffix(".lay")),
    MneFormat("Nicolet", "nicolet", (".data",), holds=_with(".head", b"start_ts"),
              arguments=lambda path: {"ch_type": "eeg"}),
    MneFormat("Curry", "curry", (".cdt",), needs="curryreader", holds=lambda path: any(
        path.with_name(path.name + each).is_file() for each in (".dpa", ".dpo"))),
    MneFormat("Curry", "curry", (".dat", ".dap", ".rs3"), needs="curryreader", holds=_with(".dap", b"START")),
    MneFormat("ARTEMIS123", "artemis123", (".bin",), holds=_with(".txt", b"main header")),
    MneFormat("NIRx", "nirx", (".hdr", ".wl1", ".wl2"),
              holds=lambda path: all(path.with_suffix(each).is_file() for each in (".hdr", ".wl1", ".wl2")),
              target=lambda path: path.parent),
    MneFormat("NIRx", "nirx", ("",), is_folder=True,
              holds=lambda path: {".hdr", ".wl1", ".wl2"} <= {each.suffix for each in _entries(path)}),
    MneFormat("SNIRF", "snirf", (".snirf",), lambda head: head.startswith(_MATLAB[2])),
    MneFormat("4D/BTi", "bti", ("",), is_folder=True, knows_zone=True, arguments=_bti_arguments,
              holds=lambda path: (path / "config").is_file() and _bti_data(path) is not None,
              target=lambda path: _bti_data(path) or path),
    MneFormat("EyeLink", "eyelink", (".asc",), lambda head: head.startswith(EYELINK), is_lazy=False),
    MneFormat("BOXY", "boxy", (".txt",), lambda head: head.startswith(BOXY)),
    MneFormat("GDF", "gdf", (".gdf",), lambda head: head.startswith(b"GDF ")),
    MneFormat("Eximia", "eximia", (".nxe",)),
    MneFormat("NeuroElectrics", "nedf", (".nedf",), lambda head: head.lstrip().startswith(b"<"), needs="defusedxml"),
    MneFormat("MEF 3", "mef", (".mefd",), is_folder=True),
)  # fmt: skip


def check_tags(path: Path) -> None:
    """Raise ReaderError where MNE would follow the tags of a FIF file for ever.

    A tag is kind, type, size and the position of the next one (big-endian int32): 0 behind its data, -1 for none. Where
    the second one names a directory, that is read; else tags are followed, and must lead forwards.
    """
    with path.open("rb") as file:
        if _has_directory(file):
            return
        position = 0
        while (tag := _tag(file, position)) is not None and tag[3] != -1:
            after = tag[3] if tag[3] > 0 else position + 16 + tag[2]
            if after <= position:
                raise ReaderError(
                    f"damaged: the tag at byte {position} leads back to byte {after}", file=path
                )
            position = after


def _has_directory(file: BinaryIO) -> bool:
    first = _tag(file, 0)
    second = _tag(file, first[3] if first[3] > 0 else 16 + first[2]) if first is not None else None
    if second is None or second[0] != _DIRECTORY_POINTER:
        return False
    place = int.from_bytes(file.read(4), "big", signed=True)
    directory = _tag(file, place) if place > 0 else None
    return directory is not None and directory[2] > 0


def _tag(file: BinaryIO, position: int) -> tuple[int, int, int, int] | None:
    if position < 0:
        return None
    file.seek(position)
    head = file.read(16)
    return struct.unpack(">4i", head) if len(head) == 16 else None


def format_of(path: Path) -> MneFormat | None:
    """The format of a file or folder that MNE reads; None where it is none, or cannot be looked at."""
    try:
        is_folder, suffix = path.is_dir(), path.suffix.lower()
        known = [each for each in FORMATS if each.is_folder == is_folder and _has_suffix(each, suffix)]
        head = _head(path) if known and not is_folder else b""
        return next((each for each in known if each.begins(head) and each.holds(path)), None)
    except (OSError, ValueError):
        return None


def files_beside(path: Path) -> tuple[Path, ...]:
    """Every file that may belong to a recording, beside `path`: those in its folder, or those of its stem."""
    if path.is_dir():
        return tuple(each for each in _entries(path) if each.is_file())
    stem = path.name.partition(".")[0]
    return tuple(
        each
        for each in _entries(path.parent)
        if each != path
        and each.name.partition(".")[0] == stem
        and each.suffix.lower() in _COMPANIONS
        and each.is_file()
    )


_COMPANIONS = frozenset(
    {
        ".fdt",
        ".pnt",
        ".21e",
        ".log",
        ".lay",
        ".dat",
        ".head",
        ".data",
        ".dpa",
        ".dpo",
        ".cef",
        ".ceo",
        ".dap",
        ".rs3",
        ".seg",
    }
    | {".hdr", ".wl1", ".wl2", ".evt", ".inf", ".tri", ".mrk", ".elp", ".hsp"}
)


def _has_suffix(found: MneFormat, suffix: str) -> bool:
    return suffix in found.suffixes or "" in found.suffixes


def _entries(folder: Path) -> list[Path]:
    return sorted(itertools.islice(folder.iterdir(), _MOST_ENTRIES))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""
