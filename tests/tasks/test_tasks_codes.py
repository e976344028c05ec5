"""What is wrong is told by a code, and by the artifact that it is about."""

from pathlib import Path

import numpy as np
import pytest
from figurl_reader import ask
from series_builder import store_series

from seriesview.errors import TaskError
from seriesview.store import Store
from seriesview.store.paths import artifact_path
from seriesview.tasks import TaskContext, TaskLimits

SAMPLES = np.arange(400, dtype=np.int16).reshape(200, 2)
BINS = {"segment": 0, "first_sample": 0, "samples_per_column": 4, "columns": 10}
BESIDE_BINS = BINS | {"first_sample": 1}


def fault(store: Store, uri: str, limits: TaskLimits | None = None, **window: int) -> tuple[str, str | None]:
    context = TaskContext(store, limits) if limits else TaskContext(store)
    with pytest.raises(TaskError) as error:
        ask(context, "get_window.1", series_uri=uri, **window)
    return error.value.code, error.value.facts.get("sha1")


def test_what_is_not_stored_is_missing(store: Store) -> None:
    sha1 = "0" * 40
    assert fault(store, f"sha1://{sha1}/a.json", **BINS) == ("artifact-missing", sha1)
    uri = store_series(store, [SAMPLES], samples="omit")
    page = store.get_json(uri)["levels"][0]["pages"][0][7:47]
    artifact_path(store.directory, page).unlink()
    assert fault(store, uri, **BINS) == ("artifact-missing", page)


def test_other_bytes_are_damage(store: Store) -> None:
    uri = store_series(store, [SAMPLES])
    artifact_path(store.directory, uri[7:47]).write_bytes(b"{}")
    assert fault(store, uri, **BINS) == ("artifact-damaged", uri[7:47])


def test_a_folder_is_no_artifact(store: Store) -> None:
    uri = store_series(store, [SAMPLES])
    path = artifact_path(store.directory, uri[7:47])
    path.unlink()
    path.mkdir()
    assert fault(store, uri, **BINS) == ("artifact-replaced", uri[7:47])


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_a_linked_file_that_is_not_what_it_was(store: Store, tmp_path: Path, change: str) -> None:
    raw = tmp_path / "raw.dat"
    uri = store_series(store, [SAMPLES], samples="link", link_path=raw)
    link = store.get_json(uri)["values"]["link"]["uri"]
    raw.unlink() if change == "gone" else raw.write_bytes(b"other")
    assert fault(store, uri, **BESIDE_BINS) == (f"source-{change}", link[7:47])


def test_windows_that_are_not_there(store: Store) -> None:
    uri = store_series(store, [SAMPLES], samples="omit")
    assert fault(store, uri, **BESIDE_BINS) == ("no-samples", None)
    assert fault(store, uri, **BINS | {"segment": 9}) == ("bad-request", None)
    assert fault(store, uri, TaskLimits(max_result_bytes=10), **BINS) == ("too-large", None)
    assert fault(store, uri, TaskLimits(max_reading_bytes=10), **BINS) == ("too-large", None)
