"""How tests wait for something: so that it works however late that comes."""

import re
from pathlib import Path

TESTS = Path(__file__).parent


def test_pages_that_forbid_eval_are_waited_for_by_functions() -> None:
    """An expression is evaluated anew at each look: where it was not true at once, the page refuses the second."""
    expression = re.compile(r"wait_for_function\(\s*f?[\"'](?!\s*(\w+|\([^)]*\))\s*=>)")
    found = [path.name for path in TESTS.rglob("*.py") if expression.search(path.read_text())]
    assert found == []


def test_a_pause_says_why_no_event_is_awaited() -> None:
    """`until` in tests/support waits for what comes; a time that must pass has its reason on the line before."""
    pause = re.compile(r"^(?!\s*#).*\n\s*(?:\w+\.)*(?:time\.sleep|wait_for_timeout)\(", re.MULTILINE)
    found = [
        f"{path.name}: {one.group()}"
        for path in TESTS.rglob("*.py")
        for one in pause.finditer(path.read_text())
    ]
    assert found == []
