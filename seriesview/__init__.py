"""Look at long recordings at every zoom, exactly."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seriesview.series.showing import make_figures_with

if TYPE_CHECKING:
    # What is public, for type checkers; `_HOMES` below is the same for everybody else.
    from seriesview.backend.requesting import request_task as request_task
    from seriesview.errors import BackendError as BackendError
    from seriesview.errors import BuildError as BuildError
    from seriesview.errors import ConfigError as ConfigError
    from seriesview.errors import FormatError as FormatError
    from seriesview.errors import IntegrityError as IntegrityError
    from seriesview.errors import MissingArtifactError as MissingArtifactError
    from seriesview.errors import NodeError as NodeError
    from seriesview.errors import ReaderError as ReaderError
    from seriesview.errors import RequestError as RequestError
    from seriesview.errors import SeriesviewError as SeriesviewError
    from seriesview.errors import StoreError as StoreError
    from seriesview.errors import TaskError as TaskError
    from seriesview.figures.figure import Figure as Figure
    from seriesview.figures.show import show as show
    from seriesview.figures.view import View as View
    from seriesview.figures.view import view as view
    from seriesview.pipeline.built import BuiltSeries as BuiltSeries
    from seriesview.pipeline.built import BuiltSessions as BuiltSessions
    from seriesview.pipeline.built import BuiltWorkspace as BuiltWorkspace
    from seriesview.pipeline.in_process import build_dataset as build_dataset
    from seriesview.pipeline.in_process import build_workspace as build_workspace
    from seriesview.pipeline.session_build import build_sessions as build_sessions
    from seriesview.series.series import Series as Series
    from seriesview.series.series import open_series as open_series
    from seriesview.series.svseries import SVSeries as SVSeries
    from seriesview.series.svseries_segment import SVSeriesSegment as SVSeriesSegment
    from seriesview.share.checking import Verified as Verified
    from seriesview.share.checking import verify as verify
    from seriesview.share.export import Exported as Exported
    from seriesview.share.publishing import Published as Published
    from seriesview.share.sharing import export as export
    from seriesview.share.sharing import publish as publish
    from seriesview.workspace.multi_panel_view import MultiPanelView as MultiPanelView
    from seriesview.workspace.workspace import Workspace as Workspace
    from seriesview.workspace.workspace import open_workspace as open_workspace

    __version__: str

_PUBLIC = {
    "backend.requesting": ("request_task",),
    "errors": (
        *(
            "BackendError",
            "BuildError",
            "ConfigError",
            "FormatError",
            "IntegrityError",
            "MissingArtifactError",
        ),
        *("NodeError", "ReaderError", "RequestError", "SeriesviewError", "StoreError", "TaskError"),
    ),
    "figures.figure": ("Figure",),
    "figures.show": ("show",),
    "figures.view": ("View", "view"),
    "pipeline.built": ("BuiltSeries", "BuiltSessions", "BuiltWorkspace"),
    "pipeline.in_process": ("build_dataset", "build_workspace"),
    "pipeline.session_build": ("build_sessions",),
    "series.series": ("Series", "open_series"),
    "series.svseries": ("SVSeries",),
    "series.svseries_segment": ("SVSeriesSegment",),
    "share.checking": ("Verified", "verify"),
    "share.export": ("Exported",),
    "share.publishing": ("Published",),
    "share.sharing": ("export", "publish"),
    "workspace.multi_panel_view": ("MultiPanelView",),
    "workspace.workspace": ("Workspace", "open_workspace"),
}
_HOMES = {name: f"seriesview.{home}" for home, names in _PUBLIC.items() for name in names}

__all__ = sorted([*_HOMES, "__version__"])


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
