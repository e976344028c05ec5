"""What is read for a task is counted, and ends where it is too much."""

import numpy as np
import pytest
from series_builder import store_series

from seriesview.errors import RequestError
from seriesview.series import hulls
from seriesview.series.arrays import PartCache
from seriesview.series.manifest import parse_series_manifest
from seriesview.series.series import Series
from seriesview.tasks.reading_limit import READ_BYTES, count_reading, reading_at_most


def counted_series(store, uri):
    return Series(parse_series_manifest(store.get_json(uri)), store, uri, PartCache(on_reading=count_reading))


def test_what_a_second_thread_reads_is_counted(store, monkeypatch):
    monkeypatch.setattr(hulls, "WORTH_A_THREAD_BYTES", 0)
    samples = np.zeros((40_000, 2), np.int16)
    series = counted_series(store, store_series(store, [samples], part_rows=10_000))

    def read(times):
        for _ in range(times):
            series.window(0, 0, 3, 13_000)

    with reading_at_most(60 * READ_BYTES), pytest.raises(RequestError, match="too much"):
        read(60)


def test_reading_can_be_limited(store):
    samples = np.zeros((2000, 2), np.int16)
    series = counted_series(store, store_series(store, [samples], part_rows=1000))

    def read(times):
        for first in range(times):
            series.values(0, first, first + 1)

    with reading_at_most(READ_BYTES * 10):
        read(3)
        with pytest.raises(RequestError, match="too much would have to be read"):
            read(100)
        with reading_at_most(2**40):
            read(100)
    read(100)
