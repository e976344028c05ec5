"""Probes of hundreds of channels: an image from the tip upwards, and traces where they are asked for."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browsing import Viewer
from playwright.sync_api import Page, expect
from recordings import Builder, noise
from viewer_places import Places, show

COUNT = 384


@pytest.fixture(scope="module")
def workspace(builder: Builder) -> str:
    samples = noise(np.random.default_rng(384), 20_000, COUNT, "int16")
    probe = builder.regular("neuropixels", [samples], rate=30_000.0, unit="uV", full_resolution="store")
    channels = [
        {"id": name, "label": f"AP{number}", "x": 32.0 * (number % 2), "y": 20.0 * (number // 2)}
        for number, name in enumerate(probe.channels)
    ]
    return builder.workspace(
        "probe", [("ContinuousTraces", "probe", builder.changed(probe, channels=channels).uri)]
    )


@pytest.fixture
def viewer(page: Page, places: Places, workspace: str) -> Viewer:
    return show(page, places.address("static", workspace))


def test_hundreds_of_channels_open_as_an_image_with_the_tip_at_the_bottom(viewer: Viewer) -> None:
    panel = viewer.panel()
    labels = [lane["label"] for lane in panel.lanes]
    assert labels[:3] == ["AP382", "AP383", "AP380"]
    assert labels[-2:] == ["AP0", "AP1"]
    assert {lane["pixelsPerUnit"] for lane in panel.lanes} == {0}
    assert any("menu: mode" in note for note in panel.painted["notes"])
    assert (panel.pixels[:, 360, 3] == 255).all()


def test_the_menu_has_traces_and_the_way_back(page: Page, viewer: Viewer) -> None:
    page.keyboard.press("m")
    menu = viewer.inside.get_by_role("dialog", name="probe")
    expect(menu.get_by_label("Automatic")).to_be_checked()
    menu.get_by_label("Stacked").check()
    assert viewer.panel().lanes[0]["pixelsPerUnit"] > 0
    assert viewer.state()["panels"]["0"]["mode"] == "stacked"
    menu.get_by_label("Automatic").check()
    assert viewer.panel().lanes[0]["pixelsPerUnit"] == 0
    assert "mode" not in viewer.state()["panels"]["0"]


def test_fewer_channels_are_traces(viewer: Viewer) -> None:
    few = [lane["id"] for lane in viewer.panel().lanes[:16]]
    viewer.set_state(panels={"0": {"channels": few}})
    panel = viewer.panel()
    assert panel.lanes[0]["pixelsPerUnit"] > 0
    assert panel.painted["notes"] == []


def test_the_read_out_of_an_image_says_where_a_channel_is(page: Page, viewer: Viewer) -> None:
    box = viewer.box()
    page.mouse.move(box["x"] + 300, box["y"] + box["height"] - 1.5)
    first = viewer.inside.locator(".tools-readout span").first
    expect(first).to_have_text(re.compile(r"AP[01] \(0 µm\)"))
