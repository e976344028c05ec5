"""TDMS files whose samples lie plain are linked, and what is read by layout is what npTDMS reads."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import nptdms
import numpy as np
import pytest
from mutations import mutated

import seriesview
from seriesview.errors import SeriesviewError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout, RecordsLayout
from seriesview.readers import ReadOptions, list_candidates, open_recording
from seriesview.readers.adapters.tdms import TdmsReader

NOISE = np.random.default_rng(0).integers(-3000, 3000, (1000, 3)).astype(np.int16)
WAVE = {"wf_increment": 1e-3, "unit_string": "V"}
LINEAR = {
    "NI_Number_Of_Scales": 1,
    "NI_Scaling_Status": "unscaled",
    "NI_Scale[0]_Scale_Type": "Linear",
    "NI_Scale[0]_Linear_Slope": 0.5,
    "NI_Scale[0]_Linear_Y_Intercept": 3.0,
    "NI_Scale[0]_Linear_Input_Source": 0xFFFFFFFF,
}
NAMES = [f"/'dev'/'ai{c}'" for c in range(3)]


def write(path: Path, *ends: int, properties: dict[str, Any] = WAVE) -> Path:
    """By npTDMS: channels of NOISE in segments that end there; a slower one of float64 and one of texts with them."""
    with nptdms.TdmsWriter(str(path)) as writer:
        for first, last in zip((0, *ends), ends, strict=False):
            waves = [
                nptdms.ChannelObject("dev", f"ai{c}", NOISE[first:last, c], properties) for c in range(3)
            ]
            slow = nptdms.ChannelObject("slow", "t", np.arange(first, last, 10.0), {"wf_increment": 0.01})
            writer.write_segment(
                [waves[0], slow, nptdms.ChannelObject("words", "w", ["a", "bc"]), *waves[1:]]
            )
    return path


def segment(
    names: list[str],
    count: int,
    raw: bytes,
    *,
    kind: int = 3,
    big: bool = False,
    interleaved: bool = False,
    length: int | None = None,
    words: bool = True,
) -> bytes:
    """A segment with `count` values of one type of each channel in a chunk; `words` False: it has no metadata."""
    order = ">" if big else "<"
    metadata = struct.pack(f"{order}I", len(names)) if words else b""
    for name in names if words else ():
        metadata += struct.pack(f"{order}I", len(name)) + name.encode()
        metadata += struct.pack(f"{order}IIIQ", 20, kind, 1, count)
        metadata += struct.pack(f"{order}II", 1, len("wf_increment")) + b"wf_increment"
        metadata += struct.pack(f"{order}Id", 10, 0.01)
    flags = (1 << 3) | (6 if words else 0) | (interleaved << 5) | (big << 6)
    length = len(metadata) + len(raw) if length is None else length
    lead_in = b"TDSm" + struct.pack("<I", flags) + struct.pack(f"{order}IQQ", 4713, length, len(metadata))
    return lead_in + metadata + raw


def compare(path: Path) -> list[Any]:
    """The layouts of what a file holds; what is read by layout is what npTDMS reads."""
    layouts = []
    for candidate in TdmsReader().candidates(path):
        if candidate.problem is not None:
            continue
        keys: dict[str, Any] = {
            key: 1.0 if value is None else value for key, value in candidate.options.items()
        }
        with TdmsReader().open(path, ReadOptions(**keys)) as recording, nptdms.TdmsFile.open(path) as file:
            layouts.append(recording.layout)
            if recording.layout is None:
                continue
            out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
            recording.read_into(0, out)
            group = file[str(candidate.dataset).split("/")[0]]
            for column, channel in zip(out.T, recording.channels, strict=True):
                expected = group[channel.label].read_data(0, len(out), scaled=False)
                np.testing.assert_array_equal(column, expected)
    return layouts


def test_segments_of_one_length_are_records(tmp_path: Path) -> None:
    layout, slow = compare(write(tmp_path / "a.tdms", *range(100, 1001, 100)))
    assert isinstance(layout, RecordsLayout)
    assert (layout.num_samples, layout.samples_per_record) == (1000, 100)
    assert slow.num_samples == 100


@pytest.mark.parametrize("properties", [WAVE, {**WAVE, **LINEAR}])
def test_segments_of_several_lengths_are_pieces(tmp_path: Path, properties: dict[str, Any]) -> None:
    path = write(tmp_path / "a.tdms", 100, 200, 300, 700, 990, 1000, properties=properties)
    layout, _ = compare(path)
    assert isinstance(layout, FilesLayout)
    assert layout.num_samples == 1000
    with open_recording(path, None, ReadOptions(dataset="dev")) as recording:
        expected = (0.5, 3.0) if "NI_Number_Of_Scales" in properties else (1.0, 0.0)
        assert {(each.scale, each.offset) for each in recording.channels} == {expected}


def test_full_resolution_is_a_link(tmp_path: Path) -> None:
    path = tmp_path / "a.tdms"
    with nptdms.TdmsWriter(str(path)) as writer:
        for first in range(0, 1000, 250):
            block = NOISE[first : first + 250].T
            writer.write_segment([nptdms.ChannelObject("dev", f"ai{c}", block[c], WAVE) for c in range(3)])
    series = seriesview.build_workspace(path, store=tmp_path / "store").series["a"].open()
    assert "records" in series.manifest.to_json_dict()["values"]["link"]
    np.testing.assert_array_equal(series.values(0, 0, 1000), NOISE)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(("kind", "dtype"), [(2, "i2"), (3, "i4"), (10, "f8"), (0x19, "f4")])
def test_interleaved_samples_are_rows(tmp_path: Path, kind: int, dtype: str, big: bool) -> None:
    rows = NOISE.astype((">" if big else "<") + dtype)
    path = tmp_path / "a.tdms"
    written = {"kind": kind, "big": big, "interleaved": True}
    # Two chunks in the first segment; the second one has no metadata, and the last was not ended.
    first = segment(NAMES, 200, rows[:400].tobytes(), **written)  # type: ignore[arg-type]
    second = segment(NAMES, 200, rows[400:800].tobytes(), **written, words=False)  # type: ignore[arg-type]
    last = segment(NAMES, 400, rows[800:].tobytes()[:-1], **written, length=2**64 - 1)  # type: ignore[arg-type]
    path.write_bytes(first + second + last)
    (layout,) = compare(path)
    assert layout.num_samples == 999
    assert all(isinstance(piece, ContiguousLayout) for piece in layout.pieces)


@pytest.mark.parametrize("left", [0, 3, 400, 799, 800, 1200, 1602, 2399])
@pytest.mark.parametrize("length", [None, 2**64 - 1])
def test_of_a_cut_chunk_every_channel_is_read_as_far_as_it_goes(
    tmp_path: Path, left: int, length: int | None
) -> None:
    whole, chunk = NOISE[:600].T, NOISE[:200].T.tobytes() * 2
    first = segment(NAMES, 200, b"".join(whole[:, at : at + 200].tobytes() for at in (0, 200, 400)), kind=2)
    path = tmp_path / "a.tdms"
    last = segment(NAMES, 200, chunk, kind=2, length=length)
    path.write_bytes(first + last[: len(last) - len(chunk) + left])
    (layout,) = compare(path)
    assert layout.num_samples == 600 + left // 1200 * 200 + max(0, min(200, (left % 1200 - 800) // 2))


def test_chunks_whose_channels_may_lie_elsewhere_are_left_to_the_library(tmp_path: Path) -> None:
    path = tmp_path / "a.tdms"
    data = NOISE[:200].T.tobytes()
    path.write_bytes(segment(NAMES, 200, data + data[:600], kind=2) + segment(NAMES, 200, data, kind=2))
    assert compare(path) == [None]
    # As many values of each channel, but never together.
    path.write_bytes(
        segment(NAMES[:1], 200, data[:400], kind=2) + segment(NAMES[1:2], 200, data[400:800], kind=2)
    )
    assert compare(path) == [None]


def test_channels_that_are_in_some_segments_only_are_a_series_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.tdms"
    data = NOISE[:200].T.tobytes()
    path.write_bytes(segment(NAMES, 200, data, kind=2) + segment(NAMES[:2], 200, data[:800], kind=2))
    assert [layout.num_samples for layout in compare(path)] == [400, 200]


def test_an_index_that_says_other_than_the_file_is_no_layout(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tdms", 500, 1000)
    with nptdms.TdmsWriter(str(tmp_path / "b.tdms"), index_file=True) as writer:
        writer.write_segment([nptdms.ChannelObject("dev", f"ai{c}", NOISE[:400, c], WAVE) for c in range(3)])
    (tmp_path / "b.tdms_index").rename(tmp_path / "a.tdms_index")
    (candidate,) = list_candidates(path)
    with open_recording(path, None, ReadOptions(**candidate.options)) as recording:
        assert recording.layout is None


def test_of_damaged_files_too_samples_are_those_of_the_library(tmp_path: Path) -> None:
    path = tmp_path / "a.tdms"
    contents = [
        write(path, 20, 40, 70).read_bytes(),
        segment(NAMES, 20, NOISE[:40].tobytes(), kind=2, interleaved=True),
    ]
    num_linked = 0
    for content in contents:
        for data in mutated(content, 250):
            path.write_bytes(data)
            try:
                if data[:4] == b"TDSm":
                    num_linked += sum(layout is not None for layout in compare(path))
            except SeriesviewError:
                continue
    assert num_linked > 20
