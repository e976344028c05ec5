"""docs/cli.md says what every command takes and prints."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docs_pages import ROOT
from docs_session import Session

from seriesview.cli.main import COMMANDS, JOB_COMMANDS
from seriesview.cli.reference import PROGRAM, part_names, renewed

PAGE = ROOT / "docs" / "cli.md"

# Arguments that make a command print its JSON document, in the tutorial's directory.
PRINTING = {
    "init": ["rat7.dat", "--out", "other.yaml", "--force"],
    "build": ["config.yaml", "--cores", "1"],
    "inspect": ["spikes.csv"],
    "info": ["results/series/probe.json"],
    "window": ["results/series/probe.json", "--columns", "10"],
    "plot": ["results/series/spikes.json", "--out", "other.png"],
    "verify": ["results/workspace.json"],
}


def section(name: str) -> str:
    text = PAGE.read_text()
    match = re.search(rf"^## {re.escape(name)}$.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match is not None, f"docs/cli.md has no section `## {name}`"
    return match[0]


def test_the_generated_parts_are_as_they_are_now() -> None:
    page = PAGE.read_text()
    assert renewed(page) == page, "python -m seriesview.cli.reference docs/cli.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section(name: str) -> None:
    assert name in part_names(section(f"seriesview {name}")), f"add <!-- generated: {name} --> <!-- end -->"


def test_the_jobs_of_the_pipeline_are_listed() -> None:
    assert all(f"`{name}`" in section("Jobs of the pipeline") for name in JOB_COMMANDS)


def test_every_command_of_the_package_is_named() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert all(section(name) for name in scripts if name != PROGRAM)


@pytest.mark.parametrize("name", PRINTING)
def test_every_key_of_its_json_is_described(name: str, followed: Callable[[Path], Session]) -> None:
    here = followed(ROOT / "docs" / "tutorial.md")
    done = here.run(f"seriesview {name} {' '.join(PRINTING[name])} --json 2>/dev/null")
    document: dict[str, Any] = json.loads(done.stdout)
    described = section(f"seriesview {name}")
    candidates = document.get("candidates") or [{}]
    for key in (*document, *candidates[0]):
        assert f"`{key}`" in described, f"{key} is not described"
