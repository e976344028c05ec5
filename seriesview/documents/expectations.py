"""What may stand in a JSON document: annotations of the fields of typed classes, each saying what it expects.

Integers stay integers, exact at any size that is allowed; a boolean is none, and NaN and the infinities are no numbers.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

JsonSchema = dict[str, Any]

LARGEST = 2**63 - 1
"""The largest integer of a document, but for stored values."""

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""Texts that stand in JSON for numbers that are not finite."""
UNSHOWN = "\0"
"""What the name of a key begins with that is in no document, but for the checker: places are shown without it."""

_LARGEST_NUMBER = int(sys.float_info.max)


class Document(BaseModel):
    """A JSON object in which nothing may stand but its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def expected(said: str) -> PydanticCustomError:
    """The error of a value, for a validator to raise, that is not what is expected there."""
    return PydanticCustomError("expected", "{said}", {"said": said, "choices": []})


def contradiction(said: str) -> PydanticCustomError:
    """The error, for a validator to raise, of values that do not go together, as a sentence."""
    # A sentence may repeat keys that no UTF-8 holds.
    held = said.encode("utf-8", "backslashreplace").decode("utf-8")
    return PydanticCustomError("contradiction", "{said}", {"said": held})


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
            "pattern": None if pattern is None else f"^(?:{pattern})$",
        }

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """A text; one without a pattern may be none of UTF-8."""
        text = core_schema.str_schema(strict=True, **self._bounds)
        if self._bounds["pattern"] is not None:
            return text
        any_text = core_schema.is_instance_schema(str)
        bounded = core_schema.no_info_after_validator_function(self._of_length, any_text)
        return core_schema.json_or_python_schema(text, bounded if any(self._bounds.values()) else any_text)

    def _of_length(self, text: str) -> str:
        least, most = self._bounds["min_length"], self._bounds["max_length"]
        if len(text) < (least or 0) or (most is not None and len(text) > most):
            raise ValueError
        return text


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


class Instance(Expected):
    """What JSON makes of some texts, lists or objects, whatever is in it: a text here may be none of UTF-8."""

    def __init__(self, kind: type | tuple[type, ...], said: str) -> None:
        super().__init__(said)
        self._kind = kind

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """An instance."""
        return core_schema.json_or_python_schema(plain(), core_schema.is_instance_schema(self._kind))


class Flag(Expected):
    """True or false."""

    def __init__(self) -> None:
        super().__init__("true or false")

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """A boolean."""
        return core_schema.bool_schema(strict=True)


def _without_point(value: Any) -> int:
    if type(value) is not float or not value.is_integer():
        raise ValueError
    return int(value)


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
        turned: list[CoreSchema] = [core_schema.no_info_plain_validator_function(_without_point), self._plain]
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


class ExtendedNumber(Number):
    """A number, or one of the texts that stand for some that are not finite."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.said = f"a number, or one of {', '.join(names)}"
        self._names = list(names)

    def right(self, plain: Callable[[], CoreSchema]) -> CoreSchema:
        """What a text stands for, or the number."""
        named = core_schema.literal_schema(self._names)
        meant = core_schema.no_info_after_validator_function(NON_FINITE.__getitem__, named)
        return core_schema.union_schema([super().right(plain), meant], mode="left_to_right")

    def json_schema(self, plain: JsonSchema) -> JsonSchema:
        """A number, or one of the texts."""
        return {"anyOf": [{"type": "number"}, {"enum": self._names}]}
