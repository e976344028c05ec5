"""Reading config.yaml: every problem at once, each one line: where, what, what was expected."""

from __future__ import annotations

import difflib
import math
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from seriesview.config.schema import config_schema
from seriesview.config.yaml_file import read_yaml
from seriesview.errors import ConfigError

_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys with values",
}


_MAY_BE_EMPTY = ("store", "views", "defaults")
_MOST_UNKNOWN = 10
_MOST_BITS = 1000
_SHOWN_CHARACTERS = 60


def load_config(path: Path) -> dict[str, Any]:
    """The checked content of a config.yaml. Raises ConfigError with every problem."""
    content, repeated = read_yaml(path)
    check_config(content, str(path), repeated)
    return with_defaults(content)


def with_defaults(content: Mapping[str, Any]) -> dict[str, Any]:
    """A checked configuration in which each dataset has the `defaults` that it does not overrule."""
    defaults = content.get("defaults") or {}
    datasets = {name: {**defaults, **entry} for name, entry in content["datasets"].items()}
    return {**{key: value for key, value in content.items() if key != "defaults"}, "datasets": datasets}


def check_config(content: Any, name: str = "configuration", also: Sequence[str] = ()) -> None:
    """Raise ConfigError that lists everything wrong with a configuration, and what is wrong `also`.

    `name` is put in front of each line.
    """
    found = [*also, *_problems(content)]
    if found:
        raise ConfigError([f"{name}: {line}" for line in found])


def _problems(content: Any) -> list[str]:
    """Everything wrong with a configuration, a line each: where, what, what was expected."""
    if isinstance(content, Mapping):
        content = {
            key: value for key, value in content.items() if value is not None or key not in _MAY_BE_EMPTY
        }
    errors = list(_validator().iter_errors(content))
    mistyped = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    found = [
        _line(error)
        for error in _sorted(errors)
        if error.validator == "type" or tuple(error.absolute_path) not in mistyped
    ]
    found += [
        f"{_where(where)}: {problem}; write a number that is" for where, problem in _not_finite(content, ())
    ]
    found += list(_keys_that_are_no_text(content, ()))
    if isinstance(content, Mapping):
        found += list(_unknown_series(content))
    return found


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(config_schema())


def _sorted(errors: Iterable[ValidationError]) -> list[ValidationError]:
    return sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])


def _where(path: Iterable[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _line(error: ValidationError) -> str:
    """One problem: where, what, what was expected."""
    where = _where(error.absolute_path)
    value: Any = error.instance
    rule: Any = error.validator_value
    match error.validator:
        case "type":
            if value is None:
                return f"{where}: nothing is filled in; write {_KINDS[str(rule)]} here"
            hint = _text_of_number(value) if rule in ("number", "integer") else ""
            return f"{where}: {_shown(value)} is not {_KINDS[str(rule)]}{hint}"
        case "additionalProperties":
            known = list(typing.cast(dict[str, Any], error.schema)["properties"])
            unknown = [_short(str(key)) for key in value if isinstance(key, str) and key not in known]
            lines = [
                f"{where}: unknown key {key}{_suggestion(key, known)}" for key in unknown[:_MOST_UNKNOWN]
            ]
            more = len(unknown) - len(lines)
            return "; ".join([*lines, f"and {more} more"] if more else lines)
        case "required":
            missing = [key for key in rule if key not in value]
            return f"{where}: {' and '.join(missing)} missing"
        case "enum":
            allowed = ", ".join(map(str, rule))
            return f"{where}: {_shown(value)} is not one of {allowed}{_suggestion(str(value), rule)}"
        case "minimum" | "exclusiveMinimum":
            bound = "at least" if error.validator == "minimum" else "greater than"
            return f"{where}: {_shown(value)} is too small; it must be {bound} {rule}"
        case "maximum":
            return f"{where}: {_shown(value)} is too large; it must be at most {rule}"
        case "pattern" if "propertyNames" in error.absolute_schema_path:
            rule = "use letters, digits, '.', '_' and '-', at most 100, no '.' or '-' first"
            return f"{where}: {_shown(value)} is no name for a dataset; {rule}"
        case "pattern":
            return f"{where}: {_shown(value)} is no dtype of samples; write int16, float32 or the like"
        case "anyOf":
            wanted = "a number, a list of numbers, or keys of {values: [...], below: ..., above: ...}"
            return f"{where}: {_shown(value)} is not {wanted}{_text_of_number(value)}"
        case "minLength" | "minItems" | "minProperties":
            return f"{where}: empty; it must hold something"
        case _:
            return f"{where}: {_short(error.message)}"


def _not_finite(value: Any, where: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Numbers that YAML can say and a recording cannot have, and where they stand."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _not_finite(inner, (*where, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _not_finite(inner, (*where, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield where, f"{value} is not finite"
    elif isinstance(value, int) and value.bit_length() > _MOST_BITS:
        yield where, f"{_shown(value)} is not one that a recording can have"


def _keys_that_are_no_text(value: Any, where: tuple[str | int, ...]) -> Iterator[str]:
    """Keys that YAML takes for something else than the text that stands there: 007, yes, null, 1:30."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                yield f"{_where(where)}: YAML takes a key here for {_shown(key)}, not for text: put it in quotes"
            yield from _keys_that_are_no_text(inner, (*where, _short(str(key))))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _keys_that_are_no_text(inner, (*where, index))


def _unknown_series(content: Mapping[str, Any]) -> Iterator[str]:
    """Panels that name no dataset; what is not even of the right type is reported by the schema."""
    datasets = content.get("datasets")
    names = [str(name) for name in datasets] if isinstance(datasets, Mapping) else []
    for number, view in enumerate(_list(content.get("views"))):
        panels = _list(view.get("panels")) if isinstance(view, Mapping) else []
        for position, panel in enumerate(panels):
            series = panel.get("series") if isinstance(panel, Mapping) else None
            if isinstance(series, str) and series not in names:
                where = f"views[{number}].panels[{position}].series"
                hint = _suggestion(series, names)
                yield f"{where}: there is no dataset {series!r}{hint}; there are {', '.join(names)}"


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _suggestion(word: str, known: Iterable[Any]) -> str:
    close = difflib.get_close_matches(_short(word), [str(entry) for entry in known], 1)
    return f" (did you mean {close[0]}?)" if close else ""


def _shown(value: Any) -> str:
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "a number of hundreds of digits"
    return _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


def _as_yaml(number: float) -> str:
    """A number as YAML reads it: with a point where it has an exponent."""
    text = repr(number)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _text_of_number(value: Any) -> str:
    """What to write in place of a number, or of the first in some, that YAML takes for text; else nothing."""
    found = [value, *(value.values() if isinstance(value, Mapping) else _list(value))]
    found += [inner for each in found[1:] for inner in _list(each)]
    text = next((each for each in found if isinstance(each, str) and _is_number(each)), None)
    return "" if text is None else f"; YAML takes {text} for text: write {_as_yaml(float(text))}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
