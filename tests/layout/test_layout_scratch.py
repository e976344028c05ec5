"""What is put down for a while comes back, from memory and from a file."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seriesview.layout.scratch import Scratch


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=12), st.integers(0, 100), st.data())
def test_bytes_come_back_wherever_they_are(pieces, memory_bytes, data):
    scratch = Scratch(memory_bytes)
    expected = b""
    for piece in pieces:
        scratch.write(memoryview(piece), len(expected))
        expected += piece
    first = data.draw(st.integers(0, len(expected)))
    out = np.zeros(data.draw(st.integers(0, len(expected) - first)), np.uint8)
    scratch.read_into(out, first)
    assert out.tobytes() == expected[first : first + len(out)]
    scratch.close()


def test_its_file_is_opened_by_path_and_written_over():
    scratch = Scratch()
    scratch.write(memoryview(b"abcdef"), 0)
    scratch.write(memoryview(b"XY"), 2)
    assert scratch.path.read_bytes() == b"abXYef"
    scratch.close()


def test_a_full_disk_is_an_error():
    scratch = Scratch()
    scratch.write(memoryview(b"a"), 0)
    with Path("/dev/full").open("wb", buffering=0) as full:
        scratch._file.close()
        scratch._file = full
        with pytest.raises(OSError, match="No space left"):
            scratch.write(memoryview(b"b"), 1)


def test_threads_that_write_at_once_write_to_one_file():
    for _ in range(50):
        scratch = Scratch()
        pieces = [bytes([number]) * 100 for number in range(8)]
        with ThreadPoolExecutor(8) as executor:
            list(executor.map(scratch.write, map(memoryview, pieces), range(0, 800, 100)))
        assert scratch.path.read_bytes() == b"".join(pieces)
        scratch.close()
