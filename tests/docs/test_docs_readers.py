"""The pages of readers name all of them, and the reader that one of them shows reads what other programs read."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from docs_pages import ROOT
from docs_session import Session

from seriesview.readers.registry import reader_names
from seriesview.series.series import open_series
from seriesview.store import open_store

PAGE = ROOT / "docs" / "readers.md"
OWN = ROOT / "docs" / "readers-own.md"


def test_the_reader_of_the_page_gives_the_samples_of_the_file(
    followed: Callable[[Path], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    here = followed(OWN).directory
    expected, _ = soundfile.read(here / "song.au", dtype="int16")
    uri = json.loads((here / "results/series/song.json").read_text())["uri"]
    with open_series(uri, open_store(here / "kachery-storage", "embedded")) as series:
        assert np.array_equal(series.values(0, 0, len(expected)), expected)
        window = series.window(0, 0, 441, 200)
    for column in range(200):
        inside = expected[441 * column : 441 * (column + 1) + 1]
        assert np.array_equal(window[column], [inside.min(axis=0), inside.max(axis=0)])


def test_every_reader_has_its_row() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| [`")]
    assert [row.split("`")[1] for row in rows] == reader_names()


def test_every_extra_of_readers_has_its_row() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = project["optional-dependencies"]["all"]
    named = set(extras.partition("[")[2].rstrip("]").split(",")) | {"all"}
    table = PAGE.read_text().partition("| extra | for |")[2].partition("\n\n")[0]
    assert {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")} == named
