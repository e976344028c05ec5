"""What every room says alike."""

from datetime import UTC, datetime

import pytest

from seriesview.terms import END_OF_CLOCKS, LAST_YEAR, bytes_in_words, is_workspace


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999.7, "1 kB"),
        (1500, "1.5 kB"),
        (81_000_000, "81 MB"),
        (2e12, "2 TB"),
        (1.25e15, "1250 TB"),
    ],
)
def test_bytes_are_said_in_three_digits(count: float, text: str) -> None:
    assert bytes_in_words(count) == text


def test_a_workspace_of_any_version_is_one_and_nothing_else() -> None:
    assert is_workspace({"format": "seriesview-workspace/9"})
    for other in (
        {"format": "seriesview-series/1"},
        {"format": None},
        {},
        [],
        "seriesview-workspace/1",
        None,
    ):
        assert not is_workspace(other)


def test_clocks_end_with_the_last_year() -> None:
    assert datetime(LAST_YEAR, 1, 1, tzinfo=UTC).timestamp() == END_OF_CLOCKS
