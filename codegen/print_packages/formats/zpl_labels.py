"""ZPL II for thermal printers: one label for each code, one line for each label.

Promises: line k of the file is row k, so that the rows to skip can be taken out by their numbers; all lines are equally long. Symbols are bitmaps (^GF),
not the printer's own (^BQ): so version, mask and size are those of the order, and every module is as many dots as its mark says. The
readable lines are in the printer's scalable font. Refuses labels that are smaller than the mark with its quiet zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from codegen.cipher import ALPHABET, SERIAL_LENGTH
from codegen.print_packages.composing import Piece
from codegen.print_packages.file_designs import LabelMm
from codegen.print_packages.listed_codes import ListedCodes
from codegen.symbology import captions
from codegen.symbology.mark_presses import MarkPress
from codegen.symbology.mark_sizes import MarkSize
from codegen.symbology.mark_specs import MarkSpec, ReadableLine
from codegen.symbology.symbol_files import widened
from codegen.symbols import MM_PER_INCH
from kit.refusals import Invalid

ROWS_PER_STEP = 1 << 15  # seconds of work, a hundred megabytes
ROWS_AT_ONCE = 1 << 9
LETTER_DOTS_MIN = 12  # below, thermal printers make blots of letters
LETTER_MM_MAX = 3
_ADVANCE = 0.62  # of the scalable font: width over height, capitals and digits
_LINE = 1.15
_HEX = np.frombuffer(b"".join(f"{byte:02X}".encode() for byte in range(256)), dtype=np.uint8).reshape(256, 2)

Lines = npt.NDArray[np.uint8]


class LabelSmallerThanMark(Invalid):
    code = "label_smaller_than_mark"
    says = "A mark of {mark_mm} mm with its quiet zone does not fit a label of {width_mm} by {height_mm} mm."


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelLayout:
    """Dots from the upper left corner of a label. `letter` 0: there is no room for lines that people read, or none are wanted."""

    width: int
    height: int
    symbol_left: int
    symbol_top: int
    text_top: int
    letter: int

    @property
    def line_dots(self) -> int:
        return round(self.letter * _LINE)


def laid_out(spec: MarkSpec, size: MarkSize, label: LabelMm | None) -> LabelLayout:
    """The mark in the middle of the label, with its readable lines below; without a label, a label that just holds them."""
    quiet, total = size.quiet_modules * size.module_dots, (size.modules + 2 * size.quiet_modules) * size.module_dots
    width = total if label is None else round(label.width * spec.dpi / MM_PER_INCH)
    letter = min(round(width / ((captions.letters_max(spec.text) + 1) * _ADVANCE)), round(LETTER_MM_MAX * spec.dpi / MM_PER_INCH))
    if spec.text is ReadableLine.NONE or letter < LETTER_DOTS_MIN:
        letter = 0
    text = 0 if not letter else size.module_dots + round(letter * _LINE) * _lines_of(spec)
    height = total + text if label is None else round(label.height * spec.dpi / MM_PER_INCH)
    if label is not None and (width < total or height < total):
        raise LabelSmallerThanMark(mark_mm=size.total_mm, width_mm=label.width, height_mm=label.height)
    if height < total + text:
        letter = text = 0
    top = (height - total - text) // 2
    return LabelLayout(
        width=width,
        height=height,
        symbol_left=(width - total) // 2 + quiet,
        symbol_top=top + quiet,
        text_top=top + total + size.module_dots,
        letter=letter,
    )


class ZplLabels:
    """A composer of labels. `press` draws symbols without quiet zone: the label's own paper is one."""

    fingerprint = ""
    rows_per_step = ROWS_PER_STEP

    def __init__(self, listed: ListedCodes, *, press: MarkPress, layout: LabelLayout, text: ReadableLine) -> None:
        if press.spec.quiet:
            raise ValueError("the quiet zone is the label's own paper")
        self._listed = listed
        self._press = press
        self._dots = press.size.module_dots
        row_bytes = -(-press.side * self._dots // 8)
        self._row_bytes = row_bytes
        graphic = row_bytes * press.side * self._dots
        head = (
            f"^XA^PW{layout.width}^LL{layout.height}^LH0,0"
            f"^FO{layout.symbol_left},{layout.symbol_top}^GFA,{graphic},{graphic},{row_bytes},"
        ).encode()
        data = b" " * (press.side * self._line_letters)
        texts = b""
        self._letters: list[tuple[int, int]] = []  # (place in the line, place in the serial)
        for number, line in enumerate(captions.lines(text, ALPHABET[:SERIAL_LENGTH]) if layout.letter else ()):
            top = layout.text_top + number * layout.line_dots
            start = f"^FO0,{top}^FB{layout.width},1,0,C^A0N,{layout.letter},{layout.letter}^FD".encode()
            at = len(head) + len(data) + len(b"^FS") + len(texts) + len(start)
            self._letters += [(at + place, ALPHABET.index(letter)) for place, letter in enumerate(line) if letter != " "]
            texts += start + line.encode() + b"^FS"
        self._graphic_at = len(head)
        self._line = head + data + b"^FS" + texts + b"^XZ\n"

    @property
    def rows(self) -> int:
        return self._listed.rows

    def head(self) -> bytes:
        return b""

    def body(self, first: int, count: int, *, offset: int) -> Iterator[Piece]:
        assert offset == first * len(self._line)  # noqa: S101 - what equally long lines promise
        page = np.tile(np.frombuffer(self._line, dtype=np.uint8), (min(count, ROWS_AT_ONCE), 1))
        for row in range(first, first + count, ROWS_AT_ONCE):
            lines = page[: min(ROWS_AT_ONCE, first + count - row)]
            listed = self._listed.part(row, len(lines))
            letters = np.ascontiguousarray(listed.serials).view(np.uint8).reshape(len(lines), SERIAL_LENGTH)
            for at, place in self._letters:
                lines[:, at] = letters[:, place]
            stop = self._graphic_at + self._press.side * self._line_letters
            lines[:, self._graphic_at : stop] = self._graphics(self._press.draw(listed.texts))
            yield Piece(content=lines.tobytes())

    def tail(self, notes: BinaryIO, *, offset: int) -> Iterator[bytes]:
        del notes, offset
        return iter(())

    @property
    def _line_letters(self) -> int:
        """A line of modules: its dots in hexadecimal once, then a colon for each line of dots that is the same."""
        return 2 * self._row_bytes + self._dots - 1

    def _graphics(self, rows: Lines) -> Lines:
        count, side = len(rows), self._press.side
        dots = widened(self._dots)[rows].reshape(count, side, -1)[:, :, : self._row_bytes]
        lines = np.full((count, side, self._line_letters), ord(":"), dtype=np.uint8)
        lines[:, :, : 2 * self._row_bytes] = _HEX[dots].reshape(count, side, -1)
        return lines.reshape(count, -1)


def _lines_of(spec: MarkSpec) -> int:
    return len(captions.lines(spec.text, ALPHABET[:SERIAL_LENGTH]))
