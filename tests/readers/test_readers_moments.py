"""Dates as people and programs write them: one moment, or none where there may be two."""

from datetime import datetime

import pytest

from seriesview.readers.moments import parse_moment

UTC = "2024-03-01T08:05:09+00:00"
LOCAL = "2024-03-01T08:05:09"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-01T08:05:09Z", UTC),
        ("2024-03-01T08:05:09z", UTC),
        ("2024-03-01t08:05:09+0000", UTC),
        ("2024-03-01 08:05:09 UTC", UTC),
        ("2024-03-01 08:05:09 GMT", UTC),
        ("2024-03-01T09:05:09+01", "2024-03-01T09:05:09+01:00"),
        ("2024-03-01 09:05:09 +0100", "2024-03-01T09:05:09+01:00"),
        ("2024-03-01 09:05:09 UTC+1", "2024-03-01T09:05:09+01:00"),
        ("2024-03-01T09:05:09+01:00[Europe/Berlin]", "2024-03-01T09:05:09+01:00"),
        ("2024-03-01 09:05:09 Europe/Berlin", "2024-03-01T09:05:09+01:00"),
        ("2024-03-01T08:05:09.123456789Z", "2024-03-01T08:05:09.123456+00:00"),
        ("2024-03-01T08:05:09,5Z", "2024-03-01T08:05:09.500000+00:00"),
        ("20240301T080509Z", UTC),
        ("20240301 080509", LOCAL),
        ("20240301_080509", LOCAL),
        ("2024-03-01_08:05:09", LOCAL),
        ("2024-3-1 8:05:09", LOCAL),
        ("2024/03/01 08:05:09", LOCAL),
        ("2024.03.01 08:05:09", LOCAL),
        ("2024:03:01 08:05:09", LOCAL),
        ("  2024-03-01 08:05:09\0\0", LOCAL),
        ("01-Mar-2024 08:05:09", LOCAL),
        ("1 March 2024 8:05:09 am", LOCAL),
        ("March 1, 2024 08:05:09", LOCAL),
        ("Fri, 01 Mar 2024 08:05:09 +0000", UTC),
        ("Fri Mar  1 08:05:09 2024", LOCAL),
        ("Fri Mar  1 08:05:09 UTC 2024", UTC),
        ("01.03.2024 08:05:09", LOCAL),
        ("3/1/2024 8:05:09 PM", None),
        ("31/3/2024 8:05:09 PM", "2024-03-31T20:05:09"),
        ("3/31/2024 12:05:09 AM", "2024-03-31T00:05:09"),
        ("3/3/2024 08:05", "2024-03-03T08:05:00"),
        ("2024-03-01", "2024-03-01T00:00:00"),
        ("2024-03-01T24:00:00Z", "2024-03-02T00:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2024-02-30", None),
        ("2024-13-01", None),
        ("2024-03-01T25:00:00", None),
        ("2024-03-01T08:05:09 MEZ", None),
        ("13:00 PM", None),
        ("in March", None),
        ("", None),
        ("20240301", "2024-03-01T00:00:00"),
        ("1 Foo 2024", None),
    ],
)
def test_a_text_names_one_moment_or_none(text: str, expected: str | None) -> None:
    found = parse_moment(text)
    assert (None if found is None else found.isoformat()) == expected
    assert found is None or found == datetime.fromisoformat(str(expected))
