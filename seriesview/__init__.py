"""Look at long recordings at every zoom, exactly."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from seriesview.requesting import request_task
    from seriesview.series.series import Series, open_series
    from seriesview.series.svseries import SVSeries
    from seriesview.series.svseries_segment import SVSeriesSegment
    from seriesview.workspace.multi_panel_view import MultiPanelView

    __version__: str

_HOMES = {
    "BackendError": "seriesview.errors",
    "BuildError": "seriesview.errors",
    "ConfigError": "seriesview.errors",
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
    "open_series": "seriesview.series.series",
    "request_task": "seriesview.requesting",
}

__all__ = [
    "BackendError",
    "BuildError",
    "ConfigError",
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
    "__version__",
    "open_series",
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
