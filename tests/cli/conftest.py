from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from serving_processes import Surroundings


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    """A port and a storage directory of this test's own, and the processes that use them."""
    from serving_processes import Surroundings

    own = Surroundings(tmp_path)
    yield own
    own.end()
