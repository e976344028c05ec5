"""The checker of every JSON document from outside: types that say what they expect, and its errors as sentences.

Documents are typed classes, dataclasses or pydantic models, whose fields are annotated with what is below. Integers
stay integers, exact at any size that is allowed; a boolean is none, and NaN and the infinities are no numbers.
"""

from __future__ import annotations

import difflib
import math
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import CoreSchema, core_schema

from seriesview.errors import FormatError

Checked = TypeVar("Checked")
JsonSchema = dict[str, Any]
Where = tuple[str | int, ...]

LARGEST = 2**63 - 1
"""The largest integer of a document, but for stored values."""

_LARGEST_NUMBER = int(sys.float_info.max)
_SHOWN_CHARACTERS = 60
_MOST_UNKNOWN = 10
_MOST_PROBLEMS = 10


class Document(BaseModel):
    """A JSON object in which nothing may stand but its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Given:
    """Annotation of a type with None, which stands for what is left out: null may not be written."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = handler(source)
        assert plain["type"] == "nullable", source
        return cast(core_schema.NullableSchema, plain)["schema"]


class Expected:
    """Annotation of a type: whatever is wrong with the value, this is what was expected."""

    def __init__(self, said: str, choices: Iterable[str] = ()) -> None:
        self.said = said
        self.choices = list(choices)

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """What is right; `plain` is what the type itself says."""
        return plain()

    def json_schema(self, plain: JsonSchema) -> JsonSchema:
        """The JSON schema, where `plain`, which follows from what is right, does not say it well."""
        return plain

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(
            self.right(lambda: handler(source)),
            custom_error_type="expected",
            custom_error_message="{said}",
            custom_error_context={"said": self.said, "choices": self.choices},
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return self.json_schema(handler(schema))


class Words(Expected):
    """A text of `least` to `most` characters, all of it of the pattern, if there is one."""

    def __init__(
        self, least: int = 0, most: int | None = None, pattern: str | None = None, said: str = ""
    ) -> None:
        super().__init__(said or ("a text that is not empty" if least else "a text"))
        self._bounds: dict[str, Any] = {
            "min_length": least or None,
            "max_length": most,
            "pattern": None if pattern is None else f"^{pattern}$",
        }

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """A text."""
        return core_schema.str_schema(strict=True, **self._bounds)


class OneOf(Expected):
    """One of a few texts."""

    def __init__(self, *choices: str) -> None:
        super().__init__(f"one of {', '.join(choices)}", choices)

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """One of them."""
        return core_schema.literal_schema(self.choices)

    def json_schema(self, plain: JsonSchema) -> JsonSchema:
        """The choices, also where there is one."""
        return {"type": "string", "enum": self.choices}


class Flag(Expected):
    """True or false."""

    def __init__(self) -> None:
        super().__init__("true or false")

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """A boolean."""
        return core_schema.bool_schema(strict=True)


class Integer(Expected):
    """An integer from `least` to `most`, both included; with `may_have_point` 4.0 is one."""

    def __init__(self, least: int = 0, most: int = LARGEST, *, may_have_point: bool = False) -> None:
        self.least, self.most = least, most
        has_end = most != LARGEST
        super().__init__(
            f"an integer from {least} to {most}" if has_end else f"an integer of at least {least}"
        )
        self._plain = core_schema.int_schema(strict=True, ge=least, le=most)
        self._schema = {"type": "integer", "minimum": least, **({"maximum": most} if has_end else {})}
        self._may_have_point = may_have_point

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """An integer."""
        if not self._may_have_point:
            return self._plain
        whole = core_schema.float_schema(strict=True, multiple_of=1, allow_inf_nan=False)
        turned: list[CoreSchema] = [whole, core_schema.no_info_plain_validator_function(int), self._plain]
        return core_schema.union_schema([self._plain, core_schema.chain_schema(turned)], mode="left_to_right")

    def json_schema(self, plain: JsonSchema) -> JsonSchema:
        """An integer within its bounds."""
        return self._schema


class Number(Expected):
    """A finite number, an integer as it is: above or at least a bound, if there is one, and at most another."""

    def __init__(
        self, *, above: int | None = None, least: int | None = None, most: int | None = None
    ) -> None:
        bounds = {" above": above, " of at least": least, " of at most": most}
        words = [f"{word} {bound}" for word, bound in bounds.items() if bound is not None]
        super().__init__("a number" + " and".join(words))
        self._limits: dict[str, Any] = {"gt": above, "ge": least, "le": most}

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """An integer that a double holds, if not exactly; or a double."""
        ends = {"ge": -_LARGEST_NUMBER, "le": _LARGEST_NUMBER}
        given = {name: bound for name, bound in self._limits.items() if bound is not None}
        return core_schema.union_schema(
            [
                core_schema.int_schema(strict=True, **{**ends, **given}),
                core_schema.float_schema(strict=True, allow_inf_nan=False, **given),
            ],
            mode="left_to_right",
        )

    def json_schema(self, plain: JsonSchema) -> JsonSchema:
        """A number within its bounds."""
        names = {"gt": "exclusiveMinimum", "ge": "minimum", "le": "maximum"}
        given = {names[name]: bound for name, bound in self._limits.items() if bound is not None}
        return {"type": "number", **given}


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


def checked(kind: type[Checked], value: Any, where: str = "") -> Checked:
    """The value as what it should be. Raises FormatError, which says everything that is wrong."""
    try:
        found: Checked = adapter(kind).validate_python(value)
    except ValidationError as error:
        raise _format_error(error, kind, where) from None
    return found


def checked_json(kind: type[Checked], text: bytes, where: str = "") -> Checked:
    """The same of JSON in UTF-8, which may hold NaN where the type allows it."""
    try:
        found: Checked = adapter(kind).validate_json(text)
    except ValidationError as error:
        raise _format_error(error, kind, where) from None
    return found


def adapter(kind: Any) -> TypeAdapter[Any]:
    """pydantic's checker of a type, made once."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def json_schema(kind: Any, title: str) -> JsonSchema:
    """The JSON schema (Draft 2020-12) of a kind of document; what is null where it is left out has no default."""
    found: JsonSchema = _plain(adapter(kind).json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **found}


def _plain(schema: Any) -> Any:
    """A schema without the titles that pydantic makes of names; names of keys are a rule for all keys."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if patterns := found.pop("patternProperties", None):
        ((pattern, values),) = patterns.items()
        found |= {"propertyNames": {"pattern": pattern}, "additionalProperties": values}
    return found


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


def _format_error(error: ValidationError, kind: Any, where: str) -> FormatError:
    told = lines(problems(error, kind), where)
    more = len(told) - _MOST_PROBLEMS
    return FormatError("; ".join([*told[:_MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]))


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
        kind = _items_of(kind) if found is None else found.model_fields[str(part)].annotation
    found = _model_in(kind)
    return () if found is None else tuple(found.model_fields)


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
    found = [each for each in typing.get_args(kind) if each is not ...]
    return found[-1] if found else None
