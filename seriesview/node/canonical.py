"""JSON exactly as JavaScript writes it, and the task hash that is taken over it.

Task hashes must equal those of the kachery daemon, which is JavaScript: numbers are doubles and print as
JavaScript prints them, and keys sort by UTF-16 code unit. What is sent to a backend is written the same way,
so that the numbers that it computes with are those that were hashed.
"""

import hashlib
import math
import re
from collections.abc import Iterable
from json.encoder import encode_basestring
from typing import Any

MAX_DEPTH = 200
"""Values nested more deeply than this are refused."""

_EXACT_INTEGER = 2**53
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def task_hash(function_id: str, kwargs: dict[str, Any]) -> str:
    """Return the SHA-1 (40 hex digits) that names a task: a function and its keyword arguments.

    Raises ValueError where `kwargs` cannot be JSON.
    """
    return task_hash_of_json(function_id, canonical_json(kwargs))


def task_hash_of_json(function_id: str, canonical_kwargs: bytes) -> str:
    """Return the task hash of keyword arguments that are canonical JSON already."""
    text = b'{"functionId":%b,"kwargs":%b}' % (canonical_json(function_id), canonical_kwargs)
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def canonical_json(value: object) -> bytes:
    """Return UTF-8 JSON without spaces, keys sorted by UTF-16 code unit; raises ValueError."""
    return _encoded(value, True)


def javascript_json(value: object) -> bytes:
    """Return the same text with keys in the order that they have; raises ValueError."""
    return _encoded(value, False)


def javascript_number(value: int | float) -> str:
    """Return how JavaScript prints the double nearest to a number; raises ValueError where there is none."""
    if isinstance(value, int):
        if -_EXACT_INTEGER <= value <= _EXACT_INTEGER:
            return str(int(value))
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if not math.isfinite(value):
        raise ValueError("a number is not finite, or too large for a double; send null or a smaller number")
    text = float.__repr__(value)
    if "e" not in text:
        if text.endswith(".0"):
            return "0" if text == "-0.0" else text[:-2]
        return text
    return _rearranged(text)


def _rearranged(text: str) -> str:
    """Return Python's exponent form as JavaScript writes it: positional from 1e-6 up to 1e21."""
    mantissa, exponent_text = text.split("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = whole + (fraction if fraction != "0" else "")
    exponent = int(exponent_text)
    if 0 <= exponent < 21:
        return sign + digits + "0" * (exponent + 1 - len(digits))
    if -7 < exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    point = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


def _encoded(value: object, sort_keys: bool) -> bytes:
    text = _text(value, sort_keys, 0)
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Code units of a pair that came apart are one character; what is left alone is escaped.
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return _LONE_SURROGATE.sub(lambda unit: f"\\u{ord(unit[0]):04x}", joined).encode()


def _text(value: object, sort_keys: bool, depth: int) -> str:
    if isinstance(value, str):
        return str(encode_basestring(value))
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return javascript_number(value)
    if depth >= MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        keys = _sorted_keys(value) if sort_keys else value
        return "{" + ",".join(_member(key, value[key], sort_keys, depth) for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([_text(item, sort_keys, depth + 1) for item in value]) + "]"
    raise ValueError(f"{type(value).__name__} is not a JSON value")


def _member(key: object, value: object, sort_keys: bool, depth: int) -> str:
    if not isinstance(key, str):
        raise ValueError(f"{type(key).__name__} is not a JSON key")
    return f"{encode_basestring(key)}:{_text(value, sort_keys, depth + 1)}"


def _sorted_keys(value: dict[Any, Any]) -> Iterable[Any]:
    if all(isinstance(key, str) and key.isascii() for key in value):
        return sorted(value)
    return sorted(value, key=lambda key: str(key).encode("utf-16-be", "surrogatepass"))
