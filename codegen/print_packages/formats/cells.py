"""What stands in a cell: texts that are the same in every row, and letters that are not.

Promises: the cells of a column are all of one length, so that whoever writes them lays a row out once and fills the letters in. Pure.
"""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
import numpy.typing as npt

from codegen.addresses import SIGNATURE_KEY, SIGNATURE_LENGTH, Texts
from codegen.cipher import SERIAL_LENGTH, SerialCipher
from codegen.print_packages.guarding import pins
from codegen.print_packages.guarding.pins import PIN_DIGITS
from codegen.print_packages.listed_codes import Listed, Wording
from codegen.print_packages.templates import Source

SERIAL_GROUP = 4
_DIGIT_ZERO = ord("0")

Characters = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


class Field(Enum):
    """What differs from row to row."""

    SERIAL = auto()
    SIGNATURE = auto()
    PARENT = auto()
    ROW = auto()
    PIN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """`letters` of a field."""

    field: Field
    letters: slice

    @property
    def width(self) -> int:
        return int(self.letters.stop - self.letters.start)


Pattern = list[str | Letters]


def pattern(source: Source, wording: Wording, *, row_digits: int) -> Pattern:
    """The parts of the cells of a column that is not fixed."""
    serial = _whole(Field.SERIAL, SERIAL_LENGTH)
    if source is Source.URL:
        signed = wording.addresses.signer is not None
        signature: Pattern = [SIGNATURE_KEY, _whole(Field.SIGNATURE, SIGNATURE_LENGTH)] if signed else []
        return [wording.addresses.head, serial, *signature]
    if source is Source.SERIAL_GROUPS:
        groups: Pattern = []
        for start in range(0, SERIAL_LENGTH, SERIAL_GROUP):
            groups += [" " if start else "", Letters(field=Field.SERIAL, letters=slice(start, start + SERIAL_GROUP))]
        return groups
    patterns: dict[Source, Pattern] = {
        Source.SERIAL: [serial],
        Source.HRI: [f"(01){wording.gtin}(21)" if wording.gtin else "(21)", serial],
        Source.GTIN: [wording.gtin],
        Source.LOT: [wording.lot],
        Source.KIND: [wording.kind.value],
        Source.PARENT_SERIAL: [] if wording.holding is None else [_whole(Field.PARENT, SERIAL_LENGTH)],
        Source.ROW: [_whole(Field.ROW, row_digits)],
        Source.PIN: [_whole(Field.PIN, PIN_DIGITS)],
    }
    return patterns[source]


class Filling:
    """The letters of some rows."""

    def __init__(self, listed: Listed, cipher: SerialCipher) -> None:
        self._listed = listed
        self._cipher = cipher
        self._texts = {Field.SERIAL: _letters(listed.serials)}
        if listed.signatures is not None:
            self._texts[Field.SIGNATURE] = _letters(listed.signatures)
        if listed.parents is not None:
            self._texts[Field.PARENT] = _letters(listed.parents)

    def write(self, place: Characters, part: Letters) -> None:
        """Into an array of a row of characters for each row."""
        if part.field is Field.ROW:
            _write_numbers(place, first=self._listed.first + 1)
        elif part.field is Field.PIN:
            place[:] = pins.of_counters(self._cipher, self._listed.counters)
        else:
            place[:] = self._texts[part.field][:, part.letters]


def _whole(field: Field, width: int) -> Letters:
    return Letters(field=field, letters=slice(0, width))


def _write_numbers(place: Characters, *, first: int) -> None:
    numbers = np.arange(first, first + len(place), dtype=np.int64)
    for digit in range(place.shape[1] - 1, -1, -1):
        numbers, ones = np.divmod(numbers, 10)
        place[:, digit] = ones + _DIGIT_ZERO


def _letters(texts: Texts) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), texts.dtype.itemsize)
