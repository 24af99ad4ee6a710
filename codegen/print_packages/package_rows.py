"""The bytes of a package file: a stretch of an order with canaries between its codes, as a template writes them.

Promises: the file is a function of its byte positions (`read`), so whoever goes on after a crash writes the same bytes; memory does not
grow with the quantity. Lines are written by numpy: what all rows have in common is laid out once, and serials, row numbers and PINs go
into their places. Rows of the file are counted from 1 in manifests and in the row column; from 0 here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from codegen import digital_link
from codegen.cipher import SERIAL_LENGTH, SerialCipher
from codegen.gtin import Gtin
from codegen.kinds import Kind, Profile
from codegen.print_packages import pins
from codegen.print_packages.pins import PIN_DIGITS
from codegen.print_packages.templates import Encoding, Source, Template, TemplateMalformed

T = TypeVar("T", bound=np.generic)

ROWS_PER_CHUNK = 1 << 15
_GROUP = 4
_DIGIT_ZERO = ord("0")


class Content(StrEnum):
    """A PIN never travels with its code: packages of the two kinds have columns, parts and recipients of their own."""

    CODES = "codes"
    PINS = "pins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What a file lists: `codes` counters from `first_counter`; canary i, of counter `canary_first + i`, in row `canary_rows[i]`."""

    first_counter: int
    codes: int
    canary_first: int = 0
    canary_rows: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        return self.codes + len(self.canary_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What all rows say alike."""

    origin: str
    gtin: Gtin
    lot: str
    kind: Kind
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """`letters` of the source go to column `at` of a line, in characters of the line's encoding unit."""

    at: int
    source: Source
    letters: slice


class PackageRows:
    """A file, laid out and not yet written."""

    def __init__(self, cipher: SerialCipher, *, stretch: Stretch, wording: Wording, template: Template, content: Content) -> None:
        check_columns(template, content)
        self._cipher = cipher
        self._stretch = stretch
        order = np.argsort(np.array(stretch.canary_rows, dtype=np.int64), kind="stable")
        self._canary_rows = np.array(stretch.canary_rows, dtype=np.int64)[order]
        self._canary_counters = (order + stretch.canary_first).astype(np.uint64)
        canary_serials = cipher.serials(stretch.canary_first, len(stretch.canary_rows)) if stretch.canary_rows else None
        self._canary_serials = None if canary_serials is None else _letters(canary_serials)[order]
        self._unit = np.dtype("<u2" if template.encoding is Encoding.UTF_16_LE else "u1")
        self._row_digits = len(str(stretch.rows))
        self._head = template.header_line()
        self._line, self._slots = self._lay_out(template, wording)

    @property
    def header_bytes(self) -> int:
        return len(self._head)

    @property
    def size_bytes(self) -> int:
        return len(self._head) + self._stretch.rows * len(self._line)

    def rows_in(self, size_bytes: int) -> int:
        """How many whole rows so many first bytes hold."""
        return max(0, size_bytes - len(self._head)) // len(self._line)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Bytes `start` to `stop` (not included) of the file, in pieces."""
        if start < len(self._head):
            yield self._head[start:stop]
        start, stop = max(start - len(self._head), 0), min(stop, self.size_bytes) - len(self._head)
        if start >= stop:
            return
        size = len(self._line)
        first, last = start // size, -(-stop // size)
        lines = np.tile(np.frombuffer(self._line, dtype=self._unit), (min(last - first, ROWS_PER_CHUNK), 1))
        for row in range(first, last, ROWS_PER_CHUNK):
            count = min(ROWS_PER_CHUNK, last - row)
            self._fill(lines[:count], row)
            raw = lines[:count].tobytes()
            yield raw[max(0, start - row * size) : stop - row * size]

    def _lay_out(self, template: Template, wording: Wording) -> tuple[bytes, tuple[_Slot, ...]]:
        """A line with blanks, and where they are. A private character of one unit marks a blank until its place is known."""
        blank = "\x00"
        serial = blank * SERIAL_LENGTH
        values = {
            Source.URL: digital_link.prefix(wording.origin, wording.gtin, wording.profile) + serial,
            Source.SERIAL: serial,
            Source.SERIAL_GROUPS: " ".join([blank * _GROUP] * (SERIAL_LENGTH // _GROUP)),
            Source.HRI: f"(01){wording.gtin}(21){serial}",
            Source.GTIN: wording.gtin,
            Source.LOT: wording.lot,
            Source.KIND: wording.kind.value,
            Source.ROW: blank * self._row_digits,
            Source.PIN: blank * PIN_DIGITS,
        }
        cells = [template.cell(one.text if one.source is Source.FIXED else values[one.source]) for one in template.columns]
        line = template.line(cells)
        units = np.frombuffer(line, dtype=self._unit)
        blanks = np.flatnonzero(units == 0)
        slots, used = [], 0
        for column in template.columns:
            if column.source is Source.FIXED:
                continue
            letters = values[column.source].count(blank)
            for start in range(0, letters, _GROUP if column.source is Source.SERIAL_GROUPS else max(letters, 1)):
                stop = min(letters, start + (_GROUP if column.source is Source.SERIAL_GROUPS else letters))
                slots.append(_Slot(at=int(blanks[used]), source=column.source, letters=slice(start, stop)))
                used += stop - start
        return line, tuple(slots)

    def _fill(self, lines: npt.NDArray[np.uint8], row: int) -> None:
        count = len(lines)
        low, high = np.searchsorted(self._canary_rows, (row, row + count))
        among = self._canary_rows[low:high] - row
        first = self._stretch.first_counter + row - int(low)
        codes = count - len(among)
        serials = _letters(self._cipher.serials(first, codes))
        if self._canary_serials is not None and len(among):
            serials = _merged(serials, self._canary_serials[low:high], among)
        for slot in self._slots:
            width = slot.letters.stop - slot.letters.start
            place = lines[:, slot.at : slot.at + width]
            if slot.source is Source.ROW:
                _write_numbers(place, first=row + 1)
            elif slot.source is Source.PIN:
                counters = np.arange(first, first + codes, dtype=np.uint64)
                place[:] = pins.of_counters(self._cipher, _merged(counters, self._canary_counters[low:high], among))
            else:
                place[:] = serials[:, slot.letters]


def check_columns(template: Template, content: Content) -> None:
    sources = {column.source for column in template.columns}
    if content is Content.CODES and Source.PIN in sources:
        raise TemplateMalformed(part="columns", why="PINs travel in a package of their own")
    if content is Content.PINS and not {Source.PIN, Source.SERIAL} <= sources:
        raise TemplateMalformed(part="columns", why="a package of PINs has the columns serial and pin")
    if content is Content.CODES and not sources & {Source.URL, Source.SERIAL, Source.SERIAL_GROUPS, Source.HRI}:
        raise TemplateMalformed(part="columns", why="none of them tells one code from another")


def _merged(codes: npt.NDArray[T], canaries: npt.NDArray[T], among: npt.NDArray[np.int64]) -> npt.NDArray[T]:
    """`codes` with `canaries` put in at the places `among`: copied a run at a time."""
    out = np.empty((len(codes) + len(canaries), *codes.shape[1:]), dtype=codes.dtype)
    done = 0
    for number, place in enumerate(among):
        out[done:place] = codes[done - number : place - number]
        out[place] = canaries[number]
        done = int(place) + 1
    out[done:] = codes[done - len(among) :]
    return out


def _write_numbers(place: npt.NDArray[np.uint8], *, first: int) -> None:
    numbers = np.arange(first, first + len(place), dtype=np.int64)
    for digit in range(place.shape[1] - 1, -1, -1):
        numbers, ones = np.divmod(numbers, 10)
        place[:, digit] = ones + _DIGIT_ZERO


def _letters(serials: npt.NDArray[np.bytes_]) -> npt.NDArray[np.uint8]:
    return serials.view(np.uint8).reshape(len(serials), SERIAL_LENGTH)
