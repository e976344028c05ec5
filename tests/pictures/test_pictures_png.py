"""PNG files: what other programs read of them is what was drawn, and notes travel in them."""

import io

import numpy as np
import pytest
from PIL import Image

from seriesview.pictures.png import note_of, png, with_note


@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (40, 300), (882, 1280)])
def test_a_png_holds_every_pixel(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = Image.open(io.BytesIO(png(pixels)))
    assert found.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(found), pixels)


def test_a_note_changes_no_pixel_and_is_read_from_the_first_bytes():
    pixels = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
    plain = png(pixels)
    noted = with_note(plain, "0123abcd")
    assert note_of(noted[:100]) == "0123abcd"
    found = Image.open(io.BytesIO(noted))
    np.testing.assert_array_equal(np.asarray(found), pixels)
    assert found.text == {"seriesview": "0123abcd"}
    assert with_note(plain, "0123abcd") == noted


def test_what_has_no_note_has_none():
    picture = png(np.zeros((2, 2, 3), np.uint8))
    others = io.BytesIO()
    Image.new("RGB", (2, 2)).save(others, "PNG")
    for start in (picture, others.getvalue(), b"", b"\x89PNG", picture[:40], b"not a picture" * 9):
        assert note_of(start) is None
