"""A view of what another process still writes: it moves with the end, is exact, and stays still where it is held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from browsing import Viewer, wait_for
from closed_port import CLOSED_PORT
from expected_pictures import assert_same, expected_picture
from playwright.sync_api import Page, expect
from recordings import Recording
from viewer_places import HIDDEN, show
from written_files import Rig, Writer

from seriesview.build.followed import Following
from seriesview.figures.finding import ToBuild, meant
from seriesview.figures.view import View
from seriesview.store import open_store

RATE, CHANNELS = 1000.0, 6
KEYS = {"dtype": "int16", "channels": CHANNELS, "sampling_frequency": RATE}


def right_edge(viewer: Viewer) -> float:
    """Seconds at the right edge of the pictures."""
    frame = viewer.frame()
    ticks = (frame["leftColumn"] + frame["columns"]) * frame["samplesPerColumn"] / frame["columnsPerSample"]
    return ticks / RATE


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., View]:
    """Views of what is written, with nodes of their own."""
    for name in (*HIDDEN, "KACHERY_STORAGE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KACHERY_DAEMON_PORT", str(CLOSED_PORT))
    store = tmp_path / "store"

    def started(path: Path, keys: dict[str, Any]) -> View:
        following = Following(idle_seconds=1000.0, beside=True)
        found = meant(
            path, lambda: open_store(store, "embedded"), store=store, given=keys, following=following
        )
        assert isinstance(found, ToBuild)
        return View(found, port=0)

    return started


def test_what_is_written_is_seen_and_the_page_can_be_held_still(
    page: Page, tmp_path: Path, alone: Callable[..., View]
) -> None:
    random = np.random.default_rng(5)
    samples = random.normal(0, 300, (60_000, CHANNELS)).astype(np.int16)
    recording = Recording(
        "rig", "local:rig", [samples], [0.0], RATE, channels=tuple(map(str, range(CHANNELS)))
    )
    path = tmp_path / "rig.dat"

    def assert_exact(viewer: Viewer, written: int) -> None:
        """All whole columns of what is written are seen, and nothing behind them."""
        wait_for(page, lambda: viewer.timeline()["endTime"] == written / RATE, "the end")
        frame = viewer.frame()
        step = frame["samplesPerColumn"]
        whole = (written - 1) // step - frame["leftColumn"]
        seen = """async () => {
          await seriesview.settled();
          return seriesview.panels()[0].painted.unbuilt[0]?.[0] ?? 1e9;
        }"""
        wait_for(page, lambda: viewer.inside.evaluate(seen) >= whole, "the last columns")
        panel = viewer.panel()
        expected = expected_picture(recording, panel, viewer.timeline())
        if whole < frame["columns"]:
            expected[:, whole:] = 0
        assert_same(panel, expected, f"{written} samples")

    with Writer(path) as writer:
        writer.write(samples[:3000].tobytes())
        with alone(path, KEYS) as view:
            viewer = show(page, view.url)
            said = viewer.inside.locator(".building")
            expect(said).to_contain_text("following, less than 1 s behind")
            # Ten seconds fit, and three are there.
            assert 9 < right_edge(viewer) < 15
            gain = viewer.panel().lanes[0]["pixelsPerUnit"]
            assert_exact(viewer, 3000)
            for written in (9_137, 30_001):
                writer.write(samples[3000 if written < 10_000 else 9_137 : written].tobytes())
                assert_exact(viewer, written)
            # It has moved with the end, and shows as much as before.
            assert 30.0 <= right_edge(viewer) < 30.1
            assert viewer.panel().lanes[0]["pixelsPerUnit"] == gain
            page.keyboard.press("H")
            expect(said).to_contain_text("held still")
            held = viewer.frame()
            writer.write(samples[30_001:40_000].tobytes())
            wait_for(page, lambda: viewer.timeline()["endTime"] == 40.0, "the end")
            assert viewer.frame() == held
            assert_exact(viewer, 40_000)
            button = viewer.inside.get_by_role("button", name="Hold still (H)")
            expect(button).to_have_attribute("aria-pressed", "true")
            button.click()
            wait_for(page, lambda: right_edge(viewer) >= 40.0, "the end is shown")
            assert_exact(viewer, 40_000)
            # Whoever goes back looks there; closer it goes on with the end.
            page.keyboard.press("PageUp")
            expect(button).to_have_attribute("aria-pressed", "true")
            page.keyboard.press("End")
            expect(button).to_have_attribute("aria-pressed", "false")
            page.keyboard.press("+")
            writer.write(samples[40_000:].tobytes())
            wait_for(page, lambda: 60.0 <= right_edge(viewer) < 60.1, "the end")
            assert_exact(viewer, 60_000)
            assert not page.url.count("leftColumn%22%3A0%2C")
            before = viewer.frame()
            assert view.end_following()
            view.wait()
            viewer.wait_until("Object.values(seriesview.figure().series).every(({state}) => !state)")
            expect(button).to_be_hidden()
            expect(said).to_be_hidden()
            viewer.wait()
            after = viewer.frame()
            assert after == before
            panel = viewer.panel()
            assert_same(panel, expected_picture(recording, panel, viewer.timeline()), "what was built")


@pytest.mark.soak
def test_a_second_of_a_whole_probe_is_seen_within_two_of_its_writing(
    page: Page, tmp_path: Path, alone: Callable[..., View]
) -> None:
    rate, channels = 30_000, 384
    rig = Rig(tmp_path / "probe.dat", rate, channels, 60)
    rig.second()
    keys = {"dtype": "int16", "channels": channels, "sampling_frequency": float(rate)}
    with alone(tmp_path / "probe.dat", keys) as view:
        viewer = show(page, view.url)
        # Up to where all columns are seen, view time in seconds, and when that was, seconds.
        viewer.inside.evaluate("""() => {
          globalThis.seen = [];
          const look = () => {
            const {painted} = seriesview.panels()[0];
            const {frame, unbuilt, width} = painted;
            const column = frame.leftColumn + (unbuilt[0]?.[0] ?? width);
            const {ticksPerSecond, endTime} = seriesview.timeline();
            const until = (column * frame.samplesPerColumn) / frame.columnsPerSample / ticksPerSecond;
            seen.push([Math.min(until, endTime), (performance.timeOrigin + performance.now()) / 1000]);
            requestAnimationFrame(look);
          };
          look();
        }""")
        first = viewer.timeline()["endTime"]
        written = rig.rest()
        # A second, and a column.
        wait_for(page, lambda: viewer.timeline()["endTime"] == 60.0, "the end")
        seen = viewer.inside.evaluate("seen")
        late = {
            second: next(when for until, when in seen if until >= second) - when_written
            for second, when_written in enumerate(written, start=2)
            if first < second < 59
        }
        assert len(late) > 40
        # That of a single second depends on what else the machine does.
        assert median(late.values()) <= 2.0, late
        assert view.end_following()
        view.wait()
