"""What is wrong with a JSON document, as sentences: where, what was expected, what was found."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from seriesview.documents.expectations import UNSHOWN

Where = tuple[str | int, ...]

_SHOWN_CHARACTERS = 60
_MOST_UNKNOWN = 10


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: at `where` something else was `expected`, a key is missing, or one is not known."""

    where: Where
    kind: Literal["expected", "missing", "unknown", "contradiction"]
    said: str
    """What was expected; the key that is missing or unknown; or what contradicts itself, as a sentence."""
    found: Any = None
    choices: tuple[str, ...] = ()
    """What could stand there, for the nearest."""
    is_key: bool = False
    """Whether what was found is a key, and not the value at it."""
    hint: str = ""
    """What to do, to stand behind the sentence."""

    def sentence(self, *, show: bool = True) -> str:
        """What is wrong, without where; what was found instead only where it may be shown."""
        match self.kind:
            case "expected":
                found = f", found {shown(self.found)}" if show else ""
                nearest = suggestion(self.found, self.choices) if show and isinstance(self.found, str) else ""
                return f"expected {self.said}{found}{nearest}{self.hint}"
            case "missing":
                return f"{self.said} is missing"
            case "unknown":
                return f"unknown key {_short(self.said)}{suggestion(self.said, self.choices)}"
            case _:
                return self.said


def problems(error: ValidationError, kind: Any) -> list[Problem]:
    """Everything that is wrong with a document of a kind, in its order."""
    return [_problem(entry, kind) for entry in error.errors(include_url=False) if not _follows(entry)]


def lines(found: Iterable[Problem], root: str = "", *, whole: str = "", show: bool = True) -> list[str]:
    """A line for each problem, "where: what"; `root` is in front of each place, `whole` is that of the whole document.

    Unknown keys of one object are one line, and those beyond ten are only counted.
    """
    told: list[str] = []
    unknown: dict[str, list[str]] = {}
    for problem in found:
        where = place(problem.where, root) or whole
        if problem.kind == "unknown":
            unknown.setdefault(where, []).append(problem.sentence())
        else:
            told.append(f"{where}: {problem.sentence(show=show)}" if where else problem.sentence(show=show))
    for where, words in unknown.items():
        more = len(words) - _MOST_UNKNOWN
        said = "; ".join([*words[:_MOST_UNKNOWN], *([f"and {more} more"] if more > 0 else [])])
        told.append(f"{where}: {said}" if where else said)
    return told


def place(where: Where, root: str = "") -> str:
    """Where something lies in a document: `series manifest.segments[0]`."""
    text = root
    for part in where:
        if str(part).startswith(UNSHOWN):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{_short(part)}" if text else _short(part)
    return text


def suggestion(word: str, known: Iterable[str]) -> str:
    """The nearest of the words that could have been meant, as a question; "" where none is near."""
    close = difflib.get_close_matches(_short(word), list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""


def shown(value: object) -> str:
    """A value in a message: short, whatever it is."""
    if isinstance(value, str):
        return repr(value[:_SHOWN_CHARACTERS]) + ("..." if len(value) > _SHOWN_CHARACTERS else "")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value) if abs(value) < 10**20 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "a number that is not finite"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def _short(text: object) -> str:
    said = str(text) if str(text).isprintable() else repr(text)
    return said if len(said) <= _SHOWN_CHARACTERS else said[: _SHOWN_CHARACTERS - 3] + "..."


_IN_JSON = {"Tuple": "a list", "List": "a list", "Dictionary": "an object"}
_OF_TYPE = {
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dataclass_type": "an object",
    "dict_type": "an object",
    "mapping_type": "an object",
    "list_type": "a list",
    "tuple_type": "a list",
    "none_required": "null",
    "string_type": "a text",
    "string_unicode": "keys and texts that UTF-8 holds",
}


def _follows(entry: Any) -> bool:
    """Whether a list is too short only because what it holds is wrong."""
    return bool(entry["type"] == "too_short" and len(entry["input"]) >= entry["ctx"]["min_length"])


def _problem(entry: Any, kind: Any) -> Problem:
    where: Where = entry["loc"]
    context = entry.get("ctx", {})
    is_key = len(where) > 1 and where[-1] == "[key]" and entry["type"] == "expected"
    if is_key:
        where = where[:-2]
    match entry["type"]:
        case "expected":
            return Problem(
                where, "expected", context["said"], entry["input"], tuple(context["choices"]), is_key
            )
        case "missing":
            return Problem(where[:-1], "missing", str(where[-1]))
        case "extra_forbidden" | "unexpected_keyword_argument":
            return Problem(where[:-1], "unknown", str(where[-1]), None, _fields_at(kind, where[:-1]))
        case "invalid_key":
            return Problem(where[:-1], "expected", "a text as key", entry["input"], is_key=True)
        case "too_short" | "too_long" as which:
            least, most = context.get("min_length"), context.get("max_length")
            bound = f"at least {least}" if which == "too_short" else f"at most {most}"
            said = "that is not empty" if least == 1 else f"of {bound}"
            return Problem(where, "expected", f"{_IN_JSON[context['field_type']]} {said}", entry["input"])
        case "json_invalid":
            return Problem(where, "contradiction", f"not JSON: {context['error']}")
        case said if said in _OF_TYPE:
            return Problem(where, "expected", _OF_TYPE[said], entry["input"])
        case _:
            return Problem(where, "contradiction", entry["msg"])


def _fields_at(kind: Any, where: Where) -> tuple[str, ...]:
    """The fields of the model that lies at a place of a document; none where the place is not of one model alone."""
    for part in where:
        found = _model_in(kind)
        kind = _items_of(kind) if found is None else _named_fields(found)[str(part)].annotation
    found = _model_in(kind)
    return () if found is None else tuple(_named_fields(found))


def _named_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by their names in JSON."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(kind: Any) -> type[BaseModel] | None:
    """The model that a type is, alone or beside null."""
    models = [
        each
        for each in (kind, *typing.get_args(kind))
        if isinstance(each, type) and issubclass(each, BaseModel)
    ]
    is_list = typing.get_origin(kind) in (dict, list, tuple)
    return models[0] if models and not is_list else None


def _items_of(kind: Any) -> Any:
    """The type of what a dict, a list or a tuple of any length holds."""
    found = [each for each in typing.get_args(kind) if each not in (..., type(None))]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        # A list beside null.
        return _items_of(found[-1])
    return found[-1] if found else None
