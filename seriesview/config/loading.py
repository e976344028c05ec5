"""Reading config.yaml: every problem at once, each one line: where, what was expected, what stands there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seriesview.config.derived import contradictions_of_datasets, with_defaults_of
from seriesview.config.model import Config
from seriesview.config.session_words import contradictions_of_sessions
from seriesview.config.yaml_file import read_yaml, read_yaml_bytes
from seriesview.documents.problems import Problem, lines, problems, shown, suggestion
from seriesview.errors import ConfigError
from seriesview.workspace.panels import CONTINUOUS_TRACES


def load_config(path: Path) -> dict[str, Any]:
    """The checked content of a config.yaml. Raises ConfigError with every problem."""
    content, repeated = read_yaml(path)
    check_config(content, str(path), repeated)
    return with_defaults(content)


def parse_config(text: bytes, name: str) -> dict[str, Any]:
    """The checked content of a configuration in YAML or JSON that came from `name`. Raises ConfigError."""
    content, repeated = read_yaml_bytes(text, name)
    check_config(content, name, repeated)
    return with_defaults(content)


def with_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    """A checked configuration, datasets with the `defaults`, panels with the `mains`, that they do not overrule."""
    defaults = content.get("defaults") or {}
    mains = content.get("mains")
    filled = {key: value for key, value in content.items() if key != "defaults"}
    filled["datasets"] = _filled(content, defaults)
    filled |= _with_mains(content, mains)
    if sessions := content.get("sessions"):
        # What recordings hold that no entry names has them too.
        filled["sessions"] = {
            **sessions,
            **_with_mains(sessions, mains),
            "datasets": _filled(sessions, defaults),
            "defaults": defaults,
        }
    return filled


def without_filled_in(content: Mapping[str, Any]) -> dict[str, Any]:
    """What `with_defaults` made, as it can be checked and filled in once more, with the same result."""
    sessions = content.get("sessions")
    if not sessions:
        return dict(content)
    given = {key: value for key, value in sessions.items() if key != "defaults" and value != {}}
    found = {key: value for key, value in content.items() if key != "datasets"}
    return {**found, "sessions": given, "defaults": sessions["defaults"]}


def _filled(content: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: with_defaults_of(entry, defaults) for name, entry in (content.get("datasets") or {}).items()
    }


def _with_mains(content: Mapping[str, Any], mains: float | None) -> dict[str, Any]:
    """The views, if there are any, whose panels of traces say at which frequency the mains are."""
    if mains is None or not content.get("views"):
        return {}
    return {
        "views": [
            {
                **view,
                "panels": [
                    {"mains": mains, **panel} if panel.get("type") == CONTINUOUS_TRACES.name else panel
                    for panel in view["panels"]
                ],
            }
            for view in content["views"]
        ]
    }


def check_config(content: Any, name: str = "configuration", also: Sequence[str] = ()) -> None:
    """Raise ConfigError that lists everything wrong with a configuration, and what is wrong `also`.

    `name` is put in front of each line.
    """
    found = [*also, *_problems(content)]
    if found:
        raise ConfigError([f"{name}: {line}" for line in found])


def _problems(content: Any) -> list[str]:
    """Everything wrong with a configuration, a line each."""
    found: list[Problem] = []
    try:
        Config.model_validate(content)
    except ValidationError as error:
        found = problems(error, Config)
    more = _contradictions(content) if isinstance(content, Mapping) else ()
    return [*lines(map(_in_yaml, found), whole="the file"), *more]


def _contradictions(content: Mapping[str, Any]) -> Iterator[str]:
    """What does not go together, of keys that are as they should be."""
    if "datasets" not in content and "sessions" not in content:
        yield "the file: datasets is missing, or sessions where recordings repeat"
    if "datasets" in content and "sessions" in content:
        yield (
            "datasets: there are `sessions` too: name those of each session within them, others in another file"
        )
    if isinstance(content.get("datasets"), Mapping):
        yield from contradictions_of_datasets(content["datasets"], have_paths=True)
    yield from _unknown_series(content)
    sessions = content.get("sessions")
    if isinstance(sessions, Mapping):
        yield from contradictions_of_sessions(sessions)
        if isinstance(sessions.get("datasets"), Mapping):
            wrong = contradictions_of_datasets(sessions["datasets"], have_paths=False)
            yield from (f"sessions.{line}" for line in wrong)
            yield from (f"sessions.{line}" for line in _unknown_series(sessions))


def _in_yaml(problem: Problem) -> Problem:
    """The problem in words for those who write YAML."""
    if problem.kind != "expected":
        return problem
    said = problem.said.replace("an object", "keys with values")
    if problem.is_key and not isinstance(problem.found, str):
        taken = f"YAML takes a key here for {problem.found!r:.60}, not for text: put it in quotes"
        return replace(problem, kind="contradiction", said=taken)
    if problem.found is None:
        return replace(problem, kind="contradiction", said=f"nothing is filled in; write {said} here")
    is_number = said.startswith(("a number", "an integer"))
    return replace(problem, said=said, hint=_text_of_number(problem.found) if is_number else "")


def _unknown_series(content: Mapping[str, Any]) -> Iterator[str]:
    """Panels that name no dataset; what is not even of the right type is reported by the schema."""
    datasets = content.get("datasets")
    names = [str(name) for name in datasets] if isinstance(datasets, Mapping) else []
    for number, view in enumerate(_list(content.get("views"))):
        panels = _list(view.get("panels")) if isinstance(view, Mapping) else []
        for position, panel in enumerate(panels):
            said = [("series", panel.get("series"))] if isinstance(panel, Mapping) else []
            said += [("over", name) for name in _list(panel.get("over"))] if said else []
            for word, series in said:
                if isinstance(series, str) and series not in names:
                    where = f"views[{number}].panels[{position}].{word}"
                    hint = suggestion(series, names)
                    yield f"{where}: there is no dataset {shown(series)}{hint}; there are {', '.join(names):.300}"


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _as_yaml(number: float) -> str:
    """A number as YAML reads it: with a point where it has an exponent."""
    text = repr(number)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _text_of_number(value: Any) -> str:
    """What to write in place of a number, or of the first in some, that YAML takes for text; else nothing."""
    found = [value, *(value.values() if isinstance(value, Mapping) else _list(value))]
    found += [inner for each in found[1:] for inner in _list(each)]
    text = next((each for each in found if isinstance(each, str) and _is_number(each)), None)
    return "" if text is None else f"; YAML takes {text:.60} for text: write {_as_yaml(float(text))}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
