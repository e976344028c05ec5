"""Opening a dataset's recording: its file's, or one that is made of another dataset's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seriesview.build.dataset import Dataset, located_source, naming_dataset
from seriesview.build.derived import derived_recording
from seriesview.readers.protocol import Recording
from seriesview.readers.registry import open_recording
from seriesview.store import Store


@contextmanager
def opened_recording(dataset: Dataset, store: Store) -> Iterator[Recording]:
    """The dataset's recording, opened; messages name the dataset."""
    if dataset.source is not None:
        with (
            opened_recording(dataset.source, store) as source,
            naming_dataset(dataset),
            derived_recording(dataset, dataset.source, source, store) as derived,
        ):
            yield derived
        return
    with (
        naming_dataset(dataset),
        located_source(dataset, store) as path,
        open_recording(path, dataset.reader, dataset.options) as recording,
    ):
        yield recording
