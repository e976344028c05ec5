"""Which files and folders are read through neo: by suffix and by what they begin with, never by suffix alone where
a format has a signature. Names of raw readers are those of `neo.rawio`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import h5py

HEAD_BYTES = 16384
_MOST_ENTRIES = 4096
_GAP_MS = 0.2  # of timestamps, from which on neo begins a segment
_BLACKROCK = {b"NEURALSG", b"NEURALCD", b"BRSMPGRP", b"NEURALEV", b"BREVENTS"}
_NEUROSCOPE = (".dat", ".lfp", ".eeg")

Kind = Literal["electrodes", "eeg", "patch"]


@dataclass(frozen=True)
class NeoFormat:
    """One format: how it is known, and how neo's raw reader is called."""

    name: str
    rawio: str
    suffixes: tuple[str, ...]
    """Of its files, in small letters."""
    kind: Kind
    begins: Callable[[bytes], bool] = lambda head: True
    """Whether a file begins like one of the format, from its first HEAD_BYTES."""
    beside: Callable[[Path], bool] = lambda path: True
    """Whether the files are there without which it is none."""
    arguments: Callable[[Path], dict[str, Any]] = lambda path: {"filename": str(path)}
    """Of the raw reader, for a file or a folder of the format."""
    narrower: Callable[[Path], list[dict[str, Any]]] = lambda path: []
    """What is asked for where neo cannot read all of a recording, one after the other."""
    is_folder: bool = False
    """Whether a folder with such files is a recording."""
    companions: tuple[str, ...] = ()
    """Suffixes of the files in the same folder that belong to a file."""
    same_stem: bool = True
    """Whether companions have the file's stem."""


def _sibling(path: Path, suffix: str) -> Path:
    """The file of the same name with a suffix, in capitals or small letters (TDT writes .Tbk)."""
    found = path.with_suffix(suffix)
    if found.is_file():
        return found
    beside = (each for each in _entries(path.parent) if each.stem == path.stem)
    return next((each for each in beside if each.suffix.lower() == suffix), found)


def _neuroscope_data(path: Path) -> Path:
    if path.suffix.lower() != ".xml":
        return path
    return next((data for each in _NEUROSCOPE if (data := path.with_suffix(each)).is_file()), path)


def _has_neuroscope_header(path: Path) -> bool:
    data, header = _neuroscope_data(path), path.with_suffix(".xml")
    return data != header and data.is_file() and b"<parameters" in _head(header)


def _neuronexus_header(path: Path) -> Path:
    if path.suffix.lower() == ".json":
        return path
    return path.with_name(
        path.name.removesuffix(".xdat").removesuffix("_data").removesuffix("_timestamp") + ".xdat.json"
    )


def _parts_of_blackrock(path: Path) -> list[dict[str, Any]]:
    common = {"filename": str(path.with_suffix("")), "gap_tolerance_ms": _GAP_MS}
    if path.suffix.lower() == ".nev":
        return [{**common, "nsx_to_load": []}]
    alone = {**common, "nsx_to_load": [int(path.suffix[-1])]}
    return [alone, {**alone, "load_nev": False}]


def _neuralynx(path: Path) -> dict[str, Any]:
    names = [] if path.is_dir() else [path.name]
    folder = path if path.is_dir() else path.parent
    return {"dirname": str(folder), "include_filenames": names, "gap_tolerance_ms": _GAP_MS}


def _first_in(path: Path, suffix: str) -> Path:
    """The file itself, or the first file of that suffix in a folder."""
    if not path.is_dir():
        return _sibling(path, suffix)
    return next((each for each in _entries(path) if each.suffix.lower() == suffix), path)


def _intan_header(path: Path) -> Path:
    if not path.is_dir():
        return path
    names = ("info.rhd", "info.rhs")
    return next((path / name for name in names if (path / name).is_file()), path)


def _is_hdf5(head: bytes) -> bool:
    return head.startswith(b"\x89HDF\r\n\x1a\n")


def _holds(test: Callable[[h5py.File], bool]) -> Callable[[Path], bool]:
    """Whether the root of an HDF5 file passes a test; not where it cannot be opened."""

    def holds(path: Path) -> bool:
        import h5py

        try:
            with h5py.File(path, "r") as file:
                return test(file)
        except Exception:  # damaged files make HDF5 fail in many ways
            return False

    return holds


def _is_nix(file: h5py.File) -> bool:
    return file.attrs.get("format") in ("nix", b"nix")


def _is_mearec(file: h5py.File) -> bool:
    return {"info", "recordings", "channel_positions"} <= set(file)


FORMATS = (
    NeoFormat(
        "Blackrock",
        "BlackrockRawIO",
        (".ns1", ".ns2", ".ns3", ".ns4", ".ns5", ".ns6", ".nev"),
        "electrodes",
        lambda head: head[:8] in _BLACKROCK,
        arguments=lambda path: {"filename": str(path.with_suffix("")), "gap_tolerance_ms": _GAP_MS},
        narrower=_parts_of_blackrock,
        companions=(".ns1", ".ns2", ".ns3", ".ns4", ".ns5", ".ns6", ".nev"),
    ),
    NeoFormat(
        "Neuralynx",
        "NeuralynxRawIO",
        (".ncs", ".nev", ".nse", ".ntt"),
        "electrodes",
        lambda head: head.startswith(b"######## Neuralynx"),
        arguments=_neuralynx,
        is_folder=True,
    ),
    NeoFormat(
        "Intan",
        "IntanRawIO",
        (".rhd", ".rhs"),
        "electrodes",
        lambda head: head[:4] in (b"\x02\x27\x91\xc6", b"\xac\x27\x91\xd6"),
        arguments=lambda path: {"filename": str(_intan_header(path))},
    ),
    NeoFormat(
        "Plexon",
        "PlexonRawIO",
        (".plx",),
        "electrodes",
        lambda head: head.startswith(b"PLEX"),
        arguments=lambda path: {"filename": str(path), "progress_bar": False},
    ),
    NeoFormat("Plexon 2", "Plexon2RawIO", (".pl2",), "electrodes"),
    NeoFormat("Axon", "AxonRawIO", (".abf",), "patch", lambda head: head[:4] in (b"ABF ", b"ABF2")),
    NeoFormat(
        "AxoGraph", "AxographRawIO", (".axgd", ".axgx"), "patch", lambda head: head[:4] in (b"AxGr", b"axgx")
    ),
    NeoFormat("Spike2", "Spike2RawIO", (".smr",), "electrodes", lambda head: head[2:12] == b"(C) CED 87"),
    NeoFormat("Spike2", "CedRawIO", (".smrx",), "electrodes"),
    NeoFormat(
        "TDT",
        "TdtRawIO",
        (".tsq", ".tbk", ".tev", ".tdx"),
        "electrodes",
        beside=lambda path: all(_first_in(path, each).is_file() for each in (".tsq", ".tbk", ".tev", ".tdx")),
        arguments=lambda path: {"dirname": str(_first_in(path, ".tsq"))},
        is_folder=True,
        companions=(".tsq", ".tbk", ".tev", ".tdx", ".sev", ".tnt"),
        same_stem=False,
    ),
    NeoFormat(
        "Open Ephys (.continuous)",
        "OpenEphysRawIO",
        (".continuous",),
        "electrodes",
        lambda head: head.startswith(b"header.format = 'Open Ephys Data Format'"),
        arguments=lambda path: {"dirname": str(path if path.is_dir() else path.parent)},
        is_folder=True,
        companions=(".continuous", ".events", ".spikes", ".openephys"),
        same_stem=False,
    ),
    NeoFormat(
        "SpikeGadgets",
        "SpikeGadgetsRawIO",
        (".rec",),
        "electrodes",
        lambda head: head.lstrip().startswith(b"<?xml") and b"<Configuration" in head,
    ),
    NeoFormat(
        "AlphaOmega",
        "AlphaOmegaRawIO",
        (".mpx",),
        "electrodes",
        lambda head: head[:3] == b"\x3c\x00h",
        arguments=lambda path: {"dirname": str(path if path.is_dir() else path.parent)},
        is_folder=True,
        companions=(".mpx", ".lsx"),
        same_stem=False,
    ),
    NeoFormat(
        "Axona",
        "AxonaRawIO",
        (".set", ".bin"),
        "electrodes",
        beside=lambda path: _head(_sibling(path, ".set")).startswith(b"trial_date"),
        companions=(".set", ".bin", *(f".{number}" for number in range(1, 33))),
    ),
    NeoFormat(
        "NeuroScope",
        "NeuroScopeRawIO",
        (".xml", *_NEUROSCOPE),
        "electrodes",
        beside=_has_neuroscope_header,
        arguments=lambda path: {"filename": str(_neuroscope_data(path))},
        companions=(".xml", *_NEUROSCOPE),
    ),
    NeoFormat("NIX", "NIXRawIO", (".nix",), "electrodes", _is_hdf5),
    NeoFormat("NIX", "NIXRawIO", (".h5",), "electrodes", _is_hdf5, beside=_holds(_is_nix)),
    NeoFormat("MEArec", "MEArecRawIO", (".h5", ".hdf5"), "electrodes", _is_hdf5, beside=_holds(_is_mearec)),
    NeoFormat(
        "NeuroExplorer", "NeuroExplorerRawIO", (".nex",), "electrodes", lambda head: head.startswith(b"NEX1")
    ),
    NeoFormat(
        "NeuroNexus",
        "NeuroNexusRawIO",
        (".json", ".xdat"),
        "electrodes",
        beside=lambda path: (
            _neuronexus_header(path).name.endswith(".xdat.json") and _neuronexus_header(path).is_file()
        ),
        arguments=lambda path: {"filename": str(_neuronexus_header(path))},
        companions=(".xdat", ".json"),
        same_stem=False,
    ),
    NeoFormat("MC_Rack", "RawMCSRawIO", (".raw",), "electrodes", lambda head: b"MC_DataTool" in head[:200]),
    NeoFormat("MED", "MedRawIO", (".medd",), "eeg", arguments=lambda path: {"dirname": str(path)}),
    NeoFormat("Micromed", "MicromedRawIO", (".trc",), "eeg", lambda head: b"MICROMED" in head[:32]),
    NeoFormat(
        "Elan",
        "ElanRawIO",
        (".eeg",),
        "eeg",
        beside=lambda path: _head(path.with_name(f"{path.name}.ent"))[:2] in (b"V2", b"V3"),
        companions=(".eeg", ".ent", ".pos"),
        same_stem=False,
    ),
    NeoFormat("WinEDR", "WinEdrRawIO", (".edr",), "patch", lambda head: head.startswith(b"VER=")),
    NeoFormat("WinWCP", "WinWcpRawIO", (".wcp",), "patch", lambda head: head.startswith(b"VER=")),
)


def format_of(path: Path) -> NeoFormat | None:
    """The format of a file or folder that neo reads; None where it is none, or cannot be looked at."""
    try:
        return _format_of_folder(path) if path.is_dir() else _format_of_file(path)
    except (OSError, ValueError):
        return None


def files_beside(path: Path, found: NeoFormat) -> tuple[Path, ...]:
    """Every file that belongs to a recording, beside `path`."""
    if path.is_dir():
        suffixes = {*found.suffixes, *found.companions} | ({".dat"} if found.rawio == "IntanRawIO" else set())
        return tuple(each for each in _entries(path) if each.suffix.lower() in suffixes and each.is_file())
    if found.rawio == "IntanRawIO" and path.stem == "info":
        return tuple(
            each for each in _entries(path.parent) if each.suffix.lower() == ".dat" and each.is_file()
        )
    if not found.companions:
        return ()
    return tuple(
        each
        for each in _entries(path.parent)
        if each.suffix.lower() in found.companions
        and (each.stem == path.stem or not found.same_stem)
        and each != path
        and each.is_file()
    )


def _format_of_file(path: Path) -> NeoFormat | None:
    suffix = path.suffix.lower()
    known = [each for each in FORMATS if suffix in each.suffixes]
    head = _head(path) if known else b""
    return next((each for each in known if each.begins(head) and each.beside(path)), None)


def _format_of_folder(path: Path) -> NeoFormat | None:
    if path.suffix.lower() == ".medd":
        return next(each for each in FORMATS if each.rawio == "MedRawIO")
    header = _intan_header(path)
    if header != path:
        return _format_of_file(header)
    for entry in _entries(path):
        for each in FORMATS:
            is_named = each.is_folder and entry.suffix.lower() in each.suffixes
            if is_named and entry.is_file() and each.begins(_head(entry)) and each.beside(path):
                return each
    return None


def _entries(folder: Path) -> list[Path]:
    return sorted(itertools.islice(folder.iterdir(), _MOST_ENTRIES))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""
