"""Keys go on working after any control was used."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from browsing import Viewer
from page_views import open_dialog
from playwright.sync_api import Locator, Page, expect
from recordings import Builder, noise
from viewer_places import Places, show

BUTTONS = "button:visible, select:visible, input:visible, [tabindex='0']:visible"
SPAN = {"start": 2.0, "end": 6.0}
PLACE = {"samplesPerColumn": 4, "columnsPerSample": 1, "leftColumn": 3000}


@pytest.fixture(scope="module")
def workspace(builder: Builder) -> str:
    random = np.random.default_rng(61)
    names = [("one", "ContinuousTraces"), ("two", "ContinuousTraces")]
    panels = [
        (kind, name, builder.regular(f"keys-{name}", [noise(random, 60_000, 3, "int16")]).uri)
        for name, kind in names
    ]
    views = [
        {
            "label": label,
            "panels": [{"type": kind, "label": name, "data": {"series": name}} for name, kind in names],
        }
        for label in ("both", "again")
    ]
    uri = builder.workspace("keys", panels)
    return builder.store.put_json(builder.store.get_json(uri) | {"views": views}, name="workspace.json")


@pytest.fixture
def viewer(page: Page, places: Places, workspace: str) -> Viewer:
    viewer = show(page, places.address("static", workspace))
    begin(viewer)
    return viewer


def begin(viewer: Viewer) -> None:
    viewer.inside.evaluate("document.activeElement.blur()")
    viewer.set_state(view=0, **PLACE, selection=SPAN, panels={})


def assert_keys_move(page: Page, viewer: Viewer, what: str) -> None:
    """PageDown shows the next screen, ArrowLeft moves back by a tenth: neither of them does anything else."""
    before = viewer.state()
    for key, screens in (("PageDown", 1.0), ("ArrowLeft", -0.1), ("PageUp", -1.0)):
        frame = viewer.frame()
        page.keyboard.press(key)
        after = viewer.state()
        expected = before | {"leftColumn": frame["leftColumn"] + round(screens * frame["columns"])}
        assert after == expected, f"{key} after {what}"


def controls(viewer: Viewer) -> Locator:
    return viewer.inside.locator(BUTTONS)


def names(viewer: Viewer) -> list[str]:
    script = "all => all.map(one => one.getAttribute('aria-label') || one.textContent)"
    return list(controls(viewer).evaluate_all(script))


def test_after_every_button(page: Page, viewer: Viewer) -> None:
    found = names(viewer)
    assert len(found) > 20
    for number, name in enumerate(found):
        begin(viewer)
        control = controls(viewer).nth(number)
        if control.evaluate("one => one.localName") != "button":
            continue
        control.click()
        if "link" in name:
            expect(viewer.inside.locator("dialog[open]")).to_be_visible()
        for _ in range(2):
            page.keyboard.press("Escape")
        expect(viewer.inside.locator("dialog[open]")).to_have_count(0)
        if viewer.frame()["samplesPerColumn"] > 16:
            viewer.set_state(**PLACE)
        viewer.set_state(leftColumn=PLACE["leftColumn"])
        assert_keys_move(page, viewer, name)


def test_after_going_to_a_time(page: Page, viewer: Viewer) -> None:
    page.keyboard.press("g")
    page.keyboard.type("0:00:20")
    viewer.change(lambda: page.keyboard.press("Enter"))
    assert_keys_move(page, viewer, "going to a time")
    page.keyboard.press("g")
    page.keyboard.type("nonsense")
    page.keyboard.press("Enter")
    expect(viewer.inside.get_by_role("alert").filter(has_text="nonsense")).to_be_visible()
    page.keyboard.press("Escape")
    assert_keys_move(page, viewer, "giving up a time")
    expect(viewer.inside.get_by_role("alert").filter(has_text="nonsense")).to_have_count(0)


@pytest.mark.parametrize(("name", "option"), [("View", "again"), ("What to look for", "Gap")])
def test_after_a_choice(page: Page, viewer: Viewer, name: str, option: str) -> None:
    chosen = viewer.inside.get_by_label(name, exact=True)
    chosen.select_option(label=option)
    viewer.set_state(**PLACE)
    assert_keys_move(page, viewer, f"choosing {option}")


@pytest.mark.parametrize("keys", [("Escape",), ("Enter", "Enter")])
@pytest.mark.parametrize(("name", "option"), [("View", "1"), ("What to look for", "gap")])
def test_a_choice_by_keys_is_not_taken_away_while_it_is_made(
    page: Page, viewer: Viewer, name: str, option: str, keys: tuple[str, ...]
) -> None:
    """Enter opens the list, and closes it."""
    chosen = viewer.inside.get_by_label(name, exact=True)
    chosen.focus()
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_value(option)
    expect(chosen).to_be_focused()
    for key in keys:
        page.keyboard.press(key)
    viewer.set_state(**PLACE)
    assert_keys_move(page, viewer, f"choosing {option} by keys")


def test_after_the_same_choice_once_more(page: Page, viewer: Viewer) -> None:
    """A list that a pointer opened, and that was closed without a change."""
    chosen = viewer.inside.get_by_label("View", exact=True)
    chosen.click()
    page.keyboard.press("Escape")
    assert_keys_move(page, viewer, "closing a list")


def test_after_a_panel_was_resized(page: Page, viewer: Viewer) -> None:
    box = viewer.inside.get_by_role("separator", name="Height of one").bounding_box()
    assert box is not None
    x, y = box["x"] + 200, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 30, steps=3)
    page.mouse.up()
    assert_keys_move(page, viewer, "resizing a panel")


@pytest.mark.parametrize("way", ["Escape", "button", "beside"])
@pytest.mark.parametrize("opened", ["Menu of one", "Keys and help", "Statistics", "Export", "Copy the link"])
def test_after_a_dialog(page: Page, viewer: Viewer, opened: str, way: str) -> None:
    viewer.inside.get_by_role("button", name=re.compile(f"^{opened}")).click()
    dialog = viewer.inside.locator("dialog[open]")
    expect(dialog).to_be_visible()
    for box in dialog.locator("select, input:not([type=radio]), [type=radio]:checked").all()[:3]:
        box.focus()
    ways: dict[str, Callable[[], None]] = {
        "Escape": lambda: page.keyboard.press("Escape"),
        "button": lambda: dialog.get_by_role("button", name="Close").click(),
        "beside": lambda: page.mouse.click(3, 3),
    }
    ways[way]()
    expect(dialog).to_have_count(0)
    assert_keys_move(page, viewer, f"{opened} was closed by {way}")


def test_after_the_menu_changed_the_panel(page: Page, viewer: Viewer) -> None:
    page.keyboard.press("m")
    menu = viewer.inside.get_by_role("dialog", name="one")
    menu.get_by_label("Overlaid").check()
    menu.get_by_role("button", name="Larger").click()
    menu.get_by_role("button", name="Reset this panel").click()
    menu = viewer.inside.get_by_role("dialog", name="one")
    menu.get_by_role("button", name="Hide this panel").click()
    expect(viewer.inside.locator("dialog[open]")).to_have_count(0)
    assert_keys_move(page, viewer, "hiding a panel in its menu")
    viewer.inside.get_by_role("button", name="+ one").click()
    assert_keys_move(page, viewer, "showing a panel again")


def test_after_pointing_at_the_overview_and_the_axis(page: Page, viewer: Viewer) -> None:
    viewer.inside.get_by_label("Go to time").click()
    for selector in (".overview-strip", ".axis", ".picture"):
        box = viewer.inside.locator(selector).first.bounding_box()
        assert box is not None
        viewer.inside.get_by_label("Go to time").click()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert_keys_move(page, viewer, selector)


def test_a_letter_that_is_typed_goes_into_the_field(page: Page, viewer: Viewer) -> None:
    page.keyboard.press("g")
    field = viewer.inside.get_by_label("Go to time")
    expect(field).to_be_focused()
    page.keyboard.type("eixm0")
    expect(field).to_have_value("eixm0")
    expect(viewer.inside.locator("dialog[open]")).to_have_count(0)


@pytest.mark.parametrize("kind", ["tasks", "parent"])
def test_keys_work_from_the_beginning_in_a_page_around(
    page: Page, places: Places, workspace: str, kind: str
) -> None:
    viewer = show(page, places.address(kind, workspace))
    if kind == "parent":
        viewer.inside.locator(".picture").first.click()
    viewer.set_state(**PLACE)
    assert_keys_move(page, viewer, "opening")


def test_keys_are_the_views_again_after_the_dialog_of_the_page_around(
    page: Page, places: Places, workspace: str
) -> None:
    viewer = show(page, places.address("tasks", workspace))
    viewer.set_state(**PLACE)
    open_dialog(page)
    dialog = page.locator("#channel-dialog")
    expect(dialog).to_be_visible()
    dialog.locator("#backend-label").focus()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert_keys_move(page, viewer, "closing the dialog of the channel")
    page.locator("#menu-button").click()
    expect(page.locator("#channel-button")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#channel-button")).to_be_hidden()
    viewer.wait_until("document.hasFocus()")
    assert_keys_move(page, viewer, "closing the menu")
