"""What the pages tell a reader to type works, and prints what they say; what is there then is what they promise."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml
from docs_pages import ROOT, blocks, pages, section
from docs_session import Session

from seriesview.config import check_config
from seriesview.series.series import open_series
from seriesview.store import open_store

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

RUN = [page for page in pages() if any(b.file or b.language in ("console", "python") for b in blocks(page))]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_its_examples_run(page: Path, followed: Callable[[Path], Session]) -> None:
    followed(page)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_its_configurations_are_right(page: Path) -> None:
    for block in blocks(page):
        if block.language == "yaml" and "datasets:" in block.text:
            check_config(yaml.safe_load(block.text), block.where)


@pytest.mark.parametrize("name", PRINTING)
def test_every_key_of_a_commands_json_is_described(name: str, followed: Callable[[Path], Session]) -> None:
    here = followed(ROOT / "docs" / "tutorial.md")
    done = here.run(f"seriesview {name} {' '.join(PRINTING[name])} --json 2>/dev/null")
    document: dict[str, Any] = json.loads(done.stdout)
    described = section(ROOT / "docs" / "cli.md", f"seriesview {name}")
    candidates = document.get("candidates") or [{}]
    for key in (*document, *candidates[0]):
        assert f"`{key}`" in described, f"{key} is not described"


def test_the_reader_of_the_page_gives_the_samples_of_the_file(
    followed: Callable[[Path], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    here = followed(ROOT / "docs" / "readers-own.md").directory
    expected, _ = soundfile.read(here / "song.au", dtype="int16")
    uri = json.loads((here / "results/series/song.json").read_text())["uri"]
    with open_series(uri, open_store(here / "kachery-storage", "embedded")) as series:
        assert np.array_equal(series.values(0, 0, len(expected)), expected)
        window = series.window(0, 0, 441, 200)
    for column in range(200):
        inside = expected[441 * column : 441 * (column + 1) + 1]
        assert np.array_equal(window[column], [inside.min(axis=0), inside.max(axis=0)])
