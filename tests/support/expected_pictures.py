"""What a panel of traces should look like, from a recording's own samples; and how to say where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from browsing import PanelPicture, Picture
from polyline_reference import draw_spans, first_columns, irregular_spans, regular_spans
from recordings import Recording

COLUMNS_PER_SAMPLE = (2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32)


def own_frame(recording: Recording, frame: dict[str, int], ticks_per_second: float) -> dict[str, int]:
    """The same columns, counted in the recording's own samples."""
    assert recording.rate is not None
    samples = recording.rate / ticks_per_second * frame["samplesPerColumn"] / frame["columnsPerSample"]
    own = {"samplesPerColumn": round(samples), "columnsPerSample": 1}
    if samples < 1:
        own = {"samplesPerColumn": 1, "columnsPerSample": round(1 / samples)}
    assert own["samplesPerColumn"] / own["columnsPerSample"] == pytest.approx(samples, rel=1e-9)
    return frame | own


def expected_picture(
    recording: Recording,
    panel: PanelPicture,
    timeline: dict[str, Any],
    shift: float = 0.0,
    tick_zero: float = 0.0,
) -> Picture:
    """The picture that `panel` should be; its lanes say where and in which colours.

    `shift` is what to add to the recording's times to get view times, `tick_zero` the view time of tick 0; seconds.
    """
    frame = panel.frame
    rate = timeline["ticksPerSecond"]
    picture = np.zeros_like(panel.pixels)
    starts = [start + shift for start in recording.starts]
    firsts = first_columns(starts, tick_zero, rate, frame)
    for lane in panel.lanes:
        channel = recording.channels.index(lane["id"])
        for number, segment in enumerate(recording.segments):
            stored = segment[:, channel].astype(np.float64)
            if recording.rate is not None:
                spans = regular_spans(stored, firsts[number], own_frame(recording, frame, rate))
            else:
                columns = frame["leftColumn"] + np.arange(frame["columns"] + 1)
                ticks = columns * frame["samplesPerColumn"] / frame["columnsPerSample"]
                edges = tick_zero - shift + ticks / rate
                spans = irregular_spans(stored, recording.times[number], edges)
            draw_spans(picture, spans, recording.scale, recording.offset, lane)
    return picture


def assert_same(panel: PanelPicture, expected: Picture, what: object) -> None:
    """Every pixel is as expected, and the viewer says that it is the last word."""
    assert panel.painted["error"] is None, (panel.painted["error"], what)
    assert panel.painted["isComplete"], what
    differing = (panel.pixels != expected).any(axis=2)
    if differing.any():
        columns = np.flatnonzero(differing.any(axis=0))
        column = int(columns[0])
        drawn, wanted = (np.flatnonzero(image[:, column, 3]) for image in (panel.pixels, expected))
        pytest.fail(
            f"{len(columns)} columns differ, first {column} (last {columns[-1]}): rows {drawn} drawn, {wanted} "
            f"wanted; frame {panel.frame}, lanes {panel.lanes[:3]}, {what}"
        )


def random_settings(
    recording: Recording, random: np.random.Generator, modes: tuple[str, ...] = ("stacked", "overlaid")
) -> dict[str, Any]:
    """A choice of channels, mode, gain and offsets."""
    count = int(random.integers(1, len(recording.channels) + 1))
    channels = [recording.channels[number] for number in random.permutation(len(recording.channels))[:count]]
    settings: dict[str, Any] = {
        "channels": channels,
        "mode": modes[int(random.integers(len(modes)))],
        "gain": float(np.round(2.0 ** random.uniform(-3, 3), 3)),
    }
    if random.random() < 0.5:
        settings["offsets"] = {channels[0]: float(np.round(random.normal(0, 50), 2))}
    return settings


def random_frame(
    timeline: dict[str, Any], columns: int, random: np.random.Generator, most_seconds: float = np.inf
) -> dict[str, int]:
    """A zoom of the ladder, or columns a sample, somewhere in the session's first seconds."""
    if random.random() < 0.4:
        rung = (1, int(random.choice(COLUMNS_PER_SAMPLE)))
    else:
        rung = (int(random.choice(timeline["ladder"][:-1])), 1)
    length = min(most_seconds, timeline["endTime"] - timeline["startTime"])
    last = int(length * timeline["ticksPerSecond"] * rung[1] / rung[0])
    left = int(random.integers(-columns // 2, max(last - columns // 2, 1)))
    return {"samplesPerColumn": rung[0], "columnsPerSample": rung[1], "leftColumn": left}
