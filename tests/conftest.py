"""How property tests look for examples, always the same unless `make fuzz` asks for others; and what runs first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from seriesview.store import daemon

# How long examples take depends on what else the machine does: it fails no test.
_COMMON = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fixed", _COMMON, derandomize=True, database=None)
settings.register_profile(
    "fuzz", _COMMON, derandomize=False, database=DirectoryBasedExampleDatabase(".hypothesis/examples")
)
settings.load_profile("fixed")

# Constants in the code of whatever modules are imported would be examples too, and change with them.
_constants_of_modules = providers._get_local_constants


def _constants() -> Constants:
    is_fixed = settings.get_current_profile_name() == "fixed"
    return Constants() if is_fixed else _constants_of_modules()


providers._get_local_constants = _constants

# A daemon on a busy machine may take longer to answer than people would be kept waiting for it.
daemon.PROBE_SECONDS = 60.0

# Few tests, each of which starts whole programs: begun last, they would leave other workers with nothing to do.
_FIRST = (
    "workflow",
    "docs",
    "store/test_store_crashes.py",
    "test_rewording.py",
    "test_property_tests.py",
    "pipeline",
    "cli",
    "backend",
    "share",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest in front; those of one file stay together."""
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((number for number, start in enumerate(_FIRST) if path.startswith(start)), len(_FIRST))

    items.sort(key=place)


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What builds note for later ones is noted in no user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
