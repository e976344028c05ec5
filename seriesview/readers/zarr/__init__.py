"""Zarr stores, versions 2 and 3: folders and zip archives, those of SpikeInterface and of NWB among them."""

from __future__ import annotations

from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Candidate, ReadOptions, Recording
from seriesview.readers.zarr.recording import ZarrRecording, open_intervals, open_spikes
from seriesview.readers.zarr.series import Series, series_of
from seriesview.readers.zarr.store import Store, is_store, nodes_of, root_of
from seriesview.terms import SeriesType

_TYPES: dict[str, SeriesType] = {
    "samples": "continuous",
    "units": "event",
    "spikes": "event",
    "intervals": "interval",
    "switches": "interval",
}


class ZarrReader:
    """Reader of Zarr groups and arrays."""

    name = "zarr"
    reads_folders = True
    owns_folders = True
    reads_remote = True

    def can_read(self, path: Path) -> bool:
        """Whether the path is a folder with Zarr's metadata, one of these files, or a zip archive with them."""
        return is_store(path)

    def candidates(self, path: Path) -> list[Candidate]:
        """Arrays, time series, units and intervals. Raises ReaderError."""
        store = Store(root_of(path))
        try:
            return [_candidate(each) for each in series_of(store, nodes_of(store))]
        finally:
            store.close()

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open what `dataset` names, or the only one there is; raises ReaderError."""
        store = Store(root_of(path))
        try:
            nodes = nodes_of(store, options.dataset)
            series = _chosen(path, series_of(store, nodes), options.dataset)
            if series.problem is not None:
                raise ReaderError(series.problem, file=(str(path), series.dataset))
            if series.kind == "samples":
                return ZarrRecording(path, store, nodes, series, options)
            opened = open_intervals if _TYPES[series.kind] == "interval" else open_spikes
            recording = opened(path, store, nodes, series, options)
        except ReaderError:
            store.close()
            raise
        recording.label = series.label
        store.close()
        return recording


def _chosen(path: Path, found: list[Series], name: str | None) -> Series:
    wanted = None if name is None else name.strip("/")
    shown = [each for each in found if each.problem is None]
    fitting = [each for each in found if each.dataset.strip("/") == wanted] if wanted is not None else shown
    if len(fitting) == 1:
        return fitting[0]
    if wanted is None and not shown and len(found) == 1:
        return found[0]
    names = ", ".join(each.dataset for each in found[:20])
    problem = f"dataset: there is no {name}" if wanted is not None else "dataset: several are there"
    raise ReaderError(f"{problem}; choose one of {names or 'none'}", file=path)


def _candidate(series: Series) -> Candidate:
    node = series.node
    if series.kind == "samples":
        shape = node.shape or ()
        shape = shape[::-1] if series.transposed else shape
        shape = (*shape, 1) if len(shape) == 1 else shape
        dtype = str(node.dtype)
    else:
        shape, dtype = (), "float64"
    whole = series.dataset == "/"
    return Candidate(
        None if whole else series.dataset,
        _TYPES[series.kind],
        dtype,
        shape,
        series.rate if series.kind == "samples" else None,
        series.unit or None,
        {key: value for key, value in series.options.items() if not (whole and key == "dataset")},
        series.problem,
        decisions=series.decisions,
        label=series.label,
        role=series.role,
    )
