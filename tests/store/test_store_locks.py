"""Locks on file systems that have none: named, and not taken for somebody's."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from seriesview.build.source import HashRecord, identify
from seriesview.errors import SeriesviewError, StoreError
from seriesview.pipeline.locking import build_lock
from seriesview.share.folder import open_folder
from seriesview.store import open_store
from seriesview.store.locking import removing

CODES = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP]


@pytest.fixture(params=CODES, ids=[errno.errorcode[code] for code in CODES])
def _no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As flock(2) answers on a file system without locks; none can be mounted here."""

    def flock(descriptor: object, operation: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.usefixtures("_no_locks")
def test_builds_run_and_nothing_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(tmp_path / "storage", "embedded")
    with store.building():
        store.put_json({})
    with pytest.raises(StoreError, match="file system without locks"), removing(store.directory):
        pass
    with build_lock(tmp_path / "results"):
        pass
    assert "no working locks (flock: " in capsys.readouterr().err
    (tmp_path / "raw.dat").write_bytes(b"samples")
    assert HashRecord(tmp_path / "hashes", identify(tmp_path / "raw.dat")).claim()


@pytest.mark.usefixtures("_no_locks")
def test_an_export_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SeriesviewError, match="no working locks"), open_folder(tmp_path / "export"):
        pass
