"""What is said of an extra's library that is not there, or too old, and when none is imported."""

import subprocess
import sys
import tomllib
from pathlib import Path

import edf_files
import pytest

from seriesview.errors import ReaderError
from seriesview.readers import extras

FILE = Path("session.plx")
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.OLDEST, "neo", {"no_such_library": "1"})
    with pytest.raises(
        ReaderError, match=r"session\.plx: .*no_such_library.*pip install 'seriesview\[neo\]'"
    ):
        extras.imported("no_such_library.rawio", extra="neo", file=FILE)


def test_a_library_that_is_too_old_is_told_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.OLDEST, "filters", {"h5py": "900"})
    with pytest.raises(ReaderError, match=r"h5py 900 or later, and 3\.\S+ is installed; pip install"):
        extras.imported("h5py", extra="filters", file=FILE)


def test_a_module_that_an_old_version_lacks_is_told_as_its_age() -> None:
    with pytest.raises(ReaderError, match=r"or later, and \S+ is installed"):
        extras.imported("mne.no_such_module", extra="mne", file=FILE)


def test_a_library_that_cannot_be_loaded_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_library.py").write_text("raise OSError('libsomething.so is not there')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(extras.OLDEST, "audio", {"broken_library": "1"})
    with pytest.raises(ReaderError, match=r"cannot be loaded \(OSError: libsomething\.so is not there\)"):
        extras.imported("broken_library", extra="audio", file=FILE)


def test_the_oldest_versions_are_those_of_the_project() -> None:
    stated = {
        extra: {
            name.partition("[")[0].lower(): oldest
            for name, _, oldest in (each.partition(">=") for each in PROJECT["optional-dependencies"][extra])
        }
        for extra in extras.OLDEST
    }
    assert stated == extras.OLDEST


def test_readers_import_no_library_of_an_extra_before_a_file_needs_it(tmp_path: Path) -> None:
    file = tmp_path / "unknown.xyz"
    file.write_bytes(b"\0" * 4096)
    code = (
        "import sys; from pathlib import Path\n"
        "from seriesview.readers import registry\n"
        f"[reader.can_read(Path({str(file)!r})) for reader in registry.find_readers().values()]\n"
        "print(' '.join(name for name in sys.modules if '.' not in name))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    libraries = {name for packages in extras.OLDEST.values() for name in packages} - {"hdf5plugin"}
    assert libraries & set(run.stdout.split()) == set()


def test_libraries_of_tables_and_hdf5_are_loaded_for_their_files_alone(tmp_path: Path) -> None:
    file = edf_files.write(tmp_path / "night.edf", [edf_files.signal(100, 2)])
    code = (
        "import sys; from pathlib import Path\n"
        "from seriesview.build.findings import find_all\n"
        "from seriesview.readers.registry import choose_reader\n"
        f"path = Path({str(file)!r})\n"
        "assert find_all(path, choose_reader(path))[0].problem is None\n"
        "print(sorted({'h5py', 'pyarrow', 'mne', 'tensorstore'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
