"""The lines under a symbol that people read: two short ones, so that letters stay large on a small mark; and their pixels.

    2QQR 5FVA 3J7Y          2QQR5FVA3J
      XVET FPZR             7YXVETFPZR

Promises: every caption of a press has the same height and width, and its letters fit the width; all are equally wide, in Pillow's own typeface.
Letters are drawn once, and captions are put together from them by numpy. A width in which letters would run into one another has no
caption. Pure.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image, ImageDraw, ImageFont, features

from codegen.cipher import ALPHABET, SERIAL_LENGTH
from codegen.symbology.mark_specs import ReadableLine

FINGERPRINT = f"Pillow {PIL.__version__}, FreeType {features.version('freetype2')}"
CELL_PIXELS_MIN = 6  # below, letters run into one another
CELL_PIXELS_MAX = 100
_GAP = -1
_LINES = {
    ReadableLine.NONE: (),
    ReadableLine.SERIAL: (tuple(range(10)), tuple(range(10, SERIAL_LENGTH))),
    ReadableLine.SERIAL_GROUPS: (
        (0, 1, 2, 3, _GAP, 4, 5, 6, 7, _GAP, 8, 9, 10, 11),
        (12, 13, 14, 15, _GAP, 16, 17, 18, 19),
    ),
}
_ASPECT = 1.5  # height of a line over the width of a letter's cell
_DARK_FROM = 100
_CODES = 256

Bits = npt.NDArray[np.uint8]
Texts = npt.NDArray[np.bytes_]


def lines(line: ReadableLine, serial: str) -> tuple[str, ...]:
    return tuple("".join(" " if place == _GAP else serial[place] for place in places) for places in _LINES[line])


def letters_max(line: ReadableLine) -> int:
    """Letters and gaps of the longest line."""
    return max(map(len, _LINES[line]), default=0)


@dataclass(frozen=True)
class CaptionPress:
    """Captions for pictures of `width` pixels."""

    line: ReadableLine
    width: int

    @property
    def height(self) -> int:
        """In pixels; 0: there is no caption."""
        if self.line is ReadableLine.NONE or self._cell < CELL_PIXELS_MIN:
            return 0
        return self._line_height * len(_LINES[self.line]) + self._cell // 2

    def draw(self, serials: Texts) -> Bits:
        """Pixels of shape (count, height, width), dark 1. Whatever stands behind a serial is left out."""
        letters = np.ascontiguousarray(serials).view(np.uint8).reshape(len(serials), -1)[:, :SERIAL_LENGTH]
        out = np.zeros((len(serials), self.height, self.width), dtype=np.uint8)
        for number, places in enumerate(_LINES[self.line] if self.height else ()):
            left = (self.width - self._cell * len(places)) // 2
            top = number * self._line_height
            for column, place in enumerate(places):
                if place != _GAP:
                    at = left + column * self._cell
                    out[:, top : top + self._line_height, at : at + self._cell] = self._glyphs[letters[:, place]]
        return out

    @property
    def _line_height(self) -> int:
        return round(self._cell * _ASPECT)

    @property
    def _cell(self) -> int:
        """The width of a letter with its space."""
        return min(self.width // (letters_max(self.line) + 1), CELL_PIXELS_MAX)

    @cached_property
    def _glyphs(self) -> Bits:
        """A picture of each letter, by its code; what is no letter of a serial is empty."""
        glyphs = np.zeros((_CODES, self._line_height, self._cell), dtype=np.uint8)
        font = self._font()
        for letter in ALPHABET:
            image = Image.new("L", (self._cell, self._line_height))
            ImageDraw.Draw(image).text((self._cell / 2, self._line_height / 2), letter, fill=255, font=font, anchor="mm")
            glyphs[ord(letter)] = np.asarray(image) >= _DARK_FROM
        return glyphs

    def _font(self) -> ImageFont.FreeTypeFont:
        """The largest in which every letter fits its cell."""
        for size in range(2 * self._line_height, 0, -1):
            font = ImageFont.load_default(size)
            if not isinstance(font, ImageFont.FreeTypeFont):
                break
            boxes = [font.getbbox(letter, anchor="mm") for letter in ALPHABET]
            if all(right - left <= self._cell and bottom - top < self._line_height for left, top, right, bottom in boxes):
                return font
        raise RuntimeError("Pillow was built without FreeType, and has no typeface of its own")
