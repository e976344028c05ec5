"""Which recordings an object holds, told by its class; packages that nobody has imported are not asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seriesview.errors import ReaderError
from seriesview.objects.arrays import recording_of_array
from seriesview.objects.frames import recordings_of_arrow, recordings_of_pandas, recordings_of_polars
from seriesview.objects.held import Told, is_loaded
from seriesview.objects.labelled import recordings_of_xarray
from seriesview.objects.recordings import (
    recordings_of_mne,
    recordings_of_nwb,
    recordings_of_sorting,
    recordings_of_spikeinterface,
)
from seriesview.readers.protocol import Recording

Found = Callable[[Any, str, Told], Sequence[Recording]]

_KINDS: tuple[tuple[str, tuple[str, ...], Found], ...] = (
    ("pandas", ("DataFrame", "Series"), recordings_of_pandas),
    ("polars", ("DataFrame", "Series"), recordings_of_polars),
    ("pyarrow", ("Table",), recordings_of_arrow),
    ("xarray", ("DataArray", "Dataset"), recordings_of_xarray),
    ("spikeinterface.core", ("BaseRecording",), recordings_of_spikeinterface),
    ("spikeinterface.core", ("BaseSorting",), recordings_of_sorting),
    ("mne.io", ("BaseRaw",), recordings_of_mne),
    ("pynwb", ("TimeSeries",), recordings_of_nwb),
)
KNOWN = (
    "a numpy array, a pandas, polars or pyarrow table, an xarray DataArray or Dataset, a SpikeInterface recording or "
    "sorting, an MNE Raw, a pynwb TimeSeries, a path, or a dict of such things by name"
)


def recordings_of(thing: Any, name: str, told: Told) -> list[Recording]:
    """Everything that an object holds. Raises ReaderError for what is none of `KNOWN`, or does not say enough."""
    for module, names, find in _KINDS:
        if isinstance(thing, is_loaded(module, *names)):
            return list(find(thing, name, told))
    if isinstance(thing, list | tuple) or hasattr(thing, "__array__"):
        try:
            array = thing if isinstance(thing, np.ndarray) else np.asarray(thing)
        except ValueError as error:
            raise ReaderError(
                f"{name}: no array can be made of this {type(thing).__qualname__} ({error}); give several objects as a "
                "dict, by name"
            ) from error
        return [recording_of_array(array, name, told)]
    raise ReaderError(
        f"{name}: a {type(thing).__module__}.{type(thing).__qualname__} cannot be shown; give {KNOWN}"
    )


def file_of(thing: Any) -> tuple[Path, str] | None:
    """(file, path of the series in it) of a pynwb series that is read from an HDF5 file; None of all others."""
    if not isinstance(thing, is_loaded("pynwb", "TimeSeries")):
        return None
    series: Any = thing
    data = series.fields.get("data")
    if not isinstance(data, is_loaded("h5py", "Dataset")):
        return None
    dataset: Any = data
    # Samples of another series, which lie with it, may have other times.
    if dataset.parent.name.rpartition("/")[2] != series.name:
        return None
    return Path(dataset.file.filename), str(dataset.parent.name)
