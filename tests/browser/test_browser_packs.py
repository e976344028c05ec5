"""Recordings of many packs, from servers that know byte ranges, ignore them or refuse them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from expected_pictures import assert_same, expected_picture
from playwright.sync_api import Page
from recordings import Builder, Recording, noise
from static_servers import VIEWER, StaticServer
from viewer_places import show

from seriesview.series.arrays import ArrayReader
from seriesview.series.manifest import ArrayInfo, parse_series_manifest
from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.share.single_file import export_single_file, plan_single_file

PLACES = [
    {"samplesPerColumn": 1, "columnsPerSample": 1, "leftColumn": 0},
    {"samplesPerColumn": 1, "columnsPerSample": 2, "leftColumn": 60_000},
    {"samplesPerColumn": 3, "columnsPerSample": 1, "leftColumn": 9_000},
    {"samplesPerColumn": 32, "columnsPerSample": 1, "leftColumn": 500},
]


@pytest.fixture(scope="module")
def recording(builder: Builder) -> Recording:
    """40,000 samples in parts of 512 and packs of six parts."""
    samples = noise(np.random.default_rng(72), 40_000, 6, "int16")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seriesview.series.packing.MAX_PART_BYTES", 8192)
        patch.setattr("seriesview.series.packing.MAX_PACK_BYTES", 40_000)
        return builder.regular("packed", [samples], full_resolution="store")


@pytest.fixture
def host(storage: Path) -> Iterator[StaticServer]:
    server = StaticServer(storage, {"/": VIEWER})
    yield server
    server.close()


@pytest.fixture
def address(host: StaticServer, builder: Builder, recording: Recording) -> str:
    workspace = builder.workspace("packs", [("ContinuousTraces", recording.name, recording.uri)])
    host.documents["/export.json"] = {"format": "seriesview-export/1", "workspace": workspace, "left_out": []}
    return f"{host.address}/"


def values_of(builder: Builder, recording: Recording) -> ArrayReader:
    values = parse_series_manifest(builder.store.get_json(recording.uri)).values
    assert isinstance(values, ArrayInfo)
    assert (values.part_rows, values.pack_parts, values.num_packs) == (512, 6, 14)
    return ArrayReader(builder.store, values)


@pytest.mark.parametrize("manner", ["known", "ignored", "refused"])
def test_the_same_pixels_whatever_becomes_of_ranges(
    page: Page, host: StaticServer, address: str, builder: Builder, recording: Recording, manner: str
) -> None:
    host.has_ranges, host.refuses_ranges = manner == "known", manner == "refused"
    viewer = show(page, address)
    for place in PLACES:
        viewer.set_state(**place)
        panel = viewer.panel()
        assert_same(panel, expected_picture(recording, panel, viewer.timeline()), (manner, place))
    values = values_of(builder, recording)
    packs = {values.pack_digest(pack).hex() for pack in range(values.info.num_packs)}
    whole = Counter(path[-40:] for path, wanted in host.asked if path[-40:] in packs and wanted is None)
    ranges = [wanted for path, wanted in host.asked if path[-40:] in packs and wanted is not None]
    if manner == "known":
        assert not whole
        assert len(ranges) > len(PLACES)
    else:
        assert set(whole.values()) == {1}
        assert not ranges or len(ranges) == 1


@pytest.mark.parametrize("form", ["folder", "single file"])
def test_shared_copies_show_the_same_pixels(
    page: Page, builder: Builder, recording: Recording, tmp_path: Path, form: str
) -> None:
    """With samples 1,000 to 30,000 alone, whose first and last packs lack some of their parts."""
    workspace = builder.workspace("packs", [("ContinuousTraces", recording.name, recording.uri)])
    out = tmp_path / "shared.html"
    wish = Wish(raw_ranges=((1.0, 30.0),))
    if form == "folder":
        export_folder(plan_export(builder.store, workspace, wish), builder.store, tmp_path / "out")
    else:
        export_single_file(plan_single_file(builder.store, workspace, wish), builder.store, out)
    server = StaticServer(tmp_path / "out", {"/": tmp_path / "out"})
    try:
        viewer = show(page, f"{server.address}/" if form == "folder" else out.as_uri())
        for place in (
            {"leftColumn": 1000},
            {"leftColumn": 29_000},
            {"samplesPerColumn": 16, "leftColumn": 10},
        ):
            viewer.set_state(**({"samplesPerColumn": 1, "columnsPerSample": 1} | place))
            panel = viewer.panel()
            assert_same(panel, expected_picture(recording, panel, viewer.timeline()), (form, place))
    finally:
        server.close()


@pytest.mark.parametrize("has_ranges", [True, False])
def test_a_damaged_part_is_said_and_the_others_of_its_pack_are_shown(
    page: Page, host: StaticServer, address: str, builder: Builder, recording: Recording, has_ranges: bool
) -> None:
    host.has_ranges = has_ranges
    values = values_of(builder, recording)
    part = 6 * 3 + 2
    host.spoilt[values.pack_digest(3).hex()] = values.info.part_offset(part) + 100
    viewer = show(page, address)
    viewer.set_state(samplesPerColumn=1, columnsPerSample=4, leftColumn=4 * 512 * part + 100)
    card = viewer.inside.locator(".panel [role=alert]:visible").first
    card.wait_for()
    assert values.digest(part).hex() in card.inner_text()
    # The first of the pack, and the one behind the damaged one.
    for sound in (part - 2, part + 1):
        viewer.set_state(samplesPerColumn=1, columnsPerSample=4, leftColumn=4 * 512 * sound + 200)
        panel = viewer.panel()
        assert_same(panel, expected_picture(recording, panel, viewer.timeline()), sound)
