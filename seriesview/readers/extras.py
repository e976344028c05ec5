"""Libraries of extras: imported when a file needs them, or a line says what to install."""

from __future__ import annotations

import re
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seriesview.errors import ReaderError

OLDEST = {
    "filters": {"hdf5plugin": "4"},
    "neo": {"neo": "0.14"},
    "mne": {
        **{"mne": "1.7", "pymatreader": "1"},
        **{"mffpy": "0.7", "antio": "0.5", "curryreader": "0.1", "defusedxml": "0.7"},
    },
    "spikeinterface": {"spikeinterface": "0.101"},
    "zarr": {"tensorstore": "0.1.70"},
    "audio": {"soundfile": "0.13"},
    "wfdb": {"wfdb": "4.3"},
    "seismic": {"pymseed": "1.0"},
    "labview": {"nptdms": "1.9"},
    "lsl": {"pyxdf": "1.16.8"},
}
"""Of each extra the packages that it imports, and the oldest version that is known to do; as in pyproject.toml."""


def is_installed(package: str) -> bool:
    """Whether a package is there; it is not imported."""
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def imported(module: str, *, extra: str, file: Path) -> Any:
    """The module of an extra's library that `file` needs. Raises ReaderError that says what to install."""
    package = module.partition(".")[0]
    install = f"pip install 'seriesview[{extra}]'"
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        lacking = error.name or package
        if lacking.partition(".")[0] == package and is_installed(package):
            raise _too_old(package, extra, file, install) from error
        raise ReaderError(
            f"this file needs {package}, and {lacking} is not installed", advice=install, file=file
        ) from error
    except Exception as error:  # another library may fail in any way when it is loaded
        raise ReaderError(
            f"this file needs {package}, which cannot be loaded ({type(error).__name__}: {error})",
            advice=install,
            file=file,
        ) from error
    if _release(_version(package)) < _release(OLDEST[extra][package]):
        raise _too_old(package, extra, file, install)
    return found


def _too_old(package: str, extra: str, file: Path, install: str) -> ReaderError:
    return ReaderError(
        f"this file needs {package} {OLDEST[extra][package]} or later, and {_version(package)} is installed",
        advice=install,
        file=file,
    )


def _version(package: str) -> str:
    """What is installed; of a package without metadata, such as one on the path alone, a version that will do."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "9999"


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
