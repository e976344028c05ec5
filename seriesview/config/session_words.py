"""Where the wildcards of sessions stand in a configuration, what is wrong with them, and filling them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seriesview.config.patterns import filled_in, wildcards
from seriesview.documents.problems import suggestion

_IN_DATASETS = ("path", "files", "timestamps", "dataset", "label", "session_start")


def contradictions_of_sessions(sessions: Mapping[str, Any]) -> Iterator[str]:
    """What does not go together in `sessions`, a line each; what is not of its type is told by the schema."""
    if sessions.get("path") is None and sessions.get("table") is None:
        yield "sessions: path or table is missing"
    if sessions.get("views") and "datasets" not in sessions:
        yield "sessions.views: they show `datasets` by name: name those too, or leave both out"
    known: tuple[str, ...] | None = None
    if sessions.get("table") is None and isinstance(sessions.get("path"), str):
        try:
            known = wildcards(sessions["path"])
        except ValueError as error:
            yield f"sessions.path: {error}"
            return
        if not known:
            yield "sessions.path: has no wildcard that tells sessions apart, such as {subject}"
            return
    for where, text in texts_of_sessions(sessions):
        yield from (f"sessions.{where}: {problem}" for problem in unknown_wildcards(text, known))


def unknown_wildcards(text: str, known: Sequence[str] | None) -> Iterator[str]:
    """What is wrong with the wildcards of a text; None: which there are is not known yet."""
    try:
        names = wildcards(text)
    except ValueError as error:
        yield f"{error}"
        return
    for name in names:
        if known is not None and name not in known:
            there = ", ".join(known) or "none"
            yield f"there is no wildcard {{{name}}}{suggestion(name, known)}; there are {there:.300}"


def texts_of_sessions(sessions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text in which wildcards may stand, and where it stands."""
    found: list[tuple[str, Any]] = [(key, sessions.get(key)) for key in ("path", "id", "label")]
    for name, entry in _items(sessions.get("datasets")):
        for key, value in _items(entry):
            if key in _IN_DATASETS:
                each = enumerate(value) if isinstance(value, list | tuple) else [(None, value)]
                found += [(f"datasets.{name}.{key}" + _place(at), text) for at, text in each]
    for number, view in enumerate(_list(sessions.get("views"))):
        if isinstance(view, Mapping):
            found.append((f"views[{number}].label", view.get("label")))
            for at, panel in enumerate(_list(view.get("panels"))):
                if isinstance(panel, Mapping):
                    found.append((f"views[{number}].panels[{at}].label", panel.get("label")))
    yield from ((where, text) for where, text in found if isinstance(text, str))


def filled_entry(entry: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """An entry of `datasets` for one session. Raises KeyError with the name of a wildcard that has no value."""
    return {key: _filled(value, values) if key in _IN_DATASETS else value for key, value in entry.items()}


def filled_view(view: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """A view for one session. Raises KeyError likewise."""
    panels = [_with_label(panel, values) for panel in view["panels"]]
    return {**_with_label(view, values), "panels": panels}


def _with_label(labelled: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    label = labelled.get("label")
    return dict(labelled) if label is None else {**labelled, "label": filled_in(label, values)}


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return [_filled(each, values) for each in value]
    return filled_in(value, values) if isinstance(value, str) else value


def _place(number: int | None) -> str:
    return "" if number is None else f"[{number}]"


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(key), inner) for key, inner in value.items()] if isinstance(value, Mapping) else []


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []
