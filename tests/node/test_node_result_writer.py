"""Results survive the process, and none survives the machine's end half written."""

import os
from pathlib import Path

import pytest

from seriesview.node import result_writer
from seriesview.node.result_writer import MARKERS_DIRECTORY, ResultWriter

NAME = "my.channel/task_results/aa/bb/cc/aabbcc"


def write(writer: ResultWriter, directory: Path, data: bytes) -> None:
    with writer.stage() as staged:
        staged.write(memoryview(data))
        writer.publish(staged, directory / NAME)
    writer.flush()


def markers(directory: Path) -> list[Path]:
    return [path for path in (directory / MARKERS_DIRECTORY).rglob("*") if path.is_file()]


def test_results_stay_when_the_process_ends(tmp_path: Path) -> None:
    first = ResultWriter(tmp_path)
    write(first, tmp_path, b"one")
    write(first, tmp_path, b"two")
    first.close()
    assert len(markers(tmp_path)) == 2
    ResultWriter(tmp_path).close()
    assert (tmp_path / NAME).read_bytes() == b"two"


def test_results_are_synced_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_writer, "SYNC_SECONDS", 0.0)
    writer = ResultWriter(tmp_path)
    for number in range(5):
        write(writer, tmp_path, b"%d" % number)
    (tmp_path / NAME).unlink()
    write(writer, tmp_path, b"last")
    writer._written.put(None)
    assert writer._thread is not None
    writer._thread.join()
    assert markers(tmp_path) == []
    assert (tmp_path / NAME).read_bytes() == b"last"


@pytest.mark.parametrize("has_links", [True, False])
def test_after_another_boot_what_was_not_synced_is_discarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    def no_link(*_: object) -> None:
        raise OSError("no hard links here")

    if not has_links:
        monkeypatch.setattr(os, "link", no_link)
    boot = tmp_path / "boot_id"
    boot.write_text("1111\n")
    monkeypatch.setattr(result_writer, "_BOOT_ID", boot)
    directory = tmp_path / "buckets"
    directory.mkdir()
    before = ResultWriter(directory)
    write(before, directory, b"torn")
    before.close()
    boot.write_text("2222\n")
    after = ResultWriter(directory)
    assert not (directory / NAME).exists()
    assert [folder.name for folder in (directory / MARKERS_DIRECTORY).iterdir()] == ["2222"]
    write(after, directory, b"whole")
    after.close()
    assert (directory / NAME).read_bytes() == b"whole"


def test_without_boot_ids_results_are_synced_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_writer, "_BOOT_ID", tmp_path / "none")
    directory = tmp_path / "buckets"
    directory.mkdir()
    writer = ResultWriter(directory)
    write(writer, directory, b"one")
    writer.close()
    assert (directory / NAME).read_bytes() == b"one"
    assert markers(directory) == []
