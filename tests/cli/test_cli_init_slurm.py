"""`seriesview init --slurm`: the profile for a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from seriesview.cli.init import command
from seriesview.errors import BuildError
from seriesview.pipeline.profile import profile_called, slurm_profile

PROFILE = Path("profiles/slurm/config.yaml")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(*arguments: str) -> Any:
    CliRunner().invoke(command, ["--slurm", *arguments], catch_exceptions=False, standalone_mode=False)
    return yaml.safe_load(PROFILE.read_text())


def test_a_profile_says_what_the_cluster_wants_to_know() -> None:
    said = init("--account", "007", "--partition", "it's short")
    assert (said["executor"], said["keep-going"], said["latency-wait"]) == ("slurm", True, 60)
    assert said["retries"] >= 1
    resources = said["default-resources"]
    assert (resources["slurm_account"], resources["slurm_partition"]) == ("007", "it's short")
    assert {"mem_mb", "runtime"} <= resources.keys()
    assert not Path("config.yaml").exists()


def test_what_nobody_says_stays_a_comment() -> None:
    assert "slurm_account" not in init()["default-resources"]
    assert "# slurm_account: ACCOUNT" in PROFILE.read_text()


def test_a_profile_that_is_there_is_kept() -> None:
    init("--account", "mine")
    with pytest.raises(BuildError, match="is there already"):
        init()
    assert "mine" in PROFILE.read_text()
    assert "slurm_account" not in init("--force")["default-resources"]


def test_a_cluster_without_accounting_is_asked_otherwise() -> None:
    with_accounts, without = (
        yaml.safe_load(slurm_profile(None, None, has_accounting=each)) for each in (True, False)
    )
    assert "slurm-status-command" not in with_accounts
    assert (without["slurm-status-command"], without["slurm-no-account"]) == ("squeue", True)


def test_options_of_a_profile_alone_are_refused() -> None:
    for arguments in ([], ["--account", "a"]):
        with pytest.raises(click.UsageError):
            CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)


def test_a_profile_is_found_by_its_name() -> None:
    assert profile_called("slurm") == "slurm"
    init()
    assert profile_called("slurm") == "profiles/slurm"
    assert profile_called("/elsewhere/slurm") == "/elsewhere/slurm"
    Path("slurm").mkdir()
    assert profile_called("slurm") == "slurm"
