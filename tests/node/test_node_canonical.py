"""Task hashes equal the kachery daemon's, which is JavaScript."""

import hashlib
import json
import math
import shutil
import struct
import subprocess
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seriesview.node.canonical import (
    MAX_DEPTH,
    canonical_json,
    javascript_json,
    javascript_number,
    task_hash,
)

VECTORS = {
    "{}": "4ccccff4be6b1598e2619798259d276a24ccbd37",
    '{"a":0.5}': "fdb7d84d0a3c8f6601db3cc54aecd973316146a7",
    '{"a":"é"}': "8b0666a3a2b85c5795d7350766e93e8ed9160e41",
    '{"b":1,"a":{"10":1,"9":2}}': "bfed6583728fd98df01e54bb890462352b5e5647",
    '{"a":1e-7}': "c501c7b40292da3e4984840674c206f58e1f3f78",
    '{"a":1e21}': "b6ff7fb81d090dcbf4438371049b78395863595f",
    '{"a":[{"z":1,"b":2}]}': "265a3d0acc1e71748270da48bbb7a35511daba5c",
    '{"a":-0.0}': "84cfeba165ae7f658b56ae362d658e9dd5b04d7e",
}
NODE = shutil.which("node")
REWRITE = """
const keys = new Set();
const value = JSON.parse(require('fs').readFileSync(0, 'utf8'), function (k, v) { keys.add(k); return v; });
const text = value.map((one) => JSON.stringify(one, Array.from(keys).sort()));
process.stdout.write(JSON.stringify(text));
"""

any_double = st.binary(min_size=8, max_size=8).map(lambda data: float(struct.unpack("<d", data)[0]))
finite = any_double.filter(math.isfinite) | st.floats(allow_nan=False, allow_infinity=False)
text = st.text(
    st.characters() | st.sampled_from('\ud800\udfff\ud83d\udca9\x00\x1f\x7f\u2028\ue000\U0001f4a9"\\/')
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | finite | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize(("kwargs", "sha1"), VECTORS.items())
def test_vectors_of_the_daemon(kwargs: str, sha1: str) -> None:
    assert task_hash("f.1", json.loads(kwargs)) == sha1


def printed_by_the_rule(value: float) -> str:
    """ECMAScript's Number::toString: the shortest digits that read back, found by trying."""
    if value == 0:
        return "0"
    if value < 0:
        return "-" + printed_by_the_rule(-value)
    exact = Decimal(value)
    for count in range(1, 18):
        both = [
            Context(prec=count, rounding=rounding).plus(exact) for rounding in (ROUND_FLOOR, ROUND_CEILING)
        ]
        good = [one for one in both if float(one) == value]
        if good:
            nearest = min(good, key=lambda one: (abs(one - exact), one.as_tuple().digits[-1] % 2))
            break
    scientific = f"{nearest:.{count - 1}e}"
    mantissa, exponent = scientific.split("e")
    digits = mantissa.replace(".", "")
    k, n = len(digits), int(exponent) + 1
    if k <= n <= 21:
        return digits + "0" * (n - k)
    if 0 < n <= 21:
        return digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + digits
    power = f"e{'+' if n > 0 else '-'}{abs(n - 1)}"
    return (digits if k == 1 else digits[0] + "." + digits[1:]) + power


@settings(max_examples=1000)
@given(finite)
@example(5e-324)
@example(1.7976931348623157e308)
@example(1e-6)
@example(9.999999999999999e-7)
@example(1e21)
@example(999999999999999900000.0)
@example(123456789012345680000.0)
@example(-1e16)
def test_numbers_print_by_the_rule(value: float) -> None:
    assert javascript_number(value) == printed_by_the_rule(value)


@given(st.integers(-(10**30), 10**30) | st.integers(2**53 - 9, 2**53 + 9))
def test_integers_are_the_nearest_doubles(value: int) -> None:
    assert javascript_number(value) == printed_by_the_rule(float(value))
    if abs(value) <= 2**53:
        assert javascript_number(value) == str(value)


@given(json_values)
def test_what_is_written_is_the_same_value(value: object) -> None:
    def as_doubles(one: Any) -> Any:
        if isinstance(one, dict):
            return {joined(key): as_doubles(item) for key, item in one.items()}
        if isinstance(one, list):
            return [as_doubles(item) for item in one]
        if isinstance(one, str):
            return joined(one)
        return float(one) if type(one) in (int, float) else one

    for write in (canonical_json, javascript_json):
        assert as_doubles(json.loads(write(value))) == as_doubles(value)
    again = canonical_json(value)
    assert canonical_json(json.loads(again)) == again


def joined(one: str) -> str:
    return one.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@given(st.dictionaries(text.map(joined), st.integers(0, 9), max_size=8))
def test_keys_are_sorted_by_code_unit(value: dict[str, int]) -> None:
    keys = list(json.loads(canonical_json(value)))
    assert [key.encode("utf-16-be", "surrogatepass") for key in keys] == sorted(
        key.encode("utf-16-be", "surrogatepass") for key in value
    )
    assert list(json.loads(javascript_json(value))) == list(value)


@pytest.mark.skipif(NODE is None, reason="needs JavaScript (node)")
@settings(max_examples=25, deadline=None)
@given(st.lists(json_values, max_size=60), st.lists(finite, max_size=200))
def test_javascript_writes_the_same(values: list[Any], numbers: list[float]) -> None:
    sent = [*values, numbers]
    answer = subprocess.run(
        [NODE or "", "-e", REWRITE], input=json.dumps(sent).encode(), capture_output=True, check=True
    )
    written = json.loads(answer.stdout.decode())
    assert [canonical_json(one).decode() for one in sent] == written


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**400, {1: 2}, {"a": {1, 2}}, b"a", object()]
)
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json([value])


def test_deep_nesting_is_refused_and_no_crash() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert len(canonical_json(value)) == 2 * MAX_DEPTH
    with pytest.raises(ValueError, match="levels"):
        canonical_json([value])


@given(text, st.dictionaries(text, json_values, max_size=3))
def test_task_hash_is_the_sha1_of_both(function_id: str, kwargs: dict[str, Any]) -> None:
    whole = canonical_json({"kwargs": kwargs, "functionId": function_id})
    assert task_hash(function_id, kwargs) == hashlib.sha1(whole).hexdigest()
