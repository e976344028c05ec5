"""Python places the series of a view on the clock where the viewer does, whatever zone the browser is in."""

import json
import os
import subprocess

import numpy as np
import pytest
from source_server import HERE, NODE

from seriesview.series.manifest import SegmentInfo, SeriesManifest
from seriesview.share.view_times import shifts

CLOCKS = [
    None,
    "2024-03-31T01:30:00",
    "2024-03-31T03:00:00.250",
    "2024-03-31T02:30:00.000125+01:00",
    "2024-03-31 02:30:00Z",
    "2024-03-30T20:15:00-05:30",
    "1970-01-01T00:00:00+00:00",
    "1970-01-01T01:00:00+01:00",
    "noon",
]
STARTS = [0.0, -5.5, 12.25, 99_999_999.0, 1_711_848_600.5, 1_711_848_601.125, 7_258_118_400.0, 2e11]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
def test_series_are_placed_alike(zone):
    random = np.random.default_rng(3)
    views = [
        [
            {
                "session_start": CLOCKS[random.integers(len(CLOCKS))],
                "start_time": float(random.choice(STARTS)),
            }
            for _ in range(random.integers(1, 5))
        ]
        for _ in range(500)
    ]
    assert NODE
    ran = subprocess.run(
        [NODE, str(HERE / "place_series.js")],
        input=json.dumps(views),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"TZ": zone},
    )
    for view, expected in zip(views, json.loads(ran.stdout), strict=True):
        found = shifts({str(index): manifest(**entry) for index, entry in enumerate(view)})
        np.testing.assert_allclose(list(found.values()), expected, rtol=0, atol=1e-6, err_msg=str(view))


def manifest(session_start, start_time):
    return SeriesManifest(
        "continuous",
        "int16",
        (),
        (SegmentInfo(start_time, start_time + 1, 1),),
        1.0,
        session_start=session_start,
    )
