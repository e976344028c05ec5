"""Look at long recordings at every zoom, exactly."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seriesview.series.showing import make_figures_with

if TYPE_CHECKING:
    from seriesview.backend.requesting import request_task
    from seriesview.errors import (
        BackendError,
        BuildError,
        ConfigError,
        FormatError,
        IntegrityError,
        MissingArtifactError,
        NodeError,
        ReaderError,
        RequestError,
        SeriesviewError,
        StoreError,
        TaskError,
    )
    from seriesview.figures.figure import Figure
    from seriesview.series.series import Series, open_series
    from seriesview.series.svseries import SVSeries
    from seriesview.series.svseries_segment import SVSeriesSegment
    from seriesview.workspace.multi_panel_view import MultiPanelView
    from seriesview.workspace.workspace import Workspace, open_workspace

    __version__: str

_HOMES = {
    "BackendError": "seriesview.errors",
    "BuildError": "seriesview.errors",
    "ConfigError": "seriesview.errors",
    "Figure": "seriesview.figures.figure",
    "FormatError": "seriesview.errors",
    "IntegrityError": "seriesview.errors",
    "MissingArtifactError": "seriesview.errors",
    "MultiPanelView": "seriesview.workspace.multi_panel_view",
    "NodeError": "seriesview.errors",
    "ReaderError": "seriesview.errors",
    "RequestError": "seriesview.errors",
    "SVSeries": "seriesview.series.svseries",
    "SVSeriesSegment": "seriesview.series.svseries_segment",
    "Series": "seriesview.series.series",
    "SeriesviewError": "seriesview.errors",
    "StoreError": "seriesview.errors",
    "TaskError": "seriesview.errors",
    "Workspace": "seriesview.workspace.workspace",
    "open_series": "seriesview.series.series",
    "open_workspace": "seriesview.workspace.workspace",
    "request_task": "seriesview.backend.requesting",
}

__all__ = [
    "BackendError",
    "BuildError",
    "ConfigError",
    "Figure",
    "FormatError",
    "IntegrityError",
    "MissingArtifactError",
    "MultiPanelView",
    "NodeError",
    "ReaderError",
    "RequestError",
    "SVSeries",
    "SVSeriesSegment",
    "Series",
    "SeriesviewError",
    "StoreError",
    "TaskError",
    "Workspace",
    "__version__",
    "open_series",
    "open_workspace",
    "request_task",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("seriesview")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'seriesview' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _figure(**arguments: Any) -> Figure:
    """A figure of a series, a workspace or a view, which ask for one without knowing this package's front."""
    from seriesview.figures.figure import Figure

    return Figure(**arguments)


make_figures_with(_figure)
