"""Many tasks at once, and what is kept between them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from every_kind import QUESTIONS, SAMPLES, ask_everything, store_every_kind
from figurl_reader import ask
from series_builder import store_series

from seriesview.errors import TaskError
from seriesview.series.series import open_series
from seriesview.tasks import TaskContext, TaskLimits
from seriesview.tasks.series_cache import SeriesCache

WINDOW = {"segment": 0, "first_sample": 3, "samples_per_column": 5, "columns": 20}


@pytest.mark.parametrize(
    "limits", [TaskLimits(), TaskLimits(part_cache_bytes=100, series_cache_bytes=0, max_open_series=1)]
)
def test_threads_get_what_one_gets(store, tmp_path, limits):
    uris = list(store_every_kind(store, tmp_path).values())
    expected = {uri: ask_everything(TaskContext(store), uri) for uri in uris}
    context = TaskContext(store, limits)
    random = np.random.default_rng(3)
    jobs = [(uris[random.integers(len(uris))], int(random.integers(len(QUESTIONS)))) for _ in range(400)]

    def work(job):
        uri, number = job
        function, arguments = QUESTIONS[number]
        try:
            answer = ask(context, function, series_uri=uri, **arguments)
        except TaskError:
            answer = None
        np.testing.assert_equal(answer, expected[uri][number])

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(work, jobs))
        executor.submit(context.release).result()
        list(executor.map(work, jobs))


def test_a_series_asked_for_by_many_is_opened_once(store):
    uri = store_series(store, [SAMPLES])
    cache = SeriesCache(max_bytes=1000, max_series=5)
    opened = []
    together = threading.Barrier(6)

    def opener():
        opened.append(open_series(uri, store))
        return opened[-1], 10

    def use(_):
        together.wait()
        with cache.opened("a", opener) as series:
            return series

    with ThreadPoolExecutor(6) as executor:
        assert set(executor.map(use, range(6))) == set(opened)
    assert len(opened) == 1


class Closeable:
    """Stands in the cache for a series; says when it was closed."""

    def __init__(self):
        self.closed = False

    def close(self):
        self.closed = True


def test_the_least_recently_used_series_makes_room():
    cache = SeriesCache(max_bytes=100, max_series=3)
    series = {name: Closeable() for name in "abcd"}

    def use(name, num_bytes=40):
        with cache.opened(name, lambda: (series[name], num_bytes)) as found:
            assert not found.closed

    use("a")
    use("b")
    use("a")
    use("c")
    assert [name for name in "abcd" if series[name].closed] == ["b"]
    assert len(cache) == 2
    use("d", 1000)
    assert [name for name in "abcd" if series[name].closed] == ["a", "b", "c", "d"]
    assert len(cache) == 0


def test_a_series_in_use_is_not_closed():
    cache = SeriesCache(max_bytes=0, max_series=1)
    first, second = Closeable(), Closeable()
    with cache.opened("a", lambda: (first, 10)):
        with cache.opened("b", lambda: (second, 10)):
            cache.clear()
            assert not first.closed
        assert second.closed
        assert not first.closed
    assert first.closed


def test_a_series_that_did_not_open_is_tried_again():
    cache = SeriesCache(max_bytes=100, max_series=3)

    def fails():
        raise TaskError("no")

    with pytest.raises(TaskError), cache.opened("a", fails):
        pass
    assert len(cache) == 0
    with cache.opened("a", lambda: (Closeable(), 1)) as series:
        assert not series.closed


def test_linked_files_are_let_go(store, tmp_path):
    uri = store_series(store, [SAMPLES], samples="link", link_path=tmp_path / "raw.dat")
    context = TaskContext(store)

    def is_open():
        from pathlib import Path

        return any(path.resolve() == tmp_path / "raw.dat" for path in Path("/proc/self/fd").iterdir())

    ask(context, "get_window.1", series_uri=uri, **WINDOW)
    assert is_open()
    context.release()
    assert not is_open()
    assert ask(context, "get_window.1", series_uri=uri, **WINDOW)["columns"] == 20
    context.release()


def test_a_series_that_is_built_again_elsewhere_is_found_when_it_is_there(store):
    uri = store_series(store, [SAMPLES])
    path = store.path(uri)
    data = path.read_bytes()
    path.unlink()
    context = TaskContext(store)
    with pytest.raises(TaskError, match="is not in the store"):
        ask(context, "get_window.1", series_uri=uri, **WINDOW)
    path.write_bytes(data)
    assert ask(context, "get_window.1", series_uri=uri, **WINDOW)["columns"] == 20
