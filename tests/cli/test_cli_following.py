"""`--follow` of `view` and `build`: recordings that another process writes, until Ctrl-C; killed, it goes on."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import yaml
from serving_processes import Surroundings
from written_files import Writer

import seriesview
from seriesview.cli.main import main
from seriesview.pipeline.own_folder import own_folder

KEYS: dict[str, Any] = {"dtype": "int16", "channels": 4, "sampling_frequency": 1000.0}
OPTIONS = ("--dtype", "int16", "--channels", "4", "--sampling-frequency", "1000")


@pytest.fixture
def samples() -> Any:
    return np.random.default_rng(2).integers(-999, 999, (30_000, 4)).astype(np.int16)


class Command:
    """A command that is read line by line."""

    def __init__(self, surroundings: Surroundings, *arguments: str) -> None:
        environment = surroundings.environment(
            KACHERY_STORAGE_DIR="", KACHERY_DAEMON_PORT=str(surroundings.port)
        )
        self.popen = subprocess.Popen(
            ("seriesview", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            cwd=surroundings.directory,
        )

    def says(self, words: str) -> str:
        """The line of standard error that has these words."""
        return self._line(self.popen.stderr, words)

    def prints(self, words: str) -> str:
        return self._line(self.popen.stdout, words)

    @staticmethod
    def _line(stream: IO[str] | None, words: str) -> str:
        assert stream is not None
        lines: list[str] = []
        for line in stream:
            if words in line:
                return line
            lines.append(line)
        raise AssertionError(f"it ended without {words!r}: {''.join(lines)}")

    def end(self, number: int) -> tuple[int, str]:
        """Exit status after a signal, and the rest of standard output."""
        self.popen.send_signal(number)
        output, _ = self.popen.communicate()
        return self.popen.returncode, output


@pytest.fixture
def written(surroundings: Surroundings, samples: Any) -> Iterator[tuple[Path, Writer]]:
    path = surroundings.directory / "raw.dat"
    with Writer(path) as writer:
        writer.write(samples[:5000].tobytes())
        yield path, writer


def test_a_build_that_was_killed_goes_on_and_ctrl_c_is_the_end(
    surroundings: Surroundings, written: tuple[Path, Writer], samples: Any
) -> None:
    path, writer = written
    config = {"store": {"storage_dir": "store"}, "datasets": {"raw": {"path": "raw.dat", **KEYS}}}
    (surroundings.directory / "config.yaml").write_text(yaml.safe_dump(config))
    first = Command(surroundings, "build", "--follow", "--same-disk")
    first.says("following:")
    assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL
    again = Command(surroundings, "build", "--follow", "--same-disk", "--json")
    again.says("following:")
    writer.write(samples[5000:].tobytes())
    status, output = again.end(signal.SIGINT)
    assert status == 0
    workspace = seriesview.open_workspace(json.loads(output)["uri"], surroundings.directory / "store")
    undisturbed = seriesview.build_dataset(path, store=surroundings.directory / "other", name="raw", **KEYS)
    assert workspace.series("raw").uri == undisturbed.uri
    assert workspace.series("raw").segments[0].num_samples == len(samples)


def test_a_view_goes_on_after_ctrl_c_with_what_was_built(
    surroundings: Surroundings, written: tuple[Path, Writer], samples: Any
) -> None:
    path, writer = written
    command = Command(surroundings, "view", "--follow", "--same-disk", "--no-browser", str(path), *OPTIONS)
    assert "live=" in command.prints("http")
    command.says("following:")
    writer.write(samples[5000:].tobytes())
    command.popen.send_signal(signal.SIGINT)
    assert "following ends" in command.says("Ctrl-C again ends the command")
    assert "d=" in command.prints("http")
    assert command.end(signal.SIGINT)[0] == 0


def test_what_cannot_be_followed_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    (tmp_path / "table.csv").write_text("time,value\n0,1\n1,2\n2,3\n")
    np.zeros((100, 4), np.int16).tofile(tmp_path / "raw.dat")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"datasets": {"raw": {"path": "raw.dat", **KEYS}}}))

    def refusal(*arguments: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        assert ended.value.code == 2
        return capsys.readouterr().err

    before = set(tmp_path.rglob("*"))
    words = refusal("view", "--no-browser", "--follow", "raw.dat", *OPTIONS)
    assert "is on the file system that" in words
    assert "say --same-disk" in words
    assert set(tmp_path.rglob("*")) == before
    words = refusal("view", "--no-browser", "--follow", "--same-disk", "table.csv")
    assert "what reader csv reads is not followed while it is written" in words
    assert "flat binary, SpikeGLX and Open Ephys are" in words
    assert "give that too" in refusal("view", "--no-browser", "--idle", "3", "raw.dat")
    assert "works without Snakemake" in refusal("build", "--follow", "-n")
    assert "is on the file system that" in refusal("build", "--follow")
    sha1 = f"sha1://{'0' * 40}/workspace.json"
    assert "was built already" in refusal("view", "--no-browser", "--follow", sha1)


def test_what_was_followed_into_the_working_directory_is_found_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, disk = tmp_path / "here", tmp_path / "disk"
    here.mkdir()
    disk.mkdir()
    monkeypatch.chdir(here)
    raw = disk / "raw.dat"
    np.zeros((100, 4), np.int16).tofile(raw)
    own_folder([str(raw)], here / "raw.dat.seriesview", KEYS)
    assert own_folder([str(raw)]).folder == here / "raw.dat.seriesview"
