"""Pages are followed once, each in its own directory; a page may go on from the files of another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from docs_pages import starting_page
from docs_session import Session

# What was built links recordings by their absolute paths.
_BUILT = shutil.ignore_patterns("results", "kachery-storage", ".snakemake")


@pytest.fixture(scope="session")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Session]:
    """Follows a page, and before it the one that it starts from; gives what is there afterwards."""
    done: dict[Path, Session] = {}

    def follow(page: Path) -> Session:
        if page not in done:
            directory = tmp_path_factory.mktemp(page.stem) / "here"
            before = starting_page(page)
            if before is None:
                directory.mkdir()
            else:
                shutil.copytree(follow(before).directory, directory, ignore=_BUILT)
            session = Session(directory, tmp_path_factory.mktemp("home"))
            if before is not None:
                session.run("seriesview build")
            session.follow(page)
            done[page] = session
        return done[page]

    return follow
