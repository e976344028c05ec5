"""docs/cli.md says what every command takes."""

from __future__ import annotations

import tomllib

import pytest
from docs_pages import ROOT, section

from seriesview.cli.main import COMMANDS
from seriesview.cli.reference import PROGRAM, part_names, renewed

PAGE = ROOT / "docs" / "cli.md"


def test_the_generated_parts_are_as_they_are_now() -> None:
    page = PAGE.read_text()
    assert renewed(page) == page, "python -m seriesview.cli.reference docs/cli.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section(name: str) -> None:
    assert name in part_names(section(PAGE, f"seriesview {name}")), (
        f"add <!-- generated: {name} --> <!-- end -->"
    )


def test_every_command_of_the_package_is_named() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert all(section(PAGE, name) for name in scripts if name != PROGRAM)
