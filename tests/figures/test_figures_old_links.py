"""Links as they are copied and printed: what they name."""

from __future__ import annotations

import pytest

from seriesview.errors import FormatError
from seriesview.figures.links import cleaned, parse_link

HASH = "0123456789" * 4


def test_links_as_they_are_copied() -> None:
    assert cleaned(" <http://a/f?d=1&\n s=2#token=x>\n") == "http://a/f?d=1&s=2"
    assert parse_link("https://a.example/shared/?s=%7B%7D") is None
    link = parse_link(f"http://user:secret@h:1/f?d={HASH}&s=%7B%22view%22%3A1%7D")
    assert link is not None
    assert (link.state, link.host, link.label) == ({"view": 1}, "h:1", "")
    with pytest.raises(FormatError):
        parse_link(f"http://a/f?d={HASH[1:]}")
