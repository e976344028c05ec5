"""Tasks are tested on the series that tests/series makes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "series"))


@pytest.fixture
def store(tmp_path):
    from seriesview.store import open_store

    return open_store(tmp_path / "store", "embedded")
