"""Archives of pictures, one for each code: PNG of one bit a pixel, or SVG; named by row and serial, ten thousand to a folder.

    0000/000001-0816MZTTBH7PFP77PTNS.png

Promises: a picture has the size that the order's mark says, in whole dots of its printer, and says so itself; the readable line stands under the
symbol. Memory does not grow with the quantity.
"""

import zlib
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache, partial
from typing import BinaryIO

from codegen.print_packages.composing import Piece
from codegen.print_packages.formats import zip_archives
from codegen.print_packages.listed_codes import Listed, ListedCodes
from codegen.symbology import captions, symbol_files
from codegen.symbology.captions import CaptionPress
from codegen.symbology.mark_presses import MarkPress
from codegen.symbology.mark_specs import ReadableLine

ROWS_PER_STEP = 1 << 14  # seconds of work
ROWS_AT_ONCE = 1 << 8
ROWS_PER_FOLDER = 10_000
CAPTIONS_KEPT = 4
_FOLDER_DIGITS = 4


class Picture(StrEnum):
    PNG = "png"
    SVG = "svg"


class PictureZip:
    """A composer of one archive."""

    def __init__(self, listed: ListedCodes, *, press: MarkPress, picture: Picture) -> None:
        self._listed = listed
        self._press = press
        self._picture = picture
        self._row_digits = len(str(listed.rows))

    @property
    def rows(self) -> int:
        return self._listed.rows

    @property
    def rows_per_step(self) -> int:
        return ROWS_PER_STEP

    @property
    def fingerprint(self) -> str:
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION}, {captions.FINGERPRINT}" if self._picture is Picture.PNG else ""

    def head(self) -> bytes:
        return b""

    def body(self, first: int, count: int, *, offset: int) -> Iterator[Piece]:
        del offset
        for row in range(first, first + count, ROWS_AT_ONCE):
            listed = self._listed.part(row, min(ROWS_AT_ONCE, first + count - row))
            pictures = drawn(listed, press=self._press, picture=self._picture)
            members = map(zip_archives.member, self._names(listed), pictures)
            contents, notes = zip(*members, strict=True)
            yield Piece(content=b"".join(contents), notes=b"".join(notes))

    def tail(self, notes: BinaryIO, *, offset: int) -> Iterator[bytes]:
        return zip_archives.directory(
            notes, name_of=lambda first, count: self._names(self._listed.part(first, count)), offset=offset
        )

    def _names(self, listed: Listed) -> list[bytes]:
        digits, suffix = self._row_digits, self._picture.value
        return [
            f"{(row - 1) // ROWS_PER_FOLDER:0{_FOLDER_DIGITS}}/{row:0{digits}}-{serial.decode()}.{suffix}".encode()
            for row, serial in enumerate(listed.serials.tolist(), start=listed.first + 1)
        ]


def drawn(listed: Listed, *, press: MarkPress, picture: Picture) -> Iterator[bytes]:
    """The picture of each code, with its readable lines, as large as the press says."""
    return _pngs(listed, press) if picture is Picture.PNG else _svgs(listed, press)


def _pngs(listed: Listed, press: MarkPress) -> Iterator[bytes]:
    pixels = min(press.size.module_dots, symbol_files.PIXELS_PER_MODULE_MAX)
    under = _captions(press.spec.text, press.side * pixels)
    return symbol_files.pngs(
        press.draw(listed.texts),
        side=press.side,
        pixels_per_module=pixels,
        dpi=round(press.spec.dpi * pixels / press.size.module_dots),
        captions=under.draw(listed.serials) if under.height else None,
    )


def _svgs(listed: Listed, press: MarkPress) -> Iterator[bytes]:
    lines = None
    if press.spec.text is not ReadableLine.NONE:
        lines = [captions.lines(press.spec.text, serial.decode()) for serial in listed.serials.tolist()]
    draw = partial(symbol_files.svgs, side=press.side, module_mm=press.size.module_mm, captions=lines)
    return (document.encode() for document in draw(press.draw(listed.texts)))


@lru_cache(maxsize=CAPTIONS_KEPT)
def _captions(line: ReadableLine, width: int) -> CaptionPress:
    return CaptionPress(line, width)
