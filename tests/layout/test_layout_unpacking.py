"""Inflating and unshuffling alone: lengths at the borders of pieces, narrow columns, memory used again."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.errors import IntegrityError
from seriesview.layout.unpacking import (
    Workspace,
    inflate_into,
    put_columns,
    put_turned,
    spread_rows,
    unshuffle_into,
)

PIECE = 1 << 16
SIZES = sorted({0, 1, *(base + step for base in (PIECE, 2 * PIECE, 5 * PIECE) for step in (-1, 0, 1))})


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["random", "zeros"])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_every_length_is_checked_to_the_byte(size: int, kind: str, level: int) -> None:
    data = bytes(size) if kind == "zeros" else np.random.default_rng(size).bytes(size)
    stored = np.frombuffer(zlib.compress(data, level), np.uint8)
    out = np.full(size, 0xA5, np.uint8)
    inflate_into(out, stored, ("chunk",))
    assert out.tobytes() == data
    for other in {size - 1, size + 1, max(0, size - PIECE), size + PIECE} - {size, -1}:
        with pytest.raises(IntegrityError, match=r"^chunk: holds "):
            inflate_into(np.empty(other, np.uint8), stored, ("chunk",))
    for cut in (1, 4, len(stored) // 2):
        with pytest.raises(IntegrityError, match=r"^chunk: its "):
            inflate_into(np.empty(size, np.uint8), stored[:-cut], ("chunk",))
    wrong = stored.copy()
    wrong[-1] ^= 1
    with pytest.raises(IntegrityError, match=r"^chunk: its "):
        inflate_into(np.empty(size, np.uint8), wrong, ("chunk",))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_unshuffling_into_any_columns_of_a_block(data: st.DataObject) -> None:
    dtype = np.dtype(data.draw(st.sampled_from(["<i2", ">i2", "<u4", ">f4", "<f8", ">i8"])))
    rows, columns = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    left, right = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
    random = np.random.default_rng(rows * 41 + columns)
    values = np.frombuffer(random.bytes(rows * columns * dtype.itemsize), dtype).reshape(rows, columns)
    planes = np.frombuffer(values.tobytes(), np.uint8).reshape(rows, columns, -1).transpose(2, 0, 1).copy()
    block = np.zeros((rows, left + columns + right), dtype.newbyteorder("="))
    workspace = Workspace()
    for _ in range(2):
        block[...] = 1
        out = block[:, left : left + columns]
        unshuffle_into(out, planes, dtype.isnative, workspace)
        assert out.tobytes() == values.astype(block.dtype).tobytes()
        assert (block[:, :left] == 1).all()
        assert (block[:, left + columns :] == 1).all()
    put_columns(out, values[:, ::-1] if columns == 1 else values)
    assert out.tobytes() == values.astype(block.dtype).tobytes()


@pytest.mark.parametrize("outer", [(), (3,)])
@pytest.mark.parametrize("dtype", ["<i2", ">f8"])
@pytest.mark.parametrize(("num_samples", "channels"), [(4096, 4), (4096, 40), (5000, 40), (16384, 17)])
def test_channels_any_way_apart_are_turned(
    num_samples: int, channels: int, dtype: str, outer: tuple[int, ...]
) -> None:
    values = np.random.default_rng(1).integers(-999, 999, (*outer, channels, num_samples)).astype(dtype)
    out = np.zeros((*outer, num_samples, channels + 2), np.dtype(dtype).newbyteorder("="))
    put_turned(out[..., 1:-1], values.swapaxes(-1, -2))
    assert (out[..., 1:-1] == values.swapaxes(-1, -2)).all()
    assert not out[..., [0, -1]].any()


def test_spread_rows_do_not_overlap() -> None:
    for length in (1, 31, 32, 4096):
        rows = spread_rows(5, length, np.dtype(np.int16))
        assert rows.shape == (5, length)
        rows[...] = np.arange(5)[:, None]
        assert (rows == np.arange(5)[:, None]).all()
        assert (rows.strides[0] // 64) % 2


def test_stages_smaller_than_a_column() -> None:
    values = np.random.default_rng(0).integers(-32768, 32767, (400_000, 3)).astype("<i2")
    planes = np.frombuffer(values.tobytes(), np.uint8).reshape(-1, 3, 2).transpose(2, 0, 1).copy()
    block = np.zeros((len(values), 5), np.int16)
    unshuffle_into(block[:, 1:4], planes, True, Workspace())
    assert (block[:, 1:4] == values).all()
    assert not block[:, [0, 4]].any()


def test_a_workspace_keeps_purposes_apart_and_large_chunks_not_at_all() -> None:
    workspace = Workspace()
    first, other = workspace.take("chunk", 1000), workspace.take("stored", 1000)
    assert not np.shares_memory(first, other)
    assert np.shares_memory(first, workspace.take("chunk", 500))
    assert len(workspace.take("chunk", 2000)) == 2000
    assert not np.shares_memory(workspace.take("chunk", 5 << 20), workspace.take("chunk", 5 << 20))
