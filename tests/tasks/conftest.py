"""Tasks are tested on the series that tests/series makes."""

import pytest


@pytest.fixture
def store(tmp_path):
    from seriesview.store import open_store

    return open_store(tmp_path / "store", "embedded")
