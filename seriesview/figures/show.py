"""What people try first: an object, a path or several by name, shown in a notebook or a browser."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from seriesview.build.progress import Report, StepLines
from seriesview.errors import ReaderError, SeriesviewError
from seriesview.figures.building import Building
from seriesview.figures.building_figure import BuildingFigure
from seriesview.figures.figure import Figure
from seriesview.figures.finding import ToBuild, meant
from seriesview.figures.published import PublishedPage
from seriesview.figures.view import View, view
from seriesview.objects.finding import file_of, recordings_of
from seriesview.objects.held import Told
from seriesview.pipeline.held import build_held
from seriesview.readers.protocol import Recording
from seriesview.series.default_store import chosen_store, default_store_to_write
from seriesview.store import Store

_shown: list[View] = []
"""Views that are answered as long as this process runs."""


def show(
    thing: Any,
    sampling_frequency: float | None = None,
    *,
    times: Any = None,
    time_axis: int | None = None,
    name: str = "data",
    label: str | None = None,
    unit: str | None = None,
    scale: float | None = None,
    offset: float | None = None,
    start_time: float | None = None,
    session_start: str | None = None,
    channel_labels: Sequence[str] | None = None,
    store: Store | str | Path | None = None,
    wait: bool | None = None,
    progress: Report | None = None,
) -> Figure:
    """Show an object at every zoom: in a notebook below its cell, else in a browser, or by a link that is printed.

    `thing`: a numpy array (samples,) or (samples, channels), a pandas, polars or pyarrow table, an xarray DataArray or
    Dataset, a SpikeInterface recording or sorting, an MNE Raw, a pynwb TimeSeries, a path, whatever `view` takes, or a
    dict of such objects by name, which lie below one another. Names, units, times and dates come from the object; what
    is given here stands in their place: `sampling_frequency` (Hz) or `times` (seconds or dates, one a sample),
    `time_axis` of an array, `label`, `unit`, `scale` and `offset` (physical value = stored * scale + offset),
    `start_time` (s), `session_start` (ISO 8601), `channel_labels`. `name` is that of the series.

    A recording is shown before it is built, exact from the first second, and built in a thread: `figure.wait()` returns
    when it is, and raises what the build raised; `figure.is_built` says whether. A script that ends earlier ends the
    build, which goes on from there another time. What objects hold is stored first, in its own dtype, in `store`, the
    default one where it is None; what was stored before is not stored again. `wait`: stay until Ctrl-C, so that a
    script's view does not end with it; where it is None, scripts do and interactive sessions do not. Raises
    SeriesviewError.
    """
    told = Told(
        sampling_frequency=sampling_frequency,
        times=times,
        time_axis=time_axis,
        label=label,
        unit=unit,
        scale=scale,
        offset=offset,
        start_time=start_time,
        session_start=session_start,
        channel_labels=channel_labels,
    )
    figure = figure_of(thing, name, told, store, progress)
    if _is_notebook():
        return figure
    shown = view(figure)
    _shown.append(shown)
    if not shown.open_browser():
        print(shown.url, flush=True)
        if shown.ssh_line:
            print(f"on your own computer, before: {shown.ssh_line}", file=sys.stderr)
    if not _is_interactive() if wait is None else wait:
        _until_interrupted(shown)
    return figure


def figure_of(
    thing: Any, name: str, told: Told, store: Store | str | Path | None, progress: Report | None
) -> Figure:
    """The figure of what an object holds, which is stored, or of what a path, a URI or a link names."""
    file = file_of(thing)
    if (
        file is not None
        or _are_paths(thing)
        or isinstance(thing, str | PathLike | Figure)
        or hasattr(thing, "figurl")
    ):
        if ignored := [key for key in ("times", "time_axis") if getattr(told, key) is not None]:
            raise ReaderError(
                f"{', '.join(ignored)}: said of objects in memory alone; give sampling_frequency, or load what is in "
                "the file"
            )
        what, dataset = (thing, {}) if file is None else (file[0], {"dataset": file[1]})
        given = dataset | {key: value for key, value in vars(told).items() if value is not None}
        if isinstance(what, BuildingFigure):
            return what
        found = meant(what, lambda: chosen_store(store), store=store, given=given)
        if isinstance(found, ToBuild):
            building = Building(found, StepLines() if progress is None else progress)
            building.start()
            return BuildingFigure(building)
        if isinstance(found, PublishedPage):
            raise ReaderError(
                f"{found.link} is shown by whoever serves it; open it in a browser, or with seriesview.view()"
            )
        opened = chosen_store(found.storage_dir)
        return Figure(data=opened.get_json(found.uri), store=opened, label=found.label, uri=found.uri)
    opened = default_store_to_write() if store is None else chosen_store(store)
    built = build_held(_recordings(thing, name, told), told.label or name, opened, progress)
    return Figure(data=opened.get_json(built.uri), store=opened, label=built.label, uri=built.uri)


def _are_paths(thing: Any) -> bool:
    return (
        isinstance(thing, list | tuple)
        and bool(thing)
        and all(isinstance(each, str | PathLike) for each in thing)
    )


def _recordings(thing: Any, name: str, told: Told) -> dict[str, Recording]:
    """The recordings of an object, or of several by name, by the names of their series."""
    things = thing if isinstance(thing, dict) else {name: thing}
    if not things:
        raise ReaderError("an empty dict: there is nothing to show")
    found: dict[str, Recording] = {}
    for key, each in things.items():
        if not str(key).strip():
            raise ReaderError(f"a name is expected for what is shown, found {key!r}")
        if isinstance(each, str | PathLike):
            raise ReaderError(
                f"{key}: a path beside objects; give it alone, or paths as a list, or load what is in it"
            )
        for recording in recordings_of(each, str(key), told):
            if recording.label is None:
                recording.label = str(recording.path)
            if str(recording.path) in found:
                raise ReaderError(f"two series are called {recording.path}; give them names of their own")
            found[str(recording.path)] = recording
    if told.label is not None and len(found) == 1:
        recording.label = told.label
    return found


def _is_notebook() -> bool:
    """Whether what a cell gives is shown below it."""
    loaded = sys.modules.get("IPython")
    shell = None if loaded is None else loaded.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _is_interactive() -> bool:
    return hasattr(sys, "ps1") or bool(sys.flags.interactive) or "IPython" in sys.modules


def _until_interrupted(shown: View) -> None:
    """Answer links until Ctrl-C."""
    from threading import Event

    print("Ctrl-C ends it", file=sys.stderr, flush=True)
    try:
        try:
            shown.wait()
        except SeriesviewError as error:
            if shown.is_in_vain:
                shown.close()
                raise
            print(f"error: {error}; its page says so, and shows what there is", file=sys.stderr, flush=True)
        Event().wait()
    except KeyboardInterrupt:
        shown.close()
