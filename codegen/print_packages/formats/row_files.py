"""Files of lines, as a template writes them: CSV, TSV, TXT.

Promises: all lines of a file are equally long; memory does not grow with the quantity. Lines are written by numpy: what all rows have in common is
laid out once, and serials, signatures, parents, row numbers and PINs go into their places.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from codegen.cipher import SerialCipher
from codegen.print_packages.composing import Piece
from codegen.print_packages.formats import cells
from codegen.print_packages.formats.cells import Filling, Letters, Pattern
from codegen.print_packages.listed_codes import ListedCodes, Wording
from codegen.print_packages.templates import Encoding, Source, Template

ROWS_PER_STEP = 1 << 19  # some 64 MB between two commits
SIGNED_ROW_COST = 32  # a signed row takes as long as so many others
ROWS_PER_CHUNK = 1 << 15
_BLANK = "\x00"  # stands in a line where letters are to come, until their places are known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """Letters and the place in a line where they go, in units of the line's encoding."""

    at: int
    part: Letters


class RowFile:
    """A composer of lines."""

    fingerprint = ""

    def __init__(self, listed: ListedCodes, *, template: Template, cipher: SerialCipher) -> None:
        self._listed = listed
        self._cipher = cipher
        self._unit = np.dtype("<u2" if template.encoding is Encoding.UTF_16_LE else "u1")
        self._head = template.header_line()
        self._line, self._slots = _laid_out(template, listed.wording, row_digits=len(str(listed.rows)), unit=self._unit)

    @property
    def rows(self) -> int:
        return self._listed.rows

    @property
    def rows_per_step(self) -> int:
        signed = self._listed.wording.addresses.signer is not None
        return max(1, ROWS_PER_STEP // SIGNED_ROW_COST) if signed else ROWS_PER_STEP

    def head(self) -> bytes:
        return self._head

    def body(self, first: int, count: int, *, offset: int) -> Iterator[Piece]:
        assert offset == len(self._head) + first * len(self._line)  # noqa: S101 - what equally long lines promise
        page = np.tile(np.frombuffer(self._line, dtype=self._unit), (min(count, ROWS_PER_CHUNK), 1))
        for row in range(first, first + count, ROWS_PER_CHUNK):
            lines = page[: min(ROWS_PER_CHUNK, first + count - row)]
            filling = Filling(self._listed.part(row, len(lines)), self._cipher)
            for slot in self._slots:
                filling.write(lines[:, slot.at : slot.at + slot.part.width], slot.part)
            yield Piece(content=lines.tobytes())

    def tail(self, notes: BinaryIO, *, offset: int) -> Iterator[bytes]:
        del notes, offset
        return iter(())


def _laid_out(
    template: Template, wording: Wording, *, row_digits: int, unit: np.dtype[np.generic]
) -> tuple[bytes, tuple[_Slot, ...]]:
    """A line with blanks, and what goes where."""
    texts: list[str] = []
    parts: list[Letters] = []
    for column in template.columns:
        fixed = column.source is Source.FIXED
        pattern: Pattern = [column.text] if fixed else cells.pattern(column.source, wording, row_digits=row_digits)
        parts += [part for part in pattern if isinstance(part, Letters)]
        texts.append(template.cell("".join(_BLANK * part.width if isinstance(part, Letters) else part for part in pattern)))
    line = template.line(texts)
    blanks = np.flatnonzero(np.frombuffer(line, dtype=unit) == 0)
    slots, used = [], 0
    for part in parts:
        slots.append(_Slot(at=int(blanks[used]), part=part))
        used += part.width
    return line, tuple(slots)
