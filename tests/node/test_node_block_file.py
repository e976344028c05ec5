"""Writing pieces in blocks: the same bytes, whatever the pieces."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seriesview.node import block_file
from seriesview.node.block_file import BLOCK_BYTES, BlockFile
from seriesview.store.writer import AtomicWriter

sizes = st.sampled_from(
    [0, 1, 4095, 4096, 4097, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES]
)


@pytest.mark.parametrize("is_direct", [True, False])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(sizes | st.integers(0, 2 * BLOCK_BYTES), max_size=6))
def test_any_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_direct: bool, lengths: list[int]
) -> None:
    if not is_direct:
        monkeypatch.setattr(block_file, "write_directly", lambda *_: 0)
    pieces = [bytes([number]) * length for number, length in enumerate(lengths)]
    with AtomicWriter(tmp_path).stage() as staged:
        blocks = BlockFile(staged)
        for piece in pieces:
            blocks.add(piece)
        blocks.finish()
        assert blocks.size == sum(lengths)
        assert staged.path.read_bytes() == b"".join(pieces)
