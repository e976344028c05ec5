"""A store that is purged: what is gone is built again and told, what is old is warned of."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seriesview
from seriesview.config import check_config, with_defaults
from seriesview.pipeline.configured import Configured
from seriesview.pipeline.purged import Purged, look_for_purged
from seriesview.pipeline.results import Results

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)


def built(purge_days: float | None = None) -> Configured:
    datasets = {}
    for number, name in enumerate(("one", "two")):
        rng = np.random.default_rng(number)
        rng.normal(0, 300, (200_000, 4)).astype("int16").tofile(f"{name}.dat")
        datasets[name] = {"path": f"{name}.dat", "dtype": "int16", "channels": 4, "sampling_frequency": 1000}
    store: dict[str, Any] = {"storage_dir": "storage", "mode": "embedded"}
    content = {"datasets": datasets, "store": store | ({"purge_days": purge_days} if purge_days else {})}
    check_config(content)
    seriesview.build_workspace(content, results="results")
    return Configured.of(with_defaults(content))


def look(configured: Configured) -> Purged:
    return look_for_purged(configured.datasets, Results(), configured.open_store(), configured.store)


def artifacts() -> dict[str, Path]:
    """The stored files, by hash."""
    return {path.name: path for path in Path("storage/sha1").rglob("*") if len(path.name) == 40}


def age(paths: Any, days: float) -> None:
    for path in paths:
        os.utime(path, (time.time(), time.time() - days * DAY))


def test_nothing_is_said_of_what_is_whole_and_new() -> None:
    assert look(built(purge_days=30)) == Purged((), ())


def test_a_recording_that_was_written_again_is_not_told_as_lost() -> None:
    configured = built()
    os.utime("one.dat", (1, 1))
    assert look(configured) == Purged((), ())


def test_a_dataset_that_lost_a_pack_is_told_and_built_alone() -> None:
    configured = built(purge_days=30)
    largest = max(artifacts().values(), key=lambda path: path.stat().st_size)
    largest.unlink()
    found = look(configured)
    (gone,) = found.gone
    (line,) = found.lines
    assert line.startswith(f"{gone.name}: 1 of its ")
    assert "are no longer in the store; it is built again" in line
    Results().forget_built(found.gone)
    before = {name: Path(f"results/artifacts/{name}.json").exists() for name in ("one", "two")}
    assert before == {name: name != gone.name for name in ("one", "two")}
    built(purge_days=30)
    assert largest.exists()
    assert look(configured) == Purged((), ())


def test_a_store_without_anything_may_not_be_mounted() -> None:
    configured = built()
    Path("storage").rename("elsewhere")
    found = look(configured)
    assert [gone.name for gone in found.gone] == ["one", "two"]
    (line,) = found.lines
    assert "storage" in line
    assert "not mounted" in line


def test_without_the_key_manifests_and_pages_are_looked_for_and_no_packs() -> None:
    configured = built()
    max(artifacts().values(), key=lambda path: path.stat().st_size).unlink()
    assert look(configured) == Purged((), ())
    for path in artifacts().values():
        path.unlink()
    assert [dataset.name for dataset in look(configured).gone] == ["one", "two"]


def test_what_is_old_or_will_be_soon_is_warned_of_in_one_line() -> None:
    configured = built(purge_days=60)
    age(artifacts().values(), 75)
    (line,) = look(configured).lines
    assert "were written up to 75 days ago" in line
    assert "may be gone at any time" in line
    assert "one" in line
    assert "two" in line
    age(artifacts().values(), 50)
    (line,) = look(configured).lines
    assert "will be within 14 days" in line
    age(artifacts().values(), 40)
    assert look(configured) == Purged((), ())
