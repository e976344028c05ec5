"""docs/readers.md names all readers, and what they need."""

import tomllib

from docs_pages import ROOT

from seriesview.readers.registry import reader_names

PAGE = ROOT / "docs" / "readers.md"


def test_every_reader_has_its_row() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| [`")]
    assert [row.split("`")[1] for row in rows] == reader_names()


def test_every_extra_of_readers_has_its_row() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = project["optional-dependencies"]["all"]
    named = set(extras.partition("[")[2].rstrip("]").split(",")) | {"all"}
    table = PAGE.read_text().partition("| extra | for |")[2].partition("\n\n")[0]
    assert {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")} == named
