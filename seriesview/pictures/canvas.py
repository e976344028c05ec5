"""An image under construction: exact pixel columns and rectangles first, text on top, PNG at the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from seriesview.pictures.colors import BACKGROUND, INK, Color
from seriesview.pictures.png import png

Anchor = Literal["lt", "lm", "mt", "mm", "rt", "rm", "ls", "mb"]

TITLE_SIZE = 22
TEXT_SIZE = 14
SMALL_SIZE = 12


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: columns [left, right), rows [top, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top


@cache
def font(text_size: int) -> Any:
    """The font that comes with Pillow, at a size in pixels."""
    return ImageFont.load_default(text_size)


def text_width(text: str, text_size: int = SMALL_SIZE) -> int:
    """How many pixels wide a text is."""
    return int(np.ceil(font(text_size).getlength(text)))


def shorten(text: str, width: int, text_size: int = SMALL_SIZE) -> str:
    """The text, or as much of it as fits into `width` pixels, with dots after it."""
    if text_width(text, text_size) <= width:
        return text
    while text and text_width(text + "...", text_size) > width:
        text = text[:-1]
    return text + "..." if text else ""


class Canvas:
    """Pixels (height, width, 3) to draw into; nothing is smoothed but the letters."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.full((height, width, 3), BACKGROUND[0], dtype=np.uint8)
        self._texts: list[tuple[int, int, str, int, Color, str]] = []

    def fill(self, box: Box, color: Color) -> None:
        """Fill a rectangle; what lies outside the image is left out."""
        self.pixels[max(box.top, 0) : max(box.bottom, 0), max(box.left, 0) : max(box.right, 0)] = color

    def frame(self, box: Box, color: Color) -> None:
        """A line of one pixel just outside a box."""
        self.fill(Box(box.left - 1, box.top - 1, box.right + 1, box.top), color)
        self.fill(Box(box.left - 1, box.bottom, box.right + 1, box.bottom + 1), color)
        self.fill(Box(box.left - 1, box.top - 1, box.left, box.bottom + 1), color)
        self.fill(Box(box.right, box.top - 1, box.right + 1, box.bottom + 1), color)

    def text(
        self, x: int, y: int, text: str, size: int = SMALL_SIZE, color: Color = INK, anchor: Anchor = "lt"
    ) -> None:
        """A line of text, its anchor point (left, middle or right; top, middle or baseline) at (x, y)."""
        self._texts.append((x, y, text, size, color, anchor))

    def columns(
        self, box: Box, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], color: Color
    ) -> None:
        """One vertical line in each column of the box, from row `low` to row `high` (columns,), both inclusive.

        Rows count from the top of the image and are rounded to the nearest one; NaN draws nothing, and
        what lies outside the box is cut off.
        """
        known = ~(np.isnan(low) | np.isnan(high))
        top = np.rint(np.minimum(low, high)[known])
        bottom = np.rint(np.maximum(low, high)[known])
        inside = (bottom >= box.top) & (top < box.bottom)
        if not inside.any():
            return
        top = np.clip(top[inside], box.top, box.bottom - 1).astype(np.int64)
        bottom = np.clip(bottom[inside], box.top, box.bottom - 1).astype(np.int64)
        x = np.flatnonzero(known)[inside] + box.left
        first, last = int(top.min()), int(bottom.max()) + 1
        rows = np.arange(first, last)[:, None]
        mask = np.zeros((last - first, box.width), dtype=bool)
        mask[:, x - box.left] = (rows >= top) & (rows <= bottom)
        self.pixels[first:last, box.left : box.right][mask] = color

    def blend(self, box: Box, opacity: npt.NDArray[np.float64], color: Color) -> None:
        """Paint a colour over a box with an opacity (height, width) from 0 to 1."""
        area = self.pixels[box.top : box.bottom, box.left : box.right]
        mixed = area + opacity[:, :, None] * (np.array(color, dtype=np.float64) - area)
        area[:] = np.rint(mixed).astype(np.uint8)

    def image(self, box: Box, colors: npt.NDArray[np.uint8]) -> None:
        """Show (rows, columns, 3) colours in a box, each cell enlarged to whole pixels by nearest neighbour."""
        rows = np.arange(box.height) * colors.shape[0] // box.height
        columns = np.arange(box.width) * colors.shape[1] // box.width
        self.pixels[box.top : box.bottom, box.left : box.right] = colors[rows][:, columns]

    def png(self) -> bytes:
        """The finished image as a PNG file, the same bytes for the same drawing."""
        image = Image.fromarray(self.pixels)
        draw = ImageDraw.Draw(image)
        for x, y, text, size, color, anchor in self._texts:
            draw.text((x, y), text, fill=color, font=font(size), anchor=anchor)
        return png(np.asarray(image))
