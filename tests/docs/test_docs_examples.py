"""What the pages tell a reader to type works, and prints what they say."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from docs_pages import blocks, pages
from docs_session import Session

from seriesview.config import check_config

RUN = [page for page in pages() if any(b.file or b.language in ("console", "python") for b in blocks(page))]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_its_examples_run(page: Path, followed: Callable[[Path], Session]) -> None:
    followed(page)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_its_configurations_are_right(page: Path) -> None:
    for block in blocks(page):
        if block.language == "yaml" and "datasets:" in block.text:
            check_config(yaml.safe_load(block.text), block.where)
