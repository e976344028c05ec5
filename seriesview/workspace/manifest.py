"""The workspace manifest: a set of series, and the views that show them (`seriesview-workspace/1`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from seriesview.documents.checking import checked
from seriesview.documents.expectations import Number, OneOf, Words
from seriesview.documents.problems import shown
from seriesview.errors import FormatError
from seriesview.series.fields import Text, Uri
from seriesview.terms import TIME_MODES, WORKSPACE_FORMAT
from seriesview.workspace.panels import (
    Panel,
    PanelForm,
    check_over,
    check_series_type,
    default_panel,
    make_panel,
)

Name = Annotated[str, Words(1)]


@dataclass(frozen=True)
class WorkspaceSeries:
    """A series of a workspace: the name that views call it by, and the URI of its manifest."""

    name: Name
    uri: Uri


@dataclass(frozen=True)
class MissingSeries:
    """A series that could not be built, and why."""

    name: Name
    error: Text


@dataclass(frozen=True)
class View:
    """Panels over one time axis. `page`: how many seconds are shown at first; None: the whole session.
    `times`: how times are written then; None: clock.
    """

    label: Text
    panels: tuple[Annotated[Panel, PanelForm()], ...]
    page: Annotated[float, Number(above=0)] | None = None
    times: Annotated[str, OneOf(*TIME_MODES)] | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """The view as in the manifest; `page` and `times` only where there are some."""
        given = {"page": self.page, "times": self.times}
        more = {key: value for key, value in given.items() if value is not None}
        return {"label": self.label, **more, "panels": [panel.to_json_dict() for panel in self.panels]}


@dataclass(frozen=True)
class WorkspaceManifest:
    """A set of series and views. A panel may name a missing series: viewers show the reason in its place."""

    label: Text
    series: tuple[WorkspaceSeries, ...]
    views: tuple[View, ...]
    missing: tuple[MissingSeries, ...] = field(default=())
    id: Name | None = None
    """Names the workspace whatever becomes of its label, its series and its hash."""
    format: Annotated[str, OneOf(WORKSPACE_FORMAT)] = field(kw_only=True)

    def uri(self, name: str) -> str:
        """The URI of the series called `name`; raises FormatError."""
        for entry in self.series:
            if entry.name == name:
                return entry.uri
        for absent in self.missing:
            if absent.name == name:
                raise FormatError(f"workspace {self.label!r}: series {name!r} is missing: {absent.error}")
        raise FormatError(f"workspace {self.label!r}: no series {name!r}; there are {_names(self.series)}")

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest as it is stored; `id` and `missing` only where there are any."""
        result: dict[str, Any] = {
            "format": WORKSPACE_FORMAT,
            **({} if self.id is None else {"id": self.id}),
            "label": self.label,
            "series": [{"name": entry.name, "uri": entry.uri} for entry in self.series],
            "views": [view.to_json_dict() for view in self.views],
        }
        if self.missing:
            result["missing"] = [{"name": entry.name, "error": entry.error} for entry in self.missing]
        return result


def build_workspace(
    label: str,
    series: Iterable[tuple[str, str]],
    views: Sequence[View] | None = None,
    missing: Iterable[tuple[str, str]] = (),
    types: Mapping[str, str] | None = None,
    workspace_id: str | None = None,
    spectrograms: Collection[str] = (),
) -> dict[str, Any]:
    """The manifest of a workspace, ready to be stored; raises FormatError.

    `series` are (name, uri), `missing` (name, error), `types` the series' types by name. Views are checked
    against the types; without views there is one of all series, for which the types are needed. `spectrograms`: which
    of them are such.
    """
    entries = tuple(WorkspaceSeries(name, uri) for name, uri in series)
    absent = tuple(MissingSeries(name, " ".join(error.split())) for name, error in missing)
    known_types = types or {}
    if not views:
        untyped = [entry.name for entry in entries if entry.name not in known_types]
        if untyped:
            raise FormatError(f"workspace {label!r}: the type of series {untyped[0]!r} is not known")
        shown_as = {**known_types, **dict.fromkeys(spectrograms, "spectrogram")}
        views = default_views(label, {entry.name: shown_as[entry.name] for entry in entries})
    manifest = WorkspaceManifest(label, entries, tuple(views), absent, workspace_id, format=WORKSPACE_FORMAT)
    document = manifest.to_json_dict()
    parse_workspace_manifest(document)
    for view in manifest.views:
        for panel in view.panels:
            if panel.series in known_types:
                where = f"view {view.label!r}, panel {panel.label!r}"
                check_series_type(panel.type, panel.series, known_types[panel.series], where)
            for name in panel.over:
                if name in known_types:
                    where = f"view {view.label!r}, panel {panel.label!r}"
                    check_over(name, known_types[name], where)
    return document


def default_views(label: str, types: Mapping[str, str]) -> tuple[View, ...]:
    """One view of all series, {name: type}, in their order; no view where there is nothing but intervals."""
    panels = tuple(
        panel
        for name, series_type in types.items()
        if (panel := default_panel(name, series_type)) is not None
    )
    return (View(label, panels),) if panels else ()


def view_from_config(view: Mapping[str, Any]) -> View:
    """A view as config.yaml writes it: {label, page?, times?, panels: [{type, series, label?, ...}]}; FormatError.

    A panel without a label has its series' name for one.
    """
    where = _view_where(view)
    label = _text(view, "label", where)
    panels = []
    for number, panel in enumerate(_mappings(view, "panels", where)):
        place = f"{where}, panel {number + 1}"
        name = _text(panel, "series", place)
        panel_label = _text(panel, "label", place) if panel.get("label") is not None else name
        panel_type = _text(panel, "type", place)
        panels.append(make_panel(panel_type, name, panel_label, panel, where=place))
    return View(label, tuple(panels), view.get("page"), view.get("times"))


def parse_workspace_manifest(document: Any) -> WorkspaceManifest:
    """Read a stored manifest; keys that are not known are passed over. Raises FormatError."""
    where = "workspace manifest"
    form = document.get("format") if isinstance(document, dict) else WORKSPACE_FORMAT
    if form != WORKSPACE_FORMAT:
        raise FormatError(
            f"{where}: format {shown(form)} is not known; this version reads {WORKSPACE_FORMAT!r}"
        )
    manifest = checked(WorkspaceManifest, document, where, whole=where)
    if wrong := list(_contradictions(manifest)):
        raise FormatError(f"workspace {shown(manifest.label)}: {'; '.join(wrong[:10])}")
    return manifest


def _contradictions(manifest: WorkspaceManifest) -> Iterator[str]:
    known: set[str] = set()
    for name in (*(entry.name for entry in manifest.series), *(entry.name for entry in manifest.missing)):
        if name in known:
            yield f"two series are called {shown(name)}"
        known.add(name)
    for view in manifest.views:
        for panel in view.panels:
            for name in (panel.series, *panel.over):
                if name not in known:
                    there = _names(manifest.series)
                    where = f"view {shown(view.label)}, panel {shown(panel.label)}"
                    yield f"{where}: no series {shown(name)}; there are {there:.200}"


def _names(series: Sequence[WorkspaceSeries]) -> str:
    return ", ".join(entry.name for entry in series) or "none"


def _view_where(view: Mapping[str, Any]) -> str:
    label = view.get("label")
    return f"view {label!r}" if isinstance(label, str) else "view"


def _text(mapping: Mapping[str, Any], key: str, where: str) -> str:
    value = mapping.get(key)
    if not isinstance(value, str):
        raise FormatError(f"{where}: {key} must be a text, not {value!r}")
    return value


def _mappings(mapping: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    value = mapping.get(key)
    if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
        raise FormatError(f"{where}: {key} must be a list of objects")
    return list(value)
