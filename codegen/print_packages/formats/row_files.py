"""Files of lines, as a template writes them: CSV, TSV, TXT.

Promises: all lines of a file are equally long; memory does not grow with the quantity. Lines are written by numpy: what all rows have in common is
laid out once, and serials, signatures, parents, row numbers and PINs go into their places.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from codegen.addresses import SIGNATURE_KEY, SIGNATURE_LENGTH
from codegen.cipher import SERIAL_LENGTH, SerialCipher
from codegen.print_packages import pins
from codegen.print_packages.composing import Piece
from codegen.print_packages.listed_codes import Listed, ListedCodes, Wording
from codegen.print_packages.pins import PIN_DIGITS
from codegen.print_packages.templates import Encoding, Source, Template

ROWS_PER_STEP = 1 << 19  # some 64 MB between two commits
SIGNED_ROW_COST = 32  # a signed row takes as long as so many others
ROWS_PER_CHUNK = 1 << 15
_GROUP = 4
_BLANK = "\x00"  # stands in a line where letters are to come, until their places are known
_DIGIT_ZERO = ord("0")

Lines = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


class _Field(Enum):
    """What differs from row to row."""

    SERIAL = auto()
    SIGNATURE = auto()
    PARENT = auto()
    ROW = auto()
    PIN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letters:
    """`letters` of a field, in a cell."""

    field: _Field
    letters: slice

    @property
    def width(self) -> int:
        return int(self.letters.stop - self.letters.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """Letters and the place in a line where they go, in units of the line's encoding."""

    at: int
    part: _Letters


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

    @property
    def line_bytes(self) -> int:
        return len(self._line)

    def head(self) -> bytes:
        return self._head

    def body(self, first: int, count: int, *, offset: int) -> Iterator[Piece]:
        assert offset == len(self._head) + first * len(self._line)  # noqa: S101 - what equally long lines promise
        page = np.tile(np.frombuffer(self._line, dtype=self._unit), (min(count, ROWS_PER_CHUNK), 1))
        for row in range(first, first + count, ROWS_PER_CHUNK):
            lines = page[: min(ROWS_PER_CHUNK, first + count - row)]
            self._fill(lines, self._listed.part(row, len(lines)))
            yield Piece(content=lines.tobytes())

    def tail(self, notes: BinaryIO, *, offset: int) -> Iterator[bytes]:
        del notes, offset
        return iter(())

    def _fill(self, lines: Lines, listed: Listed) -> None:
        serials = _letters(listed.serials)
        signatures = None if listed.signatures is None else _letters(listed.signatures)
        parents = None if listed.parents is None else _letters(listed.parents)
        for slot in self._slots:
            place = lines[:, slot.at : slot.at + slot.part.width]
            letters = slot.part.letters
            if slot.part.field is _Field.ROW:
                _write_numbers(place, first=listed.first + 1)
            elif slot.part.field is _Field.PIN:
                place[:] = pins.of_counters(self._cipher, listed.counters)
            elif slot.part.field is _Field.SIGNATURE and signatures is not None:
                place[:] = signatures[:, letters]
            elif slot.part.field is _Field.PARENT and parents is not None:
                place[:] = parents[:, letters]
            else:
                place[:] = serials[:, letters]


def _laid_out(
    template: Template, wording: Wording, *, row_digits: int, unit: np.dtype[np.generic]
) -> tuple[bytes, tuple[_Slot, ...]]:
    """A line with blanks, and what goes where."""
    cells: list[str] = []
    parts: list[_Letters] = []
    for column in template.columns:
        pattern = [column.text] if column.source is Source.FIXED else _pattern(column.source, wording, row_digits=row_digits)
        parts += [part for part in pattern if isinstance(part, _Letters)]
        cells.append(template.cell("".join(_BLANK * part.width if isinstance(part, _Letters) else part for part in pattern)))
    line = template.line(cells)
    blanks = np.flatnonzero(np.frombuffer(line, dtype=unit) == 0)
    slots, used = [], 0
    for part in parts:
        slots.append(_Slot(at=int(blanks[used]), part=part))
        used += part.width
    return line, tuple(slots)


def _pattern(source: Source, wording: Wording, *, row_digits: int) -> list[str | _Letters]:
    """What a cell is made of: texts that stay, and letters that do not."""
    serial = _whole(_Field.SERIAL, SERIAL_LENGTH)
    if source is Source.URL:
        signed = wording.addresses.signer is not None
        signature: list[str | _Letters] = [SIGNATURE_KEY, _whole(_Field.SIGNATURE, SIGNATURE_LENGTH)] if signed else []
        return [wording.addresses.head, serial, *signature]
    if source is Source.SERIAL_GROUPS:
        groups: list[str | _Letters] = []
        for start in range(0, SERIAL_LENGTH, _GROUP):
            groups += [" " if start else "", _Letters(field=_Field.SERIAL, letters=slice(start, start + _GROUP))]
        return groups
    patterns: dict[Source, list[str | _Letters]] = {
        Source.SERIAL: [serial],
        Source.HRI: [f"(01){wording.gtin}(21)" if wording.gtin else "(21)", serial],
        Source.GTIN: [wording.gtin],
        Source.LOT: [wording.lot],
        Source.KIND: [wording.kind.value],
        Source.PARENT_SERIAL: [] if wording.holding is None else [_whole(_Field.PARENT, SERIAL_LENGTH)],
        Source.ROW: [_whole(_Field.ROW, row_digits)],
        Source.PIN: [_whole(_Field.PIN, PIN_DIGITS)],
    }
    return patterns[source]


def _whole(field: _Field, width: int) -> _Letters:
    return _Letters(field=field, letters=slice(0, width))


def _write_numbers(place: Lines, *, first: int) -> None:
    numbers = np.arange(first, first + len(place), dtype=np.int64)
    for digit in range(place.shape[1] - 1, -1, -1):
        numbers, ones = np.divmod(numbers, 10)
        place[:, digit] = ones + _DIGIT_ZERO


def _letters(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
