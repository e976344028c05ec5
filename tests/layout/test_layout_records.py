"""Samples in records, and in pieces that follow one another, against picking each sample by its formula."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seriesview.layout import apart, records
from seriesview.layout.byte_file import ByteFile
from seriesview.layout.layouts import ContiguousLayout, FilesLayout, RecordsLayout
from seriesview.layout.sample_file import SampleFile


@st.composite
def layouts(draw: st.DrawFn) -> tuple[RecordsLayout, np.ndarray]:
    """A layout without its file, and the bytes of that."""
    dtype = np.dtype(draw(st.sampled_from(["<i2", ">i2", "<i4", "<f4", ">f8", "u1"])))
    per_record = draw(st.integers(1, 9))
    places = draw(st.permutations(range(draw(st.integers(1, 6)))))
    chosen = places[: draw(st.integers(1, len(places)))]
    spacing = per_record * dtype.itemsize
    padding = draw(st.integers(0, 5))
    stride = len(places) * spacing + padding
    num_samples = draw(st.integers(1, 60))
    offset = draw(st.integers(0, 7))
    num_records = -(-num_samples // per_record)
    content = np.random.default_rng(draw(st.integers(0, 9))).integers(
        0, 127, offset + num_records * stride, np.uint8
    )
    layout = RecordsLayout(
        Path(), dtype, num_samples, offset, stride, per_record, tuple(place * spacing for place in chosen)
    )
    return layout, content


def picked(layout: RecordsLayout, content: np.ndarray) -> np.ndarray:
    """Every sample by the formula of the layout."""
    out = np.empty((layout.num_samples, layout.num_channels), layout.dtype.newbyteorder("="))
    for i in range(layout.num_samples):
        record, within = divmod(i, layout.samples_per_record)
        for c, channel_offset in enumerate(layout.channel_offsets):
            at = (
                layout.offset
                + record * layout.record_stride
                + channel_offset
                + within * layout.dtype.itemsize
            )
            out[i, c] = content[at : at + layout.dtype.itemsize].view(layout.dtype)[0]
    return out


@given(made=layouts(), scratch=st.sampled_from([1, 16, 64, 4 << 20]), data=st.data())
def test_records_are_read_as_their_formula_says(
    made: tuple[RecordsLayout, np.ndarray],
    scratch: int,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    layout, content = made
    path = tmp_path_factory.mktemp("records") / "file.dat"
    # Behind the last sample the file may end, in the middle of a record.
    within = (layout.num_samples - 1) % layout.samples_per_record * layout.dtype.itemsize
    begin = layout.offset + (layout.num_samples - 1) // layout.samples_per_record * layout.record_stride
    end = begin + max(layout.channel_offsets) + within + layout.dtype.itemsize
    content[: end if data.draw(st.booleans()) else None].tofile(path)
    layout = RecordsLayout(path, *(getattr(layout, name) for name in list(vars(layout))[1:]))
    whole = picked(layout, content)
    first = data.draw(st.integers(0, layout.num_samples))
    last = data.draw(st.integers(first, layout.num_samples))
    channels = data.draw(
        st.lists(st.integers(0, layout.num_channels - 1), min_size=1, unique=True) | st.none()
    )
    with pytest.MonkeyPatch.context() as patch, SampleFile(layout) as samples:
        for module, name in (
            (records, "_SCRATCH_BYTES"),
            (records, "LARGE_RECORD_BYTES"),
            (apart, "_SCRATCH_BYTES"),
        ):
            patch.setattr(module, name, max(scratch, layout.dtype.itemsize))
        out = np.empty((last - first, layout.num_channels), samples.dtype)
        samples.read_into(first, out)
        assert out.tobytes() == whole[first:last].tobytes()
        read = samples.read(first, last, channels)
        wanted = whole[first:last] if channels is None else whole[first:last][:, channels]
        assert read.tobytes() == wanted.tobytes()


@given(lengths=st.lists(st.integers(0, 20), min_size=1, max_size=5), data=st.data())
def test_pieces_follow_one_another(
    lengths: list[int], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    whole = np.arange(sum(lengths) * 3, dtype=np.int16).reshape(-1, 3)
    pieces = []
    first = 0
    for number, length in enumerate(lengths):
        dtype = np.dtype("<i2" if number % 2 else ">i2")
        path = folder / f"{number}.dat"
        whole[first : first + length].astype(dtype).tofile(path)
        pieces.append(ContiguousLayout(path, dtype, length, 3, 0, 6, 2))
        first += length
    layout = FilesLayout(tuple(pieces))
    begin = data.draw(st.integers(0, layout.num_samples))
    end = data.draw(st.integers(begin, layout.num_samples))
    with SampleFile(layout) as samples:
        assert np.array_equal(samples.read(begin, end, [2, 0]), whole[begin:end][:, [2, 0]])
        out = np.empty((end - begin, 3), np.int16)
        samples.read_into(begin, out)
        assert np.array_equal(out, whole[begin:end])


@given(
    made=layouts(),
    is_by_record=st.booleans(),
    ahead=st.sampled_from([16, 100, 1000]),
    steps=st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 30)), max_size=12),
)
def test_blocks_one_behind_the_other_are_right_wherever_they_jump(
    made: tuple[RecordsLayout, np.ndarray],
    is_by_record: bool,
    ahead: int,
    steps: list[tuple[int, int]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Most blocks begin where the one before ended; those that do not are read by themselves."""
    layout, content = made
    path = tmp_path_factory.mktemp("apart") / "file.dat"
    whole = picked(layout, content)
    made_layout: ContiguousLayout | RecordsLayout
    if is_by_record:
        content.tofile(path)
        made_layout = RecordsLayout(path, *(getattr(layout, name) for name in list(vars(layout))[1:]))
    else:
        whole.T.astype(layout.dtype).tofile(path)
        size = layout.dtype.itemsize
        made_layout = ContiguousLayout(
            path, layout.dtype, len(whole), whole.shape[1], 0, size, size * len(whole)
        )
    with pytest.MonkeyPatch.context() as patch, SampleFile(made_layout) as samples:
        patch.setattr(records, "LARGE_RECORD_BYTES", 0)
        patch.setattr(apart, "_SCRATCH_BYTES", 16)
        patch.setattr(apart, "_AHEAD_BYTES", ahead)
        place = 0
        for jump, count in steps:
            first = min(max(place + (jump if abs(jump) > 6 else 0), 0), len(whole))
            place = min(first + count, len(whole))
            out = np.empty((place - first, whole.shape[1]), samples.dtype)
            samples.read_into(first, out)
            assert out.tobytes() == whole[first:place].tobytes()


def test_a_pass_over_many_channels_one_after_the_other_is_few_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.dat"
    whole = np.random.default_rng(0).integers(-99, 99, (120_000, 384)).astype("<i2")
    whole.T.tofile(path)
    layout = ContiguousLayout(path, np.dtype("<i2"), *whole.shape, 0, 2, 2 * len(whole))
    reads = []
    original = ByteFile.read_into
    monkeypatch.setattr(ByteFile, "read_into", lambda *arguments: reads.append(1) or original(*arguments))
    with SampleFile(layout) as samples:
        out = np.empty((5461, 384), np.int16)
        for first in range(0, 120_000, 5461):
            block = out[: 120_000 - first]
            samples.read_into(first, block)
            assert np.array_equal(block, whole[first : first + 5461])
    # Of 22 blocks the first is read by itself, the others 43,690 rows at a time.
    assert len(reads) == 384 * 4
    reads.clear()
    with SampleFile(layout, reads_ahead=False) as samples:
        for first in (0, 100, 200):
            assert np.array_equal(
                samples.read(first, first + 100, [3, 1]), whole[first : first + 100, [3, 1]]
            )
    assert len(reads) == 6


@pytest.mark.parametrize(("channels", "per_record"), [(40, 1024), (100, 512), (600, 250), (70, 256)])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_channels_that_would_share_places_of_a_cache(
    tmp_path: Path, channels: int, per_record: int, is_reversed: bool
) -> None:
    whole = np.random.default_rng(0).integers(-99, 99, (3 * per_record, channels)).astype("<i2")
    path = tmp_path / "file.dat"
    whole.reshape(3, per_record, channels).transpose(0, 2, 1).tofile(path)
    offsets = [2 * per_record * channel for channel in range(channels)]
    order = np.arange(channels)[::-1] if is_reversed else np.arange(channels)
    layout = RecordsLayout(
        path,
        whole.dtype,
        len(whole),
        0,
        2 * per_record * channels,
        per_record,
        tuple(offsets[c] for c in order),
    )
    with SampleFile(layout) as samples:
        assert np.array_equal(samples.read(0, len(whole)), whole[:, order])
        first, last = per_record // 2 + 3, 2 * per_record + 7
        assert np.array_equal(samples.read(first, last), whole[first:last][:, order])
